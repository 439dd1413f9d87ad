"""The two scripts of the widget, made of the readable sources in ``src/``: no build step, and nothing to install.

They are served without comments and indentation, which is all that separates the sources from what browsers get.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import importlib.util
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

SOURCES: Final = Path(__file__).parent / "src"
# What a page may pay for the widget, in bytes as they travel: while nobody is due, and with the survey.
LARGEST_LOADER: Final = 3_000
LARGEST_TOTAL: Final = 12_000

# What the survey says apart from its own wording; {names} are filled in by the script.
WORDS: Final[dict[str, StrOrPromise]] = {
    "region": _("Your feedback"),
    "appeared": _("One short question, in the region “Your feedback”: {question}"),
    "later": _("Ask me later"),
    "chosen": _("Score {score} chosen. {question}"),
    "reasons": _("Tick what applies"),
    "hint": _("Please leave out passwords and what is private about other people."),
    "contact": _("You may contact me about this answer"),
    "send": _("Send"),
    "close": _("Close"),
    "unsent": _("Your answer is kept on this device and will be sent as soon as there is a connection."),
    "receipt": _("Your receipt code"),
    "keep": _(
        "Keep it if you may want to see, correct or delete this answer one day: it proves that the answer is yours. "
        "It is shown only now."
    ),
    "copy": _("Copy"),
    "copied": _("The code was copied."),
    "privacy": _("What happens with your data"),
}


@dataclass(frozen=True)
class Asset:
    """A script as bytes, plain and compressed; ``digest`` names its content."""

    body: bytes
    digest: str
    compressed: dict[str, bytes]


@cache
def loader() -> Asset:
    """Return the loader, which knows the name of the current survey."""
    return _asset(_compact_script("loader.js").replace("__SURVEY__", survey_digest()))


@cache
def survey(language: str) -> Asset:
    """Return the survey module with its words in one language.

    Raises:
        KeyError: this is none of the project's languages.
    """
    dict(settings.LANGUAGES)[language]
    return _asset(_survey_text(language))


@cache
def survey_digest() -> str:
    """Return the name of the survey's content in all languages together."""
    texts = "\n".join(_survey_text(language) for language, _name in settings.LANGUAGES)
    return hashlib.sha256(texts.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Sizes:
    """What travels, in bytes under the named content encoding."""

    encoding: str
    loader: int
    survey: int

    @property
    def total(self) -> int:
        return self.loader + self.survey


def sizes() -> Sizes:
    """Measure the scripts as browsers receive them, the survey in its longest language.

    The encoding is Brotli where that library is installed and gzip, which is larger, where it is not.
    """
    surveys = [survey(language) for language, _name in settings.LANGUAGES]
    encoding = next(iter(loader().compressed))
    return Sizes(
        encoding=encoding,
        loader=len(loader().compressed[encoding]),
        survey=max(len(each.compressed[encoding]) for each in surveys),
    )


def _survey_text(language: str) -> str:
    with translation.override(language):
        words = {name: str(text) for name, text in WORDS.items()}
        words["direction"] = "rtl" if translation.get_language_bidi() else "ltr"
    constants = {"words": words, "styles": _compact_styles("survey.css")}
    lines = [f"const {name} = {json.dumps(value, ensure_ascii=False)};" for name, value in constants.items()]
    return "\n".join([*lines, _compact_script("messages.js"), _compact_script("survey.js")])


def _compact_script(name: str) -> str:
    """Drop indentation, empty lines and lines of comment; for this to be safe no text in the sources spans lines."""
    lines = (line.strip() for line in (SOURCES / name).read_text().splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _compact_styles(name: str) -> str:
    text = re.sub(r"/\*.*?\*/", "", (SOURCES / name).read_text(), flags=re.DOTALL)
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"\s+", " ", text)).replace(";}", "}").strip()


def _asset(text: str) -> Asset:
    body = text.encode()
    compressed = {}
    if importlib.util.find_spec("brotli"):
        compressed["br"] = importlib.import_module("brotli").compress(body, quality=11)
    compressed["gzip"] = gzip.compress(body, compresslevel=9, mtime=0)
    return Asset(body=body, digest=hashlib.sha256(body).hexdigest()[:12], compressed=compressed)
