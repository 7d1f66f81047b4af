"""Sets of small numbers as Python's integers: bit k is set where k is in the set."""

from collections.abc import Iterable, Iterator


def bits(bitmap: int) -> Iterator[int]:
    """The members, ascending; best where they are few."""
    while bitmap:
        lowest = bitmap & -bitmap
        yield lowest.bit_length() - 1
        bitmap ^= lowest


def members(bitmap: int) -> list[int]:
    """The members, ascending. O(width) where they are many, however many they are."""
    if bitmap.bit_count() < 32:
        return list(bits(bitmap))
    digits = bin(bitmap)[:1:-1]
    out = []
    place = digits.find("1")
    while place >= 0:
        out.append(place)
        place = digits.find("1", place + 1)
    return out


def bitmap_of(numbers: Iterable[int], width: int) -> int:
    """The set of these numbers, each below `width`. O(width / 8 + n)."""
    out = bytearray((width + 7) // 8)
    for number in numbers:
        out[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(out, "little")


def lowest(bitmap: int) -> int:
    """The least member of a set that has one."""
    return (bitmap & -bitmap).bit_length() - 1
