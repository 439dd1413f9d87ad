import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.models import BandWording, Wording
from surveys.publishing import Difference, differences, publish
from surveys.scales import Band, Metric
from surveys.wording import (
    DECLINE,
    DEFAULT_BANDS,
    DEFAULT_BASE,
    add_default_wording,
    choose_language,
    draft_content,
    follow_metric,
    remove_language,
)
from tests.factories import make_draft, make_survey

BOTH = ("pl", "en")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("pl", "pl"),
        ("en", "en"),
        ("pl-PL,pl;q=0.9,en-US;q=0.8,en;q=0.7", "pl"),
        ("en-US,en;q=0.5", "en"),
        ("en;q=0.3, pl;q=0.8", "pl"),
        ("de-DE, en-GB;q=0.7, pl;q=0.3", "en"),
        ("EN-gb", "en"),
        ("en_US", "en"),  # how Android names a locale
        ("de, fr;q=0.9", "pl"),
        ("*", "pl"),
        ("de, *;q=0.5", "pl"),
        ("en;q=0, pl;q=0.1", "pl"),
        ("pl;q=0, en", "en"),
        ("en;q=0", "pl"),
        ("", "pl"),
        (None, "pl"),
        ("en;;q=zz,,", "pl"),
        ("\x00<script>", "pl"),
        ("x" * 10_000, "pl"),
        ("en," + "de," * 5_000, "en"),
    ],
)
def test_a_person_is_shown_the_language_they_prefer_among_those_there_are(header, language):
    assert choose_language(BOTH, "pl", header) == language


def test_what_a_person_said_counts_before_what_their_browser_says():
    assert choose_language(BOTH, "pl", "en", "pl-PL") == "en"
    assert choose_language(BOTH, "pl", None, "en") == "en"
    assert choose_language(BOTH, "pl", "de", "en") == "en"


@given(st.text(max_size=300))
def test_no_header_chooses_a_language_that_is_not_there(header):
    assert choose_language(("en",), "en", header) == "en"


def test_shipped_wording_fits_its_fields_and_names_nobody():
    for question, low, high in DEFAULT_BASE.values():
        assert len(question) <= Wording._meta.get_field("question").max_length
        assert max(len(low), len(high)) <= Wording._meta.get_field("low_label").max_length
    for follow_up, placeholder, thanks in DEFAULT_BANDS.values():
        assert len(follow_up) <= BandWording._meta.get_field("follow_up_question").max_length
        assert len(placeholder) <= BandWording._meta.get_field("placeholder").max_length
        assert len(thanks) <= BandWording._meta.get_field("thanks").max_length
    assert set(DEFAULT_BASE) == {(metric, language) for metric in Metric for language in DECLINE}
    assert set(DEFAULT_BANDS) == {(band, language) for band in Band for language in DECLINE}


def test_shipped_polish_wording_addresses_people_of_any_gender():
    texts = [text for (_, language), row in (DEFAULT_BASE | DEFAULT_BANDS).items() if language == "pl" for text in row]

    gendered = re.compile(
        r"\b\w+(łeś|łaś|łbyś|łabyś)\b|\b(zadowolony|zadowolona|pewien|pewna)\b|/a\b|\(a\)", re.IGNORECASE
    )

    assert not [text for text in texts if gendered.search(text)]


@pytest.mark.django_db
def test_shipped_wording_never_replaces_what_staff_wrote():
    survey = make_draft()
    survey.wordings.filter(language="en").update(question="Mine?")

    add_default_wording(survey=survey)

    assert survey.wordings.get(language="en").question == "Mine?"
    assert (survey.wordings.count(), survey.band_wordings.count()) == (2, 6)


@pytest.mark.django_db
def test_another_metric_brings_its_question_unless_staff_wrote_their_own():
    survey = make_draft(metric=Metric.NPS)
    survey.wordings.filter(language="en").update(question="Mine?")
    survey.metric = Metric.CES
    survey.save()

    follow_metric(survey=survey, previous=Metric.NPS)

    assert survey.wordings.get(language="pl").question == DEFAULT_BASE["ces", "pl"][0]
    assert survey.wordings.get(language="en").question == "Mine?"


@pytest.mark.django_db
def test_a_removed_language_leaves_the_next_version_and_can_come_back():
    survey = make_survey()

    remove_language(survey=survey, language="en")
    second = publish(survey=survey)
    add_default_wording(survey=survey, languages=["en"])
    third = publish(survey=survey)

    assert set(second.content) == {"pl"}
    assert set(third.content) == {"pl", "en"}


@pytest.mark.django_db
def test_differences_name_each_text_that_publishing_would_change():
    survey = make_survey()
    survey.wordings.filter(language="en").update(question="And now?")
    survey.band_wordings.filter(language="pl", band=Band.PASSIVE).update(reasons=["cena", "obsługa"])

    found = differences(survey.current_version.content, draft_content(survey))

    assert found == [
        Difference("en", "", "question", DEFAULT_BASE["nps", "en"][0], "And now?"),
        Difference("pl", "passive", "reasons", "", "cena, obsługa"),
    ]


@pytest.mark.django_db
def test_a_language_that_comes_or_goes_differs_in_all_its_texts():
    content = draft_content(make_draft())
    only_polish = {"pl": content["pl"]}

    added, removed = differences(only_polish, content), differences(content, only_polish)

    assert {difference.language for difference in added + removed} == {"en"}
    assert [(one.draft, one.shown) for one in added] == [(one.shown, one.draft) for one in removed]
    assert differences(content, content) == []
