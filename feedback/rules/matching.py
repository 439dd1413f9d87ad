"""Whether a rule holds of a response: a pure decision over values.

A keyword is one word or several in a row. Words are runs of letters and digits, so punctuation, hyphens and line
breaks only separate them: “e-mail” is the two words “e” and “mail”. Capitals never matter. A word is matched whole;
with an asterisk at its end (“opłat*”) also every word that begins so, which is how one keyword finds the forms of an
inflected word. People who type without marks are understood: “opłata” is also found as “oplata”, but “sad” never as
“sąd”. Scripts that put no spaces between words, such as Chinese, have no words that could be told apart here.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feedback.models import Rule

WORD: Final = re.compile(r"[^\W_]+")
KEYWORD: Final = re.compile(r"[^\W_]+\*?")
# Letters whose mark is part of them, so that no decomposition takes it off.
UNMARKED: Final = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "ħ": "h", "ŧ": "t"})


@dataclass(frozen=True)
class Conditions:
    """What a rule asks of a response; what is empty or ``None`` asks nothing, and everything set has to hold.

    Args:
        keywords: at least one of them has to be in the comment.
        with_tag: primary key of a tag that the response has, given by an earlier rule or by hand.
    """

    metrics: frozenset[str] = frozenset()
    bands: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    lowest_score: int | None = None
    highest_score: int | None = None
    keywords: tuple[str, ...] = ()
    with_tag: int | None = None
    with_comment: bool = False
    with_contact_permission: bool = False


@dataclass(frozen=True)
class Facts:
    """What rules look at in a response; ``tags`` are primary keys."""

    metric: str
    band: str
    channel: str
    score: int
    comment: str = ""
    tags: frozenset[int] = frozenset()
    contact_permission: bool = False


def conditions_of(rule: Rule) -> Conditions:
    """Return what a rule, saved or not, asks of a response."""
    return Conditions(
        metrics=frozenset(rule.metrics),
        bands=frozenset(rule.bands),
        channels=frozenset(rule.channels),
        lowest_score=rule.lowest_score,
        highest_score=rule.highest_score,
        keywords=tuple(rule.keywords),
        with_tag=rule.with_tag_id,
        with_comment=rule.with_comment,
        with_contact_permission=rule.with_contact_permission,
    )


def matches(conditions: Conditions, facts: Facts) -> bool:
    """Tell whether every condition that is set holds of a response."""
    return (
        (not conditions.metrics or facts.metric in conditions.metrics)
        and (not conditions.bands or facts.band in conditions.bands)
        and (not conditions.channels or facts.channel in conditions.channels)
        and (conditions.lowest_score is None or facts.score >= conditions.lowest_score)
        and (conditions.highest_score is None or facts.score <= conditions.highest_score)
        and (conditions.with_tag is None or conditions.with_tag in facts.tags)
        and (not conditions.with_contact_permission or facts.contact_permission)
        and (not conditions.with_comment or bool(facts.comment))
        and (not conditions.keywords or has_keyword(conditions.keywords, facts.comment))
    )


def has_keyword(keywords: Iterable[str], comment: str) -> bool:
    """Tell whether at least one of the keywords is in a comment."""
    words = " ".join(WORD.findall(fold(comment)))
    return bool(words) and _pattern(tuple(keywords)).search(words) is not None


def fold(text: str) -> str:
    """Return a text as words are compared: without capitals, each letter written in one way."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def without_marks(folded: str) -> str:
    """Return a folded text as somebody types it who leaves out the marks of letters."""
    apart = unicodedata.normalize("NFD", folded.translate(UNMARKED))
    return unicodedata.normalize("NFC", "".join(letter for letter in apart if not unicodedata.combining(letter)))


@lru_cache(maxsize=256)
def _pattern(keywords: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds any of the keywords in words with one space between them; it takes linear time."""
    return re.compile("(?<![^ ])(?:" + "|".join(map(_phrase, keywords)) + ")(?![^ ])")


def _phrase(keyword: str) -> str:
    words = KEYWORD.findall(fold(keyword))
    return " ".join(map(_word, words)) if words else r"(?!)"


def _word(word: str) -> str:
    ending = "[^ ]*" if word.endswith("*") else ""
    spellings = dict.fromkeys([word.rstrip("*"), without_marks(word.rstrip("*"))])
    return f"(?:{'|'.join(map(re.escape, spellings))}){ending}"
