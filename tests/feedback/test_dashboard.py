"""The dashboard as a page."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from feedback.follow_up import flag
from feedback.models import FollowUp
from feedback.periods import Choice
from privacy.break_glass import open_access
from privacy.models import AccessLogEntry, Membership, RightsRequest
from privacy.watching import raise_due_alarms
from surveys.scales import Metric
from tests.factories import (
    make_controller,
    make_invitation,
    make_product,
    make_response,
    make_rights_request,
    make_staff,
    make_survey,
)

pytestmark = pytest.mark.django_db


def answer(survey, *scores, **overrides):
    return [make_response(survey=survey, score=score, **overrides) for score in scores]


def page(client, user, **query):
    client.force_login(user)
    response = client.get("/admin/", query)
    assert response.status_code == 200
    return response.content.decode()


def words(html):
    """Return what can be read on the page, with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html).replace("&nbsp;", " "))


def test_scores_are_shown_with_n_and_interval(client):
    survey = make_survey(metric=Metric.NPS)
    answer(survey, *[10] * 46, *[8] * 24, *[3] * 5)

    text = words(page(client, make_staff("reviewer", product=survey.product)))

    assert "NPS 55 95 %: 38.6 … 66.5 75 answers" in text
    assert "promoters: 46 (61.3 %)" in text
    assert "There were no answers before to compare with." in text


def test_the_page_says_how_invitations_ended_and_how_the_score_went(client):
    survey = make_survey(metric=Metric.NPS)
    answer(survey, *[10] * 6)
    for ending in ({"declined_at": timezone.now()}, {}, {}):
        make_invitation(survey=survey, shown_at=timezone.now(), **ending)

    text = words(page(client, make_staff("reviewer", product=survey.product)))

    assert "Trend as a table" in text
    assert re.search(r"How invitations ended .* web \d+ \d+ \([\d.]+ %\) 1 \(", text)


def test_numbers_and_days_follow_the_language(client):
    survey = make_survey(metric=Metric.CSAT)
    answer(survey, *[1] * 5, *[2] * 5, *[3] * 10, *[4] * 20, *[5] * 10)
    user = make_staff("reviewer", product=survey.product)
    client.force_login(user)

    text = words(client.get("/admin/", headers={"Accept-Language": "pl"}).content.decode())

    assert "60,0 %" in text
    assert "46,2 … 72,4" in text


def test_both_products_have_one_pooled_number_and_a_row_each(client):
    controller = make_controller()
    first, second = (
        make_survey(metric=Metric.CSAT, product=make_product(controller=controller, name=name))
        for name in ("Bank one", "Bank two")
    )
    answer(first, *[5] * 70, *[1] * 10)
    answer(second, *[5] * 28, *[1] * 12)
    user = make_staff("reviewer")
    Membership.objects.create(user=user, controller=controller)

    html = page(client, user)
    text = words(html)

    assert "CSAT products together 81.7 %" in text
    assert re.search(r"Bank one 87\.5 % .* Bank two 70\.0 %", text)
    assert f'href="?product={second.product_id}&amp;period=30d"' in html

    alone = words(page(client, user, product=second.product_id))
    assert "CSAT 70.0 %" in alone
    assert "products together" not in alone


def test_product_and_period_in_the_address_are_chosen_in_the_form(client):
    survey = make_survey()
    make_survey(product=make_product(controller=survey.product.controller))
    user = make_staff("reviewer")
    Membership.objects.create(user=user, controller=survey.product.controller)

    html = page(client, user, product=survey.product_id, period="custom", **{"from": "2026-01-05", "to": "2026-02-06"})

    assert f'name="product" value="{survey.product_id}" checked>' in html
    assert html.count(" checked>") == 1
    assert '<option value="custom" selected>' in html
    assert 'name="from" value="2026-01-05"' in html
    assert 'name="to" value="2026-02-06"' in html
    assert "Jan. 5, 2026 – Feb. 6, 2026" in words(html)


def test_a_product_of_others_is_answered_like_one_that_does_not_exist(client):
    mine, other = make_survey(), make_survey(product=make_product(name="Secret product"))
    answer(mine, 10)
    answer(other, 0, 0, 0)
    user = make_staff("analyst", product=mine.product)

    foreign, missing = page(client, user, product=other.product_id), page(client, user, product=987654)

    assert "One of the chosen products is not among yours" in foreign
    assert "Secret product" not in foreign
    hidden = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"|"X-CSRFToken": "[^"]*"|nonce="[^"]*"')
    tokens = re.compile(r"[A-Za-z0-9]{64}")
    assert tokens.sub("", hidden.sub("", foreign)) == tokens.sub("", hidden.sub("", missing)).replace(
        "product=987654", f"product={other.product_id}"
    )


@pytest.mark.parametrize(
    "query",
    [
        {"product": "' OR 1=1"},
        {"product": "9" * 400},
        {"product": ""},
        {"product": "\x00"},
        {"period": "fortnight"},
        {"period": "\x00"},
        {"period": "custom"},
        {"period": "custom", "from": "2026-02-30", "to": "2026-03-01"},
        {"period": "custom", "from": "2026-03-02", "to": "2026-03-01"},
        {"period": "custom", "from": "0001-01-01", "to": "9999-12-31"},
        {"period": "custom", "from": "<script>", "to": "\x00"},
    ],
)
def test_nonsense_in_the_address_falls_back_with_a_message(client, query):
    survey = make_survey()
    answer(survey, 10)

    html = page(client, make_staff("reviewer", product=survey.product), **query)

    assert 'role="alert"' in html
    assert "NPS 100" in words(html)
    assert "<script>" not in html.split('class="board"')[1].split("</form>")[0]


def test_several_products_can_be_chosen_together(client):
    controller = make_controller()
    first, second, third = (make_survey(metric="csat", product=make_product(controller=controller)) for _ in range(3))
    answer(first, 5, 5, 5)
    answer(second, 1)
    answer(third, 1, 1, 1, 1)
    user = make_staff("reviewer")
    Membership.objects.create(user=user, controller=controller)

    text = words(page(client, user, product=[first.product_id, second.product_id]))

    assert "CSAT products together 75.0 %" in text
    assert f"{first.product.name}, {second.product.name}" in text
    assert "CSAT products together 37.5 %" in words(page(client, user))


@pytest.mark.parametrize("choice", Choice.values)
def test_every_period_can_be_chosen(client, choice):
    survey = make_survey()
    answer(survey, 10, answered_at=timezone.now())
    today = timezone.localdate(timezone=survey.product.zone).isoformat()

    html = page(
        client, make_staff("reviewer", product=survey.product), period=choice, **{"from": "2020-01-01", "to": today}
    )

    assert 'role="alert"' not in html
    assert f'<option value="{choice}" selected>' in html
    assert ("NPS 100" in words(html)) == (choice != Choice.LAST_MONTH)


def test_comments_are_escaped_and_keep_their_lines(client):
    survey = make_survey()
    make_response(survey=survey, comment="<b>slow</b> & old\n\n  since May")

    html = page(client, make_staff("reviewer", product=survey.product))

    assert "&lt;b&gt;slow&lt;/b&gt; &amp; old\n\n  since May" in html
    assert "<b>slow" not in html


def test_without_answers_the_page_says_what_to_do_next(client):
    survey = make_survey()

    text = words(page(client, make_staff("reviewer", product=survey.product)))

    assert "No answers in these days" in text
    assert "Show all time" in text


def test_without_a_product_the_page_says_whom_to_ask(client):
    make_survey()

    text = words(page(client, make_staff("analyst")))

    assert "You do not belong to any product yet" in text


def test_roles_see_their_parts(client):
    survey = make_survey()
    [response, *_others] = answer(survey, 3, 3, 3, 3, 3, comment="A comment")
    FollowUp.objects.create(response=response, respondent=response.respondent, product=survey.product, reason="unhappy")
    today = timezone.localdate()
    RightsRequest.objects.create(
        controller=survey.product.controller,
        product=survey.product,
        language="pl",
        received_at=timezone.now(),
        received_on=today,
        target_on=today,
        due_on=today + timedelta(days=30),
        due_extended_on=today + timedelta(days=90),
        reference="ABCDE-FGHJK",
    )
    parts = {
        "figures": "Distribution of scores",
        "comments": "Latest comments",
        "follow-ups": "Open follow-ups",
        "rights": "ABCDE-FGHJK",
    }

    def seen_by(role):
        html = page(client, make_staff(role, product=survey.product))
        return {part for part, sign in parts.items() if sign in html}

    assert seen_by("analyst") == {"figures", "comments"}
    assert seen_by("agent") == {"figures", "comments", "follow-ups"}
    assert seen_by("reviewer") == {"figures", "comments", "follow-ups"}
    assert seen_by("privacy_officer") == {"rights"}
    assert seen_by("data_protection_officer") == set(parts)
    assert seen_by("administrator") == {"figures"}


def test_officers_find_their_warnings_on_the_front_page(client):
    product = make_product()
    case = make_rights_request(controller=product.controller, product=product)
    raise_due_alarms(timezone.now() + timedelta(days=40))

    assert f"{case.reference}</a>: the answer is overdue" in page(
        client, make_staff("privacy_officer", product=product)
    )
    assert "the answer is overdue" not in page(client, make_staff("analyst", product=product))


def test_what_an_administrator_sees_in_an_emergency_is_logged_once_for_each_record(client):
    survey = make_survey()
    product = survey.product
    commented = make_response(survey=survey, score=3, comment="A comment")
    silent = make_response(survey=survey, score=3)
    follow_up = flag(response=silent, reason="unhappy", by=make_staff("reviewer", product=product))
    case = make_rights_request(controller=product.controller, product=product)
    raise_due_alarms(timezone.now() + timedelta(days=40))
    administrator = make_staff("administrator", product=product)
    page(client, administrator)
    assert not AccessLogEntry.objects.exists()
    open_access(user=administrator, reason="The importer mixed up two customers")

    assert "A comment" in page(client, administrator)

    logged = AccessLogEntry.objects.filter(purpose="emergency", user=administrator)
    assert sorted(logged.values_list("record_kind", "record_number"), key=str) == [
        ("feedback.FollowUp", follow_up.pk),
        ("feedback.Response", commented.pk),
        ("feedback.Response", None),  # the figures, which may be about one person
        ("privacy.RightsRequest", case.pk),
    ]


def test_somebody_without_a_role_finds_the_front_page_without_figures(client):
    survey = make_survey()
    answer(survey, 10)

    html = page(client, make_staff(product=survey.product))

    assert "Distribution of scores" not in html
    assert survey.product.name not in html


def test_strangers_are_sent_to_the_login(client):
    assert client.get("/admin/").status_code == 302


def test_figures_about_fewer_than_five_are_for_those_who_see_identities(client):
    controller = make_controller()
    small, large = (make_survey(product=make_product(controller=controller)) for _ in range(2))
    answer(small, 0, 0, 0, 0)
    answer(large, 10, 10, 10, 10, 10)
    users = [make_staff(role) for role in ("analyst", "reviewer")]
    for user in users:
        Membership.objects.create(user=user, controller=controller)

    analyst, reviewer = (page(client, user, product=small.product_id) for user in users)
    table = page(client, users[0])

    assert "Too few answers" in analyst
    assert "NPS -100" not in words(analyst)
    assert "NPS -100" in words(reviewer)
    assert f"{small.product.name} too few" in words(table)


# --- Queries ----------------------------------------------------------------------------------------------------------


def test_ten_products_with_many_rows_take_no_more_queries_than_one(client):
    controller = make_controller()
    user = make_staff("data_protection_officer")
    Membership.objects.create(user=user, controller=controller)
    client.force_login(user)

    def add_product(rows):
        product = make_product(controller=controller)
        for metric in Metric:
            survey = make_survey(product=product, metric=metric)
            for _ in range(rows):
                response = make_response(survey=survey, comment="words")
                make_invitation(survey=survey, shown_at=timezone.now())
                FollowUp.objects.create(
                    response=response, respondent=response.respondent, product=product, reason="why"
                )

    def queries():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get("/admin/", {"period": "all"}).status_code == 200
        return [query["sql"] for query in captured]

    add_product(rows=1)
    client.get("/admin/")  # warms what is cached for the process, such as content types
    one = queries()
    for _ in range(9):
        add_product(rows=3)
    ten = queries()

    assert len(ten) == len(one), "\n".join(ten)
    ours = [sql for sql in ten if "feedback_" in sql or "privacy_" in sql]
    # The clock; products; days with answers; may these be seen, twice; scores now and by bucket; rates three times;
    # comments; follow-ups twice; rights requests once, as there are none, and once those with a warning.
    assert len(ours) <= 18, "\n".join(ours)
