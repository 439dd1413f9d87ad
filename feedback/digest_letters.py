"""A digest in words: figures with their intervals and what they mean, what moved, what waits, and what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from feedback import numbers, reports
from feedback.digests import gather_digest, is_preview
from feedback.letters import Letter, link_to
from feedback.models import Notice, Response
from feedback.movers import names_of
from feedback.small_groups import SMALLEST_GROUP
from privacy.access_log import record_emergency_reads
from privacy.break_glass import open_access_of
from surveys.models import SurveyVersion
from surveys.scales import Metric, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.contrib.auth.models import User
    from django_stubs_ext import StrOrPromise

    from feedback.digests import Digest, OpenWork
    from feedback.models import StaffMail
    from feedback.movers import Group

STOP: Final[dict[str, StrOrPromise]] = {
    Notice.DAILY: gettext_lazy("No more daily digests of this product"),
    Notice.WEEKLY: gettext_lazy("No more weekly digests of this product"),
}


def write_digest(*, mail: StaffMail, now: datetime) -> Letter | None:
    """Return the letter, in the active language; ``None`` when there is nothing to tell."""
    product, day = mail.product, mail.day
    if product is None or day is None or not mail.user.has_perm(reports.SEE_FIGURES):
        return None
    digest = gather_digest(user=mail.user, product=product, notice=Notice(mail.notice), first=day, now=now)
    if digest.is_empty and not is_preview(mail):
        return None
    _log(digest, mail.user)
    return Letter(_subject(digest), "digest", _context(digest))


def _log(digest: Digest, user: User) -> None:
    """Log what an administrator is mailed while an emergency access lasts, as a page of it would be."""
    access = open_access_of(user)
    if access is not None:
        rows = [excerpt.response for excerpt in digest.comments or ()]
        record_emergency_reads(access=access, records=[Response, *rows])


def _subject(digest: Digest) -> str:
    words = {"product": digest.product.name, "days": numbers.days(digest.span.period)}
    if digest.notice == Notice.WEEKLY:
        return _("%(product)s: the week %(days)s") % words
    return _("%(product)s: %(days)s") % words


def _context(digest: Digest) -> dict[str, Any]:
    period = digest.span.period
    days = {"from": period.start.isoformat(), "to": period.last.isoformat()}
    return {
        "heading": digest.product.name,
        "days": numbers.days(period),
        "is_weekly": digest.notice == Notice.WEEKLY,
        "metrics": [_metric(report, digest) for report in digest.metrics],
        "answers": _answers(digest),
        "work": _work(digest.work),
        "comments": [_comment(excerpt) for excerpt in digest.comments or ()],
        "link": link_to(
            "admin:index", query="?" + urlencode({"product": digest.product.pk, "period": "custom", **days})
        ),
        "link_label": _("Open the dashboard"),
        "why": _("You get this mail because you chose it for this product."),
        "stop_label": STOP[digest.notice],
    }


def _metric(report: reports.MetricReport, digest: Digest) -> dict[str, Any]:
    figures = report.together
    if figures.is_hidden:
        return {"name": report.metric.label, "is_too_small": True, "smallest": SMALLEST_GROUP}
    places = numbers.PLACES[report.metric][1]
    return {
        "name": report.metric.label,
        "value": numbers.value(figures.value, report.metric),
        "answers": numbers.answers(figures.counts.n),
        "interval": numbers.interval(figures.value, places),
        "warning": numbers.small_sample(figures.value),
        "comparison": numbers.comparison(figures),
        "before": numbers.before(figures, digest.span.previous),
        "movers": _movers(digest.movers.get(report.metric, ()), report.metric),
    }


def _movers(groups: Sequence[Group], metric: Metric) -> list[dict[str, str]]:
    rows = SurveyVersion.objects.filter(pk__in=[int(group.name) for group in groups if group.dimension == "version_id"])
    versions = {
        row.pk: _("%(survey)s, version %(number)d") % {"survey": row.survey.name, "number": row.number}
        for row in rows.select_related("survey")
    }
    return [
        {
            "name": name,
            "value": numbers.value(group.value, metric),
            "answers": numbers.answers(group.now.n),
            "before": numbers.value(group.value_before, metric),
            "comparison": numbers.comparison(reports.Figures(group.now, group.before)),
        }
        for name, group in zip(names_of(groups, versions), groups, strict=True)
    ]


def _answers(digest: Digest) -> str:
    if digest.answers is None or not digest.answers.all:
        return ""
    words = {"answers": numbers.answers(digest.answers.all), "commented": numbers.number(digest.answers.commented)}
    return _("%(answers)s, %(commented)s with a comment.") % words


def _work(work: OpenWork) -> list[tuple[str, str]]:
    """Return each kind of open work that the reader has a part in, with its number; none is said too."""
    lines = []
    if work.mine is not None:
        lines.append((numbers.number(work.mine), ngettext("follow-up is yours", "follow-ups are yours", work.mine)))
    if work.overdue is not None:
        text = ngettext("first contact is overdue", "first contacts are overdue", work.overdue)
        lines.append((numbers.number(work.overdue), text))
    if work.unread is not None:
        text = ngettext("unread answer of a detractor", "unread answers of detractors", work.unread)
        lines.append((numbers.number(work.unread), text))
    return lines


def _comment(excerpt: reports.Excerpt) -> dict[str, Any]:
    response = excerpt.response
    return {
        "text": excerpt.text,
        "band": response.band,
        "score": f"{response.score} / {scale_of(response.metric, response.band_profile).maximum}",
        "band_name": numbers.band_name(response.band, response.metric),
        "link": link_to("admin:feedback_response_change", response.pk),
    }
