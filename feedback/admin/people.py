"""People, one at a time: found by an identifier, never listed; and why they are or are not asked."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from feedback.admin.people_forms import REACHED, AgreementForm, LookUpForm, MomentForm, ReachedForm
from feedback.disclosure import SEE_RESTRICTED, may_look_people_up
from feedback.explaining import explain
from feedback.improvements import agree_to_contact
from feedback.invitations import Moment
from feedback.looking_up import LookUp, find_records, person_of
from feedback.models import Respondent
from feedback.people import forget_bounce, records_of_bounced
from feedback.products import load_product
from privacy.access_log import record_product_access
from privacy.admin.histories import said
from privacy.admin.visibility import VisibleModelAdmin, staff
from privacy.models import AccessLogEntry, Product
from surveys.models import Channel

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

SESSION: Final = "person_looked_up"  # the last question only: its reference, and the question encrypted

KINDS: Final = {
    "external_id": _("id in the product"),
    "email": _("e-mail"),
    "phone": _("phone"),
    "anonymous_id": _("anonymous id"),
}


@admin.register(Respondent)
class RespondentAdmin(VisibleModelAdmin):
    """The list is a form: whom somebody looks for goes by POST, and the answer's address holds a number only."""

    class Media:
        css = {"all": ["feedback/why_not.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Respondent]:
        return Respondent.including_restricted.visible_to(request.user).select_related("product__controller")

    def has_view_permission(self, request: HttpRequest, obj: Respondent | None = None) -> bool:
        return may_look_people_up(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Respondent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Respondent | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("never-met/<slug:reference>/", view(self.never_met_view), name="feedback_respondent_never_met"),
            path("<int:pk>/moment/", view(self.moment_view), name="feedback_respondent_moment"),
            path("<int:pk>/contact/", view(self.contact_view), name="feedback_respondent_contact"),
            path("<int:pk>/reached/", view(self.reached_view), name="feedback_respondent_reached"),
            *super().get_urls(),
        ]

    # --- Finding ------------------------------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self._require_permission(request)
        form = LookUpForm(request.POST if request.method == "POST" else None, user=staff(request))
        if form.is_valid():
            return self._find(request, form.cleaned_data["product"], form)
        return self._page(request, "find", {"title": _("Why not?"), "form": form})

    def _find(self, request: HttpRequest, product: Product, form: LookUpForm) -> HttpResponse:
        person, moment = form.person(), form.moment()
        found = find_records(product=product, person=person)
        is_met = bool(found) and found[0].subject_key == person.subject_key
        if len(found) == 1 and not is_met:
            person, is_met = person_of(found[0]), True
            messages.info(request, _("The product knows this person under another identifier, too."))
        # The answer's address alone tells whether somebody is known, so it is a read even if nobody follows it.
        _log_access(request, product, found[0] if is_met else None)
        question = LookUp(product_id=product.pk, person=person, moment=moment)
        if is_met:
            return self._redirect(request, question, pk=found[0].pk)
        return self._redirect(request, question)

    def _redirect(self, request: HttpRequest, question: LookUp, *, pk: int | None = None) -> HttpResponseRedirect:
        reference = str(pk) if pk else secrets.token_urlsafe(12)
        request.session[SESSION] = [reference, question.seal()]
        name = "feedback_respondent_change" if pk else "feedback_respondent_never_met"
        return HttpResponseRedirect(reverse(f"admin:{name}", args=[reference]))

    def _question(self, request: HttpRequest, reference: str) -> LookUp | None:
        """Return the last question of this session, if it was the one with this reference."""
        kept, sealed = request.session.get(SESSION, ("", ""))
        return LookUp.unseal(sealed) if kept == reference else None

    # --- Explaining ---------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._require_permission(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET"])
        if not object_id.isdecimal():
            raise Http404
        respondent = get_object_or_404(self.get_queryset(request), pk=object_id)
        return self._explain(request, self._question(request, object_id) or _usual(respondent), respondent)

    def never_met_view(self, request: HttpRequest, reference: str) -> HttpResponse:
        """Explain what somebody without a record would be answered."""
        self._require_permission(request)
        question = self._question(request, reference)
        if question is None or not Product.objects.visible_to(request.user).filter(pk=question.product_id).exists():
            messages.warning(request, _("This was looked up a while ago. Please look the person up again."))
            return HttpResponseRedirect(reverse("admin:feedback_respondent_changelist"))
        return self._explain(request, question, None)

    def moment_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask about the same person at another moment."""
        self._require_permission(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        respondent = get_object_or_404(self.get_queryset(request), pk=pk)
        question, form = self._question(request, str(pk)) or _usual(respondent), MomentForm(request.POST)
        if not form.is_valid():
            return self._explain(request, question, respondent, form)
        person = question.person_signed(form.cleaned_data["is_signed"])
        question = LookUp(product_id=question.product_id, person=person, moment=form.moment())
        return self._redirect(request, question, pk=pk)

    def contact_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for the evidence, then let a person who said no be contacted again."""
        self._require_permission(request)
        if not _may_record_wishes(request):
            raise PermissionDenied
        respondent = get_object_or_404(self.get_queryset(request).filter(restricted_at=None), pk=pk)
        back = HttpResponseRedirect(reverse("admin:feedback_respondent_change", args=[pk]))
        if not respondent.do_not_contact:
            messages.info(request, _("This person is not marked “do not contact”."))
            return back
        form = AgreementForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            context = {"title": _("May this person be contacted again?"), "subtitle": str(respondent), "form": form}
            return self._page(request, "contact", {**context, "respondent": respondent})
        agree_to_contact(respondent=respondent, **form.cleaned_data)
        self.log_change(request, respondent, said(_("May be contacted again.")))
        messages.success(request, _("This person may be contacted again."))
        return back

    def reached_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask how it is known that mail reaches a person again, then forget that it came back."""
        if not _may_say_reached(request):
            raise PermissionDenied
        respondent = get_object_or_404(Respondent.objects.visible_to(staff(request)), pk=pk)
        form = ReachedForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            context = {"title": _("Mail reaches them again"), "subtitle": str(respondent), "form": form}
            return self._page(request, "reached", {**context, "respondent": respondent})
        if forget_bounce(respondent=respondent):
            why = REACHED[form.cleaned_data["why"]]
            self.log_change(request, respondent, said(_("Mail reaches them again: %(why)s."), why=why))
            messages.success(request, _("This person can be mailed again."))
        return HttpResponseRedirect(reverse("admin:feedback_respondent_change", args=[pk]))

    def _explain(
        self, request: HttpRequest, question: LookUp, respondent: Respondent | None, form: MomentForm | None = None
    ) -> HttpResponse:
        product = Product.objects.select_related("controller").get(pk=question.product_id)
        _log_access(request, product, respondent)
        context = {
            "title": _("Why not?"),
            "subtitle": str(respondent or _("somebody never met")),
            "respondent": respondent,
            "may_record_wishes": _may_record_wishes(request),
            "has_bounced": _may_say_reached(request) and respondent and records_of_bounced(respondent).exists(),
            "product": product,
            "similar": _similar(product, question, respondent),
            "form": form or MomentForm(initial={**vars(question.moment), "is_signed": question.person.is_signed}),
            **_explained(request, product, question, respondent),
        }
        return self._page(request, "explained", context)

    def _require_permission(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
        everywhere = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media}
        return TemplateResponse(request, f"admin/feedback/respondent/{name}.html", {**everywhere, **context})


def _may_record_wishes(request: HttpRequest) -> bool:
    return staff(request).has_perm("feedback.change_channelpermission")


def _usual(respondent: Respondent) -> LookUp:
    """Return the question that needs no form: this person, on the web."""
    return LookUp(product_id=respondent.product_id, person=person_of(respondent), moment=Moment())


def _may_say_reached(request: HttpRequest) -> bool:
    return may_look_people_up(request.user) and request.user.has_perm("feedback.change_channelpermission")


def _log_access(request: HttpRequest, product: Product, respondent: Respondent | None) -> None:
    purpose = AccessLogEntry.Purpose.WHY_NOT
    record_product_access(user=staff(request), purpose=purpose, record=respondent or Respondent, product=product)


def _explained(
    request: HttpRequest, product: Product, question: LookUp, respondent: Respondent | None
) -> dict[str, Any]:
    """Return what the page tells of the decision and of the question it answers."""
    settings = load_product(product.public_key)
    assert settings is not None  # noqa: S101  its row was just read
    found = explain(product=settings, person=question.person, moment=question.moment, at=timezone.now())
    is_restricted = found.is_restricted or (respondent is not None and respondent.restricted_at is not None)
    return {
        "zone": product.zone,
        "found": found,
        "is_hidden": is_restricted and not request.user.has_perm(SEE_RESTRICTED),
        "question": question,
        "described_by": ", ".join(str(name) for key, name in KINDS.items() if getattr(question.person, key)),
        "channel": Channel(question.moment.channel).label,
    }


def _similar(product: Product, question: LookUp, respondent: Respondent | None) -> list[Respondent]:
    """Return the other records that the same identifiers lead to."""
    found = find_records(product=product, person=question.person)
    return [each for each in found if respondent is None or each.pk != respondent.pk]
