"""Every field of feedback that staff fill in says what it is for, unless its name says all; other apps are not read."""

import pytest
from django import forms
from django.contrib import admin
from django.urls import reverse

from tests.config.test_permission_matrix import rows  # noqa: F401  a fixture
from tests.factories import make_staff

pytestmark = pytest.mark.django_db

SELF_EXPLAINING = {
    *("product", "survey", "controller", "metric", "band", "score", "comment", "language"),
    *("external_id", "email", "channel", "device", "q"),
}
# Its pages show a run that has begun; what is filled in stands on forms of their own.
SHOWN_ONLY = {"feedback.importrun"}


def unexplained(form_class):
    """Return the names of visible fields that explain themselves neither by their text nor by their name."""
    return {
        name
        for name, field in form_class.base_fields.items()
        if not (field.help_text or field.widget.is_hidden or name in SELF_EXPLAINING)
    }


def own_forms(form_class=forms.BaseForm):
    """Return the forms that the admin of feedback writes itself."""
    found = set()
    for each in form_class.__subclasses__():
        found |= {each} if each.__module__.startswith("feedback.admin.") and hasattr(each, "base_fields") else set()
        found |= own_forms(each)
    return found


def test_every_field_of_the_forms_that_staff_fill_in_is_explained():
    asked = own_forms()
    assert len(asked) > 20

    assert {each.__qualname__: names for each in asked if (names := unexplained(each))} == {}


def test_every_field_of_the_pages_that_add_and_change_is_explained(client, rows):  # noqa: F811
    client.force_login(make_staff(is_superuser=True))
    request = client.get(reverse("admin:index")).wsgi_request
    silent = {}
    for model, page in admin.site._registry.items():
        label = model._meta.label_lower
        if model._meta.app_label != "feedback" or label in SHOWN_ONLY:
            continue
        row = rows[label]
        asked = [page.get_form(request)] if page.has_add_permission(request) else []
        if page.has_change_permission(request, row):
            asked += [page.get_form(request, row, change=True)]
            asked += [inline.get_formset(request, row).form for inline in page.get_inline_instances(request, row)]
        if names := set().union(*map(unexplained, asked)):
            silent[label] = names

    assert silent == {}
