"""Tags are renamed, merged and deleted without changing any measure; their trend counts what measures count."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from feedback import tagging, triage
from feedback.models import ResponseTag, Rule, SavedView, Tag, Tally
from feedback.periods import Bucket
from feedback.saved_views import save_view
from privacy.admin.histories import translate
from privacy.models import Membership
from tests.factories import make_improvement, make_product, make_respondent, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def survey():
    return make_survey()


@pytest.fixture
def answers(survey):
    person = make_respondent(product=survey.product)
    return [make_response(survey=survey, respondent=person, score=score) for score in (0, 1, 9, 10, 10, 10)]


def tag(name, responses, survey):
    triage.add_tag(responses=responses, name=name, by=make_staff("reviewer"))
    return Tag.objects.get(product=survey.product, name=name)


def code(call):
    with pytest.raises(ValidationError) as refused:
        call()
    return refused.value.code


def test_merging_keeps_one_tagging_per_response_and_moves_rules_and_no_tally(survey, answers):
    fees, costs = tag("fees", answers[:4], survey), tag("costs", answers[2:], survey)
    rule = Rule.objects.create(product=survey.product, name="a", adds_tag=fees, with_tag=fees)
    before = list(Tally.objects.order_by("pk").values())

    assert tagging.merge_tags(source=fees, target=costs) == 4

    assert {one.response_id for one in ResponseTag.objects.filter(tag=costs)} == {one.pk for one in answers}
    assert ResponseTag.objects.count() == 6
    rule.refresh_from_db()
    assert (rule.adds_tag, rule.with_tag) == (costs, costs)
    assert list(Tag.objects.all()) == [costs]
    assert list(Tally.objects.order_by("pk").values()) == before


def test_merging_is_refused_with_itself_with_another_product_and_with_what_is_gone(survey):
    fees = Tag.objects.create(product=survey.product, name="fees")
    foreign = Tag.objects.create(product=make_product(), name="fees")
    gone = Tag.objects.create(product=survey.product, name="gone")
    Tag.objects.filter(pk=gone.pk).delete()

    assert code(lambda: tagging.merge_tags(source=fees, target=fees)) == "same_tag"
    assert code(lambda: tagging.merge_tags(source=fees, target=foreign)) == "other_product"
    assert code(lambda: tagging.merge_tags(source=fees, target=gone)) == "gone"
    assert Tag.objects.count() == 2


def test_what_becomes_of_a_tag_is_in_the_log_of_the_admin(client, survey):
    fees, costs, unused = (Tag.objects.create(product=survey.product, name=name) for name in ("fee", "costs", "unused"))
    client.force_login(make_staff("reviewer", product=survey.product))

    client.post(reverse("admin:feedback_tag_rename", args=[fees.pk]), {"name": "fees"})
    client.post(reverse("admin:feedback_tag_merge", args=[fees.pk]), {"target": costs.pk})
    client.post(reverse("admin:feedback_tag_discard", args=[unused.pk]), {"post": "yes"})

    entries = list(LogEntry.objects.order_by("pk"))
    translate(entries)
    assert [(each.object_id, each.object_repr, each.action_flag, each.change_message) for each in entries] == [
        (str(fees.pk), "fees", CHANGE, "Renamed; before: “fee”."),
        (str(fees.pk), "fees", DELETION, ""),
        (str(costs.pk), "costs", CHANGE, "Merged; “fees” is gone."),
        (str(unused.pk), "unused", DELETION, ""),
    ]


def test_saved_views_follow_a_tag_that_is_renamed_or_merged(survey):
    owner, elsewhere = make_staff("reviewer", product=survey.product), make_staff("reviewer", product=make_product())
    both = make_staff("reviewer", product=survey.product)
    other = make_product()
    Membership.objects.create(user=both, controller=other.controller, product=other)
    fees, costs = (Tag.objects.create(product=survey.product, name=name) for name in ("fees", "costs"))
    Tag.objects.create(product=other, name="fees")
    views = [
        save_view(owner=user, name=f"Of {product}", filters={"tag": "fees", "product__id__exact": product})
        for user, product in (
            *((owner, ""), (elsewhere, ""), (both, "")),
            *((both, str(survey.product_id)), (both, str(other.pk))),
        )
    ]

    def filtered_by():
        return [SavedView.objects.get(pk=view.pk).filters["tag"] for view in views]

    tagging.rename_tag(tag=fees, name="charges")
    assert filtered_by() == ["charges", "fees", "fees", "charges", "fees"]
    tagging.merge_tags(source=fees, target=costs)
    assert filtered_by() == ["costs", "fees", "fees", "costs", "fees"]


def test_nobody_counts_the_tags_of_a_restricted_person(client, survey, answers):
    """Art. 18: also how many there are is a use; what staff tidy up takes the tagging along all the same."""
    hidden = make_response(survey=survey, restricted_at=timezone.now())
    fees, costs = tag("fees", answers[:2], survey), tag("costs", answers[2:3], survey)
    ResponseTag.objects.create(response=hidden, tag=fees)
    user = make_staff("reviewer", product=survey.product)
    client.force_login(user)

    listed = client.get(reverse("admin:feedback_tag_changelist")).context["cl"].result_list

    assert {one.name: one.uses for one in listed} == {"fees": 2, "costs": 1}
    assert tagging.count_uses(fees) == 2
    assert tagging.merge_tags(source=fees, target=costs) == 2
    assert ResponseTag.objects.filter(tag=costs).count() == 4
    assert code(lambda: tagging.delete_unused_tag(tag=costs)) == "in_use"


def test_a_name_is_taken_whatever_its_capitals(survey):
    fees = Tag.objects.create(product=survey.product, name="fees")
    Tag.objects.create(product=survey.product, name="Costs")
    Tag.objects.create(product=make_product(), name="charges")

    assert code(lambda: tagging.rename_tag(tag=fees, name="COSTS")) == "name_taken"
    assert code(lambda: tagging.rename_tag(tag=fees, name="  ")) == "name_required"
    assert code(lambda: tagging.rename_tag(tag=fees, name="x" * 61)) == "too_long"
    assert tagging.rename_tag(tag=fees, name=" charges ").name == "charges"
    assert tagging.rename_tag(tag=fees, name="Charges").name == "Charges"


def test_a_tag_is_not_added_that_differs_in_capitals_or_spaces_only(client, survey):
    other = make_product(controller=survey.product.controller)
    user = make_staff("reviewer", product=survey.product)
    Membership.objects.create(user=user, controller=other.controller, product=other)
    Tag.objects.create(product=survey.product, name="High fees")
    client.force_login(user)

    def add(product):
        return client.post(reverse("admin:feedback_tag_add"), {"product": product.pk, "name": " high   FEES "})

    refused = add(survey.product)
    assert refused.context["adminform"].form.errors == {"name": ["The product has the tag “High fees” already."]}
    assert add(other).status_code == 302
    assert {(tag.product, tag.name) for tag in Tag.objects.all()} == {
        (survey.product, "High fees"),
        (other, "high FEES"),
    }


def test_only_a_tag_that_nothing_uses_is_deleted(survey, answers):
    used, ruled = tag("used", answers[:1], survey), Tag.objects.create(product=survey.product, name="ruled")
    Rule.objects.create(product=survey.product, name="a", with_tag=ruled)
    unused = Tag.objects.create(product=survey.product, name="unused")

    assert code(lambda: tagging.delete_unused_tag(tag=used)) == "in_use"
    assert code(lambda: tagging.delete_unused_tag(tag=ruled)) == "in_use"
    tagging.delete_unused_tag(tag=unused)

    assert set(Tag.objects.all()) == {used, ruled}


def test_the_trend_has_every_step_and_counts_what_measures_count(survey, answers):
    old = make_response(survey=survey, score=0, answered_at=timezone.now() - timedelta(days=14))
    fees = tag("fees", [*answers, old], survey)
    triage.exclude(responses=answers[:1], reason="spam", by=make_staff("reviewer"))

    weeks = tagging.trend_of(tag=fees, bucket=Bucket.WEEK)

    assert len(weeks) == 13
    assert weeks[-1].uses == tagging.Uses(5, 1)
    assert weeks[-1].uses.share == 20
    assert weeks[-3].uses == tagging.Uses(1, 1)
    assert weeks[-3].uses.is_too_few
    assert weeks[-2].uses.share is None
    assert len(tagging.trend_of(tag=fees, bucket=Bucket.MONTH)) == 12


@pytest.mark.parametrize(("uses", "share"), [((8, 1), 13), ((200, 109), 55), ((8, 3), 38), ((3, 1), 33)])
def test_shares_are_rounded_half_away_from_zero(uses, share):
    assert tagging.Uses(*uses).share == share


def test_themes_compare_two_periods_and_name_unused_tags_last(survey, answers):
    old = make_response(survey=survey, score=0, answered_at=timezone.now() - timedelta(days=100))
    tag("costs", answers[:2], survey)
    tag("fees", [*answers, old], survey)
    Tag.objects.create(product=survey.product, name="abc")

    themes = tagging.themes_of(product=survey.product)

    assert [(theme.tag.name, theme.now.n, theme.now.detractors, theme.before.n) for theme in themes] == [
        ("fees", 6, 2, 1),
        ("costs", 2, 2, 0),
        ("abc", 0, 0, 0),
    ]


def test_improvements_follow_a_merged_tag_and_hold_the_one_they_name(db):
    product = make_product()
    old, new = (Tag.objects.create(product=product, name=name) for name in ("fee", "fees"))
    improvement = make_improvement(product=product)
    improvement.tags.add(old)

    tagging.merge_tags(source=old, target=new)

    assert list(improvement.tags.all()) == [new]
    with pytest.raises(ValidationError) as refused:
        tagging.delete_unused_tag(tag=new)
    assert refused.value.code == "in_use"
