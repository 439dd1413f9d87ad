"""Every registered page of the admin opens for a superuser, in both languages, with one row of everything."""

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from feedback.follow_up import flag
from feedback.models import ImportRun, Response, RootCause, Rule, ScoreChange, Segment, Tag, Team, WorkingHours
from feedback.triage import add_tag
from privacy.access_log import record_access
from privacy.models import Membership
from privacy.signing_secrets import issue
from surveys.models import AudienceRule, Event, ProductThrottles, SegmentQuota
from tests.factories import (
    make_campaign,
    make_emergency,
    make_improvement,
    make_incident,
    make_permission,
    make_read,
    make_recipient,
    make_response,
    make_rights_request,
    make_server_key,
    make_staff,
    make_staff_change,
    make_suppression,
    make_survey,
    make_task_failure,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def everything():
    """One row of every model that has pages, with what hangs on it."""
    survey = make_survey()
    product = survey.product
    response = make_response(
        survey=survey, score=1, comment="Slow <b>app</b>", reasons=["Fees"], properties={"plan": "x"}
    )
    reviewer = make_staff("reviewer", product=product)
    Membership.objects.create(user=reviewer, controller=product.controller)
    make_response(survey=survey, respondent=response.respondent)
    ScoreChange.objects.create(response=response, score=3, changed_at=timezone.now())
    add_tag(responses=[response], name="fees", by=reviewer)
    Rule.objects.create(
        product=product, name="Fees", bands=["detractor"], keywords=["fee*"], adds_tag=Tag.objects.get(), owner=reviewer
    ).alerts.add(reviewer)
    flag(response=response, reason="Angry", by=reviewer)
    for model in (Team, RootCause):
        model.objects.create(product=product, name="Fees")
    WorkingHours.objects.create(product=product)
    issue(product=product)
    make_improvement(product=product)
    make_campaign(survey=survey)
    Segment.objects.create(product=product, name="Gold", countries=["PL"])
    make_server_key(product=product)
    record_access(user=reviewer, purpose="identity", record=response, controller=product.controller, product=product)
    ImportRun.objects.create(controller=product.controller, file_name="a.csv", content=b"score\n1\n")
    make_rights_request(controller=product.controller)
    make_incident(controller=product.controller)
    ProductThrottles.objects.create(product=product)
    Event.objects.create(product=product, name="order.finished")
    AudienceRule.objects.create(survey=survey, subject="event", operator="is", values=["order.finished"])
    SegmentQuota.objects.create(survey=survey, dimension="country", value="PL", target=100)
    make_permission(respondent=response.respondent)
    make_suppression(product=product)
    make_recipient(controller=product.controller)
    make_read(product=product)
    make_emergency(product=product)
    make_staff_change(product=product)
    make_task_failure()
    every = IntervalSchedule.objects.create(every=1, period="days")
    PeriodicTask.objects.create(name="purge", task="purge", interval=every)


@pytest.mark.parametrize("language", ["en", "pl"])
def test_every_page_of_the_admin_opens(admin_client, everything, language):
    admin_client.cookies["django_language"] = language
    opened = [reverse("admin:index")]
    for model, page in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        assert row is not None, f"no row of {name}"
        opened += [reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])]
        opened += [reverse(f"{name}_history", args=[row.pk])]
        if page.has_add_permission(admin_client.get("/admin/").wsgi_request):
            opened.append(reverse(f"{name}_add"))
        if page.search_fields:
            opened.append(reverse(f"{name}_changelist") + "?q=app")

    response, tag = Response.objects.first(), Tag.objects.first()
    opened += [reverse(f"admin:feedback_tag_{page}", args=[tag.pk]) for page in ("rename", "merge", "discard")]
    opened += [reverse("admin:feedback_tag_themes"), reverse("admin:feedback_response_person", args=[response.pk])]

    statuses = {address: admin_client.get(address).status_code for address in opened}

    assert {address: status for address, status in statuses.items() if status != 200} == {}


def test_what_people_wrote_is_escaped(admin_client, everything):
    page = admin_client.get(reverse("admin:feedback_response_changelist")).content.decode()

    assert "Slow &lt;b&gt;app&lt;/b&gt;" in page
    assert "Slow <b>app</b>" not in page


def test_pages_carry_the_navigation(admin_client, everything):
    page = admin_client.get(reverse("admin:feedback_tag_changelist")).content.decode()

    for address in ("feedback_response", "feedback_followup", "privacy_product", "auth_user"):
        assert reverse(f"admin:{address}_changelist") in page
