import pytest
from django.contrib.messages import get_messages
from django.core import mail as outbox
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback import improvements
from feedback.models import Improvement, ImprovementMail, Response, Tag
from tests.factories import make_improvement, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db
LIST = reverse("admin:feedback_improvement_changelist")
ADD = reverse("admin:feedback_improvement_add")


def page(improvement, name="change", *more):
    return reverse(f"admin:feedback_improvement_{name}", args=[improvement.pk, *more])


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def text_of(answer):
    return answer.content.decode()


@pytest.fixture
def desk(client, reviewer):
    client.force_login(reviewer)
    return client


def words(**overrides):
    today = timezone.localdate().isoformat()
    return {"language": "en", "title": "Faster", "said": "Slow", "text": "Fast", "done_on": today, **overrides}


def test_a_list_without_any_says_what_to_do_next(desk, draft):
    assert "Nothing here yet" in text_of(desk.get(LIST))
    draft()
    assert "Nothing here yet" not in text_of(desk.get(LIST))
    assert "Nothing here yet" not in text_of(desk.get(f"{LIST}?q=nothing"))


def test_nobody_counts_the_linked_answer_of_a_restricted_person(desk, survey, draft):
    improvement = draft()
    improvement.responses.add(make_response(survey=survey), make_response(survey=survey, restricted_at=timezone.now()))

    assert "Responses: 1." in text_of(desk.get(LIST))
    assert "1 response is linked." in text_of(desk.get(page(improvement)))


def test_a_draft_is_written_edited_and_deleted(desk, product, reviewer):
    assert desk.post(ADD, words(product=product.pk)).status_code == 302
    improvement = Improvement.objects.get()
    assert (improvement.created_by, improvement.state) == (reviewer, "draft")

    assert desk.post(page(improvement), words(title="Much faster")).status_code == 302
    improvement.refresh_from_db()
    assert (improvement.title, improvement.product) == ("Much faster", product)

    desk.post(page(improvement, "delete"), {"post": "yes"})
    assert not Improvement.objects.exists()


def test_a_draft_of_a_product_one_does_not_see_is_refused(desk):
    other = make_survey().product

    answer = desk.post(ADD, words(product=other.pk))

    assert answer.status_code == 200
    assert not Improvement.objects.exists()


def test_what_was_published_is_not_edited_or_deleted(desk, published):
    improvement = published()

    assert desk.post(page(improvement), words(title="Silent change")).status_code == 403
    assert desk.post(page(improvement, "delete"), {"post": "yes"}).status_code == 403
    assert Improvement.objects.get().title == improvement.title
    assert 'name="title"' not in text_of(desk.get(page(improvement)))


def test_saving_a_draft_that_was_published_meanwhile_says_so(desk, draft, reviewer, monkeypatch):
    improvement = draft()
    save = improvements.save_draft

    def save_too_late(**arguments):
        improvements.publish(improvement=improvement, by=reviewer)
        return save(**arguments)

    monkeypatch.setattr(improvements, "save_draft", save_too_late)
    answer = desk.post(page(improvement), words(title="Too late"))

    assert told(answer) == ["It was published meanwhile. Correct it instead, so that everybody sees when."]
    assert Improvement.objects.get().title == improvement.title


def test_a_look_at_a_step_asks_and_does_nothing(desk, draft):
    improvement = draft(text="Call 601 234 567.")

    shown = text_of(desk.get(page(improvement, "step", "publish")))

    assert "Make sure that it belongs to nobody in person" in shown
    assert "Call 601 234 567." in shown
    assert Improvement.objects.get().state == "draft"
    assert desk.get(page(improvement, "step", "nonsense")).status_code == 403


def test_from_publishing_to_the_mail_and_its_outcome(desk, draft, answer, reviewer, django_capture_on_commit_callbacks):
    improvement = draft()
    improvements.link(
        improvement=improvement,
        responses=[answer(), answer("b@example.com", contact_permission=False)],
        by=reviewer,
    )
    assert told(desk.post(page(improvement, "step", "publish"))) == ["Published."]
    asked = text_of(desk.get(page(improvement, "step", "mail")))
    assert "1 person will get the mail." in asked
    assert "2 people gave linked feedback." in asked
    assert "1: did not say that they may be contacted" in asked
    assert outbox.outbox == []

    with django_capture_on_commit_callbacks(execute=True):
        answer = desk.post(page(improvement, "step", "mail"), {"expected": "1"})

    assert told(answer) == ["Those who said so are being told."]
    assert [message.to for message in outbox.outbox] == [["anna@example.com"]]
    shown = text_of(desk.get(page(improvement)))
    assert "1 sent" in shown
    assert "Tell those who said so" not in shown
    assert "anna@example.com" not in shown
    assert text_of(desk.get(page(improvement, "history"))).count("are being told") == 1


def test_an_audience_that_changed_since_it_was_shown_is_asked_about_again(desk, published, answer):
    improvement = published(answer())

    refused = desk.post(page(improvement, "step", "mail"), {"expected": "3"})

    assert told(refused) == ["Meanwhile it is another number of people. Look again."]
    assert not ImprovementMail.objects.exists()


def test_a_mailing_to_nobody_has_no_button_and_says_what_to_do(desk, published):
    shown = text_of(desk.get(page(published(), "step", "mail")))

    assert "0 people will get the mail." in shown
    assert "Link responses or tags first." in shown
    assert 'type="submit">Tell' not in shown


def test_mails_that_were_not_sent_say_why(desk, published, answer, reviewer):
    improvement = published(answer(), answer("b@example.com"))
    improvements.mail(improvement=improvement, by=reviewer)
    Response.objects.filter(respondent__email="b@example.com").update(contact_permission=False)
    for owed in ImprovementMail.objects.all():
        improvements.send_mail(mail_id=owed.pk)

    assert "1 not sent: did not say that they may be contacted" in text_of(desk.get(page(improvement)))


def test_a_correction_is_dated_and_a_quotation_refused(desk, published, answer):
    comment = "It took three whole days and nobody ever told me why"
    improvement = published(answer(comment=comment))

    refused = desk.post(page(improvement, "correct"), words(said=f"You said: {comment}"))
    assert "Say it in your own words." in text_of(refused)
    assert told(desk.post(page(improvement, "correct"), words())) == ["Corrected. The public page says so."]

    improvement.refresh_from_db()
    assert improvement.title == "Faster"
    assert improvement.corrected_at is not None


def test_a_correction_that_a_colleague_made_meanwhile_is_not_overwritten(desk, published, reviewer):
    improvement = published()
    shown = desk.get(page(improvement, "correct"))
    assert 'name="seen"' in text_of(shown)
    opened = shown.context["form"].initial["seen"]
    first = desk.post(page(improvement, "correct"), words(title="Much faster", seen=opened))
    assert told(first) == ["Corrected. The public page says so."]

    refused = text_of(desk.post(page(improvement, "correct"), words(title="Faster", seen=opened)))

    assert "Somebody else corrected it meanwhile." in refused
    assert 'value="Faster"' in refused
    improvement.refresh_from_db()
    assert improvement.title == "Much faster"
    again = desk.get(page(improvement, "correct")).context["form"].initial["seen"]
    desk.post(page(improvement, "correct"), words(title="Faster", seen=again))
    improvement.refresh_from_db()
    assert improvement.title == "Faster"


def test_responses_are_found_linked_and_unlinked(desk, draft, answer, product):
    improvement = draft()
    slow, other = answer(comment="The transfer was slow"), answer("b@example.com", comment="Nice colours")
    make_response(survey=make_survey(), comment="The transfer was slow elsewhere")
    address = page(improvement, "responses")

    shown = text_of(desk.get(f"{address}?q=transf"))
    assert "The transfer was slow" in shown
    assert "Nice colours" not in shown
    assert "elsewhere" not in shown
    assert "anna@example.com" not in shown
    answer = desk.post(f"{address}?q=transf", {"response": [slow.pk, other.pk, "x"], "link": "1"})
    assert answer["Location"].endswith("?q=transf")
    assert told(answer) == ["2 responses linked."]
    desk.post(address, {"response": [other.pk], "unlink": "1"})

    assert list(improvement.responses.all()) == [slow]
    fees = Tag.objects.create(product=product, name="fees")
    foreign = Tag.objects.create(product=make_survey().product, name="foreign")
    desk.post(address, {"tags_answered": "1", "tags": [fees.pk]})
    refused = desk.post(address, {"tags_answered": "1", "tags": [foreign.pk]})
    assert set(refused.context["tags_form"].errors) == {"tags"}
    assert refused.context["tags_form"].errors["tags"][0] in text_of(refused)
    assert told(refused).count("Tags saved.") == 1  # of the tag before
    assert list(improvement.tags.all()) == [fees]


def test_people_are_not_searched_for(desk, draft, answer):
    improvement = draft()
    answer(comment="Write to jan@example.com")

    shown = desk.get(f"{page(improvement, 'responses')}?q=jan@example.com")

    assert told(shown) == ["Only words in comments can be searched for here, not people."]
    assert "No other response was found." in text_of(shown)


def test_where_there_is_nothing_to_link_the_page_says_what_to_do_next(desk, draft):
    address = page(draft(), "responses")

    nothing, searched = text_of(desk.get(address)), text_of(desk.get(f"{address}?q=fee&band="))

    assert "There is no other response to link: as soon as somebody answers about the product" in nothing
    assert "No response is linked by itself yet. Find some below" in nothing
    assert "No other response was found. Try fewer words" in searched
    assert "as soon as somebody answers" not in searched


def test_comments_are_masked_also_for_who_may_read_them(desk, draft, answer, reviewer):
    improvement, response = draft(), answer(comment="Write to jan@example.com")
    answer(comment="Or to eva@example.com")
    improvements.link(improvement=improvement, responses=[response], by=reviewer)

    shown = text_of(desk.get(page(improvement, "responses")))

    assert "Write to [e-mail]" in shown
    assert "Or to [e-mail]" in shown


def test_who_may_not_read_comments_sees_them_masked_and_changes_nothing(client, draft, answer, reviewer, product):
    improvement, response = draft(), answer(comment="Write to jan@example.com")
    improvements.link(improvement=improvement, responses=[response], by=reviewer)
    client.force_login(make_staff("analyst", product=product))

    shown = text_of(client.get(page(improvement, "responses")))

    assert "Write to [e-mail]" in shown
    assert "jan@example.com" not in shown
    assert "checkbox" not in shown
    assert client.post(page(improvement, "responses"), {"response": [response.pk], "unlink": "1"}).status_code == 403
    for name in ("publish", "mail", "withdraw"):
        assert client.get(page(improvement, "step", name)).status_code == 403
    assert improvement.responses.count() == 1


def test_responses_are_linked_from_their_list_and_their_page(desk, draft, answer):
    improvement, first, second = draft(), answer(), answer("b@example.com")
    make_improvement(product=make_survey().product, title="Of another product")

    address = reverse("admin:feedback_response_do", args=[first.pk, "improvement"])
    assert "Of another product" not in text_of(desk.get(address))
    one = desk.post(address, {"answered": "1", "improvement": improvement.pk})
    many = desk.post(
        reverse("admin:feedback_response_changelist"),
        {
            "action": "improvement",
            "_selected_action": [first.pk, second.pk],
            "answered": "1",
            "improvement": improvement.pk,
        },
    )

    assert told(one) == ["1 response linked."]
    assert told(many)[-2:] == [
        "1 response linked.",
        "1 not linked: linked already, a test, or of another product.",
    ]
    assert improvement.responses.count() == 2


def test_members_of_other_products_find_no_page(client, published):
    improvement = published()
    client.force_login(make_staff("reviewer"))

    for name, more in (("correct", ()), ("responses", ()), ("step", ("publish",))):
        assert client.get(page(improvement, name, *more)).status_code == 404
        assert client.post(page(improvement, name, *more)).status_code == 404


@pytest.mark.parametrize("role", ["reviewer", "superuser"])
def test_pages_cost_the_same_with_one_and_with_ten_rows(client, draft, answer, reviewer, admin_user, role):
    client.force_login(reviewer if role == "reviewer" else admin_user)
    improvement = draft()

    def cost():
        counts = []
        for address in (LIST, page(improvement), page(improvement, "responses"), page(improvement, "step", "mail")):
            client.get(address)
            with CaptureQueriesContext(connection) as captured:
                assert client.get(address).status_code == 200
            counts.append(len(captured))
        return counts

    improvements.link(improvement=improvement, responses=[answer("l@example.com")], by=reviewer)
    answer("0@example.com", comment="slow")
    before = cost()
    for number in range(9):
        draft()
        answer(f"{number}1@example.com", comment="slow")
        improvements.link(improvement=improvement, responses=[answer(f"{number}2@example.com")], by=reviewer)

    assert cost() == before


def test_an_improvement_is_withdrawn_in_its_own_gender(desk, published, answer):
    shown = text_of(desk.get(page(published(answer())), headers={"accept-language": "pl"}))

    assert "Wycofane" in shown
    assert "Wycofana" not in shown
