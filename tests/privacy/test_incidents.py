"""What reached the wrong person: the clock, the assessment, and who may write it."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from privacy.incidents import assess, open_incident
from privacy.models import Alert, RequestEvent
from tests.factories import make_incident, make_product, make_rights_request, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def product():
    return make_product()


@pytest.fixture
def incident(product):
    return make_incident(controller=product.controller, product=product)


@pytest.fixture
def officer(product):
    return make_staff("data_protection_officer", product=product)


def page_of(incident):
    return reverse("admin:privacy_incident_change", args=[incident.pk])


def test_seventy_two_hours_run_from_when_it_was_noticed(incident):
    assert incident.notify_by - incident.opened_at == timedelta(hours=72)
    assert Alert.objects.filter(incident=incident).count() == 1
    assert RequestEvent.objects.get(request=incident.request).action == "incident_opened"


def test_staff_who_notice_it_are_named_in_the_trail(officer):
    incident = open_incident(request=make_rights_request(), by=officer)

    assert RequestEvent.objects.get(request=incident.request).user == officer


def test_an_officer_assesses_it_and_closes_it(client, officer, incident):
    client.force_login(officer)
    page = client.get(page_of(incident)).content.decode()
    assert "left to tell the authority" in page

    told = timezone.localtime(timezone=ZoneInfo(incident.request.controller.time_zone)).replace(second=0, microsecond=0)
    client.post(
        page_of(incident),
        {
            "assessment": "A mistyped mailbox; nothing was fetched.",
            "notified_at_0": f"{told:%Y-%m-%d}",
            "notified_at_1": f"{told:%H:%M}",
            "closes": "on",
        },
    )

    incident.refresh_from_db()
    assert incident.closed_at is not None
    assert incident.notified_at == told
    event = RequestEvent.objects.filter(request=incident.request).latest("number")
    assert (event.action, event.user, event.fields) == (
        "incident_assessed",
        officer,
        ["assessment", "notified_at", "closed_at"],
    )
    assert client.post(page_of(incident), {"assessment": "Other"}).status_code == 403


def test_nothing_is_closed_without_an_assessment(client, officer, incident):
    client.force_login(officer)

    answer = client.post(page_of(incident), {"assessment": " ", "closes": "on"})

    assert "Say what happened first." in answer.content.decode()
    incident.refresh_from_db()
    assert incident.closed_at is None


def test_the_authority_is_not_told_before_it_was_noticed(officer, incident):
    with pytest.raises(ValidationError) as refused:
        assess(incident=incident, user=officer, assessment="x", notified_at=incident.opened_at - timedelta(minutes=1))

    assert refused.value.error_dict["notified_at"][0].code == "before_it_was_noticed"


def test_a_closed_one_stays_as_it_is(officer, incident):
    assess(incident=incident, user=officer, assessment="Nothing was fetched.", closes=True)

    with pytest.raises(ValidationError) as refused:
        assess(incident=incident, user=officer, assessment="Other")
    assert refused.value.code == "closed"


@pytest.mark.parametrize("role", ["privacy_officer", "administrator"])
def test_only_data_protection_officers_assess(product, incident, role):
    with pytest.raises(PermissionDenied):
        assess(incident=incident, user=make_staff(role, product=product), assessment="x")


def test_officers_of_others_do_not_see_it(client, incident):
    other = make_staff("data_protection_officer", product=make_product())
    client.force_login(other)

    assert client.get(page_of(incident)).status_code == 302
    with pytest.raises(PermissionDenied):
        assess(incident=incident, user=other, assessment="x")


def test_what_is_overdue_says_so(client, officer, incident):
    type(incident).objects.update(
        opened_at=timezone.now() - timedelta(days=4), notify_by=timezone.now() - timedelta(days=1)
    )
    client.force_login(officer)

    assert "72 hours are over" in client.get(reverse("admin:privacy_incident_changelist")).content.decode()
