from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback import triage
from feedback.admin.paging import CappedPaginator
from feedback.follow_up import change_status, flag
from feedback.models import FollowUp, Response, ScoreChange, Tag
from tests.factories import make_respondent, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db

LIST = reverse("admin:feedback_response_changelist")
COMMENT = "Write to jan.kowalski@example.com about the fees"


def page(response):
    return reverse("admin:feedback_response_change", args=[response.pk])


def do(response, name):
    return reverse("admin:feedback_response_do", args=[response.pk, name])


def text_of(answer):
    return answer.content.decode()


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


@pytest.fixture
def survey():
    return make_survey()


@pytest.fixture
def response(survey):
    person = make_respondent(
        product=survey.product, external_id="K-777", phone="+48501234567", email="anna@example.com"
    )
    return make_response(
        survey=survey,
        respondent=person,
        score=2,
        comment=COMMENT,
        name="Anna Nowak",
        email="anna@example.com",
        url="https://app.example.com/anna@example.com",
        properties={"plan": "gold", "second": {"mail": "second@example.com"}},
        reasons=["Fees"],
        company="ACME",
    )


@pytest.fixture
def login(client, survey):
    def as_role(role):
        user = make_staff(role, product=survey.product)
        client.force_login(user)
        return user

    return as_role


# --- Who sees what ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "masked"), [("analyst", True), ("agent", True), ("reviewer", False), ("data_protection_officer", False)]
)
def test_the_list_masks_comments_for_those_who_may_not_read_them(client, login, response, role, masked):
    login(role)

    listed = text_of(client.get(LIST))

    assert ("[e-mail]" in listed) is masked
    assert ("jan.kowalski@example.com" in listed) is not masked
    assert "detractor" in listed
    assert "Anna Nowak" not in listed


IDENTITY = ("Anna Nowak", "anna@example.com", "K-777", "+48501234567", "second@example.com")


@pytest.mark.parametrize("role", ["analyst", "agent"])
def test_the_page_hides_the_person_from_those_without_identity(client, login, response, role):
    login(role)

    shown = text_of(client.get(page(response)))

    assert [value for value in (*IDENTITY, "jan.kowalski@example.com", "gold", "ACME") if value in shown] == []
    assert "Fees" in shown


@pytest.mark.parametrize("guess", ["kowal", "jan.kow", "jan.kowalski@exampl", "60012", "kowalski@"])
def test_masked_words_cannot_be_guessed_by_searching(client, login, response, guess):
    login("analyst")

    listed = text_of(client.get(LIST, {"q": guess}))

    assert "0 responses" in listed or "No results" in listed


def test_the_page_shows_the_person_to_a_reviewer(client, login, response):
    login("reviewer")

    shown = text_of(client.get(page(response)))

    assert [value for value in (*IDENTITY, COMMENT) if value not in shown] == []


def test_an_agent_sees_the_person_while_the_follow_up_is_open(client, login, response):
    agent = login("agent")
    follow_up = flag(response=response, reason="Angry", by=agent)
    assert [value for value in (*IDENTITY, COMMENT) if value not in text_of(client.get(page(response)))] == []

    change_status(follow_up=follow_up, to="dismissed", by=agent, note="spam")

    assert [value for value in (*IDENTITY, COMMENT) if value in text_of(client.get(page(response)))] == []


def test_an_analyst_does_not_see_follow_ups(client, login, response):
    flag(response=response, reason="Very angry", by=make_staff("reviewer"))
    login("analyst")

    assert "Very angry" not in text_of(client.get(page(response)))
    assert client.get(reverse("admin:feedback_followup_changelist")).status_code == 403


def test_the_page_says_what_was_asked_and_what_came_before(client, login, survey, response):
    make_response(
        survey=survey, respondent=response.respondent, score=9, answered_at=timezone.now() - timedelta(days=90)
    )
    ScoreChange.objects.create(response=response, score=3, changed_at=timezone.now())
    login("reviewer")

    shown = text_of(client.get(page(response)))

    assert "How likely are you to recommend us" in shown
    assert "What should we improve first?" in shown
    assert "2 / 10 · detractor" in shown
    assert "9 · promoter" in shown
    assert "3 until" in shown
    assert survey.name in shown


def test_responses_of_other_products_and_restricted_people_do_not_exist(client, login, response):
    foreign, restricted = make_response(), make_response(survey=response.survey)
    Response.objects.filter(pk=restricted.pk).update(restricted_at=timezone.now())
    login("reviewer")

    listed = client.get(LIST).context["cl"].result_list

    assert list(listed) == [response]
    for hidden in (foreign, restricted):
        assert client.get(page(hidden)).status_code == 302  # the admin says "perhaps it was deleted"
        assert client.get(do(hidden, "archive")).status_code == 404
    assert foreign.product.name not in text_of(client.get(LIST))


def test_the_page_reads_the_answer_for_reviewers_only(client, login, response):
    login("analyst")
    client.get(page(response))
    assert Response.objects.get().triage == "unread"

    login("reviewer")
    client.get(page(response))
    assert Response.objects.get().triage == "read"


# --- Filters and search -----------------------------------------------------------------------------------------------


def found(client, **query):
    answer = client.get(LIST, query)
    assert answer.status_code == 200
    return set(answer.context["cl"].result_list)


def test_every_filter_narrows_the_list(client, login, survey, response):
    reviewer = login("reviewer")
    plain = make_response(survey=survey, score=10, channel="email", language="pl")
    test = make_response(survey=survey, is_test=True)
    suspect = make_response(survey=survey, is_suspect=True)
    triage.exclude(responses=[plain], reason="spam", by=reviewer)
    triage.add_tag(responses=[response], name="fees", by=reviewer)
    triage.archive(responses=[test], by=reviewer)

    assert found(client, product__id__exact=survey.product_id) == {response, plain, test, suspect}
    assert found(client, metric__exact="ces") == set()
    assert found(client, band="detractor") == {response}
    assert found(client, channel__exact="email") == {plain}
    assert found(client, language="pl") == {plain}
    assert found(client, has_comment="yes") == {response}
    assert found(client, has_comment="no") == {plain, test, suspect}
    assert found(client, tag="fees") == {response}
    assert found(client, triage__exact="archived") == {test}
    assert found(client, counted="counted") == {response}
    assert found(client, counted="excluded") == {plain}
    assert found(client, counted="test") == {test}
    assert found(client, counted="suspect") == {suspect}
    assert found(client, answered_at__year=timezone.now().year, counted="test") == {test}


@pytest.mark.parametrize(
    "lookup",
    ["email__startswith", "name__icontains", "comment__contains", "respondent__email", "company", "receipt_hash"],
)
def test_an_address_cannot_ask_about_columns_that_are_no_filters(client, login, response, lookup):
    login("analyst")

    assert client.get(LIST, {lookup: "a"}).status_code == 400


def test_search_finds_words_in_comments_and_never_people(client, login, response):
    login("reviewer")

    assert found(client, q="fees write") == {response}
    assert found(client, q="fee") == {response}
    assert found(client, q="Nowak") == set()
    assert found(client, q="jan.kowalski@example.com") == set()
    assert "not people" in text_of(client.get(LIST, {"q": "jan.kowalski@example.com"}))
    assert found(client, q="a' | b:* & !") == set()


def test_the_list_takes_as_many_queries_for_fifty_rows_as_for_one(client, login, survey):
    reviewer = login("reviewer")
    triage.add_tag(responses=[make_response(survey=survey)], name="fees", by=reviewer)
    client.get(LIST)  # permissions and content types are cached now
    with CaptureQueriesContext(
        connection,
    ) as for_one:
        client.get(LIST)
    person = make_respondent(product=survey.product)
    rows = [make_response(survey=survey, respondent=person, comment="So-so") for _number in range(49)]
    triage.add_tag(responses=rows, name="slow", by=reviewer)

    with CaptureQueriesContext(connection) as for_fifty:
        assert len(client.get(LIST).context["cl"].result_list) == 50

    assert len(for_fifty) == len(for_one)
    assert not [query for query in for_fifty if '."search"' in query["sql"]]


def test_counting_stops_at_the_limit(survey):
    person = make_respondent(product=survey.product)
    for _number in range(4):
        make_response(survey=survey, respondent=person)
    paginator = CappedPaginator(Response.objects.all(), 2)
    paginator.limit = 3

    assert (paginator.count, paginator.is_capped, paginator.num_pages) == (3, True, 2)

    exact = CappedPaginator(Response.objects.all(), 2)
    assert (exact.count, exact.is_capped) == (4, False)


# --- Tasks ------------------------------------------------------------------------------------------------------------


def test_flagging_from_the_page_asks_for_a_reason_and_an_assignee(client, login, survey, response):
    reviewer = login("reviewer")
    agent, stranger = make_staff("agent", product=survey.product), make_staff("agent")
    assert do(response, "flag") in text_of(client.get(page(response)))

    asked = client.get(do(response, "flag"))
    assert agent.username in text_of(asked)
    assert stranger.username not in text_of(asked)
    refused = client.post(do(response, "flag"), {"answered": "1", "reason": "", "owner": stranger.pk})
    assert set(refused.context["form"].errors) == {"reason", "owner"}
    assert not FollowUp.objects.exists()

    answer = client.post(do(response, "flag"), {"answered": "1", "reason": "Angry", "owner": agent.pk})

    assert answer.status_code == 302
    follow_up = FollowUp.objects.get()
    assert (follow_up.response, follow_up.owner, follow_up.flagged_by) == (response, agent, reviewer)
    assert told(answer) == ["1 response flagged."]


def test_a_refusal_of_the_domain_becomes_a_message(client, login, survey, response):
    login("reviewer")
    again = make_response(survey=survey, respondent=response.respondent)
    other = make_response(survey=survey)

    answer = client.post(
        LIST,
        {"action": "flag", "_selected_action": [response.pk, again.pk, other.pk], "answered": "1", "reason": "Angry"},
    )

    assert FollowUp.objects.count() == 2
    assert told(answer) == [
        "2 responses flagged.",
        "1 not flagged: Another follow-up of this person is open already.",
    ]


def test_a_list_action_asks_first_and_changes_nothing_until_answered(client, login, response):
    login("reviewer")

    asked = client.post(LIST, {"action": "exclude", "_selected_action": [response.pk]})

    assert asked.status_code == 200
    assert f'value="{response.pk}"' in text_of(asked)
    assert Response.objects.get().excluded_at is None

    client.post(LIST, {"action": "exclude", "_selected_action": [response.pk], "answered": "1", "reason": "spam"})
    assert Response.objects.get().exclusion_reason == "spam"
    client.post(LIST, {"action": "include", "_selected_action": [response.pk], "answered": "1"})
    assert Response.objects.counted().exists()
    client.post(LIST, {"action": "tag", "_selected_action": [response.pk], "answered": "1", "name": "fees"})
    assert [tag.name for tag in Response.objects.get().tags.all()] == ["fees"]
    client.post(LIST, {"action": "archive", "_selected_action": [response.pk], "answered": "1"})
    assert Response.objects.get().triage == "archived"
    client.post(LIST, {"action": "mark-read", "_selected_action": [response.pk], "answered": "1"})
    assert Response.objects.get().triage == "read"


def test_opening_the_page_of_a_task_writes_nothing(client, login, response):
    login("reviewer")

    for name in ("flag", "exclude", "include", "tag", "archive", "mark-read"):
        assert client.get(do(response, name)).status_code == 200

    assert Response.objects.get().triage == "unread"


def test_tags_are_added_and_removed_on_the_page(client, login, response):
    login("reviewer")
    address = reverse("admin:feedback_response_tags", args=[response.pk])

    client.post(address, {"name": "fees"})
    assert [tag.name for tag in response.tags.all()] == ["fees"]
    assert "fees" in text_of(client.get(page(response)))
    client.post(address, {"remove": "fees"})

    assert list(response.tags.all()) == []
    assert Tag.objects.count() == 1
    assert client.get(address).status_code == 405
    assert told(client.post(address, {"name": " "})) != []


@pytest.mark.parametrize("role", ["analyst", "agent"])
def test_who_may_not_triage_cannot_change_anything(client, login, response, role):
    login(role)

    for name in ("flag", "exclude", "include", "tag", "archive", "mark-read"):
        assert client.post(do(response, name), {"answered": "1", "reason": "x", "name": "x"}).status_code == 403
        client.post(LIST, {"action": name, "_selected_action": [response.pk], "answered": "1", "reason": "x"})
    assert client.post(reverse("admin:feedback_response_tags", args=[response.pk]), {"name": "x"}).status_code == 403
    client.post(page(response), {"comment": "changed", "score": 10})
    client.post(reverse("admin:feedback_response_delete", args=[response.pk]), {"post": "yes"})

    unchanged = Response.objects.get()
    assert (unchanged.triage, unchanged.excluded_at, unchanged.comment, unchanged.score) == ("unread", None, COMMENT, 2)
    assert not FollowUp.objects.exists()
    assert "/do/" not in text_of(client.get(page(response)))


def test_nobody_edits_or_deletes_an_answer(admin_client, response):
    admin_client.post(page(response), {"comment": "changed", "score": 10})

    assert admin_client.post(reverse("admin:feedback_response_delete", args=[response.pk])).status_code == 403
    assert admin_client.get(reverse("admin:feedback_response_add")).status_code == 403
    assert Response.objects.get().comment == COMMENT


# --- Follow-ups -------------------------------------------------------------------------------------------------------


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
    assert told(refused)[-1] == "Say how it ended."
    client.post(work(follow_up, "status"), {"to": "closed", "note": "Called, fee refunded"})

    stored = FollowUp.objects.get()
    assert (stored.status, stored.owner, stored.closing_note) == ("closed", agent, "Called, fee refunded")
    assert "Anna Nowak" not in text_of(client.get(work(follow_up, "change")))


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

    assert len(told(answer)) == 1
    assert FollowUp.objects.get().owner is None


def test_the_queue_is_filtered_by_owner_and_state(client, login, survey, response):
    agent = login("agent")
    other = make_response(survey=survey)
    mine = flag(response=response, reason="Angry", by=agent, owner=agent)
    nobodys = flag(response=other, reason="Angry", by=agent)
    change_status(follow_up=nobodys, to="dismissed", by=agent, note="spam")
    queue = reverse("admin:feedback_followup_changelist")

    def listed(**query):
        return set(client.get(queue, query).context["cl"].result_list)

    assert listed(whose="mine") == {mine}
    assert listed(whose="nobody") == {nobodys}
    assert listed(whose="others") == set()
    assert listed(open="yes") == {mine}
    assert listed(open="no") == {nobodys}
    assert listed(status__exact="new") == {mine}
    assert listed(product__id__exact=survey.product_id) == {mine, nobodys}
