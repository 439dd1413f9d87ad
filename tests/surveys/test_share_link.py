"""The share link in the admin: its QR code, and what limits it."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from surveys.models import Survey
from tests.factories import make_product, make_staff, make_survey
from tests.surveys.pages import page, save, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def survey(product):
    return make_survey(product=product, slug="nps")


def test_the_code_is_an_svg_that_can_be_shown_and_downloaded(administrator, client, survey):
    shown = client.get(page(survey, "qr"))
    downloaded = client.get(page(survey, "qr") + "?download=1")

    assert shown["Content-Type"] == "image/svg+xml"
    assert re.search(rb"<svg [^>]*width=\"\d+\"", shown.content)
    assert b"<script" not in shown.content
    assert shown["Content-Disposition"] == 'inline; filename="nps.svg"'
    assert downloaded["Content-Disposition"] == 'attachment; filename="nps.svg"'
    assert page(survey, "qr") in client.get(page(survey)).content.decode()


def test_the_code_follows_the_address(administrator, client, survey, monkeypatch):
    before = client.get(page(survey, "qr")).content

    monkeypatch.setattr(settings, "PUBLIC_URL", "https://odzew.example.com")

    assert client.get(page(survey, "qr")).content != before


def test_only_staff_who_see_the_survey_get_its_code(client, survey):
    assert client.get(page(survey, "qr")).status_code == 302
    client.force_login(make_staff("administrator", product=make_product()))
    assert client.get(page(survey, "qr")).status_code == 404


def test_the_limits_of_the_link_are_set_on_the_page(administrator, client, survey):
    fields = {"link_ends_at_0": "2030-01-31", "link_ends_at_1": "12:00:00", "link_cap": "100", "one_per_device": "on"}

    save(client, survey, {**fields, "score_links": "assisted"})

    survey.refresh_from_db()
    assert (survey.link_cap, survey.one_per_device, survey.score_links) == (100, True, "assisted")
    assert survey.link_ends_at.isoformat() == "2030-01-31T11:00:00+00:00"  # noon in Warsaw


def test_a_cap_of_nothing_is_refused(administrator, client, survey):
    assert send(client, survey, {"link_cap": "0"}).status_code == 200
    assert Survey.objects.get().link_cap is None
