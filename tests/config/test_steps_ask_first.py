"""What staff cannot take back is asked about first: opening its page, or posting it once, changes nothing."""

from html.parser import HTMLParser

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from feedback import improvements
from feedback.admin.responses import AT_ONCE
from feedback.admin.triaging import TASKS, is_undecided
from feedback.models import CampaignAudience, CampaignMail, Respondent, Response, SavedView
from privacy.models import AccessLogEntry
from privacy.signing_secrets import issue
from surveys.models import Wording
from tests.config.test_every_address import BESIDE
from tests.config.test_permission_matrix import rows  # noqa: F401  a fixture
from tests.factories import make_response, make_staff

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
    "feedback_campaign_settle_shown": [()],
    "feedback_campaign_remove": [("audience",)],
    "feedback_improvement_step": [("publish",), ("mail",)],
    "feedback_improvement_correct": [()],
    "feedback_tag_rename": [()],
    "feedback_tag_merge": [()],
    "feedback_tag_discard": [()],
    "feedback_rule_tag_existing": [()],
    "feedback_channelpermission_withdraw": [()],
    "feedback_respondent_contact": [()],
    "feedback_respondent_reached": [()],
    "feedback_response_delete_view": [("view",)],
    "feedback_personal_links": [()],
    "surveys_survey_publish": [()],
    "surveys_survey_archive": [()],
}
# Steps that ask when they are posted for the first time: what else stands in the address, and what is posted.
ASKED_AFTERWARDS = {
    "feedback_followup_write": [((), {"subject": "Your answer", "text": "We put it right."})],
    "feedback_response_do": [((name,), {"reason": "Angry", "name": "fees"}) for name in TASKS if name not in AT_ONCE],
}
# Decisions about a suspect, which their buttons post at once: what takes each back.
TAKES_BACK = {
    "accept": (("feedback_response_undo", ()), {}),
    "reject": (("feedback_response_do", ("include",)), {"answered": "1"}),
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


def make_possible(rows, name, more):  # noqa: F811
    """Bring a row to where its step can be taken: to whom is written has an address, what is mailed is published."""
    improvement = rows["feedback.improvement"]
    Respondent.objects.update(email="anna@example.com", do_not_contact=name == "feedback_respondent_contact")
    if name == "feedback_campaign_settle_shown":
        about = {"campaign": rows["feedback.campaign"], "respondent": rows["feedback.respondent"]}
        CampaignMail.objects.create(**about, state="unknown", handed_over_at=timezone.now())
    if name == "surveys_survey_publish":
        Wording.objects.update(question="How likely is it now?")
    if (name, more) == ("feedback_improvement_step", ("mail",)):
        Response.objects.update(contact_permission=True)
        improvements.link(improvement=improvement, responses=[rows["feedback.response"]], by=owner())
        improvements.publish(improvement=improvement, by=owner())


def address(rows, name, more):  # noqa: F811
    full = next(each for each in BESIDE if each.removeprefix("admin:") == name)
    files = {"campaign": rows["feedback.campaign"], "kind": "file", "file_name": "people.csv"}
    made = {
        "audience": lambda: CampaignAudience.objects.create(**files).pk,
        "secret": lambda: issue(product=rows["privacy.product"]).pk,
        "view": lambda: SavedView.objects.create(owner=owner(), name="Angry", filters={"band": "detractor"}).pk,
    }
    label = BESIDE[full][0]
    rest = [made[each]() if each in made else each for each in more]
    return reverse(full, args=[*([rows[label].pk] if label else []), *rest])


def owner():
    return User.objects.get(is_superuser=True)


def stored():
    """Return what the tables of the project and of accounts hold, and what the admin logged; not who read what."""
    own = [apps.get_app_config(app) for app in (*settings.LOCAL_APPS, "auth")]
    models = [*(model for app in own for model in app.get_models(include_auto_created=True)), LogEntry]
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values())
        for model in models
        if model is not AccessLogEntry
    }


class Buttons(HTMLParser):
    """What is written on the buttons that post a form of the main content."""

    def __init__(self):
        super().__init__()
        self.found, self.depth, self.posts, self.is_button = [], 0, False, False

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "div":
            self.depth += bool(self.depth or given.get("id") == "content")
        elif tag == "form":
            self.posts = bool(self.depth) and (given.get("method") or "").lower() == "post"
        elif self.posts and tag == "button" and given.get("type", "submit") == "submit":
            self.is_button = True
            self.found.append("")
        elif self.posts and tag == "input" and given.get("type") == "submit":
            self.found.append(given.get("value") or "")

    def handle_endtag(self, tag):
        self.depth -= bool(self.depth and tag == "div")
        self.posts = self.posts and tag != "form"
        self.is_button = self.is_button and tag != "button"

    def handle_data(self, data):
        if self.is_button:
            self.found[-1] += data


def asks(answer):
    """Tell whether a page has something to press that does what it asks about."""
    page = Buttons()
    page.feed(answer.content.decode())
    return bool({words.strip() for words in page.found} - {"", "Log out"})


def test_a_page_without_a_form_of_its_own_asks_nothing(boss):
    page = boss.get(reverse("admin:index"))

    assert b'type="submit"' in page.content
    assert not asks(page)


def test_every_step_of_staff_is_taken_back_or_asked_about():
    decided = [*ASKED_ON_A_PAGE, *ASKED_AFTERWARDS, *TAKEN_BACK, *ADDED, *SHOWN]

    assert sorted(decided) == sorted(name.removeprefix("admin:") for name in BESIDE)


@pytest.mark.parametrize(("name", "more"), [(name, more) for name, each in ASKED_ON_A_PAGE.items() for more in each])
def test_a_step_that_cannot_be_taken_back_has_a_page_that_asks(boss, rows, name, more):  # noqa: F811
    page = address(rows, name, more)
    make_possible(rows, name, more)
    before = stored()

    answer = boss.get(page)

    assert answer.status_code == 200
    assert asks(answer)
    assert stored() == before


@pytest.mark.parametrize(
    ("name", "more", "first"), [(name, *step) for name, each in ASKED_AFTERWARDS.items() for step in each]
)
def test_posting_once_what_cannot_be_taken_back_asks_and_changes_nothing(boss, rows, name, more, first):  # noqa: F811
    page = address(rows, name, more)
    make_possible(rows, name, more)
    before = stored()

    answer = boss.post(page, first)

    assert answer.status_code == 200
    assert asks(answer)
    assert stored() == before


@pytest.mark.parametrize("name", TASKS)
def test_an_action_on_the_list_of_responses_asks_and_changes_nothing(boss, rows, name):  # noqa: F811
    before = stored()
    chosen = {"action": name, "_selected_action": [rows["feedback.response"].pk]}

    answer = boss.post(reverse("admin:feedback_response_changelist"), chosen)

    assert answer.status_code == 200
    assert stored() == before


@pytest.mark.parametrize("name", AT_ONCE)
def test_what_is_decided_at_once_is_taken_back(boss, name):
    suspect = make_response(is_suspect=True, suspicion="early")
    (step, more), posted = TAKES_BACK[name]
    arguments = [suspect.pk, *more] if more else []

    boss.post(reverse("admin:feedback_response_do", args=[suspect.pk, name]), {"answered": "1"})
    assert not is_undecided(Response.objects.get())
    boss.post(reverse(f"admin:{step}", args=arguments), posted)

    assert is_undecided(Response.objects.get())
