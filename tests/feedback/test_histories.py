"""What staff did is kept once and read by every colleague in their own language."""

import ast
from itertools import chain
from pathlib import Path

import pytest
from django.urls import reverse

from feedback.follow_up import flag
from tests.factories import make_permission, make_respondent, make_response, make_staff
from tests.feedback.response_admin.looking import text_of

pytestmark = pytest.mark.django_db

CODE = Path(__file__).parents[2]
POLISH = {"accept-language": "pl"}


@pytest.fixture
def read(client):
    """Return what a reader of a language finds in the history of a row."""

    def read(row, language):
        address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_history", args=[row.pk])
        return text_of(client.get(address, headers={"accept-language": language}))

    return read


def test_the_work_on_a_case_is_read_in_the_language_of_the_reader(client, survey, read):
    agent = make_staff("agent", product=survey.product, username="Open")
    client.force_login(agent)
    case = flag(response=make_response(survey=survey, score=2), reason="Angry", by=make_staff("reviewer"))
    for name, data in (
        ("status", {"to": "open"}),
        ("assign", {"owner": agent.pk}),
        ("assign", {"seen_owner": agent.pk}),
        ("priority", {"priority": "high"}),
        ("note", {"text": "Called."}),
    ):
        client.post(reverse(f"admin:feedback_followup_{name}", args=[case.pk]), data, headers=POLISH)

    english = ("Status changed from “new” to “open”.", "Assigned to Open.", "Assigned to nobody.")
    polish = ("Zmieniono status z „nowy” na „otwarty”.", "Osoba odpowiedzialna: Open.", "Nowy priorytet: „wysoki”.")
    for language, sentences in (
        ("en", (*english, "Priority is now “high”.", "Note added.")),
        ("pl", (*polish, "Usunięto przypisanie osoby odpowiedzialnej.", "Dodano notatkę.")),
    ):
        shown = read(case, language)
        assert [sentence for sentence in sentences if sentence not in shown] == []


def test_the_steps_of_surveys_permissions_and_improvements_are_too(client, survey, read):
    product = survey.product
    client.force_login(make_staff("administrator", product=product))
    client.post(reverse("admin:surveys_survey_pause", args=[survey.pk]), headers=POLISH)
    assert "Wstrzymano." in read(survey, "pl")
    assert "Paused." in read(survey, "en")

    reviewer = make_staff("reviewer", product=product)
    client.force_login(reviewer)
    permission = make_permission(respondent=make_respondent(product=product))
    client.post(reverse("admin:feedback_channelpermission_withdraw", args=[permission.pk]), headers=POLISH)
    assert "Wycofano." in read(permission, "pl")
    assert "Withdrawn." in read(permission, "en")


def test_a_page_that_is_not_there_has_no_history_to_translate(client, survey):
    client.force_login(make_staff("administrator", product=survey.product))

    assert client.get(reverse("admin:surveys_survey_history", args=[0])).status_code == 302


def test_no_history_is_written_in_the_language_of_the_writer():
    files = chain.from_iterable((CODE / app).rglob("*.py") for app in ("config", "feedback", "privacy", "surveys"))
    written = [
        (path.name, ast.unparse(node.args[2]))
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"log_change", "log_addition"}
    ]

    assert len(written) > 10
    assert [each for each in written if not each[1].startswith(("said(", "[{", "kept"))] == []
    assert [each for each in written if "gettext(" in each[1]] == []
