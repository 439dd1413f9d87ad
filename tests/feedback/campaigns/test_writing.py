import pytest
from django.core.exceptions import ValidationError

from feedback import campaigns
from feedback.campaigns.letter import readable_on
from feedback.models import CampaignWording
from feedback.placeholders import check_placeholders, fill
from surveys.publishing import publish
from tests.factories import make_survey
from tests.feedback.campaigns.conftest import upload

pytestmark = pytest.mark.django_db


def code(call):
    with pytest.raises(ValidationError) as caught:
        call()
    error = caught.value
    return error.code if hasattr(error, "code") else next(iter(error.error_dict.values()))[0].code


@pytest.mark.parametrize(
    "text", ["{{ settings.SECRET_KEY }}", "{% load x %}", "{user}", "{name.first}", "{name!r}", "}"]
)
def test_nothing_but_the_placeholders_of_the_list_may_stand_in_curly_brackets(text):
    assert code(lambda: check_placeholders(text)) == "unknown_placeholder"


def test_placeholders_are_replaced_once_and_what_is_unknown_leaves_no_gap():
    values = {"name": "{company} $0 \\1", "company": "", "product": "Bank"}

    assert fill("Hello {name}, of {company}. {product}{product}", values) == "Hello {company} $0 \\1, of. BankBank"


def test_a_campaign_starts_with_the_shipped_wording_in_the_languages_of_its_survey(campaign):
    row = campaign()

    assert set(row.wordings.values_list("language", flat=True)) == {"en", "pl"}


def test_wording_with_code_in_it_is_not_stored(campaign):
    assert code(lambda: campaign(wording={"en": ("{{ 7 }}", "Hello")})) == "unknown_placeholder"
    assert not CampaignWording.objects.exists()


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"window_from": 11, "window_until": 9}, "window_ends_before_it_begins"),
        ({"reminder_after_days": 7}, "no_reminder"),
        ({"reminder_after_days": 3}, "min_value"),
        ({"pace": 0}, "min_value"),
    ],
)
def test_a_campaign_that_makes_no_sense_is_refused(campaign, overrides, expected):
    assert code(lambda: campaign(**overrides)) == expected


def test_a_survey_of_another_product_is_refused(campaign):
    assert code(lambda: campaign(survey=make_survey())) == "foreign_survey"


def test_a_campaign_without_anybody_does_not_start(campaign):
    assert code(lambda: campaigns.start(campaign=campaign())) == "no_audience"


def test_a_campaign_without_wording_in_a_language_of_the_survey_does_not_start(campaign):
    row = campaign()
    upload(row, "email", "a@example.com")
    row.wordings.filter(language="pl").delete()

    assert code(lambda: campaigns.start(campaign=row)) == "wording_missing"


@pytest.mark.parametrize("change", [{"state": "paused"}, {"channels": ["web"]}])
def test_a_survey_that_is_not_live_for_email_is_not_sent(campaign, survey, change):
    row = campaign()
    upload(row, "email", "a@example.com")
    type(survey).objects.filter(pk=survey.pk).update(**change)

    assert code(lambda: campaigns.start(campaign=row)) == "survey_not_live"


def test_the_version_is_that_of_the_start(campaign, survey):
    row = campaign()
    upload(row, "email", "a@example.com")
    survey.wordings.filter(language="en").update(question="How likely now?")
    publish(survey=survey)

    row = campaigns.start(campaign=row)

    assert row.version.content["en"]["question"] == "How likely now?"


def test_only_what_fits_the_state_can_be_done(campaign):
    row = campaign()
    upload(row, "email", "a@example.com")

    assert code(lambda: campaigns.pause(campaign=row)) == "not_possible"
    campaigns.start(campaign=row)
    assert code(lambda: campaigns.start(campaign=row)) == "not_possible"
    assert code(lambda: campaigns.resume(campaign=row)) == "not_possible"
    campaigns.cancel(campaign=row)
    assert code(lambda: campaigns.cancel(campaign=row)) == "not_possible"
    assert code(lambda: upload(row, "email", "b@example.com")) == "not_open"


@pytest.mark.parametrize(("colour", "text"), [("#3a3f8f", "#ffffff"), ("#ffdd00", "#14162b"), ("#00e0a0", "#14162b")])
def test_text_on_the_products_colour_can_be_read(colour, text):
    assert readable_on(colour) == text
