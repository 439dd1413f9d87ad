"""Every field that staff fill in says what it is for, unless its name says all; other people's apps are not read."""

import pytest
from django import forms
from django.contrib import admin
from django.urls import reverse

from privacy.admin.entering import EntryForm
from surveys.admin.forms import SurveyForm
from tests.config.test_permission_matrix import rows  # noqa: F401  a fixture
from tests.factories import make_staff

pytestmark = pytest.mark.django_db

OURS = ("feedback", "surveys", "privacy")
SELF_EXPLAINING = {
    *("product", "survey", "controller", "metric", "band", "score", "comment", "language"),
    *("external_id", "email", "channel", "device", "q"),
    "source",  # its label is a question: how did it arrive?
}
# The editor of audiences says below them what the chosen subject is compared with.
EXPLAINED_BY_THE_PAGE = {"subject", "operator"}
# Its pages show a run that has begun; what is filled in stands on forms of their own.
SHOWN_ONLY = {"feedback.importrun"}
# What these say is settled when they are shown, so they are looked at on their pages.
SETTLED_WHEN_SHOWN = {SurveyForm, EntryForm}


def unexplained(fields):
    """Return the names of visible fields that explain themselves neither by their text nor by their name."""
    known = SELF_EXPLAINING | EXPLAINED_BY_THE_PAGE
    return {name for name, field in fields.items() if not (field.help_text or field.widget.is_hidden or name in known)}


def own_forms(form_class=forms.BaseForm):
    """Return the forms that the admin of our apps writes itself."""
    found, ours = set(), tuple(f"{app}.admin." for app in OURS)
    for each in form_class.__subclasses__():
        found |= {each} if each.__module__.startswith(ours) and hasattr(each, "base_fields") else set()
        found |= own_forms(each)
    return found - SETTLED_WHEN_SHOWN


def test_every_field_of_the_forms_that_staff_fill_in_is_explained():
    asked = own_forms()
    assert {each.__module__.partition(".")[0] for each in asked} == set(OURS)
    assert len(asked) > 40

    assert {each.__qualname__: names for each in asked if (names := unexplained(each.base_fields))} == {}


def test_every_field_of_the_pages_that_add_and_change_is_explained(client, rows):  # noqa: F811
    client.force_login(make_staff(is_superuser=True))
    request = client.get(reverse("admin:index")).wsgi_request
    silent = {}
    for model, page in admin.site._registry.items():
        label = model._meta.label_lower
        if model._meta.app_label not in OURS or label in SHOWN_ONLY:
            continue
        row = rows[label]
        asked = [page.get_form(request)().fields] if page.has_add_permission(request) else []
        if page.has_change_permission(request, row):
            inlines = page.get_inline_instances(request, row)
            asked += [page.get_form(request, row, change=True)(instance=row).fields]
            asked += [inline.get_formset(request, row).form.base_fields for inline in inlines]
        if names := set().union(*map(unexplained, asked)):
            silent[label] = names

    assert silent == {}


def test_every_field_of_a_request_that_staff_enter_is_explained(client):
    client.force_login(make_staff(is_superuser=True))

    fields = client.get(reverse("admin:privacy_rightsrequest_enter")).context["form"].fields

    assert unexplained(fields) == set()
