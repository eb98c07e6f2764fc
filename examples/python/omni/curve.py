"""Ed25519 (RFC 8032) as section 3 wants it verified: strictly.

Plain arithmetic on Python's integers: some milliseconds a signature, and no defence against who
measures time. It only verifies, so there is nothing secret here.
"""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def decompress(data):
    """The point of 32 bytes in extended coordinates, or None: y is below P and on the curve."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def compress(point):
    x, y, z, _ = point
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def add(a, b):
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number, point):
    total = NEUTRAL
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_good(data):
    """Whether these bytes are a canonical point that is not of small order."""
    point = decompress(data)
    return point is not None and compress(times(8, point)) != compress(NEUTRAL)


def verify(key, message, signature):
    """Whether the signature is the key's, by the equation without cofactor."""
    first, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= L or not is_good(key) or not is_good(first):
        return False
    k = int.from_bytes(hashlib.sha512(first + key + message).digest(), "little") % L
    x, y, z, t = decompress(key)
    return compress(add(times(s, BASE), times(k, (-x % P, y, z, -t % P)))) == first
