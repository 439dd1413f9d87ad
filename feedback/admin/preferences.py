"""“My mail”: what each member of staff gets by mail and when. Everybody has this page and sees nobody else's."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING, Any, Final, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from feedback import tasks
from feedback.digests import owe_preview
from feedback.mail_preferences import DIGESTS, preference_of, products_with_digests, save_preferences
from feedback.models import MailPreference, Notice, Subscription
from privacy.admin.visibility import staff

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest, HttpResponse

AT_ONCE: Final = tuple(notice for notice in Notice if notice not in DIGESTS)


class ClockWidget(UnfoldAdminTextInputWidget):
    input_type = "time"


class PreferencesForm(forms.Form):
    """What somebody wants mail about, and when not."""

    notices = forms.MultipleChoiceField(
        label=_("Mail me about"),
        choices=[(notice.value, notice.label) for notice in AT_ONCE],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Sent as it happens, about products that you see."),
    )
    digests = forms.MultipleChoiceField(
        label=_("Digests"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Sent in the morning. Nothing is sent about a day without answers and without open work."),
    )
    quiet_from = forms.TimeField(
        label=_("Quiet from"),
        required=False,
        widget=ClockWidget,
        help_text=_("From then on no mail is sent to you, by the clock of your time zone."),
    )
    quiet_until = forms.TimeField(
        label=_("Quiet until"),
        required=False,
        widget=ClockWidget,
        help_text=_("Mail waits for the end of these hours, also over midnight. Leave both empty for none."),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        choices=[(name, name) for name in sorted(zoneinfo.available_timezones())],
        widget=UnfoldAdminSelectWidget,
        help_text=_("Quiet hours and the times in your mail are those of this zone."),
    )
    language = forms.ChoiceField(
        label=_("Language of mail"),
        choices=MailPreference._meta.get_field("language").choices or (),
        widget=UnfoldAdminRadioSelectWidget,
        help_text=_("The language of the pages is chosen separately."),
    )

    def __init__(self, data: Any, *, user: User) -> None:
        preference = preference_of(user)
        held = Subscription.objects.filter(user=user).values_list("product", "notice")
        initial = {
            "notices": [notice for notice in AT_ONCE if notice not in preference.muted],
            "digests": [_key(product, notice) for product, notice in held],
            **{name: getattr(preference, name) for name in ("quiet_from", "quiet_until", "time_zone", "language")},
        }
        super().__init__(data, initial=initial)
        self.choices = [
            (_key(product.pk, notice), f"{product.name}: {notice.label}")
            for product in products_with_digests(user)
            for notice in DIGESTS
        ]
        if self.choices:
            cast("forms.MultipleChoiceField", self.fields["digests"]).choices = self.choices
        else:
            del self.fields["digests"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        begin, end = cleaned.get("quiet_from"), cleaned.get("quiet_until")
        if (begin is None) != (end is None) and not {"quiet_from", "quiet_until"} & set(self.errors):
            missing = "quiet_until" if end is None else "quiet_from"
            self.add_error(missing, ValidationError(gettext("Give both times, or none."), code="one_time_missing"))
        elif begin is not None and begin == end:
            self.add_error(
                "quiet_until",
                ValidationError(
                    gettext("The quiet hours must end at another time than they begin."), code="no_quiet_hours"
                ),
            )
        return cleaned

    def save(self, *, user: User) -> None:
        chosen = self.cleaned_data
        begin, end = chosen["quiet_from"], chosen["quiet_until"]
        save_preferences(
            user=user,
            muted=[notice for notice in AT_ONCE if notice.value not in chosen["notices"]],
            quiet=(begin, end) if begin is not None and end is not None else None,
            time_zone=chosen["time_zone"],
            language=chosen["language"],
            digests=[_read_key(key) for key in chosen.get("digests", ())],
        )


@require_http_methods(["GET", "HEAD", "POST"])
def my_mail(request: HttpRequest) -> HttpResponse:
    """Show and store what the one who is logged in wants; or send them a digest at once."""
    user = staff(request)
    if "preview" in request.POST:
        return _send_preview(request, user)
    form = PreferencesForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        form.save(user=user)
        messages.success(request, gettext("Your choice is saved."))
        return HttpResponseRedirect(reverse("feedback_my_mail"))
    context = {**admin.site.each_context(request), "title": gettext("My mail"), "form": form, "address": user.email}
    return TemplateResponse(request, "admin/feedback/my_mail.html", context)


def _send_preview(request: HttpRequest, user: User) -> HttpResponse:
    valid = {_key(pk, notice) for pk in products_with_digests(user).values_list("pk", flat=True) for notice in DIGESTS}
    key = request.POST["preview"]
    product_id, notice = _read_key(key) if key in valid else (0, Notice.DAILY)
    product = get_object_or_404(products_with_digests(user), pk=product_id)
    try:
        mail = owe_preview(user=user, product=product, notice=notice, now=timezone.now())
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        tasks.queue_staff_mail(mail.pk)
        messages.success(request, gettext("The digest is on its way to %(address)s.") % {"address": user.email})
    return HttpResponseRedirect(reverse("feedback_my_mail"))


def _key(product_id: int, notice: str) -> str:
    return f"{product_id}:{Notice(notice).value}"


def _read_key(key: str) -> tuple[int, Notice]:
    product_id, _colon, notice = key.partition(":")
    return int(product_id), Notice(notice)
