"""Role x page x method -> status, for every page of the admin; a new page fails here until it is decided."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from config.roles import ROLES
from feedback.follow_up import flag
from feedback.models import ImportRun, RootCause, Rule, Segment, Tag, Team, WorkingHours
from privacy.models import Membership
from surveys.models import Event, ProductThrottles
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

# For each list: what a role may do. L: see list and page, A: add, C: change, D: delete. Roles not named may do nothing.
PAGES = {
    "feedback.response": {"analyst": "L", "agent": "L", "reviewer": "L", "data_protection_officer": "L"},
    "feedback.followup": {"agent": "L", "reviewer": "L", "data_protection_officer": "L"},
    "feedback.respondent": dict.fromkeys(("reviewer", "privacy_officer", "data_protection_officer"), "L"),
    "feedback.channelpermission": {"reviewer": "LA", "data_protection_officer": "LA"},
    "feedback.improvement": {"analyst": "L", "reviewer": "LACD", "data_protection_officer": "L"},
    "feedback.campaign": {"reviewer": "LAC", "data_protection_officer": "L", "administrator": "LAC"},
    "feedback.segment": {"reviewer": "LACD", "data_protection_officer": "L", "administrator": "LACD"},
    "privacy.serverkey": {"administrator": "LA"},
    "feedback.tag": {"analyst": "L", "agent": "L", "reviewer": "LAC", "data_protection_officer": "L"},
    "feedback.rule": {"reviewer": "LACD", "data_protection_officer": "L", "administrator": "LACD"},
    "feedback.team": {"reviewer": "L", "administrator": "LACD"},
    "feedback.rootcause": {"reviewer": "LAC", "administrator": "LAC"},
    "feedback.workinghours": {"reviewer": "L", "administrator": "LACD"},
    "privacy.controller": {"privacy_officer": "L", "data_protection_officer": "L", "administrator": "LAC"},
    "privacy.product": {**dict.fromkeys(ROLES, "L"), "administrator": "LAC"},
    "privacy.rightsrequest": {"privacy_officer": "L", "data_protection_officer": "L"},
    "privacy.incident": {"privacy_officer": "L", "data_protection_officer": "LC"},
    "privacy.recipient": {"data_protection_officer": "L", "administrator": "LAC"},
    "privacy.suppression": {"data_protection_officer": "L", "administrator": "L"},
    "privacy.accesslogentry": {"data_protection_officer": "L"},
    "privacy.breakglass": {"data_protection_officer": "L", "administrator": "LA"},
    "privacy.staffchange": {"data_protection_officer": "L"},
    "surveys.survey": {
        **dict.fromkeys(("analyst", "reviewer", "data_protection_officer"), "L"),
        "administrator": "LAC",
    },
    "surveys.surveyversion": dict.fromkeys(("analyst", "reviewer", "data_protection_officer", "administrator"), "L"),
    "surveys.productthrottles": {"administrator": "LAC"},
    "surveys.event": {
        **dict.fromkeys(("analyst", "reviewer", "data_protection_officer"), "L"),
        "administrator": "LACD",
    },
    "feedback.importrun": {"reviewer": "LA", "data_protection_officer": "L", "administrator": "LA"},
    "auth.user": {"administrator": "LAC", "data_protection_officer": "LC"},
    "auth.group": {"administrator": "L"},
    "feedback.taskfailure": {"administrator": "L"},
    "django_celery_beat.periodictask": {},
}
FRONT = "/admin/"
REFUSED = "refused"  # 403, or 404 and 405 for pages that do not exist for the role or at all

# Pages beside the lists: who may POST to them; everybody else gets 403.
POSTS = {
    "feedback_response_do:flag": {"reviewer", "data_protection_officer"},
    "feedback_response_do:exclude": {"reviewer", "data_protection_officer"},
    "feedback_response_do:include": {"reviewer", "data_protection_officer"},
    "feedback_response_do:tag": {"reviewer", "data_protection_officer"},
    "feedback_response_do:untag": {"reviewer", "data_protection_officer"},
    "feedback_response_do:archive": {"reviewer", "data_protection_officer"},
    "feedback_response_do:mark-read": {"reviewer", "data_protection_officer"},
    "feedback_response_do:improvement": {"reviewer"},
    "feedback_improvement_step:publish": {"reviewer"},
    "feedback_improvement_step:mail": {"reviewer"},
    "feedback_improvement_step:withdraw": {"reviewer"},
    "feedback_improvement_correct": {"reviewer"},
    "feedback_improvement_responses": {"reviewer"},
    "feedback_campaign_step:start": {"reviewer", "administrator"},
    "feedback_campaign_step:pause": {"reviewer", "administrator"},
    "feedback_campaign_step:resume": {"reviewer", "administrator"},
    "feedback_campaign_step:cancel": {"reviewer", "administrator"},
    "feedback_campaign_audience": {"reviewer", "administrator"},
    "privacy_serverkey_revoke": {"administrator"},
    "feedback_response_tags": {"reviewer", "data_protection_officer"},
    "feedback_rule_tag_existing": {"reviewer"},
    "feedback_response_do:accept": {"reviewer", "data_protection_officer"},
    "feedback_response_do:reject": {"reviewer", "data_protection_officer"},
    # An agent sees who answered, and reads the comment, while the follow-up is open.
    "feedback_response_reveal": {"agent", "reviewer", "data_protection_officer"},
    "feedback_response_person": {"agent", "reviewer", "data_protection_officer"},
    "feedback_tag_rename": {"reviewer"},
    "feedback_tag_merge": {"reviewer"},
    "feedback_tag_discard": {"reviewer"},
    "feedback_followup_status": {"agent"},
    "feedback_followup_assign": {"agent"},
    "feedback_respondent_moment": {"reviewer", "privacy_officer", "data_protection_officer"},
    "feedback_respondent_contact": {"reviewer", "data_protection_officer"},
    "feedback_channelpermission_withdraw": {"reviewer", "data_protection_officer"},
    "privacy_suppression_lift": {"data_protection_officer"},
    "feedback_followup_write": {"agent"},
    "feedback_followup_priority": {"agent"},
    "feedback_followup_contact": {"agent"},
    "feedback_followup_note": {"agent", "reviewer", "data_protection_officer"},
    "privacy_rightsrequest_step:start": {"privacy_officer", "data_protection_officer"},
    "privacy_rightsrequest_step:propose": {"privacy_officer", "data_protection_officer"},
    "privacy_rightsrequest_step:answer": {"privacy_officer", "data_protection_officer"},
    "privacy_rightsrequest_step:refuse": {"privacy_officer", "data_protection_officer"},
    "privacy_rightsrequest_step:decide": {"data_protection_officer"},
    "privacy_rightsrequest_step:extend": {"data_protection_officer"},
    "privacy_rightsrequest_dossier": {"privacy_officer", "data_protection_officer"},
    "privacy_product_secret": {"administrator"},
    "privacy_product_retire_secret:0": {"administrator"},
    "auth_user_password_change": {"administrator", "data_protection_officer"},
}


@pytest.fixture
def rows():
    """One row for every list, all of one product, by the label of the model."""
    response = make_response(survey=make_survey())
    product = response.product
    every = IntervalSchedule.objects.create(every=1, period="days")
    return {
        "feedback.response": response,
        "feedback.followup": flag(response=response, reason="Angry", by=make_staff("reviewer")),
        "feedback.respondent": response.respondent,
        "feedback.channelpermission": make_permission(respondent=response.respondent),
        "privacy.recipient": make_recipient(controller=product.controller),
        "privacy.suppression": make_suppression(product=product),
        "privacy.accesslogentry": make_read(product=product),
        "feedback.tag": (tag := Tag.objects.create(product=product, name="fees")),
        "feedback.rule": Rule.objects.create(product=product, name="Fees", keywords=["fee*"], adds_tag=tag),
        "feedback.campaign": make_campaign(survey=response.survey),
        "feedback.segment": Segment.objects.create(product=product, name="Gold"),
        "privacy.serverkey": make_server_key(product=product)[0],
        "feedback.improvement": make_improvement(product=product),
        "feedback.team": Team.objects.create(product=product, name="Care"),
        "feedback.rootcause": RootCause.objects.create(product=product, name="Fees"),
        "feedback.workinghours": WorkingHours.objects.create(product=product),
        "privacy.breakglass": make_emergency(product=product),
        "privacy.staffchange": make_staff_change(product=product),
        "feedback.importrun": ImportRun.objects.create(controller=product.controller, file_name="a.csv", content=b"x"),
        "surveys.survey": response.survey,
        "surveys.surveyversion": response.version,
        "surveys.productthrottles": ProductThrottles.objects.create(product=product),
        "surveys.event": Event.objects.create(product=product, name="order.finished"),
        "privacy.rightsrequest": make_rights_request(controller=product.controller),
        "privacy.incident": make_incident(controller=product.controller),
        "privacy.controller": product.controller,
        "privacy.product": product,
        "auth.user": make_staff("agent", product=product),
        "feedback.taskfailure": make_task_failure(),
        "auth.group": Group.objects.get(name="agent"),
        "django_celery_beat.periodictask": PeriodicTask.objects.create(name="purge", task="purge", interval=every),
    }


@pytest.fixture(params=ROLES)
def role(request):
    return request.param


@pytest.fixture
def logged_in(client, rows, role):
    user = make_staff(role)
    Membership.objects.create(user=user, controller=rows["privacy.controller"])
    if role == "administrator":  # who sees their own emergencies only
        rows["privacy.breakglass"] = make_emergency(user=user)
    client.force_login(user)
    return client


def registered():
    return {model._meta.label_lower for model in admin.site._registry}


def test_every_registered_page_is_in_the_matrix():
    assert registered() == set(PAGES)


def test_lists_and_pages_answer_as_the_matrix_says(logged_in, rows, role):
    answers, expected = {}, {}
    for label in PAGES:
        may, name = PAGES[label].get(role, ""), f"admin:{label.replace('.', '_')}"
        one = [rows[label].pk]
        for page, method, address, needs in [
            ("list", "get", reverse(f"{name}_changelist"), "L"),
            ("page", "get", reverse(f"{name}_change", args=one), "L"),
            ("history", "get", reverse(f"{name}_history", args=one), "L"),
            ("add", "get", reverse(f"{name}_add"), "A"),
            ("add", "post", reverse(f"{name}_add"), "A"),
            ("change", "post", reverse(f"{name}_change", args=one), "C"),
            ("delete", "get", reverse(f"{name}_delete", args=one), "D"),
            ("delete", "post", reverse(f"{name}_delete", args=one), "D"),
        ]:
            if page in {"add", "change"} and method == "post" and needs in may:
                continue  # what a valid form does is tested beside each page
            answer = getattr(logged_in, method)(address)
            # The history of a row that one does not see leads back to the front page, as if there were none.
            is_refused = answer.status_code in {403, 404, 405} or answer.headers.get("Location") == FRONT
            answers[label, page, method] = REFUSED if is_refused else answer.status_code
            expected[label, page, method] = 200 if needs in may else REFUSED

    assert answers == expected


def test_tasks_answer_as_the_matrix_says(logged_in, rows, role):
    wrong = {}
    for page, roles in POSTS.items():
        name, _colon, task = page.partition(":")
        label = ".".join(name.split("_")[:2])
        row = rows[label]
        address = reverse(f"admin:{name}", args=[row.pk, *([task] if task else [])])

        status = logged_in.post(address, {}).status_code

        # Rows that a role cannot see at all do not exist for it; the others are there and refuse.
        refusals = {403} if role in PAGES[label] else {403, 404}
        if status not in ({200, 302} if role in roles else refusals):
            wrong[page] = status

    assert wrong == {}


# Pages beside the lists that are about no row: who may open or POST to them; everybody else gets 403.
BESIDE = {
    ("get", "feedback_tag_themes"): {"analyst", "agent", "reviewer", "data_protection_officer"},
    ("post", "feedback_response_save_view"): {"analyst", "agent", "reviewer", "data_protection_officer"},
    ("post", "feedback_response_undo"): {"reviewer", "data_protection_officer"},
}


def test_pages_beside_the_lists_answer_as_the_matrix_says(logged_in, rows, role):
    statuses = {page: getattr(logged_in, page[0])(reverse(f"admin:{page[1]}")).status_code for page in BESIDE}

    assert {page for page, status in statuses.items() if status in {200, 302}} == {
        page for page, roles in BESIDE.items() if role in roles
    }
    assert set(statuses.values()) <= {200, 302, 403}


def test_members_of_other_products_find_nothing(client, rows, role):
    client.force_login(make_staff(role))

    for label, row in rows.items():
        # The workers are everybody's.
        if label.split(".")[0] not in {"feedback", "privacy"} or label == "feedback.taskfailure":
            continue
        answer = client.get(reverse(f"admin:{label.replace('.', '_')}_change", args=[row.pk]))
        assert answer.status_code in {302, 403, 404}, label


@pytest.mark.parametrize("label", sorted(PAGES))
def test_visitors_are_sent_to_the_login(client, rows, label):
    for page in ("changelist", "add"):
        answer = client.get(reverse(f"admin:{label.replace('.', '_')}_{page}"))
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("admin:login"))
