"""Pages beside a campaign: its steps, its audience and dry run, who gets a mail and who does not, and the preview.

None of them says who somebody is: a person is a line of the uploaded file, or a link to their page, where the read is
logged.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin

from feedback import campaigns
from feedback.admin.campaign_forms import AudienceForm
from feedback.admin.campaign_steps import REMOVE, STEPS, Step
from feedback.admin.downloads import csv_stream
from feedback.exports import csv_parts
from feedback.models import Campaign, CampaignAudience, CampaignMail, Respondent
from feedback.tasks import queue_campaigns
from privacy.admin.histories import in_words, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest, StreamingHttpResponse
    from django.http.response import HttpResponseBase
    from django.urls import URLPattern

    from surveys.models import SurveyVersion

CHANGE: Final = "feedback.change_campaign"
SEE_IDENTITY: Final = "feedback.view_identity"
ROWS: Final = 100
MOST_SHOWN: Final = 200
SETTLED_AS_SENT: Final = gettext_lazy("Settled as sent: %(count)s.")
SETTLED_AS_NOT_SENT: Final = gettext_lazy("Settled as not sent: %(count)s.")
NUMBER: Final = re.compile(r"[0-9]{1,18}")  # of a row; a longer one would not fit its column


class CampaignPages:
    """The addresses beside the page of a campaign; a part of its ModelAdmin."""

    admin_site: Any
    opts: Any
    media: Any
    standing: Any

    def campaign_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        pages = {
            "step": ("step/<slug:name>/", self.step_view),
            "audience": ("audience/", self.audience_view),
            "dry_run": ("audience/<int:audience>/", self.dry_run_view),
            "remove": ("audience/<int:audience>/remove/", self.remove_view),
            "mails": ("mails/", self.mails_view),
            "settle": ("mails/<int:mail>/", self.settle_view),
            "settle_shown": ("mails/settle/", self.settle_shown_view),
            "preview": ("preview/<slug:language>/", self.preview_view),
            "frame": ("preview/<slug:language>/frame/", self.frame_view),
            "progress": ("progress/", self.progress_view),
        }
        return [
            path(f"<int:pk>/{address}", view(page), name=f"feedback_campaign_{name}")
            for name, (address, page) in pages.items()
        ]

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Ask whether to start, pause, resume or cancel, then do it."""
        campaign, step = self._changeable(request, pk), STEPS.get(name)
        if step is None:
            raise Http404
        if request.method != "POST":
            context = {"step": step, "is_possible": step.fits(campaign)}
            return self._show(request, campaign, "confirm", title=step.title, **context)
        return self._do(request, campaign, step, campaign=campaign)

    def _do(self, request: HttpRequest, campaign: Campaign, step: Step, /, **about: Any) -> HttpResponse:
        try:
            step.act(**about)
        except ValidationError as error:
            return self._back(request, campaign, error)
        queue_campaigns()
        self.log_change(request, campaign, said(step.done))  # type: ignore[attr-defined]  # a ModelAdmin's
        messages.success(request, str(step.done))
        return self._back(request, campaign)

    def audience_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Add a segment or a file, then show what would become of its people."""
        campaign = self._changeable(request, pk)
        form = AudienceForm(*_sent(request), product=campaign.product)
        if form.is_valid():
            try:
                audience = campaigns.add_audience(campaign=campaign, **form.audience())
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                queue_campaigns()
                address = reverse("admin:feedback_campaign_dry_run", args=[pk, audience.pk])
                return HttpResponseRedirect(address if campaign.state == Campaign.State.DRAFT else self._address(pk))
        return self._show(request, campaign, "audience", title=_("Add an audience"), form=form)

    def dry_run_view(self, request: HttpRequest, pk: int, audience: int) -> HttpResponseBase:
        """Say for each person whether they would get the mail and why not; nothing is stored."""
        campaign = self._changeable(request, pk)
        row = get_object_or_404(campaign.audiences.select_related("campaign__product", "segment"), pk=audience)
        if row.state != row.State.WAITING:
            return self._back(request, campaign)
        tried, is_file = campaigns.dry_run(audience=row), "csv" in request.GET
        try:
            judged = list(islice(tried, 1 if is_file else campaigns.MOST_TRIED + 1))
        except ValidationError as error:
            return self._back(request, campaign, error)
        if is_file:
            return _dry_run_file(row, chain(judged, tried))
        may_see = request.user.has_perm(SEE_IDENTITY)
        told = {**_dry_run(judged), "audience": row, "may_see_people": may_see}
        return self._show(request, campaign, "dry_run", title=_("Dry run"), **told)

    def remove_view(self, request: HttpRequest, pk: int, audience: int) -> HttpResponse:
        """Ask, then take an audience off a draft."""
        campaign = self._changeable(request, pk)
        row = get_object_or_404(campaign.audiences.defer("content").select_related("segment"), pk=audience)
        if request.method == "POST":
            return self._do(request, campaign, REMOVE, audience=row)
        title = f"{REMOVE.title}: {row.segment or row.file_name or row.get_kind_display()}"
        return self._show(request, campaign, "confirm", title=title, step=REMOVE, is_possible=row.is_removable)

    def mails_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """List the mails with their states and codes, without anybody's name."""
        campaign = self._visible(request, pk)
        mails = _mails(campaign)
        state, code = request.GET.get("state", ""), request.GET.get("code", "")
        if state in CampaignMail.State:
            mails = mails.filter(state=state)
        if code in campaigns.WHY:
            mails = mails.filter(code=code)
        page = Paginator(mails, ROWS).get_page(request.GET.get("p"))
        people = {mail.respondent_id for mail in page}
        context = {
            "page": page,
            "rows": [(mail, campaigns.WHY.get(mail.code, "")) for mail in page],
            "unrestricted": set(Respondent.objects.filter(pk__in=people).values_list("pk", flat=True)),
            "states": CampaignMail.State.choices,
            "state": state,
            "code": code,
            "may_see_people": request.user.has_perm(SEE_IDENTITY),
            "may_change": request.user.has_perm(CHANGE),
        }
        return self._show(request, campaign, "mails", title=_("Mails"), **context)

    def settle_view(self, request: HttpRequest, pk: int, mail: int) -> HttpResponse:
        """Settle a mail of which nobody knows whether it was sent."""
        campaign = self._changeable(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return self._settle(request, campaign, [get_object_or_404(_mails(campaign), pk=mail)])

    def settle_shown_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask what became of the mails on one page of those of which nobody knows, then settle exactly these."""
        campaign = self._changeable(request, pk)
        if request.method == "POST":
            numbers = [int(number) for number in request.POST.getlist("mail")[:ROWS] if NUMBER.fullmatch(number)]
            return self._settle(request, campaign, _mails(campaign).filter(pk__in=numbers))
        page = Paginator(_mails(campaign).filter(state=CampaignMail.State.UNKNOWN), ROWS).get_page(request.GET.get("p"))
        back = f"{reverse('admin:feedback_campaign_mails', args=[pk])}?state={CampaignMail.State.UNKNOWN}"
        return self._show(request, campaign, "settle", title=_("What happened?"), mails=page.object_list, back=back)

    def _settle(self, request: HttpRequest, campaign: Campaign, mails: Iterable[CampaignMail]) -> HttpResponse:
        """Settle mails one by one and say how many; those that somebody else settled meanwhile stay as they are."""
        settled: Counter[bool] = Counter()
        for mail in mails:
            with suppress(ValidationError):
                settled[campaigns.settle_unknown_by_staff(mail=mail, was_sent="sent" in request.POST)] += 1
        for was_sent, count in settled.items():
            queue_campaigns()
            kept = said(SETTLED_AS_SENT if was_sent else SETTLED_AS_NOT_SENT, count=str(count))
            self.log_change(request, campaign, kept)  # type: ignore[attr-defined]  # a ModelAdmin's
            messages.success(request, in_words(kept))
        if not settled:
            messages.error(request, _("This is not possible now: somebody else may have changed it."))
        address = reverse("admin:feedback_campaign_mails", args=[campaign.pk])
        return HttpResponseRedirect(f"{address}?state={CampaignMail.State.UNKNOWN}")

    def preview_view(self, request: HttpRequest, pk: int, language: str) -> HttpResponse:
        """Show the mail in one language, as HTML in a frame and as plain text."""
        campaign = self._visible(request, pk)
        letter = _letter(campaign, language)
        context = {"letter": letter, "language": language, "wordings": campaign.wordings.all()}
        return self._show(request, campaign, "preview", title=_("Preview"), **context)

    def frame_view(self, request: HttpRequest, pk: int, language: str) -> HttpResponse:
        """Return the HTML of the mail; a frame without scripts shows it."""
        letter = _letter(self._visible(request, pk), language)
        return xframe_options_sameorigin(lambda _request: HttpResponse(letter.html))(request)

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return how the campaign stands, as its page shows it."""
        campaign = self._visible(request, pk)
        return TemplateResponse(request, "admin/feedback/campaign/standing.html", self.standing(request, campaign))

    def _visible(self, request: HttpRequest, pk: int) -> Campaign:
        if not self.has_view_permission(request):  # type: ignore[attr-defined]  # a ModelAdmin's
            raise PermissionDenied
        rows = self.get_queryset(request).select_related("product__controller", "survey")  # type: ignore[attr-defined]
        campaign: Campaign = get_object_or_404(rows, pk=pk)
        return campaign

    def _changeable(self, request: HttpRequest, pk: int) -> Campaign:
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        return self._visible(request, pk)

    def _address(self, pk: int) -> str:
        return reverse("admin:feedback_campaign_change", args=[pk])

    def _back(self, request: HttpRequest, campaign: Campaign, error: ValidationError | None = None) -> HttpResponse:
        for text in error.messages if error else ():
            messages.error(request, text)
        return HttpResponseRedirect(self._address(campaign.pk))

    def _show(self, request: HttpRequest, campaign: Campaign, template: str, **context: Any) -> HttpResponse:
        return TemplateResponse(
            request,
            f"admin/feedback/campaign/{template}.html",
            {
                **self.admin_site.each_context(request),
                **{"opts": self.opts, "media": self.media, "campaign": campaign, "subtitle": str(campaign)},
                "back": self._address(campaign.pk),
                **context,
            },
        )


def _mails(campaign: Campaign) -> QuerySet[CampaignMail]:
    return CampaignMail.objects.filter(campaign=campaign).order_by("pk")


def _sent(request: HttpRequest) -> tuple[Any, Any]:
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)


def _counts(judged: list[campaigns.Judged]) -> list[tuple[str, int]]:
    return campaigns.counts_of(judged).most_common()


def _dry_run(judged: list[campaigns.Judged]) -> dict[str, Any]:
    is_cut, judged = len(judged) > campaigns.MOST_TRIED, judged[: campaigns.MOST_TRIED]
    return {
        "is_shortened": len(judged) > MOST_SHOWN,
        "counts": [(code, campaigns.WHY[code], count) for code, count in _counts(judged)],
        "total": len(judged),
        "is_cut": is_cut,
        "rows": [(each, campaigns.WHY[each.code]) for each in islice(judged, MOST_SHOWN)],
    }


def _dry_run_file(audience: CampaignAudience, judged: Iterator[campaigns.Judged]) -> StreamingHttpResponse:
    """Return everybody as a file, which is made while it is sent: a line or a record says who they are, not a name."""
    why = {code: str(text) for code, text in campaigns.WHY.items()}  # in the language of this request
    is_mailed = {code: _("yes") if code in campaigns.OWED else _("no") for code in why}
    rows = (
        (
            *(str(each.entry.line or ""), str(each.respondent.pk) if each.respondent else ""),
            *(is_mailed[each.code], why[each.code], each.code),
        )
        for each in judged
    )
    headers = (_("line"), _("known person"), _("gets the mail"), _("answer"), _("code"))
    return csv_stream(csv_parts(headers, rows), f"dry-run-{audience.pk}")


def _letter(campaign: Campaign, language: str) -> campaigns.Letter:
    """Return the mail as it would be now, to somebody of the first name in the book."""
    version: SurveyVersion | None = campaign.version or campaign.survey.current_version
    wording = campaign.wordings.filter(language=language).first()
    if version is None or wording is None or language not in version.content:
        raise Http404
    words = {"language": language, "subject": wording.subject, "intro": wording.intro}
    letter = campaigns.write_letter(campaign=campaign, version=version, **words, may_count=False)
    return campaigns.for_example(letter, campaign)
