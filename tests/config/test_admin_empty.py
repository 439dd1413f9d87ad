"""An empty list says what to do next, in the words of its own subject."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from feedback.models import Respondent
from tests.factories import make_staff

pytestmark = pytest.mark.django_db

# Its list is a form that people are looked up with.
NO_LISTS = {Respondent}


def test_every_list_says_once_what_to_do_when_it_is_empty(client):
    Group.objects.all().delete()
    user = make_staff(is_superuser=True)
    client.force_login(user)
    silent = set()

    for model, page in admin.site._registry.items():
        if model in NO_LISTS or model._default_manager.exists():
            continue
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        shown = client.get(address).content.decode()
        said_once = shown.count("Nothing here yet") == 1 and "odzew-notice" not in shown
        if not getattr(page, "empty_hint", "") or not said_once:
            silent.add(model._meta.label)

    assert silent == set()


def test_a_search_without_a_match_says_so_and_leads_back(client):
    client.force_login(make_staff(is_superuser=True))

    shown = client.get(reverse("admin:auth_user_changelist") + "?q=nobodyiscalledthis").content.decode()

    assert "Nothing matches" in shown
    assert "Reset filters" in shown
