"""The admin of follow-ups."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.follow_up import assign, change_status, flag, log_contact, write_note
from feedback.models import Contact, FollowUp, Respondent, Response, StaffMail, Team
from privacy.models import Membership
from tests.factories import make_product, make_response, make_staff
from tests.feedback.response_admin.looking import COMMENT, text_of, told

pytestmark = pytest.mark.django_db


def work(follow_up, name):
    return reverse(f"admin:feedback_followup_{name}", args=[follow_up.pk])


def test_an_agent_works_a_case_from_new_to_closed(client, login, response):
    agent = login("agent")
    follow_up = flag(response=response, reason="Angry about fees", by=make_staff("reviewer"))
    shown = text_of(client.get(work(follow_up, "change")))
    assert [value for value in ("Anna Nowak", COMMENT, "Angry about fees") if value not in shown] == []
    assert 'value="open"' in shown
    assert 'value="closed"' not in shown

    client.post(work(follow_up, "assign"), {"owner": agent.pk})
    for to in ("open", "in_progress", "resolved"):
        client.post(work(follow_up, "status"), {"to": to})
    refused = client.post(work(follow_up, "status"), {"to": "closed", "note": ""})
    assert "Say how it ended." in text_of(refused)
    ending = {"to": "closed", "note": "Called, fee refunded"}
    assert "Called, fee refunded" in text_of(client.post(work(follow_up, "status"), ending))
    client.post(work(follow_up, "status"), {**ending, "new_root_cause": "Fees"})

    stored = FollowUp.objects.get()
    assert (stored.status, stored.owner, stored.closing_note) == ("closed", agent, "Called, fee refunded")
    assert stored.root_cause.name == "Fees"
    assert "Anna Nowak" not in text_of(client.get(work(follow_up, "change")))


def test_a_stale_page_takes_no_case_from_a_colleague(client, login, response, survey):
    me, colleague = login("agent"), make_staff("agent", product=survey.product)
    team = Team.objects.create(product=survey.product, name="Care")
    follow_up = flag(response=response, reason="Angry", by=me)
    assert 'name="seen_owner"' in text_of(client.get(work(follow_up, "change")))
    stale = {"owner": "", "team": team.pk, "seen_owner": "", "seen_team": ""}
    assign(follow_up=follow_up, to=colleague, by=colleague)

    answer = client.post(work(follow_up, "assign"), stale)

    assert told(answer) == ["Somebody else assigned it meanwhile. See who has it now, and decide again."]
    assert answer.url == work(follow_up, "change")
    stored = FollowUp.objects.get()
    assert (stored.owner, stored.team) == (colleague, None)
    client.post(work(follow_up, "assign"), {**stale, "owner": me.pk, "seen_owner": colleague.pk})
    stored = FollowUp.objects.get()
    assert (stored.owner, stored.team) == (me, team)


@pytest.mark.parametrize("role", ["reviewer", "analyst"])
def test_who_may_not_work_on_follow_ups_cannot_move_them(client, login, response, role):
    user = login(role)
    follow_up = flag(response=response, reason="Angry", by=user)

    assert client.post(work(follow_up, "status"), {"to": "open"}).status_code == 403
    assert client.post(work(follow_up, "assign"), {"owner": user.pk}).status_code == 403
    assert 'name="to"' not in text_of(client.get(work(follow_up, "change")))
    assert (FollowUp.objects.get().status, FollowUp.objects.get().owner) == ("new", None)


def test_follow_ups_of_other_products_do_not_exist(client, login, response):
    follow_up = flag(response=make_response(), reason="Angry", by=make_staff("reviewer"))
    login("agent")

    assert not client.get(reverse("admin:feedback_followup_changelist")).context["cl"].result_list
    assert client.post(work(follow_up, "status"), {"to": "open"}).status_code == 404
    assert FollowUp.objects.get().status == "new"


def test_a_case_cannot_be_given_to_somebody_who_does_not_see_the_product(client, login, response):
    login("agent")
    follow_up = flag(response=response, reason="Angry", by=make_staff("reviewer"))

    answer = client.post(work(follow_up, "assign"), {"owner": make_staff("agent").pk})

    assert "Select a valid choice" in text_of(answer)
    assert FollowUp.objects.get().owner is None


def test_the_queue_is_filtered_by_owner_and_state(client, login, survey, response):
    agent = login("agent")
    other = make_response(survey=survey)
    mine = flag(response=response, reason="Angry", by=agent, owner=agent)
    nobodys = flag(response=other, reason="Angry", by=agent)
    team = Team.objects.create(product=survey.product, name="Care")
    team.members.add(agent)
    teams = flag(response=make_response(survey=survey), reason="Angry", by=agent, team=team)
    strangers = Team.objects.create(product=survey.product, name="Sales")
    others = flag(response=make_response(survey=survey), reason="Angry", by=agent, team=strangers)
    colleagues = flag(
        response=make_response(survey=survey),
        reason="Angry",
        by=agent,
        owner=make_staff("agent", product=survey.product),
    )
    done = flag(response=make_response(survey=survey), reason="Angry", by=agent)
    change_status(follow_up=done, to="dismissed", by=agent, note="spam")
    FollowUp.objects.filter(pk=mine.pk).update(due_at=timezone.now() - timedelta(hours=1))
    log_contact(follow_up=nobodys, kind="call", text="Spoke", by=agent)
    queue = reverse("admin:feedback_followup_changelist")

    def listed(**query):
        return set(client.get(queue, query).context["cl"].result_list)

    assert listed(whose="mine") == {mine}
    assert listed(whose="nobody") == {nobodys}
    assert listed(whose="team") == {teams}
    assert listed(whose="others") == {others, colleagues}
    assert listed() == {mine, nobodys, teams, others, colleagues}
    assert listed(open="no") == {done}
    assert listed(open="all") == {mine, nobodys, teams, others, colleagues, done}
    assert listed(due="overdue") == {mine}
    assert listed(due="done") == {nobodys}
    assert listed(due="none") == {mine, teams, others, colleagues}
    assert listed(status__exact="dismissed") == {done}
    assert listed(product__id__exact=survey.product_id) == {mine, nobodys, teams, others, colleagues}


def test_the_list_begins_with_what_is_due_first(client, login, survey, response):
    agent = login("agent")
    now = timezone.now()
    undated, later, overdue, contacted = (
        flag(response=make_response(survey=survey, score=9), reason="Angry", by=agent) for _ in range(4)
    )
    for follow_up, hours in ((later, 50), (overdue, -80), (contacted, -90)):
        FollowUp.objects.filter(pk=follow_up.pk).update(due_at=now + timedelta(hours=hours))
    FollowUp.objects.filter(pk=contacted.pk).update(contacted_at=now)

    answer = client.get(reverse("admin:feedback_followup_changelist"))

    assert list(answer.context["cl"].result_list) == [overdue, later, undated, contacted]
    assert "overdue by" in text_of(answer)
    assert "due in" in text_of(answer)


def test_an_empty_list_says_what_to_do_next(client, login):
    login("agent")
    queue = reverse("admin:feedback_followup_changelist")

    shown = client.get(queue)
    assert text_of(shown).count("There is nobody to contact.") == 1
    assert "Nobody is waiting" not in text_of(shown)
    assert f'<a href="{reverse("admin:feedback_response_changelist")}" class="bg-primary-600' in shown.content.decode()
    filtered = text_of(client.get(queue, {"whose": "mine"}))
    assert "Nothing matches" in filtered
    assert "There is nobody to contact." not in filtered
    assert "Flag a response to begin." in text_of(client.get(reverse("admin:feedback_followup_board")))


def test_a_call_is_logged_at_a_time_of_the_product(client, login, survey, response):
    agent = login("agent")
    survey.product.time_zone = "Asia/Tokyo"
    survey.product.save()
    follow_up = flag(response=response, reason="Angry", by=agent)
    type(response).objects.update(answered_at=datetime(2026, 3, 1, tzinfo=UTC))

    call = {"kind": "call", "at": "2026-03-02T10:30", "text": "Promised a refund"}
    assert client.post(work(follow_up, "contact"), call).status_code == 302

    kept = Contact.objects.get()
    assert (kept.at, kept.actor, kept.text) == (datetime(2026, 3, 2, 1, 30, tzinfo=UTC), agent, "Promised a refund")
    page = text_of(client.get(work(follow_up, "change")))
    assert "Promised a refund" in page
    assert "first contact made" in page
    assert "Times are those of Asia/Tokyo." in page


def test_what_was_refused_is_shown_again_with_what_was_typed(client, login, response):
    follow_up = flag(response=response, reason="Angry", by=login("agent"))

    answer = client.post(
        work(follow_up, "contact"), {"kind": "call", "at": "2999-01-01T10:00", "text": "A long summary"}
    )

    assert "This time is still to come." in text_of(answer)
    assert "A long summary" in text_of(answer)
    assert not Contact.objects.exists()


def test_a_reviewer_answers_in_notes_and_hears_of_unknown_names(client, login, survey, response):
    agent = make_staff("agent", product=survey.product, username="anna")
    follow_up = flag(response=response, reason="Angry", by=login("reviewer"))

    answer = client.post(work(follow_up, "note"), {"text": "@anna call before noon, @nobody knows"})

    assert told(answer) == ["Nobody who sees this is called nobody.", "Note added."]
    assert StaffMail.objects.get(notice="mention").user == agent
    assert "call before noon" in text_of(client.get(work(follow_up, "change")))


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"objected_at": timezone.now()}, "They objected to being contacted."),
        ({"do_not_contact": True}, "They are marked “do not contact”."),
    ],
)
def test_whoever_must_be_left_alone_is_shown_so_without_a_way_to_contact_them(client, login, response, wish, why):
    follow_up = flag(response=response, reason="Angry", by=login("agent"))
    Respondent.objects.update(**wish)

    page = text_of(client.get(work(follow_up, "change")))
    board = text_of(client.get(reverse("admin:feedback_followup_board")))

    assert why in page
    assert why in board
    for offer in ('value="open"', "Log contact", "tel:"):
        assert offer not in page
    assert 'value="open"' not in board
    assert 'value="dismissed"' in page
    assert "must not be contacted" in text_of(client.post(work(follow_up, "status"), {"to": "open"}))
    assert FollowUp.objects.get().status == "new"


def test_the_page_names_the_address_that_is_written_to(client, login, response):
    follow_up = flag(response=response, reason="Angry", by=login("agent"))
    Response.objects.update(email="then@example.com")
    Respondent.objects.update(email="now@example.com")

    page = client.get(work(follow_up, "change"))

    assert [value for _label, value, _link in page.context["person"] if "@" in value] == ["now@example.com"]
    assert "To: now@example.com" in text_of(page)
    assert "then@example.com" not in text_of(page)


def test_once_closed_an_agent_reads_masked_texts(client, login, response):
    agent = login("agent")
    follow_up = flag(response=response, reason="Ask anna@example.com", by=agent)
    log_contact(follow_up=follow_up, kind="call", text="Wrote from call@example.com", by=agent)
    write_note(follow_up=follow_up, text="See note@example.com", by=agent)
    open_page = text_of(client.get(work(follow_up, "change")))
    client.post(work(follow_up, "status"), {"to": "dismissed", "note": "Moved to end@example.com"})
    closed_page = text_of(client.get(work(follow_up, "change")))
    listed = text_of(client.get(reverse("admin:feedback_followup_changelist"), {"open": "no"}))

    for address in ("anna@example.com", "call@example.com", "note@example.com"):
        assert address in open_page
        assert address not in closed_page
        assert address not in listed
    assert "end@example.com" not in closed_page


@pytest.mark.parametrize("page", ["list", "board", "response", "person"])
def test_wherever_reasons_are_listed_those_of_settled_follow_ups_are_masked(client, login, survey, response, page):
    agent = login("agent")
    flag(response=response, reason="Ask settled@example.com", by=agent)
    FollowUp.objects.update(status="resolved")
    later = make_response(survey=survey, respondent=response.respondent, score=1)
    flag(response=later, reason="Ask open@example.com", by=agent)
    address = {
        "list": reverse("admin:feedback_followup_changelist") + "?open=all",
        "board": reverse("admin:feedback_followup_board"),
        "response": reverse("admin:feedback_response_change", args=[response.pk]),
        "person": reverse("admin:feedback_response_person", args=[later.pk]),
    }[page]

    shown = text_of(client.get(address))

    assert "Ask open@example.com" in shown
    assert "Ask [e-mail]" in shown
    assert "settled@example.com" not in shown


# --- Board ------------------------------------------------------------------------------------------------------------


def board_of(client, **query):
    columns = client.get(reverse("admin:feedback_followup_board"), query).context["columns"]
    return {column.status.value: [card.follow_up.pk for card in column.cards] for column in columns}


def test_the_board_has_a_column_for_each_status_with_the_most_urgent_first(client, login, survey, response):
    agent = login("agent")
    later, urgent, started, done = (
        flag(response=make_response(survey=survey, score=1), reason="Angry", by=agent) for _ in range(4)
    )
    FollowUp.objects.filter(pk=urgent.pk).update(due_at=timezone.now() - timedelta(days=9))
    change_status(follow_up=started, to="open", by=agent)
    change_status(follow_up=started, to="in_progress", by=agent)
    change_status(follow_up=done, to="dismissed", by=agent, note="spam")

    assert board_of(client) == {
        "new": [urgent.pk, later.pk],
        "open": [],
        "in_progress": [started.pk],
        "waiting": [],
        "resolved": [],
    }
    assert board_of(client, whose="mine")["new"] == []
    assert board_of(client, whose="mine")["in_progress"] == [started.pk]
    assert board_of(client, due="overdue")["new"] == [urgent.pk]
    assert board_of(client, product=make_product().pk)["new"] == []
    assert board_of(client, product="' OR 1=1", whose="everything")["new"] == [urgent.pk, later.pk]


def test_a_step_on_the_board_leads_back_to_the_card(client, login, response):
    follow_up = flag(response=response, reason="Angry", by=login("agent"))
    page = text_of(client.get(reverse("admin:feedback_followup_board"), {"whose": "nobody"}))
    assert 'name="board" value="whose=nobody"' in page

    answer = client.post(
        work(follow_up, "status"), {"to": "open", "board": "whose=nobody&next=https://evil.example.com"}
    )

    assert answer["Location"] == f"/admin/feedback/followup/board/?whose=nobody#follow-up-{follow_up.pk}"
    assert FollowUp.objects.get().status == "open"
    again = client.post(work(follow_up, "status"), {"to": "new", "board": ""})
    assert "not possible" in told(again)[-1]


def test_a_column_shows_twenty_and_says_how_many_more(client, login, survey):
    agent = login("agent")
    for _ in range(23):
        flag(response=make_response(survey=survey, score=1), reason="Angry", by=agent)

    answer = client.get(reverse("admin:feedback_followup_board"))

    assert "and 3 more" in text_of(answer)
    rest = answer.context["columns"][0].rest
    assert len(client.get(rest).context["cl"].result_list) == 23


def test_readers_see_the_board_without_buttons(client, login, response):
    flag(response=response, reason="Angry", by=login("reviewer"))

    page = text_of(client.get(reverse("admin:feedback_followup_board")))

    assert "Angry" in page
    assert 'name="to"' not in page


@pytest.mark.parametrize("role", ["analyst", "privacy_officer", "administrator"])
def test_the_board_is_for_those_who_see_follow_ups(client, login, role):
    login(role)

    assert client.get(reverse("admin:feedback_followup_board")).status_code == 403


def test_follow_ups_of_other_products_are_not_on_the_board(client, login):
    flag(response=make_response(), reason="Angry", by=None)
    login("agent")

    assert board_of(client)["new"] == []


@pytest.fixture
def shared(client, login, survey):
    """Follow-ups of two colleagues, of two teams and of nobody, by name."""
    agent = login("agent")
    names = ("anna", "boris")
    people = {name: make_staff("agent", product=survey.product, username=name) for name in names}
    teams = {name: Team.objects.create(product=survey.product, name=name) for name in ("Care", "Back office")}

    def opened(**given):
        return flag(response=make_response(survey=survey, score=1), reason="Angry", by=agent, **given)

    return {
        **{name: opened(owner=people[name], team=teams["Care"]) for name in names},
        "back": opened(team=teams["Back office"]),
        "nobody": opened(),
    }


def test_list_and_board_are_narrowed_to_a_chosen_owner_and_team(client, shared):
    anna, boris, back = shared["anna"], shared["boris"], shared["back"]

    def listed(**query):
        return set(client.get(reverse("admin:feedback_followup_changelist"), query).context["cl"].result_list)

    def on_board(**query):
        return set(board_of(client, **query)["new"])

    for query, expected in (
        ({"owner": anna.owner_id}, {anna}),
        ({"team": back.team_id}, {back}),
        ({"team": anna.team_id}, {anna, boris}),
        ({"team": anna.team_id, "owner": boris.owner_id}, {boris}),
        ({"team": anna.team_id, "whose": "mine"}, set()),
        ({"owner": "' OR 1=1", "team": "9" * 30}, set(shared.values())),
    ):
        assert listed(**query) == expected
        assert on_board(**query) == {each.pk for each in expected}


def test_the_choice_of_owner_and_team_stays_in_every_address_of_the_board(client, shared):
    anna = shared["anna"]
    query = f"owner={anna.owner_id}&team={anna.team_id}"

    page = text_of(client.get(f"{reverse('admin:feedback_followup_board')}?{query}&foreign=1"))
    narrowed = query.replace("&", "&amp;")
    assert f'name="board" value="{narrowed}"' in page
    assert f'href="/admin/feedback/followup/?{narrowed}"' in page
    assert f'<option value="{anna.owner_id}" selected>anna</option>' in page
    assert f'<option value="{anna.team_id}" selected>Care</option>' in page

    answer = client.post(work(anna, "status"), {"to": "open", "board": query})
    assert answer["Location"] == f"/admin/feedback/followup/board/?{query}#follow-up-{anna.pk}"


def test_only_colleagues_and_teams_of_own_products_are_offered_and_found(client, login, survey):
    user = login("agent")
    stranger = make_staff("agent", product=make_product(), username="stranger")
    whole = make_staff("agent", username="whole-group")
    Membership.objects.create(user=whole, controller=survey.product.controller)
    make_staff("analyst", product=survey.product, username="analyst")
    left = make_staff("agent", product=survey.product, username="left")
    Team.objects.create(product=stranger.memberships.get().product, name="Foreign")
    Team.objects.create(product=survey.product, name="Own")
    flag(response=make_response(survey=survey, score=1), reason="Angry", by=user, owner=left)
    left.is_active = False
    left.save()

    context = client.get(reverse("admin:feedback_followup_board")).context
    assert [owner.username for owner in context["owners"]] == sorted(["left", user.username, "whole-group"])
    assert [name for _pk, name in context["teams"]] == ["Own"]

    FollowUp.objects.update(owner=stranger, status="dismissed", closed_at=timezone.now(), closing_note="x")
    page = client.get(reverse("admin:feedback_followup_changelist"), {"owner": stranger.pk, "open": "all"})
    assert not page.context["cl"].result_list
    assert "stranger" not in [label for _pk, label in page.context["cl"].filter_specs[1].lookup_choices]


def test_teams_of_one_name_say_whose_they_are(client, login, survey):
    user = login("agent")
    other = make_product(name="Other", controller=survey.product.controller)
    Membership.objects.create(user=user, controller=survey.product.controller)
    for product in (survey.product, other):
        Team.objects.create(product=product, name="Care")

    teams = client.get(reverse("admin:feedback_followup_board")).context["teams"]

    assert [name for _pk, name in teams] == [f"Care ({survey.product.name})", "Care (Other)"]


# --- Growth -----------------------------------------------------------------------------------------------------------


def test_queries_do_not_grow_with_rows(client, login, survey, response):
    agent = login("agent")
    team = Team.objects.create(product=survey.product, name="Care")
    pages = [reverse("admin:feedback_followup_changelist"), reverse("admin:feedback_followup_board")]

    def add():
        follow_up = flag(
            response=make_response(survey=survey, score=1), reason="Angry", by=agent, owner=agent, team=team
        )
        log_contact(follow_up=follow_up, kind="call", text="Spoke", by=agent)
        return follow_up

    def happen(follow_up):
        log_contact(follow_up=follow_up, kind="call", text="Spoke", by=agent)
        write_note(follow_up=follow_up, text="Knows", by=agent)

    watched = add()
    happen(watched)
    pages.append(work(watched, "change"))
    client.get(pages[0])
    counts = [counted(client, page) for page in pages]
    for _ in range(9):
        add()
        happen(watched)

    assert [counted(client, page) for page in pages] == counts


def counted(client, page):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(page).status_code == 200
    return len(captured)
