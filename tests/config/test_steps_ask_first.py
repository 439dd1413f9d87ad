"""What staff cannot take back is asked about first: opening its page, or posting it once, changes nothing."""

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse

from feedback.admin.triaging import TASKS
from feedback.models import SavedView
from privacy.models import AccessLogEntry
from privacy.signing_secrets import issue
from tests.config.test_every_address import BESIDE
from tests.config.test_permission_matrix import rows  # noqa: F401  a fixture
from tests.factories import make_staff

pytestmark = pytest.mark.django_db

# Steps with a page that asks: what stands in the address beside the row, once for each step.
ASKED_ON_A_PAGE = {
    "privacy_product_secret": [()],
    "privacy_product_retire_secret": [("secret",)],
    "privacy_serverkey_revoke": [()],
    "privacy_suppression_lift": [()],
    "privacy_suppression_suppress": [()],
    "privacy_rightsrequest_step": [("extend",)],
    "privacy_rightsrequest_enter": [()],
    "auth_user_password_change": [()],
    "feedback_campaign_step": [("start",), ("cancel",)],
    "feedback_improvement_step": [("publish",), ("mail",)],
    "feedback_improvement_correct": [()],
    "feedback_tag_rename": [()],
    "feedback_tag_merge": [()],
    "feedback_tag_discard": [()],
    "feedback_rule_tag_existing": [()],
    "feedback_channelpermission_withdraw": [()],
    "feedback_response_delete_view": [("view",)],
    "feedback_personal_links": [()],
    "surveys_survey_publish": [()],
    "surveys_survey_archive": [()],
}
# Steps that ask when they are posted for the first time: what else stands in the address, and what is posted.
ASKED_AFTERWARDS = {
    "feedback_followup_write": [((), {"subject": "Your answer", "text": "We put it right."})],
    "feedback_response_do": [((name,), {"reason": "Angry", "name": "fees"}) for name in TASKS],
}
# What another step takes back: a case moves on or is reopened, a tag or a name is given anew, a survey goes on.
TAKEN_BACK = {
    *("feedback_followup_status", "feedback_followup_assign", "feedback_followup_priority"),
    *("feedback_response_tags", "feedback_response_save_view", "feedback_response_saved_view"),
    *("feedback_response_undo", "feedback_improvement_responses", "feedback_my_mail"),
    *("surveys_survey_pause", "surveys_survey_resume", "password_change", "feedback_campaign_settle"),
    *("privacy_requestitem_records", "feedback_importrun_columns"),
    "feedback_importrun_discard",  # the file can be uploaded again
    "privacy_breakglass_end",  # opened again, with a reason
}
# What is added to a record and told to nobody outside, and an import, which is started from its preview.
ADDED = {"feedback_followup_contact", "feedback_followup_note", "feedback_importrun_start"}
# What shows something, and at most records that it was shown.
SHOWN = {
    *("feedback_audience_preview", "privacy_rightsrequest_reveal", "privacy_rightsrequest_records"),
    *("privacy_rightsrequest_dossier", "privacy_requestitem_preview", "privacy_suppression_recognise"),
    *("feedback_followup_board", "feedback_followup_show_board", "feedback_campaign_audience"),
    *("feedback_campaign_dry_run", "feedback_campaign_mails", "feedback_campaign_preview", "feedback_campaign_frame"),
    *("feedback_campaign_progress", "feedback_response_reveal", "feedback_response_person", "feedback_rule_preview"),
    *("feedback_tag_themes", "feedback_importrun_preview", "feedback_importrun_progress"),
    *("feedback_respondent_never_met", "feedback_respondent_moment", "surveys_survey_preview", "surveys_survey_qr"),
    *("index", "search", "password_change_done", "jsi18n", "privacy_controller_record", "feedback_score_file"),
}


@pytest.fixture
def boss(client):
    client.force_login(make_staff(is_superuser=True))
    return client


def address(rows, name, more):  # noqa: F811
    full = next(each for each in BESIDE if each.removeprefix("admin:") == name)
    made = {
        "secret": lambda: issue(product=rows["privacy.product"]).pk,
        "view": lambda: SavedView.objects.create(owner=owner(), name="Angry", filters={"band": "detractor"}).pk,
    }
    label = BESIDE[full][0]
    rest = [made[each]() if each in made else each for each in more]
    return reverse(full, args=[*([rows[label].pk] if label else []), *rest])


def owner():
    return User.objects.get(is_superuser=True)


def stored():
    """Return what the tables of the project hold, but for who read what."""
    models = [model for app in settings.LOCAL_APPS for model in apps.get_app_config(app).get_models()]
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for model in models
        if model is not AccessLogEntry
    }


def test_every_step_of_staff_is_taken_back_or_asked_about():
    decided = [*ASKED_ON_A_PAGE, *ASKED_AFTERWARDS, *TAKEN_BACK, *ADDED, *SHOWN]

    assert sorted(decided) == sorted(name.removeprefix("admin:") for name in BESIDE)


@pytest.mark.parametrize(("name", "more"), [(name, more) for name, each in ASKED_ON_A_PAGE.items() for more in each])
def test_a_step_that_cannot_be_taken_back_has_a_page_that_asks(boss, rows, name, more):  # noqa: F811
    page = address(rows, name, more)
    before = stored()

    answer = boss.get(page)

    assert answer.status_code == 200
    assert b'type="submit"' in answer.content
    assert stored() == before


@pytest.mark.parametrize(
    ("name", "more", "first"), [(name, *step) for name, each in ASKED_AFTERWARDS.items() for step in each]
)
def test_posting_once_what_cannot_be_taken_back_asks_and_changes_nothing(boss, rows, name, more, first):  # noqa: F811
    page = address(rows, name, more)
    before = stored()

    answer = boss.post(page, first)

    assert answer.status_code == 200
    assert b'type="submit"' in answer.content
    assert stored() == before


@pytest.mark.parametrize("name", TASKS)
def test_an_action_on_the_list_of_responses_asks_and_changes_nothing(boss, rows, name):  # noqa: F811
    before = stored()
    chosen = {"action": name, "_selected_action": [rows["feedback.response"].pk]}

    answer = boss.post(reverse("admin:feedback_response_changelist"), chosen)

    assert answer.status_code == 200
    assert stored() == before
