"""Audience, quotas, caps and events on the admin's pages, without JSON."""

import pytest
from django.urls import reverse

from surveys.models import AudienceRule, Event, ProductThrottles, SegmentQuota
from surveys.targeting import Rule
from tests.factories import make_draft, make_product, make_survey
from tests.surveys.pages import page, save, send

pytestmark = pytest.mark.django_db


def rows(prefix, *rows, initial=0):
    """What a browser would send for the rows of an inline."""
    data = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": initial}
    for number, row in enumerate(rows):
        data |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return data


def rule(subject, operator="is", values="", name="", **more):
    return {"subject": subject, "operator": operator, "values": values, "name": name, **more}


def codes(errors):
    return {name: [error.code for error in found] for name, found in errors.as_data().items()}


def formset_of(answer, prefix):
    return next(each.formset for each in answer.context["inline_admin_formsets"] if each.formset.prefix == prefix)


def errors_of(answer, prefix):
    return [codes(form.errors) for form in formset_of(answer, prefix).forms]


def test_rules_apply_at_once_and_in_their_order(client, administrator, product):
    survey = make_survey(product=product)
    version = survey.current_version

    save(
        client, survey, rows("audience", rule("country", values="pl, de"), rule("property", values="pro", name="plan"))
    )

    assert [each.rule for each in survey.audience.all()] == [
        Rule("country", "", "is", ("PL", "DE")),
        Rule("property", "plan", "is", ("pro",)),
    ]
    survey.refresh_from_db()
    assert survey.current_version == version
    content = client.get(page(survey)).content.decode()
    assert "Audience: country is PL or DE and plan is pro" in content
    assert "unpublished changes" not in content
    assert (
        "country is PL or DE and plan is pro" in client.get(reverse("admin:surveys_survey_changelist")).content.decode()
    )


def test_rules_that_were_saved_are_saved_again_as_they_were(client, administrator, product):
    survey = make_draft(product=product)
    wanted = Rule("company", "", "is", ("Smith, Ltd", 'The "Inn"'))
    AudienceRule.objects.create(survey=survey, subject="company", operator="is", values=list(wanted.values))

    save(client, survey)
    save(client, survey)

    assert [each.rule for each in survey.audience.all()] == [wanted]


def test_a_rule_is_taken_away(client, administrator, product):
    survey = make_draft(product=product)
    stored = AudienceRule.objects.create(survey=survey, subject="country", operator="is", values=["PL"])

    save(client, survey, {"audience-0-id": stored.pk, "audience-0-DELETE": "on"})

    assert not survey.audience.exists()
    assert "Audience: everybody" in client.get(page(survey)).content.decode()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (rule("country", "greater", "1"), {"operator": ["operator_not_offered"]}),
        (rule("country", values="Poland"), {"values": ["invalid_country"]}),
        (rule("property", values="pro"), {"name": ["name_required"]}),
        (rule("property", "less", "1, 2", "seats"), {"values": ["one_value"]}),
        (rule("event", values="order.finished"), {"values": ["event_not_registered"]}),
        (rule("company", values='"Smith, Ltd'), {"values": ["invalid_quotes"]}),
        (rule("weather", values="fine"), {"subject": ["invalid_choice"]}),
        (rule("", values="fine"), {"subject": ["required"]}),
        (rule("property", values="x", name="n" * 65), {"name": ["max_length"]}),
    ],
)
def test_a_mistake_is_told_at_its_field_and_changes_nothing(client, administrator, product, row, expected):
    survey = make_draft(product=product, name="Old")

    answer = send(client, survey, {"name": "New", **rows("audience", row)})

    assert answer.status_code == 200
    assert errors_of(answer, "audience") == [expected]
    survey.refresh_from_db()
    assert survey.name == "Old"
    assert not survey.audience.exists()


def test_an_event_of_the_product_may_be_asked_for(client, administrator, product):
    survey = make_draft(product=product)
    Event.objects.create(product=product, name="order.finished", label="An order was paid")

    save(client, survey, rows("audience", rule("event", values="order.finished")))

    assert survey.audience.get().rule == Rule("event", "", "is", ("order.finished",))


def test_quotas_are_edited_as_rows(client, administrator, product):
    survey = make_draft(product=product)
    quota = {"dimension": "country", "name": "", "value": "pl", "target": "100"}

    save(client, survey, rows("quotas", quota, {**quota, "dimension": "property", "name": "plan", "value": "pro"}))
    assert list(survey.quotas.values_list("dimension", "name", "value", "target")) == [
        ("country", "", "PL", 100),
        ("property", "plan", "pro", 100),
    ]

    answer = send(
        client, make_draft(product=product), rows("quotas", {**quota, "value": "Poland"}, {**quota, "value": ""})
    )
    assert errors_of(answer, "quotas") == [{"value": ["invalid_country"]}, {"value": ["required"]}]


@pytest.mark.parametrize("values", [("PL", "pl"), ("DE", " de ")])
def test_a_segment_has_one_quota(client, administrator, product, values):
    survey = make_draft(product=product)
    twice = [{"dimension": "country", "name": "", "value": value, "target": "5"} for value in values]

    answer = send(client, survey, rows("quotas", *twice))

    assert [error.code for error in formset_of(answer, "quotas").non_form_errors().as_data()] == ["duplicate_quota"]
    assert not SegmentQuota.objects.exists()


def test_caps_and_the_rest_after_a_case_are_on_the_page(client, administrator, product):
    survey = make_draft(product=product, metric="ces")

    save(
        client,
        survey,
        {"daily_cap": "20", "response_target": "500", "is_transactional": "on", "transactional_floor_days": "2"},
    )

    survey.refresh_from_db()
    assert (survey.daily_cap, survey.response_target) == (20, 500)
    assert (survey.is_transactional, survey.transactional_floor_days) == (True, 2)


@pytest.mark.parametrize(
    ("metric", "changes", "expected"),
    [
        ("nps", {"is_transactional": "on"}, {"is_transactional": ["transactional_metric"]}),
        ("ces", {"cooldown_days": "13"}, {"cooldown_days": ["below_floor"]}),
        ("ces", {"daily_cap": "0"}, {"daily_cap": ["min_value"]}),
    ],
)
def test_what_a_survey_may_not_have_is_told_at_its_field(client, administrator, product, metric, changes, expected):
    ProductThrottles.objects.create(product=product, cooldown_days=14)
    survey = make_draft(product=product, metric=metric)

    answer = send(client, survey, changes)

    assert codes(answer.context["adminform"].form.errors) == expected


def test_an_analyst_reads_the_audience_and_changes_nothing(client, analyst, product):
    survey = make_draft(product=product)
    AudienceRule.objects.create(survey=survey, subject="country", operator="is", values=["PL"])

    content = client.get(page(survey)).content.decode()

    assert "Audience: country is PL" in content
    assert 'name="audience-0-values"' not in content


# --- events ---


def test_an_event_that_an_audience_asks_for_stays(client, administrator, product):
    event = Event.objects.create(product=product, name="order.finished")
    used = make_draft(product=product)
    AudienceRule.objects.create(survey=used, subject="event", operator="is", values=["order.finished"])
    address = reverse("admin:surveys_event_delete", args=[event.pk])

    assert client.post(address, {"post": "yes"}).status_code == 403
    assert "1 survey" in client.get(reverse("admin:surveys_event_changelist")).content.decode()
    used.audience.all().delete()
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert not Event.objects.exists()


def test_an_event_keeps_its_name_and_product(client, administrator, product):
    event = Event.objects.create(product=product, name="order.finished")
    other = make_product(controller=product.controller)

    client.post(
        reverse("admin:surveys_event_change", args=[event.pk]),
        {"name": "x", "product": other.pk, "label": "An order was paid"},
    )

    event.refresh_from_db()
    assert (event.name, event.product, event.label) == ("order.finished", product, "An order was paid")


def test_events_of_other_products_are_not_there(client, administrator, product):
    foreign = Event.objects.create(product=make_product(), name="elsewhere")

    assert "elsewhere" not in client.get(reverse("admin:surveys_event_changelist")).content.decode()
    assert client.get(reverse("admin:surveys_event_change", args=[foreign.pk])).status_code == 302
    answer = client.post(reverse("admin:surveys_event_add"), {"product": foreign.product_id, "name": "mine"})
    assert answer.context["adminform"].form.errors.keys() == {"product"}


def test_the_list_of_events_needs_as_many_queries_for_ten_as_for_one(
    client, administrator, product, django_assert_num_queries
):
    def add(number):
        Event.objects.create(product=product, name=f"event.{number}")
        survey = make_draft(product=product)
        AudienceRule.objects.create(survey=survey, subject="event", operator="is", values=[f"event.{number}"])

    address = reverse("admin:surveys_event_changelist")
    add(0)
    client.get(address)
    # session, user, two of permissions, two of emergency access, filter's products, count,
    # events with product, its surveys, their audience
    with django_assert_num_queries(12):
        client.get(address)
    for number in range(1, 10):
        add(number)
    with django_assert_num_queries(12):
        client.get(address)


# --- what a list may be asked ---


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("survey", "product__test_key__startswith=tk"),
        ("survey", "wordings__question__contains=a"),
        ("surveyversion", "published_by__password__startswith=a"),
        ("productthrottles", "product__test_key__startswith=tk"),
        ("event", "product__signing_secrets__secret__startswith=a"),
    ],
)
def test_lists_are_filtered_by_nothing_but_their_filters(client, superuser, name, query):
    answer = client.get(f"{reverse(f'admin:surveys_{name}_changelist')}?{query}")

    assert answer.status_code == 400
