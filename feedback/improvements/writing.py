"""From a draft to the public page: what may be published, and how it changes afterwards."""

from __future__ import annotations

import re
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final

from django.contrib.postgres.search import SearchQuery
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from feedback.improvements.linking import linked_responses, lock
from feedback.models import Improvement
from feedback.searching import fold
from privacy.masking import find_personal_data

if TYPE_CHECKING:
    from django.contrib.auth.models import User

TEXTS: Final = ("title", "said", "text")
# So many words in a row that somebody else wrote are a quotation; fewer are how everybody says it.
QUOTATION: Final = 8


@transaction.atomic
def save_draft(*, improvement: Improvement, by: User) -> Improvement:
    """Store a new draft, or the changes of one.

    Raises:
        ValidationError: ``published``: it is or was public, so its text is corrected instead.
    """
    if improvement.pk is None:
        improvement.created_by = by
    elif lock(improvement).state != Improvement.State.DRAFT:
        raise ValidationError(
            _("It was published meanwhile. Correct it instead, so that everybody sees when."), code="published"
        )
    improvement.save()
    return improvement


@transaction.atomic
def publish(*, improvement: Improvement, by: User) -> Improvement:
    """Put a draft, or what was withdrawn, on the public page of its product.

    Raises:
        ValidationError: ``already_published``, ``not_done_yet``, ``personal_data`` or ``quotation``.
    """
    improvement = lock(improvement)
    if improvement.state == Improvement.State.PUBLISHED:
        raise ValidationError(_("It is on the public page already."), code="already_published")
    if improvement.done_on > timezone.localdate(timezone=improvement.product.zone):
        raise ValidationError(_("Its date is in the future: say it once it is done."), code="not_done_yet")
    _check_words(improvement)
    improvement.published_at = improvement.published_at or timezone.now()
    improvement.withdrawn_at = None
    improvement.save(update_fields=["published_at", "withdrawn_at"])
    return improvement


@transaction.atomic
def correct(
    *, improvement: Improvement, title: str, said: str, text: str, by: User, seen: str | None = None
) -> Improvement:
    """Change what was published; from now on the page says that it was corrected, and when.

    Args:
        seen: the ``version`` that ``by`` was shown; nothing where they wrote without looking.

    Raises:
        ValidationError: ``not_published``, ``changed_meanwhile``, what the fields refuse, ``personal_data`` or
            ``quotation``.
    """
    improvement = lock(improvement)
    if improvement.published_at is None:
        raise ValidationError(_("It was never published: edit the draft."), code="not_published")
    before = [getattr(improvement, name) for name in TEXTS]
    improvement.title, improvement.said, improvement.text = title.strip(), said.strip(), text.strip()
    improvement.clean_fields(exclude={field.name for field in Improvement._meta.fields} - set(TEXTS))
    if [getattr(improvement, name) for name in TEXTS] == before:
        return improvement
    if seen not in {None, improvement.version}:
        raise ValidationError(
            _("Somebody else corrected it meanwhile. Keep a copy of your text and open this page again."),
            code="changed_meanwhile",
        )
    _check_words(improvement)
    improvement.corrected_at = timezone.now()
    improvement.save(update_fields=[*TEXTS, "corrected_at"])
    return improvement


@transaction.atomic
def withdraw(*, improvement: Improvement, by: User) -> Improvement:
    """Take an improvement off the public page; mail about it that was not sent yet will not be.

    Raises:
        ValidationError: ``not_published``.
    """
    improvement = lock(improvement)
    if improvement.state != Improvement.State.PUBLISHED:
        raise ValidationError(_("It is not on the public page."), code="not_published")
    improvement.withdrawn_at = timezone.now()
    improvement.save(update_fields=["withdrawn_at"])
    return improvement


def doubts(*, improvement: Improvement) -> list[str]:
    """Return what in the text somebody should look at again before everybody can read it.

    A phone number or an address may be the company's own, so it is no mistake where staff speak for themselves.
    """
    kinds = dict.fromkeys(finding.kind.label for finding in find_personal_data(improvement.text))
    return [
        _("The text seems to contain this: %(what)s. Make sure that it belongs to nobody in person.") % {"what": kind}
        for kind in kinds
    ]


def _check_words(improvement: Improvement) -> None:
    """Refuse to show to everybody what would give away somebody who answered."""
    for finding in find_personal_data(f"{improvement.title}\n{improvement.said}"):
        raise ValidationError(
            _("There is something personal in what people said: %(what)s. Say it without."),
            code="personal_data",
            params={"what": finding.kind.label},
        )
    quoted = _quotation(improvement)
    if quoted:
        raise ValidationError(
            _("“%(words)s” stands like this in a linked comment. Say it in your own words."),
            code="quotation",
            params={"words": quoted},
        )


def _quotation(improvement: Improvement) -> str:
    """Return the first run of words that a linked comment has too, in the same order; else nothing."""
    words = re.findall(r"\w+", f"{improvement.title} {improvement.said}")
    runs = [" ".join(words[start : start + QUOTATION]) for start in range(len(words) - QUOTATION + 1)]
    if not runs:
        return ""
    queries = [SearchQuery(fold(run), config="simple", search_type="phrase") for run in runs]
    comments = linked_responses(improvement)
    if not comments.filter(search=reduce(or_, queries)).exists():
        return ""
    return next(run for run, query in zip(runs, queries, strict=True) if comments.filter(search=query).exists())
