"""The words of one line, as iptables-restore splits them: at blanks, with double quotes and backslashes inside them."""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """One word; what was quoted is never an option or a negation."""

    text: str
    is_quoted: bool = False


class BadLine(ValueError):
    """A line that cannot be read; its text says why."""


def split(text: str) -> tuple[Word, ...]:
    """The words of a line, as iptables-restore sees them. Raises BadLine if a quote is not closed. O(n)."""
    if '"' not in text:
        # Most lines have no quotes, and then blanks are all there is to it.
        return tuple([Word(word) for word in text.replace("\t", " ").split(" ") if word])
    words: list[Word] = []
    letters: list[str] = []
    is_open = is_quoted = is_escaped = False
    for letter in text:
        if is_escaped:
            letters.append(letter)
            is_escaped = False
        elif is_open and letter == "\\":
            is_escaped = True
        elif letter == '"':
            is_open, is_quoted = not is_open, True
        elif not is_open and letter in " \t":
            if letters or is_quoted:
                words.append(Word("".join(letters), is_quoted))
            letters, is_quoted = [], False
        else:
            letters.append(letter)
    if is_open:
        raise BadLine("a quote is not closed")
    if letters or is_quoted:
        words.append(Word("".join(letters), is_quoted))
    return tuple(words)


def is_option(word: Word) -> bool:
    """Whether a word is an option's name: one dash and a letter or more, or two and a word, and not quoted."""
    text, is_quoted = word
    if is_quoted or text[:1] != "-":
        return False
    return (text[2:3] if text[1:2] == "-" else text[1:2]).isalpha()


def is_negation(word: Word) -> bool:
    """Whether a word is the exclamation mark that negates what follows."""
    text, is_quoted = word
    return text == "!" and not is_quoted
