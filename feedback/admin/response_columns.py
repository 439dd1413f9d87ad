"""Columns of the list of responses that depend on who looks at it and on what was searched for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from feedback.admin.triaging import is_undecided, tasks_of
from feedback.disclosure import READ_COMMENTS
from feedback.searching import highlighted, terms_of
from privacy.masking import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.http import HttpRequest

    from feedback.models import Response
    from feedback.searching import Term

SHORTENED_TO: Final = 140
ASIDE: Final = 40  # characters of a long comment that stand before the first word that was found


def terms_searched(request: HttpRequest, words: str) -> Sequence[Term]:
    """Return the words that were searched for, as far as the user's search finds them."""
    return terms_of(words, beginnings=request.user.has_perm(READ_COMMENTS))


def comment_column(request: HttpRequest) -> Callable[[Response], str]:
    """Return the column of comments: masked, shortened, and with the words that were searched for marked."""
    terms = terms_searched(request, request.GET.get("q", ""))

    @display(description=_("comment"), empty_value="")
    def comment(response: Response) -> str:
        shown = mask(response.comment)
        if not shown:
            return ""
        html = highlighted(_excerpt(shown, terms), terms)
        return format_html('<span class="odzew-breakable odzew-comment">{}</span>', html)

    return cast("Callable[[Response], str]", comment)


def decision_column(request: HttpRequest) -> Callable[[Response], str]:
    """Return the column of buttons that decide about a suspect in one click."""
    tasks = {name: task for name, task in tasks_of(request.user).items() if name in ("accept", "reject")}
    came_from = urlencode({"from": request.GET.urlencode()})

    @display(description=_("decision"), empty_value="")
    def decision(response: Response) -> str:
        if not is_undecided(response):
            return ""
        buttons: list[tuple[Any, ...]] = [
            (reverse("admin:feedback_response_do", args=[response.pk, name]), came_from, task.title)
            for name, task in tasks.items()
        ]
        html = format_html_join(
            " ",
            '<button type="submit" formaction="{}?{}" name="answered" value="1" class="odzew-button">{}</button>',
            buttons,
        )
        return format_html('<span class="odzew-buttons">{}</span>', html)

    return cast("Callable[[Response], str]", decision)


def _excerpt(comment: str, terms: Sequence[Term]) -> str:
    """Return the beginning of a comment, or the part around the first word that was found."""
    if not terms or len(comment) <= SHORTENED_TO:
        return Truncator(comment).chars(SHORTENED_TO)
    marked = highlighted(comment, terms)
    before = marked.partition("<mark>")[0]
    start = max(0, len(before) - ASIDE) if "<mark>" in marked else 0
    part = Truncator(comment[start:]).chars(SHORTENED_TO)
    return f"…{part}" if start else part
