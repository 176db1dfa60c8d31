"""Makes 64 bits out of a row's whole numbers by arithmetic, which costs servers next to nothing
where printing them costs as much as to read the row. No I/O.

Each number is multiplied by a large constant of its own, so that nothing overflows, and the
products are put together by exclusive or: one number that differs always shows, and small ones fill
all bits. The remainders by two primes keep all of it. The product of these is as good as chance
under an exclusive or of rows. It is not under a sum: 0² + 5² is 3² + 4².
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

PRIMES = (4_294_967_291, 3_221_225_473)
SMALL_BITS = 32  # and a sign
MEDIUM_BITS = 47  # a date and a time, as a number
_PRODUCT_BITS = 61
_NULL_BIT = 2**62  # no product is that large
_NULL_BITS, _NULL_ZEROS = 52, 10  # the same as a DOUBLE, which an ENUM makes of it
_LOW_HALF = 2**32 - 1
_HIGH_HALF = 2**64 - 2**32


def small(value: str, place: str, *, nullable: bool = False, bits: int = SMALL_BITS) -> str:
    """The term of a number of not more than so many bits; `place` is where in the row it stands."""
    term = f"({value}) * {_factor(place, _PRODUCT_BITS - bits)}"
    return _or_null(term, place) if nullable else term


def medium(value: str, place: str, *, nullable: bool = False) -> str:
    """The term of a date and a time. Factors that short may be the same in two columns, where equal
    values would cancel each other; so it is moved first, by another number in each."""
    moved = f"({value}) + {_factor(f'{place} moved', MEDIUM_BITS)}"
    return small(moved, place, nullable=nullable, bits=MEDIUM_BITS + 1)


def wide(value: str, place: str, *, nullable: bool = False) -> str:
    """The term of a number of 64 bits."""
    # masked before it is shifted: some SETs would be shifted as the text of their members
    high = small(f"(({value}) & {_HIGH_HALF}) >> {SMALL_BITS}", f"{place} high")
    low = small(f"({value}) & {_LOW_HALF}", f"{place} low")
    term = f"({high}) ^ ({low})"
    return _or_null(term, place) if nullable else term


def joined(terms: Sequence[str]) -> str:
    """64 bits of all terms. A tree: a thousand columns one inside the other would overrun a
    server's stack."""
    if len(terms) == 1:
        return terms[0]
    half = len(terms) // 2
    return f"({joined(terms[:half])}) ^ ({joined(terms[half:])})"


def _or_null(term: str, place: str) -> str:
    """NULL has a number of its own in each place: two of the same would be as two zeros."""
    null = _NULL_BIT | _factor(f"{place} null", _NULL_BITS) << _NULL_ZEROS
    return f"IFNULL({term}, {null})"


def _factor(place: str, bits: int) -> int:
    """Odd, the same everywhere, without any pattern."""
    digest = hashlib.sha256(place.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - bits) | 1
