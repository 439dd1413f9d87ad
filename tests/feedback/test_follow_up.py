from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from feedback.follow_up import assign, change_status, flag, possible_owners, possible_steps
from feedback.models import FollowUp, Respondent, Response
from privacy.models import Membership
from tests.factories import make_product, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db

ROUTES = {
    "new": ["open", "dismissed"],
    "open": ["in_progress", "dismissed"],
    "in_progress": ["waiting", "resolved", "dismissed"],
    "waiting": ["in_progress", "resolved", "dismissed"],
    "resolved": ["open", "closed"],
    "closed": ["open"],
    "dismissed": ["open"],
}
PATHS = {
    "new": [],
    "open": ["open"],
    "in_progress": ["open", "in_progress"],
    "waiting": ["open", "in_progress", "waiting"],
    "resolved": ["open", "in_progress", "resolved"],
    "closed": ["open", "in_progress", "resolved", "closed"],
    "dismissed": ["dismissed"],
}


@pytest.fixture
def reviewer():
    return make_staff("reviewer")


@pytest.fixture
def follow_up(reviewer):
    return flag(response=make_response(score=2), reason="Angry about fees", by=reviewer)


def walk(follow_up, status, by):
    for step in PATHS[status]:
        follow_up = change_status(follow_up=follow_up, to=step, by=by, note="note", root_cause="Fees")
    return follow_up


def code_of(error):
    return error.value.code


def test_flagging_a_response_opens_a_follow_up(reviewer):
    response = make_response(score=2)
    agent = make_staff("agent", product=response.product)

    follow_up = flag(response=response, reason="  Angry about fees ", by=reviewer, owner=agent)

    stored = FollowUp.objects.get()
    assert stored == follow_up
    assert (stored.respondent_id, stored.product_id) == (response.respondent_id, response.product_id)
    assert (stored.status, stored.reason, stored.owner, stored.flagged_by) == (
        "new",
        "Angry about fees",
        agent,
        reviewer,
    )


@pytest.mark.parametrize(
    ("reason", "code"), [("", "reason_required"), (" \n ", "reason_required"), ("x" * 1001, "too_long")]
)
def test_a_reason_is_required_and_bounded(reviewer, reason, code):
    with pytest.raises(ValidationError) as error:
        flag(response=make_response(), reason=reason, by=reviewer)

    assert code_of(error) == code
    assert not FollowUp.objects.exists()


@pytest.mark.parametrize(
    "wish", [{"objected_at": timezone.now()}, {"restricted_at": timezone.now()}, {"do_not_contact": True}]
)
def test_a_person_who_must_not_be_contacted_is_never_flagged(reviewer, wish):
    response = make_response()
    Respondent.objects.filter(pk=response.respondent_id).update(**wish)

    with pytest.raises(ValidationError) as error:
        flag(response=response, reason="Angry", by=reviewer)

    assert code_of(error) == "may_not_be_contacted"
    assert not FollowUp.including_restricted.exists()


def test_a_test_response_is_never_flagged(reviewer):
    with pytest.raises(ValidationError) as error:
        flag(response=make_response(is_test=True), reason="Angry", by=reviewer)

    assert code_of(error) == "test_response"


def test_one_person_has_at_most_one_open_follow_up(reviewer, follow_up):
    survey = make_survey(product=follow_up.product)
    again = make_response(survey=survey, respondent=follow_up.respondent)

    with pytest.raises(ValidationError) as error:
        flag(response=again, reason="Angry again", by=reviewer)
    assert code_of(error) == "already_open"

    change_status(follow_up=follow_up, to="dismissed", by=reviewer, note="duplicate")
    assert flag(response=again, reason="Angry again", by=reviewer).pk


def test_the_owner_must_be_staff_and_see_the_product(reviewer):
    response = make_response()
    stranger = make_staff("agent", product=make_product())
    outsider = User.objects.create_user("outsider")

    with pytest.raises(ValidationError) as error:
        flag(response=response, reason="Angry", by=reviewer, owner=stranger)
    assert code_of(error) == "owner_cannot_see_product"

    with pytest.raises(ValidationError) as error:
        flag(response=response, reason="Angry", by=reviewer, owner=outsider)
    assert code_of(error) == "owner_not_staff"


@pytest.mark.parametrize("status", ROUTES)
@pytest.mark.parametrize("to", ROUTES)
def test_the_status_moves_along_the_table_and_nowhere_else(reviewer, follow_up, status, to):
    follow_up = walk(follow_up, status, reviewer)
    assert follow_up.status == status
    assert sorted(step.to for step in possible_steps(follow_up)) == sorted(ROUTES[status])

    if to in ROUTES[status]:
        change_status(follow_up=follow_up, to=to, by=reviewer, note="note", root_cause="Fees")
        assert FollowUp.objects.get().status == to
    else:
        with pytest.raises(ValidationError) as error:
            change_status(follow_up=follow_up, to=to, by=reviewer, note="note")
        assert code_of(error) == "not_possible"
        assert FollowUp.objects.get().status == status


@pytest.mark.parametrize(("status", "to"), [("resolved", "closed"), ("open", "dismissed")])
def test_closing_and_dismissing_require_a_note(reviewer, follow_up, status, to):
    walk(follow_up, status, reviewer)

    with pytest.raises(ValidationError) as error:
        change_status(follow_up=follow_up, to=to, by=reviewer, note="  ")
    assert code_of(error) == "note_required"

    change_status(follow_up=follow_up, to=to, by=reviewer, note="Called, all good", root_cause="Fees")
    stored = FollowUp.objects.get()
    assert stored.closing_note == "Called, all good"
    assert stored.closed_at is not None


def test_reopening_keeps_the_note_and_forgets_the_time(reviewer, follow_up):
    walk(follow_up, "closed", reviewer)

    change_status(follow_up=follow_up, to="open", by=reviewer)

    stored = FollowUp.objects.get()
    assert (stored.status, stored.closed_at, stored.closing_note) == ("open", None, "note")


def test_reopening_beside_another_open_one_is_refused(reviewer, follow_up):
    walk(follow_up, "dismissed", reviewer)
    flag(response=follow_up.response, reason="Called again", by=reviewer)

    with pytest.raises(ValidationError) as error:
        change_status(follow_up=follow_up, to="open", by=reviewer)

    assert code_of(error) == "already_open"


def test_work_on_a_person_who_objected_can_only_end(reviewer, follow_up):
    walk(follow_up, "open", reviewer)
    Respondent.objects.update(objected_at=timezone.now())

    with pytest.raises(ValidationError) as error:
        change_status(follow_up=follow_up, to="in_progress", by=reviewer)
    assert code_of(error) == "may_not_be_contacted"

    change_status(follow_up=follow_up, to="dismissed", by=reviewer, note="objected")
    assert FollowUp.objects.get().status == "dismissed"


def test_whoever_starts_unowned_work_owns_it(follow_up):
    agent, other = make_staff("agent", product=follow_up.product), make_staff("agent", product=follow_up.product)
    walk(follow_up, "in_progress", agent)
    assert FollowUp.objects.get().owner == agent

    change_status(follow_up=follow_up, to="waiting", by=other)
    change_status(follow_up=follow_up, to="in_progress", by=other)
    assert FollowUp.objects.get().owner == agent


def test_the_status_cannot_be_set_past_the_machine(follow_up):
    with pytest.raises(AttributeError):
        follow_up.status = "closed"


def test_assigning_checks_the_colleague_and_the_status(reviewer, follow_up):
    agent = make_staff("agent", product=follow_up.product)

    assign(follow_up=follow_up, to=agent, by=reviewer)
    assert FollowUp.objects.get().owner == agent
    with pytest.raises(ValidationError) as error:
        assign(follow_up=follow_up, to=make_staff("agent"), by=reviewer)
    assert code_of(error) == "owner_cannot_see_product"
    assign(follow_up=follow_up, to=None, by=reviewer)
    assert FollowUp.objects.get().owner is None

    walk(follow_up, "dismissed", reviewer)
    with pytest.raises(ValidationError) as error:
        assign(follow_up=follow_up, to=agent, by=reviewer)
    assert code_of(error) == "not_open"


def test_possible_owners_work_on_follow_ups_and_see_the_product():
    product = make_product()
    agent = make_staff("agent", product=product)
    of_controller = make_staff("agent")
    Membership.objects.create(user=of_controller, controller=product.controller)
    make_staff("analyst", product=product)
    make_staff("agent", product=make_product(controller=product.controller))
    make_staff("agent", product=product, is_active=False)

    assert set(possible_owners(product)) == {agent, of_controller}


def in_threads(*calls):
    """Run the calls at the same moment, each with its own connection; return a result or an error's code for each."""
    barrier = Barrier(len(calls))

    def run(call):
        try:
            barrier.wait()
            return call()
        except ValidationError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.django_db(transaction=True)
def test_two_people_who_flag_at_once_open_one_follow_up():
    survey = make_survey()
    first = make_response(survey=survey)
    second = make_response(survey=survey, respondent=first.respondent)
    reviewer = make_staff("reviewer")

    def flagging(response):
        return lambda: flag(response=Response.objects.get(pk=response.pk), reason="Angry", by=reviewer)

    results = in_threads(*[flagging(response) for response in (first, second, first, second)])

    assert FollowUp.objects.count() == 1
    assert sorted(str(result) for result in results)[:3] == ["already_open"] * 3


@pytest.mark.django_db(transaction=True)
def test_two_people_who_press_at_once_move_it_once():
    reviewer = make_staff("reviewer")
    follow_up = flag(response=make_response(), reason="Angry", by=reviewer)

    results = in_threads(
        *[lambda: change_status(follow_up=follow_up, to="dismissed", by=reviewer, note="spam")] * 3,
    )

    assert results.count("not_possible") == 2


@pytest.mark.django_db(transaction=True)
def test_flagging_while_an_older_one_is_reopened_leaves_one_open():
    reviewer = make_staff("reviewer")
    response = make_response()
    old = flag(response=response, reason="Angry", by=reviewer)
    change_status(follow_up=old, to="dismissed", by=reviewer, note="spam")

    results = in_threads(
        lambda: change_status(follow_up=old, to="open", by=reviewer),
        lambda: flag(response=response, reason="Angry again", by=reviewer),
    )

    assert results.count("already_open") == 1
    assert FollowUp.objects.open().count() == 1


# --- What the database holds ------------------------------------------------------------------------------------------


def run(sql, *values):
    """Run one raw statement and what is checked when a transaction ends."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


INSERT = """
INSERT INTO feedback_followup
    (response_id, respondent_id, product_id, status, priority, reason, created_at, closing_note)
VALUES (%s, %s, %s, 'new', 'normal', 'Angry', now(), '')
"""


def test_the_database_refuses_a_follow_up_with_somebody_who_did_not_give_that_response(follow_up):
    response, stranger = make_response(), make_response().respondent

    with pytest.raises(IntegrityError, match="follow_up_with_whoever_answered"):
        run(INSERT, response.pk, stranger.pk, response.product_id)
    with pytest.raises(IntegrityError, match="follow_up_with_whoever_answered"):
        run("UPDATE feedback_followup SET respondent_id = %s", stranger.pk)
    with pytest.raises(IntegrityError, match="follow_up_with_whoever_answered"):
        run("UPDATE feedback_followup SET response_id = %s", response.pk)

    run(INSERT, response.pk, response.respondent_id, response.product_id)
    assert set(FollowUp.objects.values_list("response", "respondent")) == {
        (follow_up.response_id, follow_up.respondent_id),
        (response.pk, response.respondent_id),
    }


def test_a_follow_up_goes_along_when_its_response_is_given_to_another_respondent(follow_up):
    known = make_response().respondent

    run("UPDATE feedback_response SET respondent_id = %s WHERE id = %s", known.pk, follow_up.response_id)

    assert FollowUp.objects.get().respondent == known


def test_a_deleted_respondent_takes_responses_and_follow_ups_along(follow_up):
    Respondent.objects.filter(pk=follow_up.respondent_id).delete()

    run("SELECT 1")
    assert not FollowUp.including_restricted.exists()
    assert not Response.including_restricted.exists()
