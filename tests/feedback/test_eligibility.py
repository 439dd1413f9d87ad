from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.eligibility import CHECKS, WHY, Candidate, Facts, Occasion, Quotas, decide, draw
from surveys.targeting import Quota, Rule, Visitor
from surveys.throttling import Throttles

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def candidate(**overrides):
    return Candidate(
        **{
            "survey_id": 1,
            "version_id": 1,
            "metric": "nps",
            "band_profile": "standard",
            "channels": ("web",),
            "priority": 0,
            "is_live": True,
            "starts_at": None,
            "ends_at": None,
            "throttles": Throttles(),
            **overrides,
        }
    )


def facts(**overrides):
    return Facts(
        **{
            "at": NOW,
            "channel": "web",
            "is_known": True,
            "subject_key": "id:anna",
            "customer_since": NOW - 365 * DAY,
            **overrides,
        }
    )


def occasion(**overrides):
    first = min((value for value in overrides.values() if isinstance(value, datetime)), default=NOW)
    return Occasion(**{"survey_id": 1, "metric": "nps", "created_at": first, **overrides})


def answered_other(ago):
    """An answer to a survey of another metric, so that only the rest after any survey is left."""
    return occasion(metric="csat", shown_at=NOW - ago, responded_at=NOW - ago)


MAILED = {"channels": ("email",)}
AFTER_A_CASE = {"metric": "ces", "is_transactional": True}
IN_POLAND = Rule("country", "", "is", ("PL",))
FROM_POLAND = Quota("country", "", "PL", 5)


def code(*candidates, **overrides):
    return decide(list(candidates) or [candidate()], facts(**overrides)).code


def test_somebody_with_nothing_against_it_is_asked():
    assert code() == "eligible"


# One case per way to fail; each also fails everything after it that it can, so that the order is proved as well.
@pytest.mark.parametrize(
    ("expected", "survey", "person"),
    [
        ("inactive", {"is_live": False}, {"has_objected": True}),
        ("inactive", {"version_id": None}, {}),
        ("inactive", {"channels": ("email",)}, {}),
        ("inactive", {"starts_at": NOW + DAY}, {}),
        ("inactive", {"ends_at": NOW}, {}),
        (
            "url_blocked",
            {},
            {"visitor": Visitor(url="https://a/pay"), "blocked_urls": ("*/pay*",), "has_objected": True},
        ),
        ("opted_out", {}, {"has_objected": True, "is_restricted": True}),
        ("restricted", {}, {"is_restricted": True, "is_suppressed": True}),
        ("suppressed", {}, {"is_suppressed": True, "identity_mode": "trusted"}),
        ("bounced", MAILED, {"channel": "email", "has_bounced": True, "has_permission": False}),
        ("no_permission", MAILED, {"channel": "email", "has_permission": False, "identity_mode": "trusted"}),
        ("unidentified", {}, {"identity_mode": "identified", "is_known": False, "visitor": Visitor(event="new")}),
        ("unsigned_identity", {}, {"identity_mode": "trusted", "visitor": Visitor(event="new")}),
        ("event_not_registered", {"rules": (IN_POLAND,)}, {"visitor": Visitor(event="new")}),
        ("not_in_audience", {"rules": (IN_POLAND,), "languages": ("pl",)}, {"languages": ("de",)}),
        ("no_wording", {"languages": ("pl",)}, {"languages": ("de", "fr;q=0.5"), "customer_since": NOW}),
        ("too_new", {}, {"customer_since": NOW - 30 * DAY, "history": (occasion(shown_at=NOW),)}),
        ("too_new", {}, {"customer_since": None, "first_seen_at": None}),
        ("pending", {}, {"history": (occasion(shown_at=NOW - timedelta(minutes=29)),)}),
        ("pending", {}, {"history": (occasion(sent_at=NOW - timedelta(hours=71)),)}),
        ("responded_recently", {}, {"history": (occasion(responded_at=NOW - DAY, declined_at=NOW - DAY),)}),
        ("declined_recently", {}, {"history": (occasion(declined_at=NOW - DAY, snoozed_at=NOW - DAY),)}),
        ("snoozed", {}, {"history": (occasion(snoozed_at=NOW - DAY),)}),
        ("shown_recently", {}, {"history": (occasion(shown_at=NOW - DAY),)}),
        ("mailed_recently", MAILED, {"channel": "email", "history": (occasion(sent_at=NOW - 6 * DAY),)}),
        ("cooldown", {"quotas": Quotas(target=1, total=1)}, {"history": (answered_other(2 * DAY),)}),
        ("cooldown", AFTER_A_CASE, {"history": (answered_other(timedelta(hours=23)),)}),
        ("quota_full", {"quotas": Quotas(target=1, total=1, daily_cap=1, today=1)}, {}),
        ("quota_full", {"quotas": Quotas(segments=((FROM_POLAND, 5),))}, {"visitor": Visitor(country="PL")}),
        ("daily_cap", {"quotas": Quotas(daily_cap=1, today=1), "throttles": Throttles(known_percentage=0)}, {}),
        ("not_sampled", {"throttles": Throttles(known_percentage=0)}, {}),
        ("not_sampled", {"throttles": Throttles(anonymous_percentage=0)}, {"is_known": False}),
    ],
)
def test_the_first_obstacle_gives_the_answer(expected, survey, person):
    assert code(candidate(**survey), **person) == expected


@pytest.mark.parametrize(
    ("survey", "person"),
    [
        ({"languages": ("pl",)}, {}),  # nobody said what they speak
        ({"languages": ("pl", "en")}, {"languages": ("de", "fr,en;q=0.3")}),
        ({"rules": (IN_POLAND,)}, {"visitor": Visitor(country="pl")}),
        ({}, {"visitor": Visitor(event="new"), "events": frozenset({"new"})}),
        ({}, {"has_permission": False, "has_bounced": True}),  # these only matter to e-mail
        (AFTER_A_CASE, {"history": (answered_other(DAY),)}),
        ({}, {"history": (answered_other(7 * DAY),)}),
        ({"quotas": Quotas(daily_cap=2, today=1, target=2, total=1, segments=((FROM_POLAND, 4),))}, {}),
        ({"quotas": Quotas(segments=((FROM_POLAND, 5),))}, {"visitor": Visitor(country="DE")}),
        (MAILED, {"channel": "email", "history": (occasion(sent_at=NOW - 30 * DAY),)}),
    ],
)
def test_nothing_stands_in_the_way(survey, person):
    assert code(candidate(**survey), **person) == "eligible"


def test_every_code_has_a_sentence_and_a_place_in_the_order():
    answers = [code for check in CHECKS for code in check.codes]

    assert {*answers, "eligible", "forced"} == set(WHY)
    assert len(answers) == len(set(answers))
    assert [check.number for check in CHECKS] == list(range(1, 15))


def test_the_daily_cap_ends_with_the_day_where_the_product_is():
    full = candidate(quotas=Quotas(daily_cap=1, today=1))
    saturday = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # already the short Sunday in Warsaw

    verdict = decide([full], facts(at=saturday, zone=ZoneInfo("Europe/Warsaw")))

    assert verdict.next_check_at == datetime(2026, 3, 29, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("history", "until"),
    [
        (occasion(responded_at=NOW - 10 * DAY), NOW + 80 * DAY),
        (occasion(declined_at=NOW - 10 * DAY), NOW + 20 * DAY),
        (occasion(snoozed_at=NOW - 2 * DAY), NOW + 5 * DAY),
        (occasion(shown_at=NOW - 2 * DAY), NOW + 5 * DAY),
        (occasion(shown_at=NOW - timedelta(minutes=10)), NOW + 7 * DAY - timedelta(minutes=10)),
        (occasion(sent_at=NOW - DAY), NOW + 6 * DAY),
        (occasion(created_at=NOW - timedelta(minutes=10)), NOW + timedelta(minutes=20)),
    ],
)
def test_the_answer_says_when_asking_again_makes_sense(history, until):
    verdict = decide([candidate()], facts(history=(history,)))

    assert verdict.next_check_at == until


def test_rests_after_a_response_or_decline_are_per_metric():
    history = (occasion(responded_at=NOW - DAY), occasion(declined_at=NOW - DAY))

    assert code(candidate(metric="csat"), history=history) == "eligible"


def test_an_ignored_survey_rests_all_surveys():
    assert code(candidate(survey_id=2, metric="csat"), history=(occasion(shown_at=NOW - DAY),)) == "shown_recently"


def test_the_highest_priority_then_the_longest_unasked_is_offered():
    asked = (occasion(survey_id=1, responded_at=NOW - 200 * DAY), occasion(survey_id=2, responded_at=NOW - 300 * DAY))
    surveys = [candidate(survey_id=number) for number in (1, 2)]

    assert decide(surveys, facts(history=asked)).candidate.survey_id == 2
    assert decide([*surveys, candidate(survey_id=3)], facts(history=asked)).candidate.survey_id == 3
    assert decide([*surveys, candidate(survey_id=1, priority=9)], facts(history=asked)).candidate.priority == 9


def test_a_live_survey_explains_itself_rather_than_one_that_is_switched_off():
    paused = candidate(survey_id=1, priority=9, is_live=False)

    assert code(paused, candidate(survey_id=2), history=(occasion(snoozed_at=NOW - DAY),)) == "snoozed"


def test_somebody_met_a_moment_after_this_request_began_is_no_newcomer_without_a_delay():
    survey = candidate(throttles=Throttles(first_survey_delay_days=0))

    assert code(survey, customer_since=None, first_seen_at=NOW + timedelta(milliseconds=5)) == "eligible"


def test_without_any_survey_nobody_is_asked():
    assert decide([], facts()).code == "inactive"


lengths = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=200))


@given(ago=lengths, survey_days=st.integers(0, 120))
def test_a_rest_ends_exactly_at_its_last_instant(ago, survey_days):
    survey = candidate(throttles=Throttles(response_days=survey_days))

    verdict = decide([survey], facts(history=(occasion(responded_at=NOW - ago),)))

    assert (verdict.code == "responded_recently") == (ago < survey_days * DAY)


@given(key=st.text(max_size=40), low=st.integers(0, 100), high=st.integers(0, 100), at=st.integers(0, 2_000_000_000))
def test_raising_a_percentage_only_adds_people_and_asking_again_changes_nothing(key, low, high, at):
    low, high = sorted((low, high))
    moment = {
        "subject_key": key,
        "at": datetime.fromtimestamp(at, UTC),
        "customer_since": datetime(1960, 1, 1, tzinfo=UTC),
    }

    def is_sampled(percentage):
        return code(candidate(throttles=Throttles(known_percentage=percentage)), **moment) == "eligible"

    assert is_sampled(high) or not is_sampled(low)
    assert is_sampled(low) == is_sampled(low)
    assert is_sampled(100)
    assert not is_sampled(0)


def test_samples_have_their_share_within_three_sigma():
    people = 100_000
    for percentage in (1, 25, 50, 90):
        share = percentage / 100
        sampled = sum(draw(7, f"id:{number}", 226) < percentage * 100 for number in range(people))

        assert abs(sampled - people * share) < 3 * (people * share * (1 - share)) ** 0.5
