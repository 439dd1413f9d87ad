from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from feedback import improvements
from feedback.models import Improvement, Tag
from feedback.triage import add_tag
from tests.factories import make_product, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db


def code(call):
    with pytest.raises(ValidationError) as caught:
        call()
    return caught.value.code


def test_a_draft_is_edited_until_it_is_published_and_only_corrected_afterwards(draft, reviewer):
    improvement = draft()
    stale = Improvement.objects.get()
    improvement.title = "Transfers in a minute"
    improvements.save_draft(improvement=improvement, by=reviewer)
    improvements.publish(improvement=improvement, by=reviewer)

    stale.title = "Something else"
    assert code(lambda: improvements.save_draft(improvement=stale, by=reviewer)) == "published"
    assert Improvement.objects.get().title == "Transfers in a minute"
    assert Improvement.objects.get().created_by == reviewer


def test_a_correction_carries_its_date_and_one_that_changes_nothing_does_not(published, draft, reviewer):
    improvement = published()
    same = {"title": improvement.title, "said": improvement.said, "text": improvement.text, "by": reviewer}

    assert improvements.correct(improvement=improvement, **same).corrected_at is None
    corrected = improvements.correct(improvement=improvement, **{**same, "text": " In two minutes. "})

    assert (corrected.text, corrected.corrected_at is not None) == ("In two minutes.", True)
    assert code(lambda: improvements.correct(improvement=draft(), **same)) == "not_published"
    with pytest.raises(ValidationError) as refused:
        improvements.correct(improvement=improvement, **{**same, "title": "x" * 121, "said": " "})
    assert set(refused.value.message_dict) == {"title", "said"}
    improvement.refresh_from_db()
    assert improvement.text == "In two minutes."


def test_what_is_withdrawn_leaves_the_page_and_comes_back_with_its_first_date(published, reviewer):
    improvement = published()

    withdrawn = improvements.withdraw(improvement=improvement, by=reviewer)
    assert withdrawn.state == "withdrawn"
    assert not Improvement.objects.public().exists()
    assert code(lambda: improvements.withdraw(improvement=improvement, by=reviewer)) == "not_published"

    again = improvements.publish(improvement=improvement, by=reviewer)
    assert (again.state, again.published_at) == ("published", improvement.published_at)
    assert code(lambda: improvements.publish(improvement=improvement, by=reviewer)) == "already_published"


def test_nothing_is_announced_before_it_is_done_where_the_product_is(draft, product, reviewer):
    product.time_zone = "Pacific/Kiritimati"
    product.save()
    today_there = timezone.localdate(timezone=product.zone)

    assert improvements.publish(improvement=draft(done_on=today_there), by=reviewer).state == "published"
    tomorrow = draft(done_on=today_there + timedelta(days=1))
    assert code(lambda: improvements.publish(improvement=tomorrow, by=reviewer)) == "not_done_yet"


@pytest.mark.parametrize("words", ["Anna from anna@example.com was unhappy", "Call 601 234 567 back"])
def test_nobody_is_given_away_in_what_people_said(draft, published, reviewer, words):
    assert code(lambda: improvements.publish(improvement=draft(said=words), by=reviewer)) == "personal_data"
    assert code(lambda: improvements.publish(improvement=draft(title=words), by=reviewer)) == "personal_data"
    improvement = published()
    correction = {"title": improvement.title, "said": words, "text": improvement.text}
    assert code(lambda: improvements.correct(improvement=improvement, by=reviewer, **correction)) == "personal_data"


def test_a_number_of_the_company_is_only_doubted(draft, reviewer):
    improvement = draft(text="Call our new line 601 234 567 or write to help@bank.example.")

    assert len(improvements.doubts(improvement=improvement)) == 2
    assert improvements.publish(improvement=improvement, by=reviewer).state == "published"
    assert improvements.doubts(improvement=draft()) == []


COMMENT = "I am tired. My transfer to Kraków took three whole days, and nobody told me why!"


def test_people_are_not_quoted_whether_linked_one_by_one_or_by_tag(draft, answer, survey, product, reviewer):
    said = "You told us: my transfer to KRAKÓW took three whole days."
    improvement = draft(said=said)
    assert make_response(survey=survey, comment=COMMENT)
    improvements.publish(improvement=improvement, by=reviewer)  # nobody linked said so

    by_one, by_tag = draft(said=said), draft(said=said)
    improvements.link(improvement=by_one, responses=[answer(comment=COMMENT)], by=reviewer)
    add_tag(responses=[answer("b@example.com", comment=COMMENT)], name="transfers", by=reviewer)
    improvements.set_tags(improvement=by_tag, tags=Tag.objects.all(), by=reviewer)

    assert code(lambda: improvements.publish(improvement=by_one, by=reviewer)) == "quotation"
    assert code(lambda: improvements.publish(improvement=by_tag, by=reviewer)) == "quotation"
    by_one.said = "It took three whole days, nobody told you."
    improvements.save_draft(improvement=by_one, by=reviewer)
    assert improvements.publish(improvement=by_one, by=reviewer).state == "published"


def test_only_fitting_responses_are_linked_and_each_once(draft, answer, reviewer):
    improvement = draft()
    fitting = answer()
    unfit = [make_response(), answer("t@example.com", is_test=True), answer("r@example.com")]
    type(unfit[2]).objects.filter(pk=unfit[2].pk).update(restricted_at=timezone.now())

    assert improvements.link(improvement=improvement, responses=[fitting, *unfit], by=reviewer) == 1
    assert improvements.link(improvement=improvement, responses=[fitting], by=reviewer) == 0
    assert list(improvement.responses.all()) == [fitting]
    assert improvements.unlink(improvement=improvement, responses=[fitting, *unfit], by=reviewer) == 1
    assert not improvements.linked_responses(improvement).exists()


def test_tags_of_other_products_cannot_be_linked(draft, reviewer):
    foreign = Tag.objects.create(product=make_product(), name="fees")

    assert code(lambda: improvements.set_tags(improvement=draft(), tags=[foreign], by=reviewer)) == "foreign_tag"


def test_links_stay_as_they_were_once_people_were_told(published, answer, reviewer):
    improvement = published(answer())
    improvements.mail(improvement=improvement, by=reviewer)

    for change in (
        lambda: improvements.link(improvement=improvement, responses=[answer("b@example.com")], by=reviewer),
        lambda: improvements.unlink(improvement=improvement, responses=[], by=reviewer),
        lambda: improvements.set_tags(improvement=improvement, tags=[], by=reviewer),
    ):
        assert code(change) == "already_mailed"


def test_what_can_be_linked_ends_where_the_users_products_end(draft, answer, reviewer, survey):
    improvement, response = draft(), answer()
    make_response(survey=make_survey(), comment="elsewhere")

    assert list(improvements.responses_to_link(improvement, user=reviewer)) == [response]
    assert not improvements.responses_to_link(improvement, user=make_staff("reviewer")).exists()


def test_the_database_knows_no_correction_of_what_was_never_published(draft):
    improvement = draft()

    for column in ("corrected_at", "withdrawn_at", "mailed_at"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Improvement.objects.filter(pk=improvement.pk).update(**{column: timezone.now()})
