"""What staff write about an audience: taken apart, checked, tidied, and said in a sentence."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import translation

from surveys.audience import MOST_VALUES, clean, describe, join_values, split_values
from surveys.models import AudienceRule, Event, ProductThrottles, SegmentQuota, Survey
from surveys.targeting import Device, Quota, Rule
from tests.factories import make_draft, make_product


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("", []),
        (" , ,\n\n", []),
        ("pro", ["pro"]),
        ("pro, business", ["pro", "business"]),
        ("pro\nbusiness\r\n pro ", ["pro", "business"]),
        ("a, b\nc", ["a", "b", "c"]),
        ('"Smith, Ltd", Acme', ["Smith, Ltd", "Acme"]),
        ('"say ""yes"""', ['say "yes"']),
        ("5\" pipe", ['5" pipe']),
        ("nul\x00l", ["null"]),
    ],
)  # fmt: skip
def test_values_are_written_one_per_line_or_with_commas(written, values):
    assert split_values(written) == values


@pytest.mark.parametrize("values", [["pro"], ["a, b", "c"], ['say "yes"'], ['"'], ["x", "y,"]])
def test_values_that_were_saved_are_read_back_as_they_were(values):
    assert split_values(join_values(values)) == values


@pytest.mark.parametrize("written", ['"Smith, Ltd', '"a" b'])
def test_quotes_that_do_not_end_are_refused(written):
    with pytest.raises(ValidationError) as refusal:
        split_values(written)
    assert refusal.value.code == "invalid_quotes"


@pytest.mark.parametrize(
    ("rule", "cleaned"),
    [
        (Rule("property", " plan ", "is", (" pro ", "pro")), Rule("property", "plan", "is", ("pro",))),
        (Rule("country", "", "is", ("pl", "De")), Rule("country", "", "is", ("PL", "DE"))),
        (Rule("language", "", "is", ("pt_BR",)), Rule("language", "", "is", ("pt-br",))),
        (Rule("known", "", "is", ("Identified",)), Rule("known", "", "is", ("identified",))),
        (Rule("device", "", "is_not", ("PHONE",)), Rule("device", "", "is_not", ("phone",))),
        (Rule("event", "", "is", ("order",)), Rule("event", "", "is", ("order",))),
        (Rule("property", "seats", "greater", ("-1.5",)), Rule("property", "seats", "greater", ("-1.5",))),
        (Rule("customer_since", "", "before", ("2026-01-31",)), Rule("customer_since", "", "before", ("2026-01-31",))),
        (Rule("company", "", "is_set", ("",)), Rule("company", "", "is_set", ())),
    ],
)
def test_a_rule_is_tidied(rule, cleaned):
    assert clean(rule, events={"order"}) == cleaned


@pytest.mark.parametrize(
    ("rule", "field", "code"),
    [
        (Rule("country", "", "greater", ("1",)), "operator", "operator_not_offered"),
        (Rule("event", "", "is_not", ("order",)), "operator", "operator_not_offered"),
        (Rule("property", "plan", "matches", ("*",)), "operator", "operator_not_offered"),
        (Rule("property", " ", "is", ("pro",)), "name", "name_required"),
        (Rule("country", "plan", "is", ("PL",)), "name", "name_not_allowed"),
        (Rule("country", "", "is", ()), "values", "values_required"),
        (Rule("country", "", "is", (" ",)), "values", "values_required"),
        (Rule("country", "", "is_set", ("PL",)), "values", "values_not_allowed"),
        (Rule("property", "seats", "less", ("1", "2")), "values", "one_value"),
        (Rule("property", "seats", "less", ("many",)), "values", "not_a_number"),
        (Rule("property", "seats", "less", ("NaN",)), "values", "not_a_number"),
        (Rule("property", "seats", "less", ("1,5",)), "values", "not_a_number"),
        (Rule("property", "since", "after", ("31.01.2026",)), "values", "not_a_date"),
        (Rule("property", "since", "after", ("2026-01-31T10:00",)), "values", "not_a_date"),
        (Rule("property", "since", "after", ("2026-02-30",)), "values", "not_a_date"),
        (Rule("property", "since", "after", ("20260131",)), "values", "not_a_date"),
        (Rule("property", "plan", "is", ("x" * 501,)), "values", "too_long"),
        (Rule("property", "plan", "is", tuple(map(str, range(MOST_VALUES + 1)))), "values", "too_many_values"),
        (Rule("country", "", "is", ("Poland",)), "values", "invalid_country"),
        (Rule("language", "", "is", ("Polish!",)), "values", "invalid_language"),
        (Rule("known", "", "is", ("yes",)), "values", "unknown_value"),
        (Rule("device", "", "is", ("watch",)), "values", "unknown_value"),
        (Rule("event", "", "is", ("order", "refund")), "values", "event_not_registered"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_at_its_field(rule, field, code):
    with pytest.raises(ValidationError) as refusal:
        clean(rule, events={"order"})
    assert {name: [error.code for error in errors] for name, errors in refusal.value.error_dict.items()} == {
        field: [code]
    }


def test_choices_may_be_written_as_staff_see_them():
    with translation.override("pl"):
        labels = {str(label): value for value, label in Device.choices}
        for label, value in labels.items():
            assert clean(Rule("device", "", "is", (label.capitalize(),))).values == (value,)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ([], ""),
        (
            [Rule("country", "", "is", ("PL", "DE")), Rule("property", "plan", "is", ("pro",))],
            "country is PL or DE and plan is pro",
        ),
        ([Rule("known", "", "is", ("anonymous",))], "the person is anonymous"),
        ([Rule("event", "", "is", ("a", "b"))], "a or b has just happened"),
        ([Rule("property", "100%", "is_not_set", ())], "100% is not set"),
        ([Rule("device", "", "is_not", ("phone",))], "device is not phone"),
        ([Rule("customer_since", "", "before", ("2026-01-01",))], "customer since is before 2026-01-01"),
        ([Rule("property", "seats", "greater", ("5",))], "seats is greater than 5"),
        ([Rule("url", "", "matches", ("*/pay*",))], "page address matches */pay*"),
    ],
)
def test_an_audience_is_said_in_a_sentence(rules, sentence):
    assert describe(rules) == sentence


# --- stored ---


def codes(refusal):
    return {name: [error.code for error in errors] for name, errors in refusal.value.error_dict.items()}


@pytest.mark.django_db
def test_rules_come_back_in_their_order():
    survey = make_draft()
    for position, country in ((2, "DE"), (1, "PL")):
        rule = AudienceRule(survey=survey, position=position, subject="country", operator="is", values=[country])
        rule.full_clean()
        rule.save()

    assert [each.rule for each in survey.audience.all()] == [
        Rule("country", "", "is", ("PL",)),
        Rule("country", "", "is", ("DE",)),
    ]


@pytest.mark.django_db
def test_only_events_of_the_same_product_are_registered():
    survey = make_draft()
    Event.objects.create(product=survey.product, name="order.finished")
    Event.objects.create(product=make_product(), name="elsewhere")

    AudienceRule(survey=survey, subject="event", operator="is", values=["order.finished"]).full_clean()
    with pytest.raises(ValidationError) as refusal:
        AudienceRule(survey=survey, subject="event", operator="is", values=["elsewhere"]).full_clean()
    assert codes(refusal) == {"values": ["event_not_registered"]}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", "Order", "order finished", "zamówienie", "a" * 65, "order\n"])
def test_names_of_events_are_plain(name):
    product = make_product()
    with pytest.raises(ValidationError):
        Event(product=product, name=name).full_clean()
    if len(name) <= 64:
        with pytest.raises(IntegrityError), transaction.atomic():
            Event.objects.create(product=product, name=name)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "columns",
    [
        {"subject": "property", "name": "", "operator": "is", "values": ["x"]},
        {"subject": "country", "name": "x", "operator": "is", "values": ["x"]},
        {"subject": "country", "operator": "is", "values": []},
        {"subject": "country", "operator": "is_set", "values": ["x"]},
        {"subject": "country", "operator": "matches", "values": ["x"]},
        {"subject": "weather", "operator": "is", "values": ["x"]},
    ],
)
def test_the_database_keeps_rules_that_make_no_sense_out(columns):
    with pytest.raises(IntegrityError):
        AudienceRule.objects.create(survey=make_draft(), **columns)


@pytest.mark.django_db
def test_a_quota_is_tidied_and_one_per_segment():
    survey = make_draft()
    quota = SegmentQuota(survey=survey, dimension="country", value=" pl ", target=10)
    quota.full_clean()
    quota.save()

    assert quota.quota == Quota("country", "", "PL", 10)
    with pytest.raises(IntegrityError):
        SegmentQuota.objects.create(survey=survey, dimension="country", value="PL", target=5)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"dimension": "country", "value": "Poland", "target": 1}, {"value": ["invalid_country"]}),
        ({"dimension": "property", "value": "pro", "target": 1}, {"name": ["name_required"]}),
        ({"dimension": "country", "name": "x", "value": "PL", "target": 1}, {"name": ["name_not_allowed"]}),
        ({"dimension": "country", "value": "PL", "target": 0}, {"target": ["min_value"]}),
        ({"dimension": "url", "value": "PL", "target": 1}, {"dimension": ["invalid_choice"]}),
    ],
)
def test_a_quota_that_makes_no_sense_is_refused_at_its_field(columns, expected):
    with pytest.raises(ValidationError) as refusal:
        SegmentQuota(survey=make_draft(), **columns).full_clean(validate_constraints=False)
    assert codes(refusal) == expected


# --- how often, and how many ---


@pytest.mark.django_db
@pytest.mark.parametrize(("of_product", "own", "is_refused"), [(14, 7, True), (14, 14, False), (None, 6, True)])
def test_a_survey_may_only_lengthen_the_rest_that_its_product_promises(of_product, own, is_refused):
    survey = make_draft(metric="ces")
    ProductThrottles.objects.create(product=survey.product, cooldown_days=of_product)
    survey.cooldown_days = own
    if not is_refused:
        survey.full_clean()
        return
    with pytest.raises(ValidationError) as refusal:
        survey.full_clean()
    assert codes(refusal) == {"cooldown_days": ["below_floor"]}
    survey.is_transactional = True
    survey.full_clean()


@pytest.mark.django_db
def test_only_ces_and_csat_are_asked_after_a_case():
    survey = make_draft(metric="nps")
    survey.is_transactional = True
    with pytest.raises(ValidationError) as refusal:
        survey.full_clean(validate_constraints=False)
    assert codes(refusal) == {"is_transactional": ["transactional_metric"]}
    with pytest.raises(IntegrityError), transaction.atomic():
        survey.save()
    for metric in ("ces", "csat"):
        survey.metric = metric
        survey.full_clean()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("cooldown_days", 0),
        ("mail_days", 6),
        ("transactional_floor_days", 0),
        ("daily_cap", 0),
        ("response_target", 0),
    ],
)
def test_numbers_that_would_switch_a_promise_off_are_refused(name, number):
    survey = make_draft()
    setattr(survey, name, number)
    with pytest.raises(ValidationError) as refusal:
        survey.clean_fields()
    assert codes(refusal) == {name: ["min_value"]}
    with pytest.raises(IntegrityError):
        Survey.objects.filter(pk=survey.pk).update(**{name: number})
