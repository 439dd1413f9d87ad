import re
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from feedback import improvements
from feedback.improvements import agree_to_contact
from feedback.models import ImprovementMail, Respondent
from feedback.tasks import send_improvement_mails
from tests.factories import make_product, make_respondent

pytestmark = pytest.mark.django_db
PAGE = "/improvements/pk_bank/"


@pytest.fixture
def link(published, answer, reviewer):
    """The way out of a mail that is owed to Anna."""
    improvements.mail(improvement=published(answer()), by=reviewer)
    token = improvements.objection_token(ImprovementMail.objects.get())
    return reverse("improvements:object", args=[token])


def titles(answer):
    return re.findall(r"<h2[^>]*>(.*?)</h2>", answer.content.decode())


def test_only_what_is_published_is_shown_the_newest_first(client, published, draft, reviewer):
    today = timezone.localdate()
    draft(title="A draft")
    improvements.withdraw(improvement=published(title="Withdrawn"), by=reviewer)
    published(title="Older", done_on=today - timedelta(days=30))
    published(title="Newer", done_on=today - timedelta(days=1))

    answer = client.get(PAGE)

    assert titles(answer) == ["Newer", "Older"]
    assert "Corrected" not in answer.content.decode()
    assert "noindex" not in answer.content.decode()


@pytest.mark.parametrize("address", ["/improvements/pk_bank/", "/improvements/pk_nobody/"])
def test_a_product_without_any_has_no_page_just_like_one_that_does_not_exist(client, draft, address):
    draft()

    answer = client.get(address)

    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert "Bank" not in answer.content.decode()


def test_what_was_corrected_says_when(client, published, reviewer):
    improvement = published()
    words = {"title": "In two minutes", "said": improvement.said, "text": improvement.text}
    improvements.correct(improvement=improvement, by=reviewer, **words)

    answer = client.get(PAGE)

    assert titles(answer) == ["In two minutes"]
    assert "Corrected on" in answer.content.decode()


def test_many_are_on_pages_that_keep_the_language(client, published, django_assert_num_queries):
    for number in range(11):
        published(title=f"Number {number}")

    with django_assert_num_queries(2):
        first = client.get(f"{PAGE}?lang=pl")
    second = client.get(f"{PAGE}?lang=pl&page=2")

    assert (len(titles(first)), titles(second)) == (10, ["Number 0"])
    assert 'href="?lang=pl&amp;page=2"' in first.content.decode()
    assert client.get(f"{PAGE}?page=3").status_code == 404
    assert client.get(f"{PAGE}?page=x").status_code == 404


def test_the_page_costs_the_same_with_one_and_with_ten(client, published, django_assert_num_queries):
    for count in (1, 9):
        for _ in range(count):
            published()
        with django_assert_num_queries(2):
            client.get(PAGE)


def test_what_is_in_another_language_than_the_page_is_marked(client, published):
    published(title="Po polsku", language="pl")

    assert '<h2 id="title-' in client.get(PAGE).content.decode()
    assert re.search(r'<h2 id="title-\d+" lang="pl">Po polsku', client.get(PAGE).content.decode())
    assert 'lang="pl">Po polsku' not in client.get(f"{PAGE}?lang=pl").content.decode()


def test_the_page_says_nothing_about_those_who_answered(client, published, answer):
    published(answer(comment="My secret words", name="Anna Nowak", company="ACME"))

    shown = client.get(PAGE).content.decode()

    assert not re.search("secret|anna|nowak|acme|reviewer", shown, re.IGNORECASE)
    assert "style=" not in shown
    assert "<script" not in shown


def test_only_reading_is_possible(client, published):
    published()

    assert client.post(PAGE).status_code == 405
    assert client.head(PAGE).status_code == 200


# --- The way out --------------------------------------------------------------------------------------------------


def test_a_look_at_the_link_changes_nothing_and_a_press_stops_queued_mail(client, link):
    assert client.get(link).status_code == client.head(link).status_code == 200
    assert "Do not contact me" in client.get(link).content.decode()
    assert not Respondent.objects.filter(do_not_contact=True).exists()

    pressed = client.post(link)
    send_improvement_mails()

    assert "Nobody will write to you" in pressed.content.decode()
    assert Respondent.objects.get().do_not_contact
    assert outbox.outbox == []
    assert ImprovementMail.objects.get().dropped_why == "may_not"
    assert "Nobody will write to you" in client.get(link).content.decode()
    assert client.post(link).status_code == 200


def test_the_button_of_a_mail_program_is_one_post_without_login_or_cookie(link):

    answer = Client(enforce_csrf_checks=True).post(
        f"{link}?lang=en", "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
    )

    assert (answer.status_code, len(answer.cookies)) == (200, 0)
    assert Respondent.objects.get().do_not_contact


def test_an_objection_reaches_every_record_of_the_person_and_nobody_else(client, link, product):
    person = Respondent.objects.get()
    device = make_respondent(product=product, person=person)
    namesake = make_respondent(product=product, email="anna@example.com")
    others = [
        make_respondent(product=product, email="b@example.com"),
        make_respondent(product=product),
        make_respondent(product=make_product(), email="anna@example.com"),
    ]

    client.post(link)

    objected = set(Respondent.objects.filter(do_not_contact=True))
    assert objected == {person, device, namesake}
    assert objected.isdisjoint(others)


@pytest.mark.parametrize("spoil", [lambda link: link[:-2] + "/", lambda link: link.replace("object/", "object/x")])
def test_a_link_that_lost_a_part_does_nothing(client, link, spoil):
    for answer in (client.get(spoil(link)), client.post(spoil(link))):
        assert answer.status_code == 404
        assert "We do not know this link" in answer.content.decode()
    assert not Respondent.objects.filter(do_not_contact=True).exists()


def test_the_link_of_an_erased_person_still_answers(client, link):
    Respondent.objects.get().delete()

    assert "Nobody will write to you" in client.get(link).content.decode()
    assert client.post(link).status_code == 200


def test_a_restricted_person_can_object_too(client, link):
    Respondent.objects.update(restricted_at=timezone.now())

    assert client.post(link).status_code == 200
    assert Respondent.including_restricted.get().do_not_contact


def test_a_later_agreement_ends_the_objection_of_every_record_of_the_person(client, link, product):
    person = Respondent.objects.get()
    namesake = make_respondent(product=product, email="anna@example.com")
    other = make_respondent(product=product, do_not_contact=True)
    restricted = make_respondent(product=product, email="anna@example.com", restricted_at=timezone.now())
    client.post(link)

    with pytest.raises(ValidationError) as refused:
        agree_to_contact(respondent=person, evidence=" ")
    assert refused.value.code == "no_evidence"
    agree_to_contact(respondent=person, evidence="letter of 2 March")

    lifted = Respondent.objects.filter(contact_agreed="letter of 2 March")
    assert set(lifted) == {person, namesake}
    assert set(Respondent.objects.filter(do_not_contact=True)) == {other}
    assert restricted in Respondent.including_restricted.filter(do_not_contact=True, contact_agreed="")
    client.post(link)
    assert person in Respondent.objects.filter(do_not_contact=True, contact_agreed="")
