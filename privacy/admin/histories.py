"""What the history of a record says: kept in the words of the source, read by everybody in their own language.

Django does so with the words it knows: "Added.", "Changed name and days." This does it with sentences of the project.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.admin.models import LogEntry
    from django_stubs_ext import StrOrPromise, StrPromise


Kept: TypeAlias = "list[dict[str, Any]]"


def said(sentence: StrPromise, **parts: StrOrPromise) -> Kept:
    """Return what ``log_change`` keeps of a sentence.

    Args:
        sentence: one that is still to be translated.
        parts: what is put into it; words that are still to be translated are, names are not.
    """
    words = {name: part for name, part in parts.items() if isinstance(part, Promise)}
    names = {name: part for name, part in parts.items() if name not in words}
    with translation.override(None):
        return [{"said": str(sentence), "words": {name: str(word) for name, word in words.items()}, "names": names}]


def in_words(kept: Kept) -> str:
    """Return in the reader's language what ``said`` returned."""
    [one] = kept
    return gettext(one["said"]) % {**{name: gettext(word) for name, word in one["words"].items()}, **one["names"]}


def translate(entries: Sequence[LogEntry]) -> None:
    """Put the sentences of a history into the reader's language; what Django keeps, it translates itself."""
    for entry in entries:
        if entry.change_message.startswith('[{"said"'):
            entry.change_message = in_words(json.loads(entry.change_message))
