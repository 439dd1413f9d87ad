"""A page of the admin asks the database as often for twelve rows as for one."""

import contextlib

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from feedback.follow_up import flag
from feedback.models import ImportRun, RootCause, Rule, ScoreChange, Segment, Tag, Team, WorkingHours
from feedback.triage import add_tag
from privacy.models import Membership
from privacy.signing_secrets import issue
from surveys.models import Event, ProductThrottles
from tests.config.addresses import every_name, names_of_lists
from tests.config.test_permission_matrix import registered
from tests.factories import (
    make_campaign,
    make_controller,
    make_emergency,
    make_improvement,
    make_incident,
    make_permission,
    make_product,
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
MANY = 12


@pytest.fixture
def controller():
    return make_controller()


def of_one_product(controller, number):
    """Make rows of one product, all of it its own: a survey with a response that was tagged, changed and flagged."""
    product = make_product(controller=controller)
    survey = make_survey(product=product)
    response = make_response(survey=survey, score=1, comment=f"Slow {number}")
    officer = make_staff("data_protection_officer", product=product)
    add_tag(responses=[response], name=f"tag {number}", by=officer)
    ScoreChange.objects.create(response=response, score=3, changed_at=response.answered_at)
    issue(product=product)
    every, _made = IntervalSchedule.objects.get_or_create(every=1, period="days")
    return {
        "feedback.response": response,
        "feedback.followup": flag(response=response, reason="Angry", by=officer),
        "feedback.respondent": response.respondent,
        "feedback.channelpermission": make_permission(respondent=response.respondent),
        "privacy.recipient": make_recipient(controller=controller),
        "privacy.suppression": make_suppression(product=product),
        "privacy.accesslogentry": make_read(product=product),
        "privacy.breakglass": make_emergency(product=product),
        "privacy.staffchange": make_staff_change(product=product),
        "feedback.tag": Tag.objects.get(product=product),
        "feedback.importrun": ImportRun.objects.create(controller=controller, file_name="a.csv", content=b"x"),
        "feedback.campaign": make_campaign(survey=survey),
        "feedback.segment": Segment.objects.create(product=product, name="Gold"),
        "privacy.serverkey": make_server_key(product=product)[0],
        "feedback.improvement": make_improvement(product=product, created_by=officer),
        "feedback.rule": Rule.objects.create(product=product, name="Fees", bands=["detractor"], owner=officer),
        "feedback.team": Team.objects.create(product=product, name="Care"),
        "feedback.rootcause": RootCause.objects.create(product=product, name="Fees"),
        "feedback.workinghours": WorkingHours.objects.create(product=product),
        "surveys.survey": survey,
        "surveys.surveyversion": response.version,
        "surveys.productthrottles": ProductThrottles.objects.create(product=product),
        "surveys.event": Event.objects.create(product=product, name=f"order.{number}"),
        "privacy.rightsrequest": make_rights_request(controller=controller, product=product),
        "privacy.incident": make_incident(controller=controller, product=product),
        "privacy.controller": controller,
        "privacy.product": product,
        "feedback.taskfailure": make_task_failure(f"task {number}"),
        "auth.user": officer,
        "auth.group": Group.objects.get(name="agent"),
        "django_celery_beat.periodictask": PeriodicTask.objects.create(
            name=f"task {number}", task="purge", interval=every
        ),
    }


def statements(client, address):
    """Return what a page asks the database; nothing where it does not open."""
    with CaptureQueriesContext(connection) as captured:
        status = client.get(address).status_code
    return [query["sql"][:160] for query in captured.captured_queries] if status == 200 else None


def test_every_page_takes_as_many_statements_for_twelve_rows_as_for_one(controller):
    rows = of_one_product(controller, 0)
    assert set(rows) == registered()
    ContentType.objects.get_for_models(*apps.get_models())  # remembered from here on, whichever page is the first
    staff = {
        "superuser": make_staff(is_superuser=True),
        **{role: make_staff(role) for role in ("data_protection_officer", "administrator")},
    }
    # The first to open a response marks it as read.
    read_once = reverse("admin:feedback_response_change", args=[rows["feedback.response"].pk])
    before = {}
    for role, user in staff.items():
        Membership.objects.create(user=user, controller=controller)
        client = Client()
        client.force_login(user)
        client.get(read_once)
        asked = {(role, client, address): statements(client, address) for address in pages(rows)}
        before |= {page: few for page, few in asked.items() if few is not None}
        assert (role, client, reverse("admin:index")) in before
        assert sum(page[0] == role for page in before) > 10

    for number in range(1, MANY):
        of_one_product(controller, number)
    # The page of a row grows as well: more of what hangs on the same response, survey and product.
    for _ in range(MANY):
        make_response(survey=rows["surveys.survey"], respondent=rows["feedback.respondent"])
        make_staff("agent", product=rows["privacy.product"])

    grown = {}
    for (role, client, address), few in before.items():
        many = statements(client, address)
        assert many is not None, (role, address)
        if len(many) > len(few):
            grown[role, address] = (len(few), len(many), _more(few, many))
    assert grown == {}


def _more(few, many):
    """Return the statements that came to be asked again and again."""
    return sorted({each for each in many if many.count(each) > few.count(each)})


def pages(rows):
    """Yield the address of every list, of one row of it, and of the dashboard."""
    for model in admin.site._registry:
        name = f"admin:{model._meta.label_lower.replace('.', '_')}"
        yield reverse(f"{name}_changelist")
        yield reverse(f"{name}_change", args=[rows[model._meta.label_lower].pk])
    yield from pages_beside_the_lists(rows)


def pages_beside_the_lists(rows):
    """Yield every other address of the admin that is about no row, or about one: a new page cannot be forgotten."""
    for name in sorted({name for name in every_name() if name.startswith("admin:")} - names_of_lists()):
        row = rows.get(".".join(name.removeprefix("admin:").split("_")[:2]))
        for args in ([], [row.pk] if row else []):
            with contextlib.suppress(NoReverseMatch):
                yield reverse(name, args=args)
