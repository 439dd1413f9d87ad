"""The built scripts of the widget as they travel."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Final

import brotli
from django.conf import settings

from feedback.widget.building import BUILT, LOADER, digest_of, survey_name

# What a page may pay for the widget, in bytes as they travel: while nobody is due, and with the survey.
LARGEST_LOADER: Final = 3_000
LARGEST_TOTAL: Final = 12_000


@dataclass(frozen=True)
class Asset:
    """A script as bytes, plain and compressed, smallest first; ``digest`` names its content."""

    body: bytes
    digest: str
    compressed: dict[str, bytes]


@cache
def loader() -> Asset:
    """Return the loader, which knows the name of the current survey."""
    return _asset(LOADER)


@cache
def survey(language: str) -> Asset:
    """Return the survey module with its words in one language.

    Raises:
        KeyError: this is none of the project's languages.
    """
    dict(settings.LANGUAGES)[language]
    return _asset(survey_name(language))


@cache
def survey_digest() -> str:
    """Return the name of the survey's content in all languages together."""
    return digest_of(survey(language).body.decode() for language, _name in settings.LANGUAGES)


@dataclass(frozen=True)
class Sizes:
    """What travels, in bytes after compression with Brotli."""

    loader: int
    survey: int

    @property
    def total(self) -> int:
        return self.loader + self.survey


def sizes() -> Sizes:
    """Measure the scripts as browsers receive them, the survey in its longest language."""
    surveys = [survey(language) for language, _name in settings.LANGUAGES]
    return Sizes(
        loader=len(loader().compressed["br"]),
        survey=max(len(each.compressed["br"]) for each in surveys),
    )


def _asset(name: str) -> Asset:
    body = (BUILT / name).read_bytes()
    compressed = {
        "br": brotli.compress(body, mode=brotli.MODE_TEXT),
        "gzip": gzip.compress(body, compresslevel=9, mtime=0),
    }
    return Asset(body=body, digest=hashlib.sha256(body).hexdigest()[:12], compressed=compressed)
