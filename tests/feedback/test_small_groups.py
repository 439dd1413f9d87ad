"""What is told of few people, and what could be computed from what is told."""

from datetime import UTC, date, datetime

import pytest

from feedback import numbers
from feedback.admin import charts
from feedback.periods import choose_span
from feedback.reports import report_scores, visible_products
from feedback.small_groups import kept_back
from privacy.models import Membership
from tests.factories import make_controller, make_product, make_response, make_staff, make_survey

MARCH = choose_span("this_month", today=date(2026, 3, 31))


@pytest.mark.parametrize(
    ("sizes", "hidden"),
    [
        ({"a": 9, "b": 5, "c": 0}, set()),
        ({"a": 9, "b": 4, "c": 7, "d": 0}, {"b", "c"}),  # the whole minus a and c would tell b
        ({"a": 9, "b": 4, "c": 1}, {"b", "c"}),  # together they are five
        ({"a": 9, "b": 2, "c": 2}, {"a", "b", "c"}),
        ({"a": 4, "b": 0}, {"a"}),
        ({}, set()),
    ],
)
def test_a_small_part_takes_another_with_it_where_the_whole_would_tell_it(sizes, hidden):
    assert kept_back(sizes) == hidden


@pytest.fixture
def controller(db):
    return make_controller()


def survey_of(controller, name):
    return make_survey(product=make_product(controller=controller, name=name))


def answer(survey, *scores, day=10, month=3):
    for score in scores:
        make_response(survey=survey, score=score, answered_at=datetime(2026, month, day, 12, tzinfo=UTC))


def told(role, controller, *names, span=MARCH):
    """Return the report for a role: of the named products, or of all."""
    user = make_staff(role)
    Membership.objects.create(user=user, controller=controller)
    products = [product for product in visible_products(user) if not names or product.name in names]
    [report] = report_scores(user=user, products=products, span=span)
    return report


def test_a_product_of_few_answers_is_not_found_by_subtracting_the_others_from_all(controller):
    answer(survey_of(controller, "few"), 0, 0, 0, 0)
    answer(survey_of(controller, "some"), *[10] * 6)
    answer(survey_of(controller, "many"), *[10] * 20)

    everything = told("analyst", controller)
    without = told("analyst", controller, "some", "many")
    pair = told("analyst", controller, "few", "some")

    assert everything.together.counts == without.together.counts
    assert pair.together.counts.n == 6
    assert (everything.left_out, without.left_out, pair.left_out) == (1, 0, 1)
    assert [figures.is_hidden for _product, figures in everything.products] == [True, False, False]
    assert sum(point.counts.n for point in everything.trend) == 26
    assert told("reviewer", controller).together.counts.n == 30


def test_few_answers_before_are_told_neither_of_a_product_nor_of_all(controller):
    grown, steady = survey_of(controller, "grown"), survey_of(controller, "steady")
    for survey in (grown, steady):
        answer(survey, *[10] * 8)
    answer(grown, 0, 0, 0, month=2)
    answer(steady, *[0] * 8, month=2)

    report = told("analyst", controller)

    by_name = {product.name: figures for product, figures in report.products}
    assert (by_name["grown"].before, by_name["steady"].before.n) == (None, 8)
    assert report.together.before is None
    assert numbers.comparison(report.together) == ""
    assert numbers.before(report.together, MARCH.previous).endswith("too few answers to tell.")
    assert told("reviewer", controller).together.before.n == 11


def test_a_step_of_few_answers_is_told_to_nobody_without_identities_nor_found_by_subtracting(controller):
    survey = survey_of(controller, "one")
    answer(survey, 0, 0, day=3)
    answer(survey, *[10] * 6, day=4)
    answer(survey, *[10] * 9, day=5)

    report = told("analyst", controller)

    assert [point.counts.n for point in report.trend[2:5]] == [0, 0, 9]
    assert [point.is_hidden for point in report.trend[1:5]] == [False, True, True, False]
    assert report.together.counts.n - sum(point.counts.n for point in report.trend) >= 5
    assert report.hides_steps
    assert [row.cells for row in charts.draw_trend(report).rows[2:4]] == [("–", "–", "too few")] * 2
    assert [point.counts.n for point in told("reviewer", controller).trend[2:5]] == [2, 6, 9]


def test_steps_of_several_products_are_the_sum_of_what_is_told_of_each(controller):
    one, two = survey_of(controller, "one"), survey_of(controller, "two")
    for day, (first, second) in {3: (3, 5), 4: (3, 6), 5: (7, 7)}.items():
        answer(one, *[10] * first, day=day)
        answer(two, *[10] * second, day=day)

    steps = [
        [point.counts.n for point in told("analyst", controller, *names).trend[2:5]]
        for names in (("one", "two"), ("one",), ("two",))
    ]

    assert steps == [[5, 6, 14], [0, 0, 7], [5, 6, 7]]


def test_the_page_says_what_is_left_out(controller, client):
    answer(survey_of(controller, "few"), 0, 0, 0, 0)
    many = survey_of(controller, "many")
    answer(many, *[10] * 4, day=3)
    answer(many, *[10] * 4, day=4)
    answer(many, *[10] * 6, day=5)
    user = make_staff("analyst")
    Membership.objects.create(user=user, controller=controller)
    client.force_login(user)

    text = client.get("/admin/", {"period": "custom", "from": "2026-03-01", "to": "2026-03-31"}).content.decode()

    assert "1 product with fewer than five answers is not in these figures." in text
    assert "Steps with fewer than five answers" in text


def test_two_periods_can_be_subtracted_and_the_definitions_say_so(controller, client):
    survey = survey_of(controller, "one")
    answer(survey, *[10] * 6, day=4)
    answer(survey, 0, day=5)

    longer, shorter = (
        told("analyst", controller, span=choose_span("custom", today=date(2026, 3, 31), first="2026-03-01", last=last))
        for last in ("2026-03-05", "2026-03-04")
    )
    client.force_login(make_staff("analyst", product=survey.product))

    assert (longer.together.counts.n, shorter.together.counts.n) == (7, 6)
    assert "Between periods it can" in client.get("/admin/", {"period": "all"}).content.decode()
