"""The language switch of public pages: ``?lang=pl`` wins over the browser's languages."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.conf import settings
from django.utils import translation

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

View = TypeVar("View", bound="Callable[..., HttpResponseBase]")


def in_chosen_language(view: View) -> View:
    """Answer in the language that ``?lang=`` names, where the product speaks it.

    Forms of such a page post back to the same address (no ``action``), so that the choice survives.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        chosen = request.GET.get("lang", "")
        if chosen in dict(settings.LANGUAGES):
            speak(request, chosen)
        return view(request, *args, **kwargs)

    return cast("View", answer)


def speak(request: HttpRequest, language: str) -> None:
    """Answer this request in a language of ``LANGUAGES``; the locale middleware starts the next one afresh."""
    translation.activate(language)
    request.LANGUAGE_CODE = language
