"""Programs that look through mail: what they send is kept as suspect, and never in the place of what a person said."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from feedback import triage
from feedback.models import Invitation, Response, ScoreChange, Suspicion, Tally
from feedback.scanners import Evidence, forget_fingerprints, is_scanner, judge
from feedback.tallies import find_drift
from tests.factories import make_staff
from tests.feedback.pages.looking import checked_on, seal_on

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PRESSED = "pointer:2500"


def browser(address="198.51.100.7", user_agent=FIREFOX):
    return Client(REMOTE_ADDR=address, headers={"Accept-Language": "en", "User-Agent": user_agent})


@pytest.fixture
def person():
    return browser()


@pytest.fixture
def scanner():
    """A program in a data centre that does not say what it is."""
    return browser(
        "203.0.113.9", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
    )


def send(client, address, score, *, after=0, evidence="", **more):
    """Open the page and send its form some seconds later."""
    seal = seal_on(client.get(address))
    with time_machine.travel(timezone.now() + timedelta(seconds=after)):
        return client.post(address, {"seal": seal, "score": score, "evidence": evidence, **more})


def explain(client, address, comment, *, after=0, evidence=""):
    seal = seal_on(client.get(address))
    with time_machine.travel(timezone.now() + timedelta(seconds=after)):
        fields = {"seal": seal, "step": "comment", "comment": comment, "evidence": evidence, "action": "send"}
        return client.post(address, fields)


def counted():
    return list(Response.objects.counted().values_list("score", flat=True))


# --- Visits -----------------------------------------------------------------------------------------------------------


def suspicion():
    return Invitation.objects.values_list("suspicion", flat=True).get()


def test_a_person_who_opens_a_link_is_not_suspected(person, invite):
    person.get(invite() + "?s=9")

    invitation = Invitation.objects.get()
    assert (invitation.suspicion, invitation.score_opened) == ("", 9)
    assert invitation.opened_at


def test_a_head_request_is_suspected_and_no_opening(person, invite):
    person.head(invite() + "?s=9")

    assert suspicion() == Suspicion.HEAD
    assert Invitation.objects.get().opened_at is None


@pytest.mark.parametrize(("seconds", "reason"), [(4, Suspicion.EARLY), (6, "")])
def test_opening_within_seconds_of_sending_is_suspected(person, invite, seconds, reason):
    person.get(invite(sent_at=timezone.now() - timedelta(seconds=seconds)))

    assert suspicion() == reason
    assert bool(Invitation.objects.get().opened_at) is (reason == "")


def test_opening_a_mail_that_the_server_is_still_taking_is_suspected(person, invite):
    address = invite()
    Invitation.objects.update(channel="email")

    person.get(address)

    assert suspicion() == Suspicion.EARLY


@pytest.mark.parametrize(("seconds", "reason"), [(59, Suspicion.TWO_SCORES), (61, "")])
def test_two_scores_opened_within_a_minute_are_suspected_from_whatever_address(
    person, scanner, invite, seconds, reason
):
    address = invite()
    person.get(address + "?s=9")
    with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
        scanner.get(address + "?s=3")

    assert suspicion() == reason


def test_the_same_score_opened_twice_is_a_person_who_reloads(person, invite):
    address = invite()
    for _time in range(2):
        person.get(address + "?s=9")

    assert suspicion() == ""


def test_the_first_suspicion_stays(person, invite):
    address = invite()
    person.head(address)
    person.get(address + "?s=1")
    person.get(address + "?s=2")

    assert suspicion() == Suspicion.HEAD


@pytest.mark.parametrize(
    ("user_agent", "is_one"),
    [
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", True),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/140.0.0.0 Safari/537.36", True),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", True),
        ("Microsoft Office Existence Discovery", True),
        ("python-requests/2.32", True),
        ("curl/8.5.0", True),
        ("Mozilla/5.0 (compatible; Barracuda Sentinel)", True),
        (FIREFOX, False),
        ("Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", False),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1",
            False,
        ),
        ("", False),
    ],
)
def test_scanners_are_known_by_their_names(user_agent, is_one):
    assert is_scanner(user_agent) is is_one


# --- What a form tells ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "age", "seen", "reason"),
    [
        (PRESSED, 3, "", ""),
        (PRESSED, 3, "head", ""),  # the company's scanner looked first, then somebody pressed
        ("key:0", 0, "", ""),
        ("pointer:9000", 3, "", Suspicion.NO_INPUT),  # before the form was there nobody can have pressed
        ("none", 600, "", Suspicion.NO_INPUT),
        ("pointer", 600, "", Suspicion.NO_INPUT),
        ("", 600, "", ""),
        ("", 600, "two_scores", Suspicion.TWO_SCORES),
        ("", 4, "", Suspicion.TOO_FAST),
    ],
)
def test_input_that_was_seen_tells_people_apart_and_without_a_script_time_does(said, age, seen, reason):
    evidence = Evidence.read(said, age=timedelta(seconds=age))

    assert judge(evidence, user_agent=FIREFOX, seen=seen) == reason
    assert judge(evidence, user_agent="curl/8", seen=seen) == Suspicion.SCANNER


# --- Answers ----------------------------------------------------------------------------------------------------------


def test_a_press_counts_whatever_scanners_did_before(person, scanner, invite):
    address = invite()
    scanner.head(address)
    for score in range(11):
        scanner.get(f"{address}?s={score}")

    send(person, address + "?s=9", "9", after=3, evidence=PRESSED)

    assert counted() == [9]
    assert Response.objects.get().is_confirmed


@pytest.mark.parametrize(("after", "is_counted"), [(4, False), (6, True)])
def test_without_a_script_an_answer_counts_unless_nobody_could_be_that_fast(person, invite, after, is_counted):
    send(person, invite(), "9", after=after)

    response = Response.objects.get()
    assert bool(counted()) is is_counted
    assert response.suspicion == ("" if is_counted else Suspicion.TOO_FAST)
    assert not response.is_confirmed


def test_what_is_suspect_is_kept_with_its_reason_and_not_counted(scanner, invite):
    send(scanner, invite(), "3", after=60, evidence="none")

    response = Response.objects.get()
    assert (response.score, response.is_suspect, response.suspicion) == (3, True, Suspicion.NO_INPUT)
    assert not Tally.objects.exclude(count=0).exists()


def responded():
    invitation = Invitation.objects.get()
    return invitation.responded_at is not None, invitation.shown_at is not None


def test_a_person_has_not_responded_while_only_a_suspect_answer_is_there(person, scanner, invite):
    address = invite()

    send(scanner, address, "3", after=60, evidence="none")
    assert responded() == (False, False)
    send(person, address, "9", after=61, evidence=PRESSED)

    assert responded() == (True, True)


def test_a_suspect_answer_that_staff_accept_is_the_persons_until_they_doubt_it_again(scanner, invite):
    by, address = make_staff("reviewer"), invite()
    send(scanner, address, "3", after=60, evidence="none")
    suspect = Response.objects.get()
    before = {suspect.pk: triage.last_message_of(suspect)}

    triage.accept(responses=iter([suspect]), by=by)
    assert Invitation.objects.get().responded_at == suspect.received_at
    triage.doubt_again(responses=iter([suspect]), before=before, by=by)

    assert responded() == (False, False)


def test_a_suspect_answer_that_staff_reject_leaves_the_person_unanswered(scanner, invite):
    send(scanner, invite(), "3", after=60, evidence="none")

    triage.reject(responses=Response.objects.all(), by=make_staff("reviewer"))

    assert responded() == (False, False)


def test_a_machine_does_not_take_back_that_the_person_declined(person, scanner, invite):
    address = invite()
    send(person, address, "", action="decline", after=3, evidence=PRESSED)

    send(scanner, address, "3", after=60, evidence="none")
    assert Invitation.objects.get().declined_at
    send(person, address, "9", after=61, evidence=PRESSED)

    assert Invitation.objects.get().declined_at is None
    assert responded() == (True, True)


def test_nobody_answers_in_place_of_a_machine_once_the_invitation_is_too_old(person, scanner, invite):
    address = invite()
    seal = seal_on(person.get(address))
    send(scanner, address, "3", after=60, evidence="none")
    Invitation.objects.update(expires_at=timezone.now())

    page = person.post(address, {"seal": seal, "score": "9", "evidence": PRESSED})

    assert page.status_code == 410
    assert counted() == []


def test_a_suspect_answer_leaves_the_question_to_the_person_who_takes_its_place(person, scanner, invite):
    address = invite()
    send(scanner, address, "3", evidence="none")
    explain(scanner, address, "Lorem ipsum", evidence="none")
    Response.objects.update(
        answered_at=timezone.now() - timedelta(days=3), received_at=timezone.now() - timedelta(days=3)
    )

    page = person.get(address + "?s=9")
    send(person, address + "?s=9", "9", after=3, evidence=PRESSED)

    assert checked_on(page) == ["9"]
    assert "You gave" not in page.content.decode()
    response = Response.objects.get()
    assert (response.score, response.comment, response.state) == (9, "", "partial")
    assert (response.is_suspect, response.suspicion, response.is_confirmed) == (False, "", True)
    assert timezone.now() - response.answered_at < timedelta(minutes=1)
    assert ScoreChange.objects.get().score == 3
    assert counted() == [9]
    assert [tally.count for tally in Tally.objects.exclude(count=0)] == [1]
    assert find_drift() == []


def test_a_person_who_gives_the_score_that_a_machine_gave_counts(person, scanner, invite):
    address = invite()
    seal = seal_on(person.get(address + "?s=9"))
    send(scanner, address, "9", evidence="none")

    with time_machine.travel(timezone.now() + timedelta(seconds=3)):
        person.post(address, {"seal": seal, "score": "9", "evidence": PRESSED})

    assert counted() == [9]


def test_an_answer_that_staff_rejected_as_suspect_is_the_persons_once_they_answer(person, scanner, invite):
    address = invite()
    send(scanner, address, "3", evidence="none")
    Response.objects.update(excluded_at=timezone.now(), exclusion_reason="Suspect, and rejected by hand.")

    send(person, address, "9", after=3, evidence=PRESSED)

    assert counted() == [9]


@pytest.mark.parametrize("evidence", ["", "none"])
@pytest.mark.parametrize("after", [0, 60])
def test_no_machine_overwrites_what_a_person_said(person, scanner, invite, evidence, after):
    address = invite()
    send(person, address, "9", after=3, evidence=PRESSED)
    explain(person, address, "Fast", after=3, evidence=PRESSED)
    before = Response.objects.values().get()

    answers = [
        send(scanner, address + "?change=score", "0", after=after, evidence=evidence),
        explain(scanner, address + "?change=comment", "", after=after, evidence=evidence),
        explain(scanner, address + "?change=comment", "Buy now", after=after, evidence=evidence),
    ]

    assert [answer.status_code for answer in answers] == [409, 409, 409]
    assert "Your answer stays as it was" in answers[0].content.decode()
    assert Response.objects.values().get() == before


def test_a_form_that_was_open_before_the_person_answered_overwrites_nothing(person, scanner, invite):
    address = invite()
    seal = seal_on(scanner.get(address))
    send(person, address, "9", after=3, evidence=PRESSED)

    answer = scanner.post(address, {"seal": seal, "score": "0"})

    assert answer.status_code == 409
    assert counted() == [9]


def test_a_press_on_another_device_adds_and_does_not_overwrite(person, invite):
    address, phone = invite(), browser("192.0.2.5", "Mozilla/5.0 (iPhone) Safari/604.1")
    send(person, address, "9", after=3, evidence=PRESSED)

    changed = send(phone, address + "?change=score", "2", after=3, evidence=PRESSED)
    explain(phone, address, "Fast", after=3, evidence=PRESSED)
    again = explain(phone, address + "?change=comment", "Slow", after=3, evidence=PRESSED)

    assert (changed.status_code, again.status_code) == (409, 409)
    assert Response.objects.values_list("score", "comment").get() == (9, "Fast")


def test_where_the_person_answered_they_change_their_mind_with_a_press(person, invite):
    address = invite()
    send(person, address, "9", after=3, evidence=PRESSED)

    without = send(person, address + "?change=score", "1", after=30)
    send(person, address + "?change=score", "2", after=3, evidence=PRESSED)

    assert without.status_code == 409
    assert counted() == [2]


def test_without_a_script_an_answer_is_changed_from_the_same_browser_only(person, scanner, invite):
    address = invite()
    send(person, address, "9", after=10)

    refused = send(scanner, address + "?change=score", "0", after=60)
    send(person, address + "?change=score", "8", after=10)

    assert refused.status_code == 409
    assert counted() == [8]


def test_a_machines_decline_is_not_the_persons(person, scanner, invite):
    address = invite()
    scanner.head(address)

    page = send(scanner, address, "", action="decline", after=60)

    assert page.status_code == 200
    assert Invitation.objects.get().declined_at is None
    send(person, address, "", action="decline", after=3, evidence=PRESSED)
    assert Invitation.objects.get().declined_at


def test_a_decline_after_a_machines_answer_ends_there(person, scanner, invite):
    address = invite()
    send(scanner, address, "3", evidence="none")

    page = send(person, address, "", action="decline", after=3, evidence=PRESSED)

    assert "That is fine" in page.content.decode()
    assert counted() == []
    assert Invitation.objects.get().declined_at


def test_the_page_for_everybody_suspects_as_well(scanner, person, nps):
    send(scanner, "/s/nps/", "0")
    send(scanner, "/s/nps/", "0", after=60, evidence="none")
    send(person, "/s/nps/", "9", after=3, evidence=PRESSED)

    assert Response.objects.filter(is_suspect=True).count() == 2
    assert counted() == [9]


# --- Fingerprints -----------------------------------------------------------------------------------------------------


def test_a_fingerprint_says_nothing_and_is_another_one_at_every_page(person, nps):
    for _visitor in range(2):
        send(person, "/s/nps/", "9", after=3, evidence=PRESSED)

    first, second = (bytes(value) for value in Response.objects.values_list("fingerprint", flat=True))
    assert len(first) == len(second) == 32
    assert first != second


def test_fingerprints_go_once_nothing_can_be_changed_any_more(person, invite):
    send(person, invite(), "9", after=3, evidence=PRESSED)
    received_at = Response.objects.get().received_at

    assert forget_fingerprints(at=received_at + timedelta(days=13, hours=23)) == 0
    assert forget_fingerprints(at=received_at + timedelta(days=14)) == 1
    assert Response.objects.get().fingerprint is None


def test_the_page_says_how_it_was_sent_only_in_a_field_that_browsers_do_not_remember(person, nps):
    field = re.search(r'<input type="hidden" name="evidence"[^>]*>', person.get("/s/nps/").content.decode())[0]

    assert 'value=""' in field
    assert 'autocomplete="off"' in field
