from __future__ import annotations

import json
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from feedback.intake import complete_abandoned, receipt_code
from feedback.models import Invitation, Respondent, Response, ScoreChange, Tally
from privacy.encryption import token_digest
from privacy.models import Product
from tests.factories import make_invitation, make_respondent

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST = str(uuid.UUID(int=1))
SECOND = str(uuid.UUID(int=2))


@pytest.fixture
def invitation(survey):
    person = make_respondent(
        product=survey.product,
        subject_key="id:anna",
        external_id="anna",
        email="anna@example.com",
        company="Acme",
        country="PL",
        properties={"plan": "gold"},
    )
    return make_invitation(
        survey=survey, respondent=person, token="token-1", language="pl", url="https://app.example.com/", device="phone"
    )


def test_the_first_message_with_a_score_creates_the_response(invitation, put):
    answer = put("token-1", submission_id=FIRST, score=0)

    assert answer.status_code == 201
    assert answer.json() == {"state": "partial", "seq": 0, "receipt": receipt_code(uuid.UUID(FIRST))}
    response = Response.objects.get()
    assert (response.score, response.band, response.state) == (0, "detractor", "partial")
    assert bytes(response.receipt_hash) == token_digest(answer.json()["receipt"])
    assert Invitation.objects.get().responded_at is not None


def test_who_and_where_is_written_beside_the_score(invitation, put):
    put("token-1", score=9)

    response = Response.objects.get()
    assert (response.name, response.email, response.company) == ("anna", "anna@example.com", "Acme")
    assert (response.country, response.language, response.device) == ("PL", "pl", "phone")
    assert (response.url, response.properties) == ("https://app.example.com/", {"plan": "gold"})
    assert response.version == invitation.version


def test_a_later_message_adds_the_comment_and_completes(invitation, put):
    put("token-1", submission_id=FIRST, score=3)

    later = put(
        "token-1", submission_id=FIRST, seq=1, comment="Za wolno 🐌", reasons=["speed"], contact_permission=True
    )

    assert (later.status_code, later.json()) == (200, {"state": "complete", "seq": 1})
    response = Response.objects.get()
    assert (response.comment, response.reasons, response.contact_permission) == ("Za wolno 🐌", ["speed"], True)


def test_a_last_message_of_a_page_arrives_by_post_as_plain_text(invitation, client, put):
    put("token-1", submission_id=FIRST, score=3)
    said = json.dumps({"submission_id": FIRST, "seq": 1, "score": 3, "comment": "Half a sent"})

    answer = client.post("/api/v1/invitations/token-1/response", said, content_type="text/plain;charset=UTF-8")

    assert (answer.status_code, answer.json()) == (200, {"state": "complete", "seq": 1})
    assert Response.objects.get().comment == "Half a sent"


def test_skipping_the_second_step_completes_too(invitation, put):
    put("token-1", submission_id=FIRST, score=3)

    assert put("token-1", submission_id=FIRST, seq=1, comment="").json()["state"] == "complete"


@pytest.mark.parametrize("seq", [0, 1])
def test_a_message_with_the_same_or_a_lower_number_changes_nothing(invitation, put, seq):
    put("token-1", submission_id=FIRST, seq=1, score=3, comment="first")

    repeated = put("token-1", submission_id=FIRST, seq=seq, score=9, comment="again")

    assert (repeated.status_code, repeated.json()) == (200, {"state": "complete", "seq": 1})
    response = Response.objects.get()
    assert (response.score, response.comment) == (3, "first")


def test_a_changed_score_keeps_its_history_and_moves_the_tally(invitation, put):
    put("token-1", submission_id=FIRST, score=3)
    put("token-1", submission_id=FIRST, seq=1, score=9)

    assert Response.objects.get().score == 9
    assert list(ScoreChange.objects.values_list("score", flat=True)) == [3]
    assert list(Tally.objects.exclude(count=0).values_list("score", "count")) == [(9, 1)]


def test_a_comment_before_any_score_is_refused(invitation, put):
    early = put("token-1", comment="why not")

    assert (early.status_code, early.json()["code"]) == (409, "no_score_yet")
    assert Response.objects.count() == 0


@pytest.mark.parametrize(
    "score", ["true", "false", '"9"', "9.0", "NaN", "-1", "11", "null", "[9]", "{}", "Infinity", "1e400", "9" * 400]
)
def test_what_is_no_whole_number_on_the_scale_is_refused(invitation, client, score):
    answer = client.put(
        "/api/v1/invitations/token-1/response",
        f'{{"submission_id": "{FIRST}", "score": {score}}}',
        content_type="application/json",
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_score")
    assert list(answer.json()["fields"]) == ["score"]
    assert Response.objects.count() == 0
    assert Invitation.objects.get().responded_at is None


def test_a_missing_score_is_refused(invitation, put):
    answer = put("token-1")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_score")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"score": 9, "submission_id": "no uuid"}, "invalid"),
        ({"score": 9, "comment": "x" * 10_001}, "max_length"),
        ({"score": 9, "comment": 7}, "invalid"),
        ({"score": 9, "seq": -1}, "min_value"),
        ({"score": 9, "reasons": ["x"] * 21}, "max_length"),
        ({"score": 9, "answered_at": "soon"}, "invalid"),
    ],
)
def test_other_bad_input_stores_nothing(invitation, put, body, code):
    answer = put("token-1", **body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert Response.objects.count() == 0


def test_a_comment_may_be_any_unicode_but_nul(invitation, put):
    put("token-1", score=9, comment="<b>żółć</b>\x00 ኢትዮጵያ 👍\n\ttab")

    assert Response.objects.get().comment == "<b>żółć</b> ኢትዮጵያ 👍\n\ttab"


def test_an_invitation_holds_one_response(invitation, put):
    put("token-1", submission_id=FIRST, score=9)

    other = put("token-1", submission_id=SECOND, score=2)

    assert (other.status_code, other.json()["code"]) == (410, "invitation_used")
    assert Response.objects.get().score == 9


def test_a_submission_belongs_to_one_invitation(invitation, survey, put):
    make_invitation(survey=survey, token="token-2")
    put("token-1", submission_id=FIRST, score=9)

    answer = put("token-2", submission_id=FIRST, score=9)

    assert (answer.status_code, answer.json()["code"]) == (409, "submission_id_taken")


def test_unknown_expired_and_foreign_invitations_are_refused(invitation, survey, put):
    make_invitation(survey=survey, token="old", expires_at=timezone.now() - timedelta(seconds=1))
    Product.objects.update(allowed_origins=["https://app.example.com"])

    assert put("nobody", score=9).json()["code"] == "unknown_token"
    assert (put("old", score=9).status_code, put("old", score=9).json()["code"]) == (410, "expired")
    foreign = put("token-1", score=9, headers={"Origin": "https://evil.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "origin_blocked")
    assert Response.objects.count() == 0


def test_a_restricted_persons_invitation_is_unknown(invitation, put):
    Respondent.objects.update(restricted_at=timezone.now())

    assert put("token-1", score=9).status_code == 404


@pytest.mark.parametrize("same_invitation", [True, False])
def test_a_text_under_a_new_id_joins_the_answer_just_given(invitation, survey, put, same_invitation):
    put("token-1", submission_id=FIRST, score=4)
    token = "token-1"
    if not same_invitation:
        token = "token-2"
        make_invitation(survey=survey, respondent=invitation.respondent, token=token)

    answer = put(token, submission_id=SECOND, score=4, comment="Rotated the screen")

    assert answer.status_code == 200
    response = Response.objects.get()
    assert (response.comment, str(response.submission_id)) == ("Rotated the screen", SECOND)
    assert put(token, submission_id=SECOND, seq=1, comment="and more").status_code == 200
    assert Response.objects.get().comment == "and more"


@pytest.mark.parametrize("difference", [{"score": 5}, {"comment": ""}])
def test_another_score_or_no_text_is_another_answer(invitation, survey, put, difference):
    put("token-1", submission_id=FIRST, score=4)
    make_invitation(survey=survey, respondent=invitation.respondent, token="token-2")

    assert put("token-2", **{"score": 4, "comment": "text", **difference}).status_code == 201
    assert Response.objects.count() == 2


def test_after_ten_minutes_it_is_another_answer(invitation, survey, put):
    with time_machine.travel(NOON, tick=False) as clock:
        Invitation.objects.update(expires_at=NOON + timedelta(days=1))
        put("token-1", submission_id=FIRST, score=4)
        make_invitation(survey=survey, respondent=invitation.respondent, token="token-2")
        clock.move_to(NOON + timedelta(minutes=10, seconds=1))

        assert put("token-2", score=4, comment="later").status_code == 201


def test_a_response_replaces_a_decline(invitation, client, put):
    client.post("/api/v1/invitations/token-1/decline")

    assert put("token-1", score=9).status_code == 201

    invitation.refresh_from_db()
    assert (invitation.declined_at, invitation.responded_at is not None) == (None, True)


@pytest.mark.parametrize(
    ("after", "change", "status"),
    [
        (timedelta(hours=23, minutes=59), {"score": 1}, 200),
        (timedelta(hours=24), {"score": 1}, 409),
        (timedelta(days=13, hours=23), {"comment": "late"}, 200),
        (timedelta(days=14), {"comment": "late"}, 409),
    ],
)
def test_scores_can_be_changed_for_a_day_and_comments_for_two_weeks(invitation, put, after, change, status):
    with time_machine.travel(NOON, tick=False) as clock:
        Invitation.objects.update(expires_at=NOON + timedelta(days=60))
        put("token-1", submission_id=FIRST, score=9)
        clock.move_to(NOON + after)

        assert put("token-1", submission_id=FIRST, seq=1, **change).status_code == status


def test_a_day_belongs_to_the_zone_of_the_product(invitation, put):
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)  # half past midnight in Warsaw
    with time_machine.travel(late, tick=False):
        Invitation.objects.update(expires_at=late + timedelta(days=1))
        put("token-1", score=9)

    assert str(Response.objects.get().answered_on) == "2026-03-02"


@pytest.mark.parametrize(
    ("late", "status"), [(timedelta(days=30), 201), (timedelta(days=30, seconds=1), 400), (timedelta(days=-3650), 201)]
)
def test_an_answer_may_arrive_thirty_days_late_and_never_from_the_future(invitation, put, late, status):
    with time_machine.travel(NOON, tick=False):
        Invitation.objects.update(expires_at=NOON + timedelta(days=1))
        answer = put("token-1", score=9, answered_at=(NOON - late).isoformat())

    assert answer.status_code == status
    if status == 201:
        assert Response.objects.get().answered_at == min(NOON, NOON - late)
    else:
        assert answer.json()["code"] == "answered_too_long_ago"


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-10T12:00:00Z",
        "2026-03-10T17:45:00+05:45",
        "2026-03-11T02:00:00+14:00",
        "2026-03-09T23:59:59.999999-12:00",
        "2026-03-10T13:00:00+01:00",  # Warsaw before its clocks went forward, within these thirty days
    ],
)
def test_the_thirty_days_are_counted_in_elapsed_time_whatever_zone_the_client_writes(invitation, put, written):
    picked = datetime.fromisoformat(written)
    Invitation.objects.update(expires_at=picked + timedelta(days=90))

    with time_machine.travel(picked + timedelta(days=30, microseconds=1), tick=False):
        late = put("token-1", score=9, answered_at=written)
    assert (late.status_code, late.json()["code"]) == (400, "answered_too_long_ago")
    assert list(late.json()["fields"]) == ["answered_at"]
    assert not Response.objects.exists()

    with time_machine.travel(picked + timedelta(days=30), tick=False):
        assert put("token-1", score=9, answered_at=written).status_code == 201
    response = Response.objects.get()
    assert response.answered_at == picked
    assert response.answered_on == picked.astimezone(response.product.zone).date()


@pytest.mark.parametrize("written", ["12:00", "yesterday", "", 1773144000, None, "2026-02-30T12:00Z"])
def test_a_time_that_is_none_changes_nothing(invitation, put, written):
    answer = put("token-1", score=9, answered_at=written)

    assert (answer.status_code, answer.json()["fields"]["answered_at"][0]["code"]) in {(400, "invalid"), (400, "null")}
    assert not Response.objects.exists()


def test_what_was_chosen_in_time_but_arrives_after_the_invitation_expired_is_refused(invitation, put):
    with time_machine.travel(NOON, tick=False):
        Invitation.objects.update(expires_at=NOON)
        answer = put("token-1", score=9, answered_at=(NOON - timedelta(days=1)).isoformat())

    assert (answer.status_code, answer.json()["code"]) == (410, "expired")
    assert not Response.objects.exists()


def test_a_comment_that_comes_late_keeps_the_time_of_the_score(invitation, put):
    with time_machine.travel(NOON, tick=False):
        Invitation.objects.update(expires_at=NOON + timedelta(days=60))
        put("token-1", submission_id=FIRST, score=9, answered_at=(NOON - timedelta(days=3)).isoformat())
        answer = put("token-1", submission_id=FIRST, seq=1, comment="Late", answered_at=NOON.isoformat())

    assert answer.status_code == 200
    assert Response.objects.get().answered_at == NOON - timedelta(days=3)


def test_a_step_two_nobody_came_back_to_completes_after_half_an_hour(invitation, put):
    put("token-1", score=9)

    assert complete_abandoned(at=timezone.now() + timedelta(minutes=29)) == 0
    assert complete_abandoned(at=timezone.now() + timedelta(minutes=30)) == 1
    assert Response.objects.get().state == "complete"


def test_a_test_leads_to_a_test_response_that_is_not_counted(survey, put):
    make_invitation(survey=survey, token="token-1", is_test=True)

    put("token-1", score=9)

    assert Response.objects.get().is_test
    assert not Tally.objects.exclude(count=0).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same_submission", [True, False])
def test_parallel_messages_make_one_response(survey, client, same_submission):
    make_invitation(survey=survey, token="token-1")
    statuses = []
    start = threading.Barrier(8)

    def send(number):
        start.wait()
        try:
            body = {"submission_id": FIRST if same_submission else str(uuid.uuid4()), "score": 9}
            answer = client.put("/api/v1/invitations/token-1/response", body, content_type="application/json")
            statuses.append(answer.status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == ([200] * 7 + [201] if same_submission else [201] + [410] * 7)
    assert Response.objects.count() == 1
    assert list(Tally.objects.values_list("count", flat=True)) == [1]


@pytest.mark.django_db(transaction=True)
def test_of_parallel_later_messages_the_highest_number_wins(survey, client, put):
    make_invitation(survey=survey, token="token-1")
    put("token-1", submission_id=FIRST, score=9)
    start = threading.Barrier(8)

    def send(seq):
        start.wait()
        try:
            body = {"submission_id": FIRST, "seq": seq, "comment": f"text {seq}"}
            client.put("/api/v1/invitations/token-1/response", body, content_type="application/json")
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[seq]) for seq in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    response = Response.objects.get()
    assert (response.seq, response.comment) == (8, "text 8")


def test_a_score_that_came_late_can_still_be_explained(invitation, put):
    with time_machine.travel(NOON, tick=False):
        Invitation.objects.update(expires_at=NOON + timedelta(days=1))
        put("token-1", submission_id=FIRST, score=9, answered_at=(NOON - timedelta(days=20)).isoformat())

        assert put("token-1", submission_id=FIRST, seq=1, comment="I was offline").status_code == 200


def test_a_real_answer_never_joins_a_test(survey, put):
    person = make_respondent(product=survey.product)
    make_invitation(survey=survey, respondent=person, token="test", is_test=True)
    make_invitation(survey=survey, respondent=person, token="real")
    put("test", score=4)

    assert put("real", score=4, comment="a real one").status_code == 201
    assert list(Tally.objects.exclude(count=0).values_list("score", "count")) == [(4, 1)]


def test_a_message_repeated_after_a_month_changes_nothing_and_is_no_mistake(invitation, put):
    with time_machine.travel(NOON, tick=False) as clock:
        Invitation.objects.update(expires_at=NOON + timedelta(days=60))
        put("token-1", submission_id=FIRST, score=9, answered_at=NOON.isoformat())
        clock.move_to(NOON + timedelta(days=31))

        assert put("token-1", submission_id=FIRST, score=9, answered_at=NOON.isoformat()).status_code == 200
        assert put("nobody", score=9, answered_at=NOON.isoformat()).json()["code"] == "unknown_token"
