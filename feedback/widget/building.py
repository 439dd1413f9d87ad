"""Making the scripts that browsers get of the readable sources in ``src/``; what it made is part of the repository.

Built scripts have no comments and no indentation, and the survey's carry its words in one language and its styles.
The same sources and translations give the same bytes on every machine: there is no tool to install or to trust.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django_stubs_ext import StrOrPromise

SOURCES: Final = Path(__file__).parent / "src"
BUILT: Final = Path(__file__).parent / "dist"
LOADER: Final = "v1.js"

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


def build() -> dict[str, str]:
    """Return every script by the name of its file: the loader, and the survey in each language."""
    surveys = {survey_name(language): _survey(language) for language, _name in settings.LANGUAGES}
    loader = _compact_script("loader.js").replace("__SURVEY__", digest_of(surveys.values()))
    return {LOADER: f"{loader}\n", **surveys}


def survey_name(language: str) -> str:
    return f"survey.{language}.js"


def digest_of(surveys: Iterable[str]) -> str:
    """Return the name of the survey's content in all languages together, in whatever order."""
    return hashlib.sha256("\n".join(sorted(surveys)).encode()).hexdigest()[:12]


def differing(scripts: Mapping[str, str], folder: Path) -> list[str]:
    """Return the names of the files in a folder that are not what was built, are missing or too many."""
    found = {path.name: path.read_text() for path in folder.glob("*")}
    return sorted(name for name in {*scripts, *found} if scripts.get(name) != found.get(name))


def write(scripts: Mapping[str, str], folder: Path) -> list[str]:
    """Make a folder hold these scripts and nothing else; return the names of the files that changed."""
    folder.mkdir(exist_ok=True)
    changed = differing(scripts, folder)
    for name in changed:
        if name in scripts:
            (folder / name).write_text(scripts[name], newline="\n")
        else:
            (folder / name).unlink()
    return changed


def _survey(language: str) -> str:
    with translation.override(language):
        words = {name: str(text) for name, text in WORDS.items()}
        words["direction"] = "rtl" if translation.get_language_bidi() else "ltr"
    constants = {"words": words, "styles": _compact_styles("survey.css")}
    lines = [f"const {name} = {json.dumps(value, ensure_ascii=False)};" for name, value in constants.items()]
    return "\n".join([*lines, _compact_script("messages.js"), _compact_script("survey.js"), ""])


def _compact_script(name: str) -> str:
    """Drop indentation, empty lines and lines of comment; for this to be safe no text in the sources spans lines."""
    lines = (line.strip() for line in (SOURCES / name).read_text().splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _compact_styles(name: str) -> str:
    text = re.sub(r"/\*.*?\*/", "", (SOURCES / name).read_text(), flags=re.DOTALL)
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"\s+", " ", text)).replace(";}", "}").strip()
