"""What staff may leave open in the text of a mail: a fixed list of names, replaced as plain text and nothing more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACEHOLDERS: Final = ("name", "company", "product")
_BRACES: Final = re.compile(r"[{}]")
# What is not known takes the space in front of it along: "Hello {name}," becomes "Hello,".
_PLACEHOLDER: Final = re.compile(rf"(?P<space>[ \u00a0]?)\{{(?P<name>{'|'.join(PLACEHOLDERS)})\}}")


def check_placeholders(text: str) -> None:
    """Accept the placeholders of the list and no other curly bracket.

    Raises:
        ValidationError: ``unknown_placeholder``.
    """
    if _BRACES.search(_PLACEHOLDER.sub("", text)):
        offered = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        message = _("Curly brackets are only for what will be replaced: %(offered)s.")
        raise ValidationError(message, code="unknown_placeholder", params={"offered": offered})


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with every placeholder replaced, in one pass: what a value contains is not looked at again."""

    def replaced(match: re.Match[str]) -> str:
        value = values.get(match["name"], "")
        return match["space"] + value if value else ""

    return _PLACEHOLDER.sub(replaced, text)
