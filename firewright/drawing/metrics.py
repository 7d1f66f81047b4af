"""How wide a text is, without a font at hand: so that every renderer breaks lines at the same places.

The widths are those of Aileron Regular (CC0), the font that comes with Pillow, in thousandths of the font's size; a test holds
the table to the font. SVG asks its viewer to fit each text into the measured width, so that another font cannot run over.
"""

from __future__ import annotations

from functools import lru_cache
from unicodedata import normalize

_CHARACTERS = (
    " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~©«°±´·»–—‘’“”…‹›™"
)
_WIDTHS = """
216 242 339 580 580 740 654 176 315 315 560 580 220 274 220 303 580 580 580 580 580 580 580 580 580 580 220 220 580 580 580
499 852 639 627 699 709 587 567 710 730 264 544 609 575 866 718 737 598 733 619 585 612 682 622 952 625 581 591 307 303 295
580 500 300 531 611 529 615 549 290 615 593 238 233 522 247 855 593 586 611 615 330 459 313 592 514 785 482 513 462 303 250
303 580 838 557 298 580 300 202 557 500 500 247 247 417 417 620 387 387 539
"""
WIDTHS = dict(zip(_CHARACTERS, map(int, _WIDTHS.split()), strict=True))
"""Width of each character that the font has."""
UNKNOWN_WIDTH = 1000
"""Width that is kept for a character that the font has not: as wide as the widest scripts need."""
BOLD = 1.07
"""How much wider a bold text is."""
LINE = 1.36
"""Distance of two lines, in font sizes."""
ASCENT, DESCENT = 0.78, 0.22
"""How far letters reach above and below their line, in font sizes."""
ELLIPSIS = "…"


@lru_cache(maxsize=4096)
def plain(character: str) -> str:
    """The character, or the letter it is made of where the font has only that (é as e); empty where it has neither."""
    if character in WIDTHS:
        return character
    return "".join(part for part in normalize("NFKD", character) if part in WIDTHS)


def width(words: str, size: float, is_bold: bool = False) -> float:
    """How many pixels a text of one line takes."""
    total = sum(_width(character) for character in words)
    return round(total * size * (BOLD if is_bold else 1) / 1000, 2)


@lru_cache(maxsize=4096)
def _width(character: str) -> int:
    letters = plain(character)
    return sum(WIDTHS[letter] for letter in letters) if letters else UNKNOWN_WIDTH


def wrap(words: str, size: float, room: float, is_bold: bool = False, most: int = 0) -> list[str]:
    """The text in lines of at most this width, words kept whole where they fit; after `most` lines (0: all) an ellipsis.

    A line holds at least one character, so the room must be wider than one. O(length).
    """
    lines: list[str] = []
    line = ""
    for word in words.split():
        joined = f"{line} {word}" if line else word
        if width(joined, size, is_bold) <= room:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word, size, room, is_bold)
        lines += full
        if most and len(lines) > most:
            break
    lines += [line] if line else []
    if most and len(lines) > most:
        lines = [*lines[: most - 1], cut(f"{lines[most - 1]} {ELLIPSIS}", size, room, is_bold)]
    return lines


def _broken(word: str, size: float, room: float, is_bold: bool) -> list[str]:
    """A word that may be too long for a line, in pieces that are not."""
    if width(word, size, is_bold) <= room:
        return [word]
    pieces, piece, taken = [], "", 0.0
    for character in word:
        more = width(character, size, is_bold)
        if piece and taken + more > room - 0.5:
            pieces.append(piece)
            piece, taken = "", 0.0
        piece, taken = piece + character, taken + more
    return [*pieces, piece]


def cut(words: str, size: float, room: float, is_bold: bool = False) -> str:
    """The text, or as much of its beginning as fits before an ellipsis."""
    if width(words, size, is_bold) <= room:
        return words
    kept = words.removesuffix(ELLIPSIS).rstrip()
    while kept and width(kept + ELLIPSIS, size, is_bold) > room:
        kept = kept[:-1].rstrip()
    return kept + ELLIPSIS
