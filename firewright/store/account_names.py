"""What accounts and groups may be called, so that no two look alike, none means something else, and each fits into an address."""

from __future__ import annotations

import re
from unicodedata import category, name, normalize

from firewright.store.columns import fit
from firewright.store.errors import UnfitText

LONGEST = 100
"""Characters of the name of an account or a group, and of a name that is shown."""
NOBODY = "nobody"
"""Who did something, in the log, where it is not known that they are who they say."""
RESERVED = ("firewright", NOBODY)
"""Who the log says did what time does, and what nobody proved to have done: no account is called so."""
SYSTEM = "system"
"""How the log's names of those begin who act with the rights of the machine itself."""
_BETWEEN = frozenset("-_.@")
_GROUP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,99}")
_SCRIPTS_OF_ONE = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK"}
_LIKE_LATIN = frozenset("аеорсухіјѕһԁԛԝӏкмтвнг" + "αεικνορτυχγω")
"""Cyrillic and Greek letters that are taken for Latin ones: a name of nothing else is (Unicode UTS 39, whole-script confusables)."""
_WAY_OUT = "use letters, digits and -_.@, and begin with a letter or a digit"


def fit_name(text: str) -> str:
    """A new account's name itself, if people and addresses can tell it from every other. Raises UnfitText.

    Letters of one script, digits, and -_.@ between them; not one of the log's own names, and not one that rules write for groups.
    """
    if not text or len(text) > LONGEST:
        raise UnfitText("the account's name is empty or too long", f"give it one of at most {LONGEST} characters")
    key = normalize("NFKC", fit(text)).casefold()
    if key in RESERVED or key.startswith((SYSTEM, "@")):
        raise UnfitText("the account's name means something else here", f"choose another; {_WAY_OUT}")
    is_plain = normalize("NFKC", text) == text and all(_is_letter(one) or one in _BETWEEN for one in text)
    if not is_plain or text[0] in _BETWEEN:
        raise UnfitText("the account's name has characters that are not taken", _WAY_OUT)
    letters = [one for one in key if category(one).startswith("L")]
    scripts = {_script(one) for one in letters}
    if len(scripts) > 1 or (scripts & {"CYRILLIC", "GREEK"} and set(letters) <= _LIKE_LATIN):
        raise UnfitText(
            "the account's name looks like another one", "write it with the letters of one script, best a to z"
        )
    return text


def fit_shown(text: str) -> str:
    """A name that is shown itself, if all of it is seen. Raises UnfitText for controls, which turn text round or hide it."""
    if len(fit(text)) > LONGEST or not text.isprintable():
        raise UnfitText("the name to show is too long, or has characters that do not show", "write it as plain text")
    return text


def fit_group(text: str) -> str:
    """The name of a group that an admin puts people into; rules write it with @ before. Raises UnfitText."""
    if not _GROUP.fullmatch(text):
        raise UnfitText("that is no name of a group", "use letters, digits and -_. as in perimeter")
    return text


def _is_letter(one: str) -> bool:
    return category(one)[0] == "L" or category(one) == "Nd"


def _script(letter: str) -> str:
    """The script of a letter, which its name in Unicode begins with."""
    first = name(letter, "").partition(" ")[0]
    return _SCRIPTS_OF_ONE.get(first, first)
