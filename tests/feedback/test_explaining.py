import itertools
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feedback import products
from feedback.eligibility import CHECKS
from feedback.explaining import explain
from feedback.identity import identify
from feedback.invitations import Moment
from feedback.models import ChannelPermission, Invitation, Respondent
from feedback.products import load_product
from privacy.models import Suppression
from privacy.suppression import suppress
from surveys.models import AudienceRule, Event, SegmentQuota, Survey
from tests.factories import (
    make_draft,
    make_invitation,
    make_permission,
    make_respondent,
    make_response,
    make_survey,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def explained(survey, *, moment=None, signed=False, **claims):
    return explain(
        product=load_product(survey.product.public_key),
        person=identify(is_signed=signed, **(claims or {"external_id": "anna"})),
        moment=moment or Moment(),
        at=timezone.now(),
    )


def check(explanation, number, survey=0):
    return next(each for each in explanation.surveys[survey].checks if each.number == number)


def inputs(explanation, number):
    return {str(each.label): each.value for each in check(explanation, number).inputs}


# --- The decision shown is the decision given -------------------------------------------------------------------------


def known(survey, **fields):
    return make_respondent(product=survey.product, subject_key="id:anna", external_id="anna", **fields)


def asked(survey, ago, *, person=None, **times):
    """Anna was asked some time ago; the named times happened then, too."""
    person = person or Respondent.objects.filter(subject_key="id:anna").first() or known(survey)
    at = timezone.now() - ago
    stamps = dict.fromkeys(times, at)
    return make_invitation(survey=survey, respondent=person, created_at=at, **stamps)


def rule(survey, subject, values, name="", operator="is"):
    AudienceRule.objects.create(survey=survey, subject=subject, name=name, operator=operator, values=values)


def change(row, **fields):
    type(row)._default_manager.filter(pk=row.pk).update(**fields)


PEOPLE = {
    "never met": lambda survey: None,
    "met": lambda survey: known(survey),
    "answered": lambda survey: asked(survey, 2 * DAY, shown_at=1, responded_at=1),
    "answered long ago": lambda survey: asked(survey, 100 * DAY, shown_at=1, responded_at=1),
    "declined": lambda survey: asked(survey, 20 * DAY, shown_at=1, declined_at=1),
    "put off": lambda survey: asked(survey, 3 * DAY, shown_at=1, snoozed_at=1),
    "ignored": lambda survey: asked(survey, 5 * DAY, shown_at=1),
    "being asked": lambda survey: asked(survey, HOUR / 6),
    "mailed": lambda survey: asked(survey, 10 * HOUR, sent_at=1),
    "objected": lambda survey: known(survey, objected_at=timezone.now()),
    "restricted": lambda survey: known(survey, restricted_at=timezone.now()),
    "new customer": lambda survey: known(survey, customer_since=timezone.now() - 3 * DAY),
    "in Poland": lambda survey: known(survey, country="PL", language="pl", properties={"plan": "pro"}),
    "suppressed": lambda survey: suppress(
        product=survey.product, subject_keys=["id:anna"], reason=Suppression.Reason.OBJECTED
    ),
    "on a phone that was asked": lambda survey: asked(
        survey,
        2 * DAY,
        person=make_respondent(product=survey.product, subject_key="anon:phone", anonymous_id="phone"),
        shown_at=1,
        declined_at=1,
    ),
}
SETTINGS = {
    "plain": lambda survey: None,
    "a delay": lambda survey: change(survey, first_survey_delay_days=31),
    "paused": lambda survey: change(survey, state=Survey.State.PAUSED),
    "later": lambda survey: change(survey, starts_at=timezone.now() + DAY),
    "mobile only": lambda survey: change(survey, channels=["mobile"]),
    "for Poland": lambda survey: rule(survey, "country", ["PL"]),
    "for a plan": lambda survey: rule(survey, "property", ["pro"], name="plan"),
    "for an event": lambda survey: (
        Event.objects.create(product=survey.product, name="order.finished"),
        rule(survey, "event", ["order.finished"]),
    ),
    "for phones": lambda survey: rule(survey, "device", ["phone"]),
    "trusted": lambda survey: change(survey.product, identity_mode="trusted"),
    "identified": lambda survey: change(survey.product, identity_mode="identified"),
    "pages blocked": lambda survey: change(survey.product, blocked_urls=["https://shop.example/*"]),
    "other sites only": lambda survey: change(survey.product, allowed_origins=["https://other.example"]),
    "this site only": lambda survey: change(survey.product, allowed_origins=["https://shop.example"]),
    "half the people": lambda survey: change(survey, known_percentage=50, anonymous_percentage=0),
    "full": lambda survey: (make_response(survey=survey), change(survey, response_target=1)),
    "full for Poland": lambda survey: (
        make_response(survey=survey, country="PL"),
        SegmentQuota.objects.create(survey=survey, dimension="country", value="PL", target=1),
    ),
    "two surveys": lambda survey: make_survey(product=survey.product, metric="csat", priority=5),
    "two surveys, one after a case": lambda survey: make_survey(
        product=survey.product, metric="ces", priority=5, is_transactional=True, transactional_floor_days=1
    ),
}
ANNA, DEVICE = {"id": "anna"}, {"anonymous_id": "phone"}
REQUESTS = [
    (ANNA, {}),
    (ANNA, {"url": "https://shop.example/basket", "device": "phone", "event": "order.finished"}),
    (DEVICE, {"channel": "mobile", "language": "pl"}),
]


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_decision_shown_is_the_one_that_the_api_gives(survey, ask, setting):
    SETTINGS[setting](survey)
    shown, given = {}, {}
    for (name, prepare), (number, (who, context)) in itertools.product(PEOPLE.items(), enumerate(REQUESTS)):
        Invitation.objects.filter(respondent__subject_key__in=["id:anna", "anon:phone"]).delete()
        Respondent.including_restricted.filter(subject_key__in=["id:anna", "anon:phone"]).delete()
        Suppression.objects.all().delete()
        prepare(survey)
        products.forget()
        cache.clear()

        claims = {"external_id": "anna"} if who is ANNA else {}
        found = explained(survey, moment=Moment(**context), anonymous_id="phone", **claims)
        origin = {"Origin": "https://shop.example"} if context.get("url") else {}
        body = {"context": context, **DEVICE, **({"user": ANNA} if who is ANNA else {})}
        answer = ask(status=403 if found.code == "origin_blocked" else 200, headers=origin, **body)

        shown[name, number] = found.code, found.chosen
        given[name, number] = answer["code"], (answer.get("survey") or {}).get("id")

    assert shown == given


def test_the_next_time_shown_is_the_one_that_the_api_gives(survey, ask):
    asked(survey, 20 * DAY, shown_at=1, declined_at=1)

    found, answer = explained(survey), ask(user={"id": "anna"})

    assert answer["code"] == found.code == "declined_recently"
    assert datetime.fromisoformat(answer["next_check_at"]) == found.next_check_at


def test_a_test_is_asked_whatever_the_checks_say(survey, ask):
    asked(survey, DAY, shown_at=1, responded_at=1)

    found = explained(survey, moment=Moment(forced=True))
    answer = ask(user={"id": "anna"}, force=True, test_key="tk_test")

    assert (found.code, found.chosen) == (answer["code"], answer["survey"]["id"]) == ("forced", survey.pk)
    assert check(found, 0).is_used
    assert not check(found, 8).passed


def test_a_signed_identity_is_taken_for_one(survey):
    change(survey.product, identity_mode="trusted")

    assert explained(survey).code == "unsigned_identity"
    assert explained(survey, signed=True).code == "eligible"


# --- Nothing is written -----------------------------------------------------------------------------------------------


def test_looking_neither_meets_nor_asks_anybody(survey):
    found = explained(survey)

    assert found.eligible
    assert (Respondent.objects.count(), Invitation.objects.count()) == (0, 0)


@pytest.mark.parametrize("many", [1, 10])
def test_looking_takes_as_many_statements_for_many_surveys_and_a_long_history(survey, many):
    for _number in range(many - 1):
        make_survey(product=survey.product)
    for number in range(many):
        asked(survey, number * 9 * DAY, shown_at=1)
    product = load_product(survey.product.public_key)
    person = identify(external_id="anna")

    with CaptureQueriesContext(connection) as captured:
        found = explain(product=product, person=person, moment=Moment(), at=timezone.now())

    assert len(found.surveys) == many
    assert [" ".join(query["sql"].split()[:2]) for query in captured.captured_queries] == [
        "SELECT list.is_suppressed,",
        'SELECT "surveys_survey"."id",',
        'SELECT "feedback_channelpermission"."id",',
    ]


# --- Every check, its inputs and its verdict --------------------------------------------------------------------------


def test_every_check_is_there_in_order(survey):
    found = explained(survey)

    assert (
        [each.number for each in found.surveys[0].checks] == list(range(15)) == [0, *(each.number for each in CHECKS)]
    )
    assert all(each.inputs for each in found.surveys[0].checks)


def test_surveys_come_in_the_order_in_which_they_are_tried(survey):
    first = make_survey(product=survey.product, priority=9)
    draft = make_draft(product=survey.product, name="Not yet")

    found = explained(survey)

    assert [each.survey_id for each in found.surveys] == [first.pk, survey.pk]
    assert found.unpublished == ((draft.name, "draft"),)


def test_a_response_is_told_with_its_day_where_the_product_is_and_the_rest(survey):
    at = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)  # already the 4th in Warsaw
    make_invitation(survey=survey, respondent=known(survey), created_at=at, responded_at=at)

    with time_machine.travel(datetime(2026, 3, 10, 12, tzinfo=UTC)):
        told = inputs(explained(survey), 8)

    assert told["Last response"] == f"March 4, 2026, 12:30 a.m. ({survey.name})"
    assert told["Rest after a response"] == "90 days"


def test_what_is_older_than_any_rest_is_not_told_as_never(survey):
    asked(survey, 300 * DAY, shown_at=1, responded_at=1)

    assert inputs(explained(survey), 8)["Last response"] == "not in the last 150 days"


def test_permissions_are_told_with_basis_and_evidence(survey):
    person = known(survey)
    given = {"respondent": person, "channel": "email", "basis": "consent", "given_on": "2026-01-31"}
    ChannelPermission.objects.create(**given, evidence="form 7", withdrawn_at=timezone.now())
    ChannelPermission.objects.create(**given, evidence="form 9")

    told = [each.value for each in check(explained(survey), 3).inputs if each.label == "Permission for e-mail"]

    assert told == ["consent, since Jan. 31, 2026: form 9", "withdrawn: consent of Jan. 31, 2026"]


def test_rules_are_told_with_what_is_known_of_the_person(survey):
    rule(survey, "country", ["PL"])
    rule(survey, "property", ["3"], name="orders", operator="greater")
    known(survey, country="DE", properties={"orders": 5})

    told = inputs(explained(survey), 5)

    assert told["country is PL"] == "does not hold: DE"
    assert told["orders is greater than 3"] == "holds: 5"


def test_mailed_people_are_looked_at_for_permission(survey):
    change(survey, channels=["email"])

    found = explained(survey, moment=Moment(channel="email"))

    assert found.code == "no_permission"
    assert inputs(found, 3)["Permission for e-mail"] == "none recorded"


def test_who_asked_not_to_be_contacted_gets_no_mail_whatever_they_permitted_and_may_be_asked_elsewhere(survey):
    change(survey, channels=["email", "link", "web"])
    person = known(survey, do_not_contact=True)
    make_permission(respondent=person)

    by_mail, on_the_web = explained(survey, moment=Moment(channel="email")), explained(survey)
    by_link = explained(survey, moment=Moment(channel="link"))

    assert (by_mail.code, by_link.code, on_the_web.code) == ("no_permission", "no_permission", "eligible")
    assert inputs(by_mail, 3)["Wants no e-mail"] == "unsubscribed, or asked not to be contacted"


# --- When they can next be asked --------------------------------------------------------------------------------------


def test_a_rest_says_when_it_ends(survey):
    at = asked(survey, 20 * DAY, shown_at=1, declined_at=1).declined_at

    assert explained(survey).not_before == at + 30 * DAY


def test_what_only_a_change_removes_has_no_end(survey):
    known(survey, objected_at=timezone.now())

    found = explained(survey)

    assert found.not_before is None
    assert found.surveys[0].needs_a_change


def test_a_rest_beside_something_that_needs_a_change_is_told_for_its_survey_only(survey):
    at = asked(survey, 20 * DAY, shown_at=1, declined_at=1).declined_at
    change(survey, state=Survey.State.PAUSED)

    found = explained(survey)

    assert found.not_before is None
    assert (found.surveys[0].needs_a_change, found.surveys[0].not_before) == (True, at + 30 * DAY)


def test_a_survey_that_is_early_says_when_it_begins(survey):
    begins = timezone.now() + 5 * DAY
    change(survey, starts_at=begins)

    assert explained(survey).not_before == begins


def test_of_two_surveys_the_earlier_counts(survey):
    at = asked(survey, 20 * DAY, shown_at=1, responded_at=1).responded_at
    change(survey, response_days=60)
    other = make_survey(product=survey.product, metric="csat", first_survey_delay_days=25)
    change(Respondent.objects.get(), customer_since=at)

    found = explained(survey)

    assert found.not_before == at + 25 * DAY
    assert {each.survey_id: each.code for each in found.surveys} == {
        survey.pk: "responded_recently",
        other.pk: "too_new",
    }
