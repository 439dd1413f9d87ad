"""The list of responses as a work list: queues, saved views, suspects, undo, and the history of a person."""

from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback import saved_views, triage
from feedback.follow_up import flag
from feedback.intake import Submission, submit
from feedback.models import Respondent, Response, SavedView
from feedback.scanners import Sender
from feedback.work_list import MOST_COUNTED, Queue, count_waiting, suppressed_in_need, unread_by_product, waiting
from privacy.models import AccessLogEntry, Membership
from tests.factories import (
    make_invitation,
    make_product,
    make_respondent,
    make_response,
    make_staff,
    make_suppression,
    make_survey,
)
from tests.feedback.response_admin.looking import COMMENT, LIST, do, page, person, text_of, told

pytestmark = pytest.mark.django_db
SAVE = reverse("admin:feedback_response_save_view")
UNDO = reverse("admin:feedback_response_undo")


def listed(client, **query):
    answer = client.get(LIST, query)
    assert answer.status_code == 200
    return set(answer.context["cl"].result_list)


def tabs(client):
    return {str(tab.title): tab.count for tab in client.get(LIST).context["inbox"]["tabs"]}


def test_each_queue_shows_and_counts_what_waits_in_it(client, login, survey):
    reviewer = login("reviewer")
    make = {"survey": survey, "score": 0, "contact_permission": True, "triage": "read"}
    waits = make_response(**make)
    mine, taken = make_response(**make), make_response(**make)
    flag(response=mine, reason="Angry", by=reviewer)
    mine.follow_ups.update(owner=reviewer)
    flag(response=taken, reason="Angry", by=reviewer)
    again = make_response(**make, respondent=taken.respondent)  # the person has an open follow-up about another answer
    suspect = make_response(**{**make, "triage": "unread"}, is_suspect=True)
    silent = make_response(**make, respondent=make_respondent(product=survey.product, do_not_contact=True))
    objected = make_response(**make, respondent=make_respondent(product=survey.product, objected_at=timezone.now()))
    unasked = make_response(**{**make, "contact_permission": False})
    happy = make_response(**{**make, "score": 10})
    aside = make_response(**{**make, "triage": "archived"})
    decided = make_response(**make, is_suspect=True)
    triage.exclude(responses=[decided], reason="spam", by=reviewer)

    assert listed(client, queue="unread") == {suspect}
    assert listed(client, queue="mine") == {mine}
    assert listed(client, queue="needs-follow-up") == {waits}
    assert listed(client, queue="suspect") == {suspect}
    everything = {waits, mine, taken, again, suspect, silent, objected, unasked, happy, aside, decided}
    assert listed(client) == listed(client, queue="nonsense") == everything
    assert tabs(client) == {"All": "", "Unread": "1", "Mine": "1", "Needs follow-up": "1", "Suspect": "1"}


def test_whoever_a_device_belongs_to_or_the_list_knows_needs_no_follow_up(client, login, survey):
    login("reviewer")
    people = {"product": survey.product}
    marked = [
        make_respondent(**people, objected_at=timezone.now()),
        make_respondent(**people, do_not_contact=True),
        make_respondent(**people, restricted_at=timezone.now()),
    ]
    listed_person, known, free = (make_respondent(**people) for _ in range(3))
    by_mail = make_respondent(**people, email="jan@example.com")
    make_suppression(**people, key=listed_person.subject_key)
    make_suppression(**people, key="mail:jan@example.com", reason="erased")
    owners = [*marked, listed_person, known]
    devices = [make_respondent(**people, subject_key=f"anon:{one.pk}", person=one) for one in owners]
    waits = [
        make_response(survey=survey, score=0, contact_permission=True, respondent=each)
        for each in (*devices, listed_person, by_mail, free)
    ]

    assert listed(client, queue="needs-follow-up") == {waits[4], waits[-1]}
    assert tabs(client)["Needs follow-up"] == "2"


def test_who_needs_a_follow_up_takes_as_many_queries_for_ten_as_for_one(survey):
    user = make_staff("reviewer", product=survey.product)

    def grow(number):
        for _ in range(number):
            response = make_response(survey=survey, score=0, contact_permission=True)
            make_suppression(product=survey.product, key=response.respondent.subject_key)

    def statements():
        with CaptureQueriesContext(connection) as asked:
            listed = suppressed_in_need(Response.objects.all())
            assert not waiting(Response.objects.all(), queue=Queue.NEEDS_FOLLOW_UP, user=user, suppressed=listed)
        return len(asked)

    grow(1)
    few = statements()
    grow(9)
    assert statements() == few


@pytest.mark.parametrize("queue", ["", "unread", "needs-follow-up"])
def test_a_page_of_the_list_asks_once_who_must_be_left_alone(client, login, survey, queue):
    login("reviewer")
    response = make_response(survey=survey, score=0, contact_permission=True)
    make_suppression(product=survey.product, key=response.respondent.subject_key)

    with CaptureQueriesContext(connection) as asked:
        listed(client, queue=queue)

    assert len([each for each in asked if 'FROM "privacy_suppression"' in each["sql"]]) == 1


def test_counts_end_at_their_limit_and_at_the_products_of_the_user(monkeypatch, survey):
    user, person = make_staff("reviewer", product=survey.product), make_respondent(product=survey.product)
    other = make_response()
    for _number in range(4):
        make_response(survey=survey, respondent=person)
    monkeypatch.setattr("feedback.work_list.MOST_COUNTED", 2)

    assert count_waiting(Response.objects.visible_to(user), user=user, suppressed=())[Queue.UNREAD] == 3
    assert unread_by_product(user=user) == [(survey.product, 3)]
    Membership.objects.create(user=user, controller=other.product.controller)
    assert dict(unread_by_product(user=user)) == {survey.product: 3, other.product: 1}
    assert MOST_COUNTED > 3
    assert unread_by_product(user=make_staff("reviewer")) == []


def test_the_list_takes_as_many_queries_with_ten_products_and_views_as_with_two(client, login, survey):
    user = login("reviewer")
    views = [("a", {"band": "detractor"})]

    def grow(number):
        for _ in range(number):
            product = make_product(controller=survey.product.controller)
            make_response(survey=make_survey(product=product))
        for name, filters in views:
            saved_views.save_view(
                owner=make_staff("reviewer", product=survey.product), name=name, filters=filters, is_shared=True
            )

    Membership.objects.create(user=user, controller=survey.product.controller)
    grow(2)
    client.get(LIST)
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    grow(8)
    with CaptureQueriesContext(connection) as many:
        client.get(LIST)

    assert len(many) == len(few)


def test_suspects_are_listed_with_what_they_are_suspected_of_and_accepted_in_one_click(client, login, survey):
    login("reviewer")
    suspect = make_response(survey=survey, is_suspect=True, suspicion="no_input")
    reason = "The page ran in a browser, but nobody touched, clicked or typed."

    assert reason in text_of(client.get(LIST, {"queue": "suspect"}))
    assert reason in text_of(client.get(page(suspect)))

    client.post(do(suspect, "accept"), {"answered": "1"})
    assert Response.objects.counted().get() == suspect
    assert reason not in text_of(client.get(page(suspect)))


# --- Saved views --------------------------------------------------------------------------------------------------


def test_a_view_holds_filters_and_never_words_that_were_searched(client, login, survey):
    user = login("reviewer")

    client.post(SAVE, {"name": "Angry", "filters": "band=detractor&q=Nowak&p=2&o=1&email=a", "is_shared": "on"})

    view = SavedView.objects.get()
    assert (view.owner, view.name, view.filters, view.is_shared) == (user, "Angry", {"band": "detractor"}, True)
    assert "Angry" in text_of(client.get(LIST))
    assert told(client.post(SAVE, {"name": "Nothing", "filters": "q=Nowak"}))[-1].startswith("Choose a filter first")
    assert told(client.post(SAVE, {"name": " ", "filters": "band=detractor"}))[-1] == "Name the view."
    assert client.get(SAVE).status_code == 405
    assert SavedView.objects.count() == 1


def test_only_the_owner_renames_and_deletes_a_view_and_only_shared_ones_are_seen_by_others(client, login, survey):
    owner = make_staff("reviewer", product=survey.product)
    shared = saved_views.save_view(owner=owner, name="Shared", filters={"band": "passive"}, is_shared=True)
    stranger = make_staff("reviewer", product=make_product())
    saved_views.save_view(owner=stranger, name="Of another company", filters={"band": "passive"}, is_shared=True)
    saved_views.save_view(owner=owner, name="Private one", filters={"band": "promoter"})
    address = reverse("admin:feedback_response_saved_view", args=[shared.pk])
    login("reviewer")

    shown = text_of(client.get(LIST))
    assert "Shared" in shown
    assert "Private one" not in shown
    assert "Of another company" not in shown
    assert client.post(address, {"name": "Mine"}).status_code == 404
    deletion = reverse("admin:feedback_response_delete_view", args=[shared.pk])
    assert client.post(deletion).status_code == 404

    client.force_login(owner)
    assert client.get(address).status_code == 200
    taken = client.post(address, {"name": "Private one"})
    assert "another view with this name" in text_of(taken)
    client.post(address, {"name": "Renamed"})
    shared.refresh_from_db()
    assert (shared.name, shared.is_shared) == ("Renamed", False)
    shared.is_shared = True
    shared.save()
    assert deletion in text_of(client.get(address))
    assert "Your colleagues lose it too." in text_of(client.get(deletion))
    assert SavedView.objects.filter(pk=shared.pk).exists()
    client.post(deletion)
    assert not SavedView.objects.filter(pk=shared.pk).exists()


# --- Suspects, undo, questions ------------------------------------------------------------------------------------


def test_a_suspect_is_accepted_or_rejected_in_one_click_from_its_row(client, login, survey):
    login("reviewer")
    good, bad = (make_response(survey=survey, is_suspect=True) for _ in range(2))
    shown = text_of(client.get(LIST, {"queue": "suspect"}))
    assert f'formaction="{do(good, "accept")}?from=queue%3Dsuspect"' in shown
    assert do(bad, "reject") in shown

    answer = client.post(do(good, "accept") + "?from=queue%3Dsuspect", {"answered": "1"})
    client.post(do(bad, "reject"), {"answered": "1"})

    assert answer.headers["Location"] == f"{LIST}?queue=suspect"
    good.refresh_from_db()
    bad.refresh_from_db()
    assert (good.is_suspect, good.excluded_at) == (False, None)
    assert (bad.is_suspect, bad.exclusion_reason) == (True, "Suspect, and rejected by hand.")
    assert list(Response.objects.counted()) == [good]


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example/", "javascript:alert(1)"])
def test_a_task_leads_back_to_the_list_and_nowhere_else(client, login, response, elsewhere):
    login("reviewer")

    answer = client.post(do(response, "archive") + f"?from={elsewhere}", {"answered": "1"})

    assert answer.headers["Location"].startswith(f"{LIST}?")


def test_archiving_is_taken_back_and_what_others_changed_since_is_left_alone(client, login, survey):
    reviewer = login("reviewer")
    unread, read, touched = (make_response(survey=survey, triage=was) for was in ("unread", "read", "unread"))
    keys = [unread.pk, read.pk, touched.pk]
    client.post(LIST, {"action": "archive", "_selected_action": keys, "answered": "1"})
    triage.mark_read(responses=[touched], by=reviewer)
    assert "Undo: put 3 responses back" in text_of(client.get(LIST))
    assert client.get(UNDO).status_code == 405

    assert told(client.post(UNDO))[-1] == "2 responses put back."

    assert [one.triage for one in Response.objects.order_by("pk")] == ["unread", "read", "read"]
    assert "Undo" not in text_of(client.get(LIST))
    client.post(UNDO)  # again, from another tab
    assert [one.triage for one in Response.objects.order_by("pk")] == ["unread", "read", "read"]


def test_accepting_a_suspect_is_taken_back_on_its_page_or_in_the_list(client, login, survey):
    login("reviewer")
    one, other = (make_response(survey=survey, is_suspect=True, suspicion="no_input") for _ in range(2))

    client.post(do(one, "accept"), {"answered": "1"})
    assert f'action="{UNDO}?page={one.pk}"' in text_of(client.get(page(one)))
    assert UNDO not in text_of(client.get(page(other)))
    assert client.post(f"{UNDO}?page={one.pk}").headers["Location"] == page(one)
    assert set(Response.objects.filter(is_suspect=True)) == {one, other}
    assert UNDO not in text_of(client.get(page(one)))

    client.post(LIST, {"action": "accept", "_selected_action": [one.pk, other.pk], "answered": "1"})
    assert Response.objects.counted().count() == 2
    assert told(client.post(UNDO))[-1] == "2 responses put back."
    assert Response.objects.counted().count() == 0


def sent_by_a_machine(survey, *, token):
    make_invitation(survey=survey, token=token)
    machine = Sender(fingerprint=b"machine", suspicion="early")
    pressed = Submission(submission_id=uuid4(), score=10, sender=machine)
    submit(token=token, submission=pressed)
    return pressed


def test_who_was_not_suspect_or_was_decided_about_since_is_not_doubted_again(client, login, survey):
    reviewer = login("reviewer")
    never = make_response(survey=survey)
    out, waits = (make_response(survey=survey, is_suspect=True, suspicion="early") for _ in range(2))
    press = {name: sent_by_a_machine(survey, token=name) for name in ("same", "twin")}
    anew = {name: Response.objects.get(submission_id=each.submission_id) for name, each in press.items()}
    keys = [each.pk for each in (never, out, waits, *anew.values())]
    client.post(LIST, {"action": "accept", "_selected_action": keys, "answered": "1"})
    assert Response.objects.filter(is_suspect=False).count() == 5
    triage.exclude(responses=[out], reason="spam", by=reviewer)
    own = {"sender": Sender(fingerprint=b"person", has_input=True), "comment": "It was me"}
    submit(token="same", submission=replace(press["same"], seq=1, **own))
    make_invitation(survey=survey, respondent=anew["twin"].respondent, token="second")
    submit(token="second", submission=replace(press["twin"], submission_id=uuid4(), **own))

    assert told(client.post(UNDO))[-1] == "1 response put back."

    assert set(Response.objects.filter(is_suspect=True)) == {waits}
    said = Response.objects.counted().filter(comment="It was me")
    assert set(said) == set(anew.values())
    assert [each.suspicion for each in said] == ["early", "early"]  # which accepting does not forget


def test_the_question_says_how_many(client, login, survey):
    login("reviewer")
    keys = [make_response(survey=survey).pk for _ in range(3)]

    assert "Archive 3 responses?" in text_of(client.post(LIST, {"action": "archive", "_selected_action": keys}))
    assert "Archive 1 response?" in text_of(client.post(LIST, {"action": "archive", "_selected_action": keys[:1]}))


@pytest.mark.parametrize(
    ("query", "hint", "others"),
    [
        ({}, "Publish a survey", "Nothing matches"),
        ({"queue": "unread"}, "Nothing waits here", "Nothing here yet"),
        ({"q": "zzz"}, "Try fewer words", "Nothing here yet"),
        ({"band": "passive"}, "Take a filter away", "Nothing here yet"),
    ],
)
def test_an_empty_list_says_once_what_to_do_next(client, login, survey, query, hint, others):
    login("reviewer")

    shown = text_of(client.get(LIST, query))

    assert shown.count(hint) == 1
    assert "There is nothing that fits the search" not in shown
    assert others not in shown


def test_all_are_offered_where_something_is_left_out(client, login, survey):
    login("reviewer")
    make_response(survey=survey)

    assert "Show all" not in text_of(client.get(LIST))
    assert "(Show all)" in text_of(client.get(LIST, {"band": "passive"}))


# --- Words that were found ----------------------------------------------------------------------------------------


def test_found_words_are_marked_in_the_list_and_on_the_page(client, login, survey):
    login("reviewer")
    response = make_response(survey=survey, comment="x " * 200 + "Wysokie <b>opłaty</b>")

    assert "&lt;b&gt;<mark>opłaty</mark>" in text_of(client.get(LIST, {"q": "oplata"}))
    opened = client.get(page(response), {"_changelist_filters": "q=oplata"})
    assert "&lt;b&gt;<mark>opłaty</mark>" in text_of(opened)
    assert "<b>opłaty" not in text_of(opened)


def test_marks_never_reach_below_a_mask(client, login, response):
    login("analyst")

    opened = text_of(client.get(page(response), {"_changelist_filters": "q=kowalski"}))

    assert "kowalski@" not in opened


# --- One person's history -----------------------------------------------------------------------------------------


def test_the_history_has_all_that_a_person_was_asked_and_answered_on_every_device(client, login, survey, response):
    user = login("reviewer")
    device = make_respondent(product=survey.product, subject_key="anon:1", person=response.respondent)
    before = make_response(survey=survey, respondent=device, score=9)
    make_invitation(survey=survey, respondent=device, declined_at=timezone.now())
    flag(response=response, reason="Angry about fees", by=user)
    stranger = make_response(survey=survey, comment="Somebody else")

    for opened in (response, before):  # from the person's answer and from that of the device
        shown = client.get(person(opened))
        history = shown.context["history"]
        assert (history.person, history.devices) == (response.respondent, [device])
        assert set(history.responses) == {response, before}
        assert len(history.invitations) == 3
        assert [
            value for value in ("anna@example.com", "Angry about fees", "declined") if value not in text_of(shown)
        ] == []
        assert COMMENT not in text_of(shown)
        assert stranger.comment not in text_of(shown)

    entries = AccessLogEntry.objects.filter(purpose="history")
    assert {(entry.user, entry.record_kind, entry.record_number) for entry in entries} == {
        (user, "feedback.Respondent", response.respondent_id)
    }


@pytest.mark.parametrize("role", ["analyst", "agent"])
def test_who_may_not_see_people_sees_no_history(client, login, response, role):
    login(role)

    assert client.get(person(response)).status_code == 403
    assert person(response) not in text_of(client.get(page(response)))
    assert not AccessLogEntry.objects.exists()


def test_the_history_of_people_of_other_products_does_not_exist(client, login, response):
    login("reviewer")

    assert client.get(person(make_response())).status_code == 404


def test_the_history_takes_as_many_queries_for_many_answers_as_for_one(client, login, survey, response):
    login("reviewer")
    client.get(person(response))
    with CaptureQueriesContext(connection) as for_one:
        client.get(person(response))
    for number in range(10):
        device = Respondent.objects.create(
            product=survey.product,
            subject_key=f"anon:{number}",
            first_seen_at=timezone.now(),
            person=response.respondent,
        )
        make_response(survey=survey, respondent=device)

    with CaptureQueriesContext(connection) as for_many:
        client.get(person(response))

    assert len(for_many) == len(for_one)
