"""The pages on which people answer: everybody with a survey's link, or one invited person.

These pages know no session, so Django's CSRF token has nothing to be bound to and they are exempt from
it. What it would prevent, the seal of their forms prevents (see ``forms.Seal``): another site cannot make one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from feedback.answering import find_visit, take_decline, take_skip, take_words, visitor_token
from feedback.forms import FollowUpForm, ScoreForm, Seal
from feedback.intake import NoScoreYet, Submission, UsedInvitation, receipt_code
from feedback.invitations import InvitationError, invite_visitor
from feedback.limiting import seconds_to_wait
from feedback.pages import Step, choose_speech, due_step, editable_steps, find_open_survey, framing_origins
from feedback.scanners import record_visit, sender_of
from feedback.sharing import check_link, has_answered, remember_device, room_for, was_here
from feedback.unsubscribing import find_subscription, unsubscribe
from privacy.encryption import token_digest
from privacy.languages import in_chosen_language, speak
from privacy.limits import address_prefix
from surveys.models import ScoreLinks

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django_stubs_ext import StrOrPromise

    from feedback.answering import Visit
    from feedback.forms import SealedForm
    from feedback.models import Response
    from feedback.scanners import Sender
    from privacy.models import Product
    from surveys.models import Survey, SurveyVersion

DEAD_ENDS: Final = {
    "unknown_survey": (_("There is no survey here"), _("Please check the address: perhaps a part of it was lost.")),
    "survey_ended": (_("This survey has ended"), _("It takes no more answers. Thank you for wanting to give one.")),
    "link_ended": (_("This link has ended"), _("It takes no more answers. Thank you for wanting to give one.")),
    "survey_full": (_("This survey has all the answers it needs"), _("Thank you for wanting to give one.")),
    "unknown_token": (_("This link does not work"), _("Please check the address: perhaps a part of it was lost.")),
    "expired": (_("This invitation has expired"), _("It takes no more answers. Thank you for wanting to give one.")),
    "invitation_used": (_("This invitation was used"), _("Its answer is no longer here, and there is only one.")),
    "protected": (
        _("Your answer stays as it was"),
        _(
            "Programs that check e-mails open links and send forms. To keep them from changing what you said, it can "
            "only be changed in the browser in which you answered."
        ),
    ),
    "locked": (
        _("Your answer can no longer be changed"),
        _("A score can be changed for 24 hours and a comment for 14 days. Both stay as they were."),
    ),
}


def survey_door(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give a page what all of these need: methods, headers, and a friendly page where a link leads nowhere."""

    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "POST"])
    @in_chosen_language
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except InvitationError as error:
            response = dead_end(request, error.status, *DEAD_ENDS.get(error.code, (error.message, "")))
        if is_embedded(request):
            allow_framing(response, by=framing_origins(kwargs["token"]))
        response["X-Robots-Tag"] = "noindex"
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response

    return answer


def counted(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Refuse answers that come too fast."""

    @wraps(view)
    def answer(request: HttpRequest, slug: str = "", token: str = "") -> HttpResponse:
        wait = None
        if request.method == "POST":
            wait = seconds_to_wait(network=address_prefix(request), survey=slug, invitation=token)
        return view(request, slug or token) if wait is None else too_many(request, wait)

    return answer


def is_embedded(request: HttpRequest) -> bool:
    """Tell whether an app shows an invitation's page in a web view of its own, or a web site in a frame."""
    match = request.resolver_match
    return match is not None and "token" in match.kwargs and request.GET.get("embed") == "1"


def allow_framing(response: HttpResponse, *, by: list[str]) -> None:
    if by:
        response.xframe_options_exempt = True  # the older header knows no list of sites
        response._csp_replace = {"frame-ancestors": by}  # type: ignore[attr-defined]  # the hook of django-csp's decorators


def too_many(request: HttpRequest, wait: int) -> HttpResponse:
    response = dead_end(
        request,
        429,
        _("Too many answers at once"),
        _("Yours was not saved. Please go back and send it again in a minute."),
    )
    response["Retry-After"] = wait
    return response


def dead_end(request: HttpRequest, status: int, title: StrOrPromise, text: StrOrPromise) -> HttpResponse:
    context = {"title": title, "text": text, "embedded": is_embedded(request)}
    return render(request, "feedback/dead_end.html", context, status=status)


@survey_door
@counted
def survey_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask everybody with the survey's link; whoever answers becomes a visitor with a page of their own."""
    now = timezone.now()
    survey = find_open_survey(slug, at=now)
    version = survey.current_version
    assert version is not None  # noqa: S101  an open survey has one, which its type cannot say
    site = Site(request, version, survey.product)
    form = ScoreForm(posted(request), page=f"survey {survey.pk}", seal=Seal(submission_id=uuid4()), scale=version.scale)
    token = visitor_token(form.seal.submission_id) if form.is_valid() else ""
    if not (token and was_here(token)):
        check_link(survey, at=now)
        if has_answered(survey, request.COOKIES):
            return site.show("feedback/answered.html")
    if token:
        return take_visitor(site, survey, form, token)
    response = site.show("feedback/score.html", form=form)
    if request.method != "POST":
        # No store may share the page, as every visitor needs a seal of their own. The browser may keep it: going
        # back then finds the same form, and sending that again is the same answer.
        response["Cache-Control"] = "private, no-cache"
    return response


@survey_door
@counted
def invitation_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invited person the step that is due; only POST stores an answer."""
    page = PersonalPage(request, find_visit(token, by=sender(request, token)))
    if request.method == "POST":
        try:
            return page.take_follow_up() if request.POST.get("step") == Step.FOLLOW_UP else page.take_score()
        except (UsedInvitation, NoScoreYet):  # answered from another page meanwhile
            return page.site.go_to(token)
    page.record_visit()
    step = due_step(page.visit.response, wanted=request.GET.get("change", ""), at=timezone.now())
    return {Step.SCORE: page.score, Step.FOLLOW_UP: page.follow_up, Step.DONE: page.thanks}[step]()


@survey_door
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button that ends e-mails; the button of a mail program sends the same POST (RFC 8058).

    It is never refused for coming too often: a mail provider sends it for all of its people.
    """
    is_done = request.method == "POST"
    invitation = unsubscribe(token) if is_done else find_subscription(token)
    if not request.GET.get("lang") and invitation.language in dict(settings.LANGUAGES):
        speak(request, invitation.language)
    is_done = is_done or invitation.respondent.unsubscribed_at is not None
    context = {"token": token, "product": invitation.product, "is_done": is_done}
    return render(request, "feedback/unsubscribe.html", context)


class SeeOther(HttpResponseRedirect):
    """Send the browser on with a GET, so that reloading does not send the form again."""

    status_code = 303


class Site:
    """A survey's wording and its product in one person's language, and the request to answer in it.

    Args:
        otherwise: languages to fall back to before the version's default.
    """

    def __init__(self, request: HttpRequest, version: SurveyVersion, product: Product, *otherwise: str) -> None:
        self.request, self.version, self.product = request, version, product
        self.speech = choose_speech(
            version, request.GET.get("lang"), request.headers.get("Accept-Language"), *otherwise
        )
        speak(request, self.speech.furniture)

    def show(self, template: str, **context: Any) -> HttpResponse:
        form = context.get("form")
        return render(
            self.request,
            template,
            {
                "product": self.product,
                "speech": self.speech,
                "scale": self.version.scale,
                "embedded": is_embedded(self.request),
                **context,
            },
            status=400 if form is not None and form.errors else 200,
        )

    def go_to(self, token: str) -> HttpResponse:
        chosen = self.request.GET.get("lang", "")
        kept = {"lang": chosen} if chosen in dict(self.speech.languages) else {}
        if is_embedded(self.request):
            kept["embed"] = "1"
        query = "?" + urlencode(kept) if kept else ""
        return SeeOther(reverse("feedback:invitation", args=[token]) + query)


class PersonalPage:
    """An invited person's page: the forms with which they go on."""

    def __init__(self, request: HttpRequest, visit: Visit) -> None:
        invitation = visit.invitation
        self.request, self.visit, self.token, self.scale = request, visit, visit.token, invitation.version.scale
        self.name = f"invitation {token_digest(visit.token).hex()}"
        self.site = Site(request, invitation.version, invitation.product, invitation.language)

    def record_visit(self) -> None:
        """Remember that the link was opened, which says nothing about an answer."""
        record_visit(
            invitation=self.visit.invitation,
            is_head=self.request.method == "HEAD",
            score=self._score_of_link(),
            user_agent=user_agent(self.request),
        )

    def _score_of_link(self) -> int | None:
        named = self.request.GET.get("s", "")
        return next((score for score in self.scale.scores if str(score) == named), None)

    def _sender(self, form: SealedForm) -> Sender:
        return sender(self.request, self.token, form, seen=self.visit.seen)

    def score(self) -> HttpResponse:
        """Show the scale, with what the link or the earlier answer says chosen but not sent."""
        return self._show_score(self._score_form())

    def take_score(self) -> HttpResponse:
        form = self._score_form(self.request.POST)
        if not form.is_valid():
            return self._show_score(form)
        return take_score(self.site, form, self.token, by=self._sender(form))

    def follow_up(self) -> HttpResponse:
        """Show the question that follows the score; all of it is optional."""
        return self._show_follow_up(self._follow_up_form())

    def take_follow_up(self) -> HttpResponse:
        form = self._follow_up_form(self.request.POST)
        if not form.is_valid():
            return self._show_follow_up(form)
        message = Submission(submission_id=form.seal.submission_id, seq=form.seal.seq)
        receipt = receipt_code(form.seal.submission_id) if form.seal.earns_receipt else None
        if form.skips:
            take_skip(visit=self.visit, submission=message, by=self._sender(form))
        else:
            words = replace(message, **form.said())
            response = take_words(token=self.token, submission=words, by=self._sender(form))
            self.visit = replace(self.visit, response=response)
        return self.thanks(receipt)

    def thanks(self, receipt: str | None = None) -> HttpResponse:
        """Thank the person; the receipt code is there only on the answer to their last step."""
        return self.site.show(
            "feedback/thanks.html",
            receipt=receipt,
            address=reverse("feedback:invitation", args=[self.token]),
            **self._about(self.visit.answered),
        )

    def _about(self, response: Response) -> dict[str, Any]:
        editable = editable_steps(response, at=timezone.now())
        return {"response": response, "band": self._band(response), "editable": editable}

    def _band(self, response: Response) -> dict[str, Any]:
        words: dict[str, Any] = self.site.speech.words["bands"][self.scale.band(response.score)]
        return words

    def _seal(self) -> Seal:
        message, is_last_step = self.visit.next_message, self.visit.response is not None and not self.visit.is_complete
        return Seal(submission_id=message.submission_id, seq=message.seq, earns_receipt=is_last_step)

    def _score_form(self, data: Any = None) -> ScoreForm:
        response = self.visit.response
        chosen = self.request.GET.get("s") or (response.score if response else None)
        return ScoreForm(data, page=self.name, seal=self._seal(), scale=self.scale, initial={"score": chosen})

    def _show_score(self, form: ScoreForm) -> HttpResponse:
        is_assisted = (
            self.visit.invitation.survey.score_links == ScoreLinks.ASSISTED
            and self.visit.response is None
            and not form.is_bound
        )
        assisted = self._score_of_link() if is_assisted else None
        return self.site.show(
            "feedback/score.html", form=form, response=self.visit.response, token=self.token, assisted=assisted
        )

    def _follow_up_form(self, data: Any = None) -> FollowUpForm:
        response, respondent = self.visit.answered, self.visit.invitation.respondent
        return FollowUpForm(
            data,
            page=self.name,
            seal=self._seal(),
            initial={name: getattr(response, name) for name in ("comment", "reasons", "contact_permission")},
            reasons=self._band(response)["reasons"],
            # An anonymous visitor left nothing by which to be contacted.
            offers_contact=respondent.is_known and respondent.may_be_contacted,
        )

    def _show_follow_up(self, form: FollowUpForm) -> HttpResponse:
        about = self._about(self.visit.answered)
        return self.site.show("feedback/follow_up.html", form=form, is_change=self.visit.is_complete, **about)


def posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def take_score(site: Site, form: ScoreForm, token: str, *, by: Sender) -> HttpResponse:
    """Store what a valid score form says, a score or a decline, and show what comes next."""
    if not form.declines:
        message = Submission(submission_id=form.seal.submission_id, seq=form.seal.seq)
        take_words(token=token, submission=replace(message, score=form.cleaned_data["score"]), by=by)
    elif take_decline(token=token, by=by):
        return site.show("feedback/declined.html")
    return site.go_to(token)


def take_visitor(site: Site, survey: Survey, form: ScoreForm, token: str) -> HttpResponse:
    """Let a visitor of a survey's page in and take what their valid form says."""
    with room_for(survey, token=token):
        invite_visitor(survey=survey, language=site.speech.language, token=token)
        response = take_score(site, form, token, by=sender(site.request, token, form))
    if not form.declines:
        remember_device(response, survey=survey, path=site.request.path)
    return response


def user_agent(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")


def sender(request: HttpRequest, token: str, form: SealedForm | None = None, *, seen: str = "") -> Sender:
    """Return who looks at a page, or sent its form."""
    return sender_of(
        token=token,
        network=address_prefix(request),
        user_agent=user_agent(request),
        evidence=form.evidence if form else None,
        seen=seen,
    )
