"""What must hold for every rest, every sample and every sequence of actions; the cases are drawn by hypothesis."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from feedback import invitations
from feedback.eligibility import CYCLE, SHOWN_PENDING, Candidate, Facts, Occasion, Quotas, decide, draw
from feedback.identity import identify
from feedback.intake import Submission, submit
from feedback.models import Invitation, Respondent
from feedback.products import load_product
from surveys.models import ProductThrottles
from surveys.throttling import Throttles
from tests.factories import make_survey

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
NO_RESTS = {name.name: 0 for name in fields(Throttles)} | {"shows_in_90_days": 99, "known_percentage": 100}
ZONES = [ZoneInfo(name) for name in ("Europe/Warsaw", "America/New_York", "Australia/Lord_Howe", "America/Havana")]


def candidate(*, survey_id=1, throttles=None, channels=("web", "email"), **overrides):
    return Candidate(
        **{"survey_id": survey_id, "version_id": 1, "metric": "ces", "band_profile": "standard", "channels": channels},
        **{"priority": 0, "is_live": True, "starts_at": None, "ends_at": None},
        throttles=Throttles(**NO_RESTS | (throttles or {})),
        **overrides,
    )


def facts(at, **overrides):
    known = {"is_known": True, "subject_key": "id:anna", "customer_since": datetime(1970, 1, 1, tzinfo=UTC)}
    return Facts(**{"at": at, "channel": "web", **known, **overrides})


def clock_changes(zone, years=range(2024, 2032)):
    """Return the instants at which the zone's clocks are put forward or back."""
    hour, at, end = timedelta(hours=1), datetime(years[0], 1, 1, tzinfo=UTC), datetime(years[-1], 12, 31, tzinfo=UTC)
    found = []
    while at < end:
        day = at + DAY
        if at.astimezone(zone).utcoffset() != day.astimezone(zone).utcoffset():
            step = at
            while step.astimezone(zone).utcoffset() == (step + hour).astimezone(zone).utcoffset():
                step += hour
            found.append(step + hour)
        at = day
    return found


CHANGES = {zone.key: clock_changes(zone) for zone in ZONES}
near = st.timedeltas(min_value=-2 * DAY, max_value=2 * DAY)
zones = st.sampled_from(ZONES)


@st.composite
def around_a_clock_change(draw_one):
    zone = draw_one(zones)
    return zone, draw_one(st.sampled_from(CHANGES[zone.key])) + draw_one(near)


def test_the_clocks_of_all_zones_change_twice_a_year():
    assert {len(changes) for changes in CHANGES.values()} == {16}


# What happened, the number of the rest that follows, and the code while it lasts.
RESTS = [
    ({"responded_at": 0}, "response_days", "responded_recently"),
    ({"declined_at": 0}, "decline_days", "declined_recently"),
    ({"snoozed_at": 0}, "snooze_days", "snoozed"),
    ({"shown_at": 0}, "unanswered_days", "shown_recently"),
    ({"shown_at": 0, "responded_at": 0}, "cooldown_days", "cooldown"),
    ({"sent_at": 0}, "cooldown_days", "cooldown"),
    ({"sent_at": 0, "declined_at": 0}, "mail_days", "mailed_recently"),
]


@pytest.mark.parametrize(("happened", "number", "code"), RESTS)
@given(moment=around_a_clock_change(), days=st.integers(4, 400), back=st.booleans())
@settings(max_examples=60)
def test_a_rest_lasts_whole_days_of_24_hours_to_the_microsecond(happened, number, code, moment, days, back):
    """Whether the change of the clocks lies at its beginning or its end."""
    zone, beginning = moment
    beginning -= days * DAY if back else timedelta(0)
    survey = candidate(throttles={number: days})
    occasion = Occasion(survey_id=1, metric="ces", created_at=beginning, **dict.fromkeys(happened, beginning))
    channel = "email" if number == "mail_days" else "web"
    end = beginning + timedelta(hours=24 * days)

    def verdict(at):
        return decide([survey], facts(at, zone=zone, channel=channel, history=(occasion,)))

    assert (verdict(end - INSTANT).code, verdict(end - INSTANT).next_check_at) == (code, end)
    assert verdict(end).code == "eligible"


@given(moment=around_a_clock_change(), days=st.integers(1, 400), is_known=st.booleans())
def test_so_does_the_delay_before_the_first_survey(moment, days, is_known):
    zone, since = moment
    start = {"customer_since": since} if is_known else {"customer_since": None, "first_seen_at": since}
    survey, end = candidate(throttles={"first_survey_delay_days": days}), since + timedelta(hours=24 * days)

    before = decide([survey], facts(end - INSTANT, zone=zone, **start))

    assert (before.code, before.next_check_at) == ("too_new", end)
    assert decide([survey], facts(end, zone=zone, **start)).code == "eligible"


@given(moment=around_a_clock_change(), days=st.integers(1, 30))
def test_a_survey_after_a_case_rests_for_its_own_floor(moment, days):
    zone, shown = moment
    survey = candidate(throttles={"cooldown_days": 90}, is_transactional=True, transactional_floor_days=days)
    other = Occasion(survey_id=2, metric="nps", created_at=shown, shown_at=shown, responded_at=shown)
    end = shown + timedelta(hours=24 * days)

    assert decide([survey], facts(end - INSTANT, zone=zone, history=(other,))).code == "cooldown"
    assert decide([survey], facts(end, zone=zone, history=(other,))).code == "eligible"


@given(moment=around_a_clock_change(), is_mailed=st.booleans())
def test_an_open_invitation_is_pending_to_the_microsecond(moment, is_mailed):
    zone, at = moment
    open_one = Occasion(survey_id=1, metric="ces", created_at=at, **{"sent_at": at} if is_mailed else {})
    end = at + (timedelta(hours=72) if is_mailed else timedelta(minutes=30))

    assert decide([candidate()], facts(end - INSTANT, zone=zone, history=(open_one,))).code == "pending"
    assert decide([candidate()], facts(end, zone=zone, history=(open_one,))).code == "eligible"


@given(
    moment=around_a_clock_change(),
    most=st.integers(1, 5),
    gaps=st.lists(st.timedeltas(min_value=timedelta(0), max_value=120 * DAY), min_size=1, max_size=8),
)
def test_shows_are_counted_over_90_days_that_end_now(moment, most, gaps):
    zone, at = moment
    shows = [at - sum(gaps[: place + 1], timedelta(0)) for place in range(len(gaps))]
    history = tuple(
        Occasion(survey_id=2, metric="nps", created_at=each, shown_at=each, declined_at=each) for each in shows
    )
    survey = candidate(throttles={"shows_in_90_days": most})

    verdict = decide([survey], facts(at, zone=zone, history=history))

    assume(at < max(shows) + 90 * DAY)
    assert (verdict.code == "shown_recently") == (sum(each > at - 90 * DAY for each in shows) >= most)
    if verdict.code == "shown_recently":
        assert decide([survey], facts(verdict.next_check_at - INSTANT, history=history)).code == "shown_recently"
        assert decide([survey], facts(verdict.next_check_at, history=history)).code == "eligible"


@given(moment=around_a_clock_change())
def test_the_daily_cap_holds_until_the_first_instant_of_the_products_next_day(moment):
    zone, at = moment
    today = at.astimezone(zone).date()

    verdict = decide([candidate(quotas=Quotas(daily_cap=1, today=1))], facts(at, zone=zone))

    midnight = verdict.next_check_at.astimezone(UTC)
    assert verdict.code == "daily_cap"
    assert midnight.astimezone(zone).date() == today + DAY
    assert (midnight - INSTANT).astimezone(zone).date() == today


# --- Samples ----------------------------------------------------------------------------------------------------------

PEOPLE = 100_000


def is_within_three_sigma(hits, share):
    return abs(hits - PEOPLE * share) < 3 * (PEOPLE * share * (1 - share)) ** 0.5


@pytest.fixture(scope="module")
def lots():
    """The lots of 100,000 people: for two surveys, and for the first one's next cycle."""
    draws = {"first": (1, 226), "second": (2, 226), "next cycle": (1, 227)}
    return {
        name: [draw(survey, f"id:{number}", cycle) for number in range(PEOPLE)]
        for name, (survey, cycle) in draws.items()
    }


@pytest.mark.parametrize("percentage", [1, 2, 5, 10, 20, 33, 50, 67, 80, 95, 99])
@pytest.mark.parametrize("which", ["first", "second", "next cycle"])
def test_a_sample_has_its_share_of_the_people(lots, which, percentage):
    assert is_within_three_sigma(sum(lot < percentage * 100 for lot in lots[which]), percentage / 100)


@pytest.mark.parametrize("other", ["second", "next cycle"])
@pytest.mark.parametrize("percentage", [10, 30, 50, 70])
def test_being_in_one_sample_says_nothing_about_the_next(lots, other, percentage):
    limit = percentage * 100
    both = sum(lot < limit and again < limit for lot, again in zip(lots["first"], lots[other], strict=True))

    assert is_within_three_sigma(both, (percentage / 100) ** 2)


@given(
    key=st.text(max_size=60),
    survey_id=st.integers(1, 2**40),
    percentages=st.lists(st.integers(0, 100), min_size=2, max_size=6),
    seconds=st.integers(0, 4_000_000_000),
    later=st.timedeltas(min_value=timedelta(0), max_value=CYCLE - INSTANT),
    is_known=st.booleans(),
)
def test_a_sample_is_sticky_within_its_cycle_and_grows_with_the_percentage(
    key, survey_id, percentages, seconds, later, is_known
):
    at = datetime.fromtimestamp(seconds, UTC)
    start = datetime.fromtimestamp(seconds // CYCLE.total_seconds() * CYCLE.total_seconds(), UTC)
    number = "known_percentage" if is_known else "anonymous_percentage"

    def verdict(percentage, moment):
        survey = candidate(survey_id=survey_id, throttles={number: percentage})
        return decide([survey], facts(moment, subject_key=key, is_known=is_known))

    asked = [verdict(each, at).eligible for each in sorted(percentages)]

    assert asked == sorted(asked)
    assert asked == [verdict(each, start + later).eligible for each in sorted(percentages)]
    if not asked[0]:
        assert verdict(min(percentages), at).next_check_at == start + CYCLE


# --- Sequences of actions ---------------------------------------------------------------------------------------------

RESTING = {"response_days": 9, "decline_days": 5, "snooze_days": 3, "unanswered_days": 2, "cooldown_days": 2}
MOST_SHOWS = 3
FLOOR_DAYS = 1
LEAPS = [timedelta(minutes=1), timedelta(minutes=29), SHOWN_PENDING - INSTANT, SHOWN_PENDING, DAY - INSTANT, DAY]
LEAPS += [2 * DAY - INSTANT, 2 * DAY, 3 * DAY, 5 * DAY - INSTANT, 5 * DAY, 9 * DAY, 40 * DAY]
DEVICES, PEOPLE_WITH_NAMES = ["phone", "laptop", "tablet"], ["anna", "bob"]
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Asked:
    """An invitation as whoever watched the screens would tell it."""

    token: str
    metric: str
    device: str
    login: str
    made: datetime
    shown: datetime | None = None
    responded: datetime | None = None
    declined: datetime | None = None
    snoozed: datetime | None = None

    @property
    def is_over(self):
        return bool(self.responded or self.declined or self.snoozed)


def rests(asked, metric, now):
    """Tell whether the rules of asking forbid a survey of this metric to whom all this happened; in words of days."""
    shows = [each.shown for each in asked if each.shown]
    same = [each for each in asked if each.metric == metric]

    def lasts(times, days):
        return any(now - at < days * DAY for at in times if at)

    return (
        any(now - (each.shown or each.made) < SHOWN_PENDING for each in asked if not each.is_over)
        or lasts([each.responded for each in same], RESTING["response_days"])
        or lasts([each.declined for each in same], RESTING["decline_days"])
        or lasts([each.snoozed for each in same], RESTING["snooze_days"])
        or lasts([each.shown for each in asked if not each.is_over], RESTING["unanswered_days"])
        or lasts(shows, FLOOR_DAYS if metric == "ces" else RESTING["cooldown_days"])
        or sum(now - at < 90 * DAY for at in shows) >= MOST_SHOWS
    )


class Asking(RuleBasedStateMachine):
    """Tabs on three devices, on which two people log in and out, against the real database.

    A page shows what it was given at once, as the widget does, so an invitation is first shown while it is pending.
    """

    def __init__(self):
        super().__init__()
        self.now, self.asked, self.owner = START, [], {}
        self.clock = time_machine.travel(START, tick=False)
        self.traveller = self.clock.start()

    def teardown(self):
        self.clock.stop()
        stored = Invitation.including_restricted.count()
        Respondent.including_restricted.all().delete()
        assert stored == len(self.asked)

    @initialize()
    def read_settings(self):
        self.product = load_product("pk_test")

    @rule(
        device=st.sampled_from(DEVICES),
        login=st.sampled_from([*PEOPLE_WITH_NAMES, ""]),
        reaction=st.sampled_from(["shown", "answer", "decline", "snooze", ""]),
        tabs=st.integers(1, 2),
    )
    def view_pages(self, device, login, reaction, tabs):
        """Somebody logs in, or out, looks at a page in so many tabs, and reacts to a survey if there is one."""
        person = identify(anonymous_id=device, external_id=login)
        for _tab in range(tabs):
            relevant = [each for each in self.asked if self.concerns(each, device, login)]
            due = [metric for metric in ("nps", "ces") if not rests(relevant, metric, self.now)]
            answer = invitations.ask(product=self.product, person=person, moment=invitations.Moment())
            assert (answer.question.metric if answer.question else None) == (due[0] if due else None), answer.code
            if login:
                self.owner.setdefault(device, login)
            if answer.question:
                asked = Asked(answer.token, answer.question.metric, device, login, self.now)
                self.asked.append(asked)
                self.react(asked, reaction)

    def concerns(self, asked, device, login):
        """Tell whether an earlier invitation may have been put to whoever is at the device now."""
        theirs = {login, self.owner.get(device)} - {"", None}
        return (
            asked.device == device
            or asked.login in theirs
            or (not asked.login and self.owner.get(asked.device) in theirs)
        )

    @rule(leap=st.sampled_from(LEAPS))
    def let_time_pass(self, leap):
        self.now += leap
        self.traveller.move_to(self.now)

    def on_screen(self):
        """Return what somebody can still act on: it is being shown, or was given to a page just now."""
        return [
            each
            for each in self.asked
            if not each.responded
            and self.now < each.made + invitations.LIFETIME
            and (each.shown or self.now - each.made < SHOWN_PENDING)
        ]

    @precondition(on_screen)
    @rule(data=st.data(), how=st.sampled_from(["shown", "answer", "decline", "snooze"]))
    def act(self, data, how):
        self.react(data.draw(st.sampled_from(self.on_screen())), how)

    def react(self, asked, how):
        if not how:
            return
        if how == "shown":
            invitations.record_shown(token=asked.token)
        elif how == "answer":
            submit(token=asked.token, submission=Submission(submission_id=uuid.uuid4(), score=5))
            asked.responded, asked.declined, asked.snoozed = self.now, None, None
        elif how == "decline":
            invitations.decline(token=asked.token)
            asked.declined = asked.declined or self.now
        else:
            invitations.snooze(token=asked.token)
            asked.snoozed = asked.snoozed or (None if asked.declined else self.now)
        asked.shown = asked.shown or self.now

    @invariant()
    def nobody_sees_two_surveys_within_the_cooldown(self):
        for attribute, values in (("login", PEOPLE_WITH_NAMES), ("device", DEVICES)):
            for value in values:
                theirs = [each for each in self.asked if getattr(each, attribute) == value and each.shown]
                for first, second in pairwise(sorted(theirs, key=lambda each: each.shown)):
                    rest = FLOOR_DAYS if second.metric == "ces" else RESTING["cooldown_days"]
                    assert second.shown - first.shown >= rest * DAY


@pytest.mark.django_db
def test_no_sequence_of_actions_asks_anybody_too_soon():
    """Nor does anything else than a rest keep a page from asking, or ask something else than what is due."""
    numbers = RESTING | {"shows_in_90_days": MOST_SHOWS}
    nps = make_survey(metric="nps", priority=1, **numbers)
    nps.product.public_key = "pk_test"
    nps.product.save()
    ProductThrottles.objects.create(product=nps.product, cooldown_days=RESTING["cooldown_days"])
    make_survey(
        product=nps.product, metric="ces", is_transactional=True, transactional_floor_days=FLOOR_DAYS, **numbers
    )

    run_state_machine_as_test(
        Asking,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
