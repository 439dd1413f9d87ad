"""The page of one response: its fields, as far as the user may see them, and what stands around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.http import QueryDict
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.utils import display_for_label

from feedback.admin.person_page import is_masked, is_revealed
from feedback.admin.response_columns import terms_searched
from feedback.disclosure import disclosed_to, may_look_people_up, reason_shown, seen_by
from feedback.models import FollowUp, Response, Tag
from feedback.searching import highlighted
from privacy.masking import mask
from surveys.scales import Band

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest

BAND_COLOURS: Final = {Band.DETRACTOR: "danger", Band.PASSIVE: "warning", Band.PROMOTER: "success"}

MOST_EARLIER: Final = 20


@dataclass(frozen=True)
class Shown:
    """The words a person saw, from the frozen version."""

    question: str
    low_label: str
    high_label: str
    follow_up_question: str


def wording_shown(response: Response) -> Shown:
    """Return the wording in the language of the response, or in the version's own where that has none."""
    content = response.version.content
    words = content.get(response.language) or content[response.version.default_language]
    return Shown(
        question=words["question"],
        low_label=words["low_label"],
        high_label=words["high_label"],
        follow_up_question=words["bands"][response.band]["follow_up_question"],
    )


def context_of(response: Response, user: User) -> dict[str, Any]:
    """Return what the template shows below the fields: tags, follow-ups, the person's other answers, changes."""
    others = seen_by(user, Response).filter(respondent=response.respondent_id).exclude(pk=response.pk)
    may_see_follow_ups = user.has_perm("feedback.view_followup")
    may_tag = user.has_perm("feedback.triage_response") and not response.restricted_at
    return {
        "response": response,
        "tags": response.tags.all(),
        "may_tag": may_tag,
        "known_tags": Tag.objects.filter(product=response.product_id) if may_tag else (),
        "may_look_up": may_look_people_up(user),
        "may_see_person": disclosed_to(user, response).identity,
        "others": others.defer("search", "comment", "properties")[:MOST_EARLIER],
        "score_changes": response.score_changes.all(),
        "may_see_follow_ups": may_see_follow_ups,
        "follow_ups": _follow_ups(response, user) if may_see_follow_ups else (),
    }


def _follow_ups(response: Response, user: User) -> list[tuple[FollowUp, str]]:
    rows = seen_by(user, FollowUp).filter(respondent=response.respondent_id).select_related("owner")
    return [(row, reason_shown(row, user)) for row in rows]


def label(text: str | list[str], colour: str = "") -> str:
    """Return a label, or several, in one of the theme's colours."""
    return str(display_for_label((0, text) if colour else text, "", {0: colour} if colour else True))


def score_label(response: Response) -> str:
    """Return the score on its scale with the band in colour and in words."""
    text = f"{response.score} / {response.version.scale.maximum} · {response.get_band_display()}"
    return label(text, BAND_COLOURS[Band(response.band)])


class ResponsePage:
    """The read-only fields of a response; a field the user may not see is not among them."""

    class Media:
        css = {"all": ["feedback/staff.css"]}
        js = ["feedback/shortcuts.js"]

    def get_fieldsets(self, request: HttpRequest, obj: Response | None = None) -> list[tuple[Any, Any]]:
        if obj is None:
            return []
        shown = disclosed_to(request.user, obj)
        answer = (
            "question",
            "score_shown",
            "follow_up_question",
            "comment_shown",
            "reasons_shown",
            "contact_permission",
        )
        occasion = ("product", "survey_and_version", "answered_at", "completed_at", "channel", "language")
        # What a product tells about a person in its own words may name them: no pattern would find that.
        told = ("url_shown", "company", "properties_shown") if shown.identity else ()
        device = ("device", "app_version", "country", *told)
        fieldsets: list[tuple[Any, Any]] = [
            (_("Answer"), {"fields": answer}),
            (_("Occasion"), {"fields": (*occasion, *device)}),
            (_("Standing"), {"fields": ("triage", "standing")}),
        ]
        if shown.identity:
            fieldsets.insert(1, (_("Person"), {"fields": ("name", "email", "id_in_product", "phone")}))
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Response | None = None) -> tuple[str, ...]:
        return tuple(name for _title, options in self.get_fieldsets(request, obj) for name in options["fields"])

    @display(description=_("question as shown"))
    def question(self, response: Response) -> str:
        words, scale = wording_shown(response), response.version.scale
        return f"{words.question} ({scale.minimum}: {words.low_label}, {scale.maximum}: {words.high_label})"

    @display(description=_("score"))
    def score_shown(self, response: Response) -> str:
        return score_label(response)

    @display(description=_("follow-up question as shown"))
    def follow_up_question(self, response: Response) -> str:
        return wording_shown(response).follow_up_question

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Response | None:
        response: Response | None = super().get_object(request, object_id, from_field)  # type: ignore[misc]  # a ModelAdmin's
        if response is not None:
            as_written = disclosed_to(request.user, response).comment and is_revealed(request, response)
            response.comment_to_show = response.comment if as_written else mask(response.comment)  # type: ignore[attr-defined]  # for this page
            words = QueryDict(request.GET.get("_changelist_filters", "")).get("q", "")
            response.terms_to_mark = terms_searched(request, words)  # type: ignore[attr-defined]  # for this page
        return response

    def may_reveal(self, request: HttpRequest, response: Response) -> bool:
        """Tell whether the user may see as written what of the comment is masked now."""
        if not is_masked(response.comment) or is_revealed(request, response):
            return False
        return disclosed_to(request.user, response).comment

    @display(description=_("comment"))
    def comment_shown(self, response: Any) -> str:
        html = highlighted(response.comment_to_show, response.terms_to_mark)
        return format_html('<span class="odzew-written">{}</span>', html) if response.comment else ""

    @display(description=_("reasons"))
    def reasons_shown(self, response: Response) -> str:
        return label(response.reasons) if response.reasons else ""

    @display(description=_("survey and version"))
    def survey_and_version(self, response: Response) -> str:
        return f"{response.survey} · {response.version.number}"

    @display(description=_("address of the page"))
    def url_shown(self, response: Response) -> str:
        return _breakable(response.url)

    @display(description=_("properties"))
    def properties_shown(self, response: Response) -> str:
        return _listed(response.properties)

    @display(description=_("id in the product"))
    def id_in_product(self, response: Response) -> str:
        return response.respondent.external_id

    @display(description=_("phone"))
    def phone(self, response: Response) -> str:
        return response.respondent.phone

    @display(description=_("measures"))
    def standing(self, response: Response) -> str:
        if response.excluded_at:
            why = {"reason": response.exclusion_reason, "by": response.excluded_by}
            return gettext("Does not count: excluded by %(by)s. %(reason)s") % why
        if response.is_test:
            return gettext("Does not count: a test.")
        if response.is_suspect:
            return " ".join([gettext("Does not count: suspect."), str(response.get_suspicion_display())]).strip()
        return gettext("Counts.")


def _breakable(address: str) -> str:
    """Return an address that wraps anywhere, so that a long one does not widen the page of a phone."""
    return format_html('<span class="odzew-breakable">{}</span>', address) if address else ""


def _listed(properties: dict[str, Any]) -> str:
    return format_html_join("\n", '<div class="odzew-breakable">{}: {}</div>', properties.items())
