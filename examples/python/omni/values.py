"""Sections 3 to 5: hashes, tags, amounts, keys and the structures of identity."""

import hashlib
import re

from . import curve
from .encoding import (ID, TIME, U8, U32, U64, Fixed, List, Signed, Struct, Text,
                       Unsigned, Word, require)

MONEY_MINOR_MAX = 1_000_000_000_000_000
STEPS_MAX = 1_000_000_000_000
DELEGATION_DAYS_MAX = 400
DAY_MS = 86_400_000


def tagged(tag, *parts):
    """The bytes that are hashed or signed under a tag."""
    return tag.encode("ascii") + b"\0" + b"".join(parts)


def digest(tag, *parts):
    """`H(tag; …)`."""
    return hashlib.sha256(tagged(tag, *parts)).digest()


def network_id(name):
    return digest("omni/1/network", name.encode("ascii"))


def key_digest(key):
    return digest("omni/1/key", (1).to_bytes(2, "little"), key)


BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def partner_text(partner):
    """A partner id as people see it: bech32m of BIP 350."""
    bits, words = int.from_bytes(partner, "big") << 4, []
    for at in range(51, -1, -1):
        words.append(bits >> 5 * at & 31)
    part = [ord(c) >> 5 for c in "omni"] + [0] + [ord(c) & 31 for c in "omni"]
    check = 1
    for value in part + words + [0] * 6:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for at, factor in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= factor if top >> at & 1 else 0
    check ^= 0x2BC830A3
    return "omni1" + "".join(BECH32[w] for w in words + [check >> 5 * (5 - n) & 31 for n in range(6)])


def matches(pattern, why):
    compiled = re.compile(pattern)
    return lambda text: require(compiled.fullmatch(text), why)


def check_currency(code):
    require(all(65 <= letter <= 90 for letter in code), "a currency is three letters")


def check_key(key):
    require(curve.is_good(key), "no Ed25519 key")


def check_gtin(number):
    digits = [int(d) for d in f"{number:014}"]
    require(len(digits) == 14, "a GTIN has at most 14 digits")
    total = sum(d * (3 if at % 2 == 0 else 1) for at, d in enumerate(digits))
    require(total % 10 == 0, "the check digit of the GTIN")


class Checked:
    """A kind with one more rule."""

    def __init__(self, kind, check):
        self.kind, self.check = kind, check

    def read(self, reader):
        value = self.kind.read(reader)
        self.check(value)
        return value

    def write(self, value):
        return self.kind.write(value)


KEY = Fixed(32, check_key)
SIGNATURE = Fixed(64)
CURRENCY = Fixed(3, check_currency)
AMOUNT = Signed(-MONEY_MINOR_MAX, MONEY_MINOR_MAX)
MINOR = Signed(0, MONEY_MINOR_MAX)
STEPS = Unsigned(64, 1, STEPS_MAX)
GTIN = Checked(U64, check_gtin)
REGION_FORM = "[A-Z]{2}(-[A-Z0-9]{1,3})?"
REGION = Text(6, check=matches(REGION_FORM, "no region"))
REGION_OR_NONE = Text(6, check=matches(f"({REGION_FORM})?", "no region"))
COUNTRY = Text(6, check=matches("[A-Z]{2}", "no country"))
UNIT = Struct(
    ("code", Text(3, check=matches("[A-Z0-9]{2,3}", "no unit"))),
    ("scale", Checked(U8, lambda scale: require(scale <= 6, "a scale is 0 to 6"))),
)


def line_total(steps, minor, per):
    """Rounded half up to a whole minor unit."""
    return (2 * steps * minor + per) // (2 * per)


INCEPTION = Struct(
    ("network", ID), ("key algorithm", Word(1)), ("digest algorithm", Word(1)),
    ("market key", KEY), ("next", ID), ("recovery", ID),
)
ROTATION = Struct(("index", U32), ("previous", ID), ("market key", KEY), ("next", ID))
RECOVERY = Struct(
    ("index", U32), ("previous", ID), ("recovery key", KEY), ("market key", KEY),
    ("next", ID), ("recovery", ID),
)


def check_delegation(value):
    apart = value["not after"] - value["not before"]
    require(0 <= apart <= DELEGATION_DAYS_MAX * DAY_MS, "the time of a delegation")
    if value["role"] == 1:
        check_key(value["key"])


DELEGATION = Struct(
    ("role", Word(1, 2)), ("key", ID), ("key index", U32), ("not before", TIME),
    ("not after", TIME), rule=check_delegation,
)
SIGNED_DELEGATION = Struct(*DELEGATION.fields, ("signature", SIGNATURE), rule=check_delegation)

INVITE = Struct(
    ("network", Text(32, check=matches("[a-z0-9-]{1,32}", "no name of a network"))),
    ("partner", ID), ("transport key", KEY), ("addresses", List(Text(128, 1), 8)),
    ("not after", TIME), ("token", Fixed(16)),
)
SIGNED_INVITE = Struct(*INVITE.fields, ("key index", U32), ("signature", SIGNATURE))


def delegation_is_signed(network, partner, key, value):
    data = tagged("omni/1/delegation", network, partner, DELEGATION.write(value))
    return curve.verify(key, data, value["signature"])


def invite_is_signed(key, value):
    return curve.verify(key, tagged("omni/1/invite", INVITE.write(value)), value["signature"])


