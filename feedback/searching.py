"""What a searched word finds: the same word without regard to capitals and accents, and its other Polish forms.

PostgreSQL ships no Polish dictionary and its extensions are not everywhere, so comments are indexed as they are but
for accents, and the forms of a word are made from it when it is searched for: what it ends with is replaced by the
endings that Polish nouns and adjectives take. Changes inside of a word (*kolejka*, *kolejek*) are not followed.

Han, kana and Thai are written without spaces, and to tell their words apart takes a dictionary as well. Each of their
characters is indexed as a word of its own, and what is searched for is found where its characters follow each other,
also in the middle of a sentence. Their signs of voice, vowel and tone that stand above or below count as accents.
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
# Characters of scripts without spaces, and the signs above and below them; ``Searchable`` has the same.
UNSPACED: Final = "\u0e01-\u0e4d\u3005-\u3007\u3041-\u3096\u30a1-\u30fe\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
SIGNS: Final = "\u3099\u309a\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
_ONE_UNSPACED: Final = re.compile(f"([{UNSPACED}])")
_ONE_SIGN: Final = re.compile(f"[{SIGNS}]")
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

    @property
    def pieces(self) -> list[str]:
        """What has to follow each other: the word, or each character of a script without spaces on its own."""
        return pieces_of(self.word)

    def finds(self, word: str) -> bool:
        """Tell whether a folded word of a comment is one that was searched for."""
        return word == self.word or word in self.forms or (self.with_beginnings and word.startswith(self.word))


def fold(text: str) -> str:
    """Return a text without capitals and accents, as the index holds it."""
    return COMBINING.sub("", unicodedata.normalize("NFKD", text)).lower().translate(STROKES)


def terms_of(words: str, *, beginnings: bool = True) -> list[Term]:
    """Return the words that a comment must have all of, at most ten; a lone sign such as "฿" is no word.

    Args:
        words: what was typed.
        beginnings: whether the beginning of a word is enough.
    """
    terms = (Term(folded, forms_of(folded), beginnings) for folded in map(fold, words.split()[:MOST_WORDS]) if folded)
    return [term for term in terms if term.pieces]


def pieces_of(word: str) -> list[str]:
    """Return the words of the index that a folded word is made of: itself, but for scripts without spaces."""
    if not _ONE_UNSPACED.search(word):
        return [word]
    pieces = _ONE_UNSPACED.sub(r" \1 ", _ONE_SIGN.sub("", word)).split()
    return [piece for piece in pieces if any(map(str.isalnum, piece))]


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
    return " & ".join(f"({_raw_term(term)})" for term in terms)


def _raw_term(term: Term) -> str:
    pieces = term.pieces
    if pieces == [term.word]:
        return " | ".join([_quoted(term.word, term.with_beginnings), *map(_quoted, sorted(term.forms))])
    return " <-> ".join([*map(_quoted, pieces[:-1]), _quoted("".join(pieces[-1:]), term.with_beginnings)])


def highlighted(text: str, terms: Sequence[Term]) -> str:
    """Return a text as HTML, escaped, with the words that the terms find marked."""
    if not terms:
        return conditional_escape(text)
    runs = [part for run in _runs(text) for part in _ONE_UNSPACED.split(run) if part]
    marked = {index for index, run in enumerate(runs) if _is_found(run, terms)} | _in_phrases(runs, terms)
    pieces = (
        format_html("<mark>{}</mark>", "".join(runs[index] for index in group))
        if is_marked
        else conditional_escape("".join(runs[index] for index in group))
        for is_marked, group in groupby(range(len(runs)), key=marked.__contains__)
    )
    return mark_safe("".join(pieces))  # noqa: S308  every piece is escaped


def _runs(text: str) -> list[str]:
    return ["".join(run) for _is_word, run in groupby(text, key=_is_of_a_word)]


def _in_phrases(runs: Sequence[str], terms: Sequence[Term]) -> set[int]:
    """Return the places of the runs that a term of several pieces finds, one after the other."""
    words = [(index, "".join(pieces_of(fold(run)))) for index, run in enumerate(runs) if any(map(str.isalnum, run))]
    words = [(index, word) for index, word in words if word]
    found: set[int] = set()
    for term in terms:
        if (pieces := term.pieces) == [term.word]:
            continue
        for start in range(len(words) - len(pieces) + 1):
            part = words[start : start + len(pieces)]
            if all(_begins(word, piece, term) for (_index, word), piece in zip(part, pieces, strict=True)):
                found |= {index for index, _word in part}
    return found


def _begins(word: str, piece: str, term: Term) -> bool:
    return word.startswith(piece) if term.with_beginnings else word == piece


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
