from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from feedback.follow_up import flag
from feedback.models import MailPreference, Notice
from feedback.staff_mail import owe
from tests.factories import make_response, make_staff, make_survey
from tests.mail_server import serve

__all__ = ["serve"]

COMMENT = "Call me at 601 234 567, the app is slow"


@pytest.fixture
def response(db):
    return make_response(survey=make_survey(), score=1, comment=COMMENT, name="Anna Nowak", email="anna@example.com")


@pytest.fixture
def hire(response):
    """Make a member of staff who sees the product and reads English."""

    def hire(role, **preference):
        number = MailPreference.objects.count()
        user = make_staff(role, product=response.product, email=f"{role}-{number}@staff.example")
        MailPreference.objects.create(user=user, **{"language": "en", **preference})
        return user

    return hire


@pytest.fixture
def follow_up(response, hire):
    agent = hire("agent")
    follow_up = flag(response=response, reason="Angry, call anna@example.com", by=agent, owner=agent)
    follow_up.due_at = timezone.now() + timedelta(hours=2)
    follow_up.save(update_fields=["due_at"])
    return follow_up


@pytest.fixture
def owe_alert(response):
    def owe_alert(user):
        return owe(user=user, notice=Notice.ALERT, key=f"alert:1:{response.pk}", response=response)

    return owe_alert
