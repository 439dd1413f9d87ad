"""The e-mails of a follow-up: what was written and received, and the form to write. A part of its page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from feedback import correspondence, tasks
from feedback.disclosure import disclosed_to
from feedback.models import Contact
from privacy.access_log import record_product_access
from privacy.admin.histories import said
from privacy.admin.visibility import staff
from privacy.masking import mask
from privacy.models import AccessLogEntry

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern
    from django_stubs_ext import StrOrPromise
    from unfold.admin import ModelAdmin

    from feedback.disclosure import Disclosure
    from feedback.models import FollowUp

Kind = Contact.Kind
# A conversation is short; a page that somebody floods stays readable.
MOST_SHOWN: Final = 100


@dataclass(frozen=True)
class Entry:
    """One mail as the page shows it.

    Args:
        who: a member of staff; empty for the person and for what came by itself.
        sender: the address that a received mail names, where it may be shown.
        is_elsewhere: whether that is not the address by which the person is known.
        state, colour: how far it got, and the colour of the label that says so.
    """

    who: str
    at: datetime
    sender: str
    is_elsewhere: bool
    subject: str
    text: str
    state: StrOrPromise
    colour: str
    why: StrOrPromise
    is_theirs: bool


class LetterForm(forms.Form):
    """An e-mail to a person."""

    subject = forms.CharField(
        label=_("Subject"),
        max_length=correspondence.LONGEST_SUBJECT,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("One line. It is read also where others can see the screen: nothing private belongs here."),
    )
    text = forms.CharField(
        label=_("Text"),
        max_length=correspondence.LONGEST_TEXT,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text=_("Plain text. Why they get it, and how they can object, is added below."),
    )


def urls(page: ModelAdmin) -> list[URLPattern]:
    """Return the addresses for the admin of follow-ups."""
    view = page.admin_site.admin_view(partial(write_to_person, page))
    return [path("<int:pk>/write/", view, name="feedback_followup_write")]


def panel(user: User, follow_up: FollowUp, form: LetterForm | None = None) -> dict[str, Any]:
    """Return what ``admin/feedback/followup/correspondence.html`` shows, as ``correspondence``."""
    shown = disclosed_to(user, follow_up.response)
    contacts = list(_mails(follow_up))
    obstacle = _obstacle(user, follow_up)
    return {
        "follow_up": follow_up,
        "entries": [_entry(contact, follow_up, shown) for contact in contacts],
        "may_work": correspondence.may_write(user, follow_up),
        "obstacle": obstacle,
        "form": None if obstacle is not None else form or LetterForm(initial={"subject": _next_subject(contacts)}),
        "to": correspondence.email_of(follow_up) if shown.identity else "",
        "has_bounced": follow_up.respondent.mail_bounced_at is not None,
        "comes_back": bool(settings.REPLY_DOMAIN),
    }


def write_to_person(page: ModelAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Show the correspondence with its form, what the person would read, or queue what was confirmed."""
    follow_up = get_object_or_404(page.get_queryset(request).select_related("respondent", "product__controller"), pk=pk)
    user = staff(request)
    if not correspondence.may_write(user, follow_up):
        raise PermissionDenied
    return _answer(request, page, follow_up, user)


@require_http_methods(["GET", "HEAD", "POST"])
def _answer(request: HttpRequest, page: ModelAdmin, follow_up: FollowUp, user: User) -> HttpResponse:
    form = LetterForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and "edit" not in request.POST:
        try:
            if "confirmed" in request.POST:
                return _send(request, page, follow_up, user, form)
            return _preview(request, page, follow_up, user, form)
        except ValidationError as error:
            form.add_error(None, error)
    context = {
        "title": gettext("Write to the person"),
        "media": page.media + form.media,
        "correspondence": panel(user, follow_up, form if request.method == "POST" else None),
        "errors": form.non_field_errors() if request.method == "POST" else [],
    }
    return _show(request, page, follow_up, "write", context)


def _send(
    request: HttpRequest, page: ModelAdmin, follow_up: FollowUp, user: User, form: LetterForm
) -> HttpResponseRedirect:
    contact = correspondence.write(follow_up=follow_up, by=user, **form.cleaned_data)
    tasks.queue_contact(contact.pk)
    page.log_change(request, follow_up, said(_("Wrote an e-mail.")))
    messages.success(request, gettext("The e-mail is on its way; this page says when it was sent."))
    return HttpResponseRedirect(reverse("admin:feedback_followup_change", args=[follow_up.pk]))


def _preview(request: HttpRequest, page: ModelAdmin, follow_up: FollowUp, user: User, form: LetterForm) -> HttpResponse:
    """Show the whole e-mail as the person would read it; what was typed goes along, to be sent or changed."""
    subject, text = correspondence.draft(follow_up=follow_up, by=user, **form.cleaned_data)
    to = correspondence.email_of(follow_up) if disclosed_to(user, follow_up.response).identity else ""
    context = {
        **{"title": gettext("Send this e-mail?"), "media": page.media, "follow_up": follow_up},
        **{"to": to, "subject": subject, "text": text, "typed": form.cleaned_data},
    }
    return _show(request, page, follow_up, "preview", context)


def _show(
    request: HttpRequest, page: ModelAdmin, follow_up: FollowUp, name: str, context: dict[str, Any]
) -> HttpResponse:
    """Show a page that names the person, which is recorded."""
    purpose = AccessLogEntry.Purpose.FOLLOW_UP
    record_product_access(user=staff(request), purpose=purpose, record=follow_up, product=follow_up.product)
    everywhere = {**page.admin_site.each_context(request), "opts": page.opts}
    return TemplateResponse(request, f"admin/feedback/followup/{name}.html", {**everywhere, **context})


def _mails(follow_up: FollowUp) -> QuerySet[Contact]:
    """Return e-mails, and what came by itself; other contacts were logged by somebody."""
    mails = Q(kind__in=[Kind.EMAIL_OUT, Kind.EMAIL_IN]) | Q(kind=Kind.OTHER, actor=None)
    newest = Contact.objects.filter(mails, follow_up=follow_up).select_related("actor").order_by("-at", "-pk")
    return newest[:MOST_SHOWN]


def _obstacle(user: User, follow_up: FollowUp) -> str | None:
    """Return why nothing can be written now; nothing where it can."""
    if not correspondence.may_write(user, follow_up):
        return ""
    if not follow_up.is_open:
        return gettext("It is closed; reopen it first.")
    try:
        correspondence.check_may_get_mail(follow_up)
    except ValidationError as error:
        return " ".join(error.messages)
    return None


def _entry(contact: Contact, follow_up: FollowUp, shown: Disclosure) -> Entry:
    is_everything = shown.identity and shown.comment
    known = {follow_up.respondent.email.lower(), follow_up.response.email.lower()}
    state, colour = _state(contact)
    return Entry(
        who=contact.actor.get_username() if contact.actor else "",
        at=contact.at,
        sender=contact.sender if shown.identity else "",
        is_elsewhere=bool(contact.sender) and contact.sender.lower() not in known,
        subject=contact.subject if is_everything else mask(contact.subject),
        text=contact.text if is_everything else mask(contact.text),
        state=state,
        colour=colour,
        why=contact.get_failure_display() if contact.failure else "",
        is_theirs=contact.kind == Kind.EMAIL_IN,
    )


def _state(contact: Contact) -> tuple[StrOrPromise, str]:
    if contact.kind != Kind.EMAIL_OUT:
        return _("received"), "info"
    if contact.failed_at:
        return contact.what_went_wrong, "danger"
    return (_("sent"), "success") if contact.sent_at else (_("waits to be sent"), "warning")


def _next_subject(newest_first: list[Contact]) -> str:
    last = next((contact.subject for contact in newest_first if contact.subject and contact.kind != Kind.OTHER), "")
    if not last or last.lower().startswith("re:"):
        return last
    return f"Re: {last}"[: correspondence.LONGEST_SUBJECT]
