"""Section 2: how fields become bytes. It knows no structure and no hash.

Each type has `read(reader)` and `write(value)`. A reader takes also what is not in its one form;
`decode` writes the result again and compares, as the specification asks.
"""

import unicodedata

TIME_MS_MAX = 253402300799999

# The Unicode property White_Space; str.isspace of Python differs from it.
WHITE_SPACE = {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)}
WHITE_SPACE |= {0x2028, 0x2029, 0x202F, 0x205F, 0x3000}


class Refused(Exception):
    """What is refused, by its code of section 18."""

    def __init__(self, code, why=""):
        super().__init__(f"{code}: {why}" if why else code)
        self.code = code


def malformed(why):
    return Refused("malformed", why)


def require(holds, why):
    if not holds:
        raise malformed(why)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise malformed("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]


def decode(kind, data, most=None):
    """The value of these bytes, which must be all of it and in their one form."""
    value = decode_form(kind, data, most)
    if kind.write(value) != data:
        raise Refused("not-canonical")
    return value


def decode_form(kind, data, most=None):
    """As `decode`, and whether the form is the one form is left to the caller."""
    if most is not None and len(data) > most:
        raise Refused("too-large")
    reader = Reader(data)
    value = kind.read(reader)
    require(reader.at == len(data), "something follows it")
    return value


class Byte:
    def read(self, reader):
        return reader.take(1)[0]

    def write(self, value):
        return bytes([value])


class Unsigned:
    """`u16`, `u32` and `u64`."""

    def __init__(self, bits, least=0, most=None):
        self.bytes, self.least = bits // 8, least
        self.most = (1 << bits) - 1 if most is None else most

    def read(self, reader):
        first = reader.take(1)[0]
        if first < 251:
            value = first
        else:
            size = {251: 2, 252: 4, 253: 8}.get(first)
            require(size is not None and size <= self.bytes, "no number of this width begins so")
            value = int.from_bytes(reader.take(size), "little")
        require(self.least <= value <= self.most, "a number beyond its bounds")
        return value

    def write(self, value):
        if value < 251:
            return bytes([value])
        first, size = (251, 2) if value < 1 << 16 else (252, 4) if value < 1 << 32 else (253, 8)
        return bytes([first]) + value.to_bytes(size, "little")


class Signed:
    """`i64`."""

    def __init__(self, least, most):
        self.least, self.most = least, most

    def read(self, reader):
        folded = U64.read(reader)
        value = folded >> 1 if folded % 2 == 0 else -(folded >> 1) - 1
        require(self.least <= value <= self.most, "an amount beyond its bounds")
        return value

    def write(self, value):
        return U64.write(2 * value if value >= 0 else -2 * value - 1)


class Bool:
    def read(self, reader):
        value = reader.take(1)[0]
        require(value < 2, "a bool is 0 or 1")
        return value == 1

    def write(self, value):
        return bytes([value])


class Word:
    """A number whose meaning is listed."""

    def __init__(self, *listed):
        self.listed = set(listed)

    def read(self, reader):
        value = U16.read(reader)
        require(value in self.listed, f"{value} is not listed")
        return value

    def write(self, value):
        return U16.write(value)


class Fixed:
    """`bytes N`."""

    def __init__(self, size, check=None):
        self.size, self.check = size, check

    def read(self, reader):
        value = reader.take(self.size)
        if self.check:
            self.check(value)
        return value

    def write(self, value):
        return value


class Bytes:
    """`bytes ≤ N`."""

    def __init__(self, most, least=0):
        self.most, self.least = most, least

    def read(self, reader):
        size = U64.read(reader)
        require(self.least <= size <= self.most, "its length is beyond the bounds of its field")
        return reader.take(size)

    def write(self, value):
        return U64.write(len(value)) + value


class Text:
    """`text ≤ N` and `prose ≤ N`, the length in bytes."""

    def __init__(self, most, least=0, inside="", check=None):
        self.bytes, self.inside, self.check = Bytes(most, least), inside, check

    def read(self, reader):
        try:
            value = self.bytes.read(reader).decode("utf-8")
        except UnicodeDecodeError:
            raise malformed("no UTF-8") from None
        for char in value:
            control = unicodedata.category(char) == "Cc" or char in "\u2028\u2029"
            require(not control or char in self.inside, "a control character")
        for end in value[:1] + value[-1:]:
            require(ord(end) not in WHITE_SPACE, "white space at an end")
        if self.check:
            self.check(value)
        return value

    def write(self, value):
        return self.bytes.write(value.encode("utf-8"))


def prose(most):
    return Text(most, inside="\n\t")


class Option:
    def __init__(self, kind):
        self.kind = kind

    def read(self, reader):
        return self.kind.read(reader) if BOOL.read(reader) else None

    def write(self, value):
        return b"\0" if value is None else b"\1" + self.kind.write(value)


class Absent:
    """A field that is absent in this version."""

    def read(self, reader):
        require(not BOOL.read(reader), "a field that is absent in this version")

    def write(self, value):
        return b"\0"


class List:
    def __init__(self, kind, most, least=0):
        self.kind, self.most, self.least = kind, most, least

    def read(self, reader):
        count = U64.read(reader)
        require(self.least <= count <= self.most, "too few or too many items")
        return [self.kind.read(reader) for _ in range(count)]

    def write(self, value):
        return U64.write(len(value)) + b"".join(map(self.kind.write, value))


class Set(List):
    """Ascends strictly by the bytes of its items. Written in order and without repetition, so what
    is read in another order is found by comparing."""

    def write(self, value):
        items = sorted({self.kind.write(item) for item in value})
        return U64.write(len(items)) + b"".join(items)


class Struct:
    """Fields one after another, and the rules between them."""

    def __init__(self, *fields, rule=None):
        self.fields, self.rule = fields, rule

    def read(self, reader):
        value = {name: kind.read(reader) for name, kind in self.fields}
        if self.rule:
            self.rule(value)
        return value

    def write(self, value):
        return b"".join(kind.write(value[name]) for name, kind in self.fields)


class Choice:
    """A word, and the structure that it stands for."""

    def __init__(self, **structures):
        self.names = {number: name for name, (number, _) in structures.items()}
        self.structures = structures

    def read(self, reader):
        name = self.names.get(U16.read(reader))
        require(name is not None, "a word that is not listed")
        return {"is": name, **self.structures[name][1].read(reader)}

    def write(self, value):
        number, structure = self.structures[value["is"]]
        return U16.write(number) + structure.write(value)


U8, BOOL = Byte(), Bool()
U16, U32, U64 = Unsigned(16), Unsigned(32), Unsigned(64)
ID = Fixed(32)
TIME = Unsigned(64, most=TIME_MS_MAX)
