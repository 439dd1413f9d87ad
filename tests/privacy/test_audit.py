import threading

import pytest
from django.db import DatabaseError, connection, transaction

from privacy.audit import Action, record, verify
from privacy.lifecycle import State, advance
from privacy.models import RequestEvent, RightsRequest
from tests.factories import make_rights_request, make_staff

PERSON, STAFF = RequestEvent.Actor.PERSON, RequestEvent.Actor.STAFF


def make_trail(length=3):
    request = make_rights_request()
    record(request=request, actor=PERSON, action=Action.FILED, fields=["rights", "email"])
    for _event in range(length - 1):
        record(request=request, actor=STAFF, action=Action.IDENTITY_REVEALED, user=make_staff(), fields=["email"])
    return request


def rewrite(sql, *parameters):
    """Do what only the owner of the database can: switch the trigger off and change the trail."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE privacy_requestevent DISABLE TRIGGER request_event_is_append_only")
        cursor.execute(sql, parameters)
        cursor.execute("ALTER TABLE privacy_requestevent ENABLE TRIGGER request_event_is_append_only")


@pytest.mark.django_db
def test_a_trail_is_numbered_chained_and_whole():
    request = make_trail()

    events = list(RequestEvent.objects.filter(request=request))

    assert [event.number for event in events] == [1, 2, 3]
    assert bytes(events[0].previous_hash) == bytes(32)
    assert [bytes(event.previous_hash) for event in events[1:]] == [bytes(event.hash) for event in events[:-1]]
    assert events[0].fields == ["rights", "email"]
    assert verify(request)


@pytest.mark.django_db
def test_a_request_without_a_trail_is_not_whole():
    assert not verify(make_rights_request())


@pytest.mark.django_db
@pytest.mark.parametrize(
    "tampering", [lambda trail: trail.update(action="filed"), lambda trail: trail.delete()], ids=["update", "delete"]
)
def test_the_database_refuses_to_change_or_shorten_a_trail(tampering):
    request = make_trail()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        tampering(RequestEvent.objects.filter(request=request))

    assert verify(request)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "number = 7",
        "at = at + interval '1 second'",
        "actor = 'system'",
        "action = 'entered'",
        "user_id = NULL",
        "from_state = 'received'",
        "to_state = 'closed'",
        "fields = '{details}'",
        "previous_hash = decode(repeat('ab', 32), 'hex')",
        "hash = decode(repeat('ab', 32), 'hex')",
    ],
)
def test_a_changed_column_is_noticed(change):
    request = make_trail()

    rewrite(f"UPDATE privacy_requestevent SET {change} WHERE request_id = %s AND number = 2", request.pk)  # noqa: S608  fixed texts

    assert not verify(request)


@pytest.mark.django_db
@pytest.mark.parametrize("number", [1, 2])
def test_a_missing_event_is_noticed(number):
    request = make_trail()

    rewrite("DELETE FROM privacy_requestevent WHERE request_id = %s AND number = %s", request.pk, number)

    assert not verify(request)


@pytest.mark.django_db
def test_a_change_of_state_cut_off_at_the_end_is_noticed():
    request = make_trail()
    advance(request=request, to=State.TRIAGE, actor=STAFF)
    assert verify(request)

    rewrite("DELETE FROM privacy_requestevent WHERE request_id = %s AND number = 4", request.pk)

    assert not verify(request)


@pytest.mark.django_db
def test_events_of_another_request_do_not_fit_into_a_trail():
    request, other = make_trail(1), make_rights_request()

    rewrite("UPDATE privacy_requestevent SET request_id = %s WHERE request_id = %s", other.pk, request.pk)

    assert not verify(other)


@pytest.mark.django_db(transaction=True)
def test_events_recorded_at_the_same_time_make_one_chain():
    request = make_trail(1)
    failures = []

    def write():
        try:
            for _event in range(5):
                record(request=RightsRequest.objects.get(pk=request.pk), actor=PERSON, action=Action.FILED)
        except DatabaseError as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert RequestEvent.objects.filter(request=request).count() == 21
    assert verify(request)
