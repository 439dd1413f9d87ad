"""What a searched word finds: the same word without regard to capitals and accents, and its other Polish forms.

PostgreSQL ships no Polish dictionary and its extensions are not everywhere, so comments are indexed as they are but
for accents, and the forms of a word are made from it when it is searched for: what it ends with is replaced by the
endings that Polish nouns and adjectives take. Changes inside of a word (*kolejka*, *kolejek*) are not followed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from django.utils.html import conditional_escape, format_html
from django.utils.safestring import mark_safe

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_WORDS: Final = 10
SHORTEST_STEM: Final = 4
COMBINING: Final = re.compile("[\u0300-\u036f]")
# Letters that no decomposition takes apart.
STROKES: Final = str.maketrans("łøđħı", "lodhi")
ENDINGS: Final = (
    *("a", "ach", "ami", "e", "ego", "ej", "em", "emu", "i", "ia", "iach", "iami", "ich", "ie", "iego", "iej", "iem"),
    *("iemu", "im", "imi", "io", "iom", "iow", "iu", "o", "om", "ow", "owi", "owie", "u", "y", "ych", "ym", "ymi"),
)
_LONGEST_FIRST: Final = sorted(ENDINGS, key=len, reverse=True)
JOINERS: Final = frozenset("_-'’")


@dataclass(frozen=True)
class Term:
    """One searched word, folded.

    Args:
        forms: whole words that are forms of it.
        with_beginnings: whether words that begin with it are found as well.
    """

    word: str
    forms: frozenset[str]
    with_beginnings: bool

    def finds(self, word: str) -> bool:
        """Tell whether a folded word of a comment is one that was searched for."""
        return word == self.word or word in self.forms or (self.with_beginnings and word.startswith(self.word))


def fold(text: str) -> str:
    """Return a text without capitals and accents, as the index holds it."""
    return COMBINING.sub("", unicodedata.normalize("NFKD", text)).lower().translate(STROKES)


def terms_of(words: str, *, beginnings: bool = True) -> list[Term]:
    """Return the words that a comment must have all of, at most ten.

    Args:
        words: what was typed.
        beginnings: whether the beginning of a word is enough.
    """
    return [Term(folded, forms_of(folded), beginnings) for folded in map(fold, words.split()[:MOST_WORDS]) if folded]


def forms_of(word: str) -> frozenset[str]:
    """Return the forms of a folded word with any Polish ending; none of a short word or one that is not of letters."""
    if not word.isalpha():
        return frozenset()
    stem = next((word.removesuffix(one) for one in _LONGEST_FIRST if _leaves_a_stem(word, one)), word)
    if len(stem) < SHORTEST_STEM:
        return frozenset()
    return frozenset({stem, *(stem + ending for ending in ENDINGS)})


def raw_query(terms: Sequence[Term]) -> str:
    """Return the terms as PostgreSQL takes them in a raw query: quoted, so that nothing in them is an operator."""
    return " & ".join(
        "(" + " | ".join([_quoted(term.word, term.with_beginnings), *map(_quoted, sorted(term.forms))]) + ")"
        for term in terms
    )


def highlighted(text: str, terms: Sequence[Term]) -> str:
    """Return a text as HTML, escaped, with the words that the terms find marked."""
    if not terms:
        return conditional_escape(text)
    runs = ("".join(run) for _is_word, run in groupby(text, key=_is_of_a_word))
    pieces = (format_html("<mark>{}</mark>", run) if _is_found(run, terms) else conditional_escape(run) for run in runs)
    return mark_safe("".join(pieces))  # noqa: S308  every piece is escaped


def _is_of_a_word(character: str) -> bool:
    """Tell whether a character stands inside of words: vowel signs of Indian scripts are marks, not letters."""
    return character.isalnum() or character in JOINERS or unicodedata.category(character).startswith("M")


def _is_found(run: str, terms: Sequence[Term]) -> bool:
    folded = fold(run)
    return any(term.finds(part) for term in terms for part in {folded, *folded.split("-")})


def _leaves_a_stem(word: str, ending: str) -> bool:
    return word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM


def _quoted(word: str, beginning: bool = False) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'" + (":*" if beginning else "")
