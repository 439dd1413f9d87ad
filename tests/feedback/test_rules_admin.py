"""The editor of rules: choosing in words, looking before saving, refusing what cannot work, tagging afterwards."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from feedback.models import FollowUp, ResponseTag, Rule, StaffMail, Tag, Team
from feedback.rules import finding, switch_rules
from tests.factories import make_product, make_respondent, make_response, make_staff, make_survey

pytestmark = pytest.mark.django_db

BASE = {"name": "Fees", "is_active": "on", "position": "1", "priority": "normal"}


@pytest.fixture
def product(survey):
    return survey.product


@pytest.fixture
def reviewer(client, product):
    user = make_staff("reviewer", product=product)
    client.force_login(user)
    return user


def add(client, **fields):
    return client.post(reverse("admin:feedback_rule_add"), {**BASE, **fields})


def codes(answer):
    errors = answer.context["adminform"].form.errors.as_data()
    return {(field, error.code) for field, listed in errors.items() for error in listed}


def preview(client, product, rule=None, **fields):
    address = reverse("admin:feedback_rule_preview", args=[product.pk]) + (f"?rule={rule.pk}" if rule else "")
    return client.post(address, {**BASE, **fields}).content.decode()


def complete(survey, **overrides):
    return make_response(survey=survey, **{"score": 2, "completed_at": timezone.now(), **overrides})


# --- Setting ----------------------------------------------------------------------------------------------------------


def test_a_rule_is_made_in_words_and_reads_as_a_sentence(client, product, reviewer):
    agent, team = make_staff("agent", product=product), Team.objects.create(product=product, name="Care")

    answer = add(
        client,
        metrics=["nps"],
        bands=["detractor"],
        lowest_score="0",
        highest_score="4",
        channels=["web", "email"],
        keywords="opłat*\nhidden fee\n",
        with_contact_permission="on",
        new_tag="  high   fees ",
        opens_follow_up="on",
        priority="high",
        team=team.pk,
        owner=agent.pk,
        alerts=[reviewer.pk],
    )

    assert answer.status_code == 302, codes(answer)
    rule = Rule.objects.get()
    assert rule.product == product
    assert rule.keywords == ["opłat*", "hidden fee"]
    assert rule.adds_tag == Tag.objects.get(product=product, name="high fees")
    assert list(rule.alerts.all()) == [reviewer]
    sentence = (
        "If the metric is NPS, the band is detractor, the score is 0 to 4, the channel is web or e-mail, the comment "
        "has “opłat*” or “hidden fee” and the person may be contacted about it: give the tag “high fees”, open a "
        f"follow-up of high priority for {agent} of the team Care and alert {reviewer}."
    )
    for page in ("changelist", "change"):
        args = [rule.pk] if page == "change" else []
        assert sentence in client.get(reverse(f"admin:feedback_rule_{page}", args=args)).content.decode()


def test_a_saved_rule_opens_with_what_it_says_and_can_be_changed(client, product, reviewer):
    tag = Tag.objects.create(product=product, name="fees")
    rule = Rule.objects.create(product=product, name="Fees", keywords=["fee*", "cost"], bands=["passive"], adds_tag=tag)
    address = reverse("admin:feedback_rule_change", args=[rule.pk])

    form = client.get(address).context["adminform"].form
    assert form["keywords"].value() == "fee*\ncost"
    assert form["bands"].value() == ["passive"]
    answer = client.post(address, {**BASE, "name": "Other", "adds_tag": tag.pk, "keywords": "cost"})

    assert answer.status_code == 302, codes(answer)
    rule.refresh_from_db()
    assert (rule.name, rule.keywords, rule.bands) == ("Other", ["cost"], [])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {("adds_tag", "no_action")}),
        ({"lowest_score": "3", "new_tag": "x"}, {("metrics", "score_needs_one_metric")}),
        ({"metrics": ["csat"], "highest_score": "9", "new_tag": "x"}, {("highest_score", "score_outside_scale")}),
        ({"metrics": ["csat"], "lowest_score": "0", "new_tag": "x"}, {("lowest_score", "score_outside_scale")}),
        (
            {"metrics": ["nps"], "lowest_score": "9", "highest_score": "2", "new_tag": "x"},
            {("highest_score", "range_reversed")},
        ),
        (
            {"metrics": ["nps"], "bands": ["promoter"], "highest_score": "6", "new_tag": "x"},
            {("bands", "score_outside_bands")},
        ),
        ({"keywords": "f*", "new_tag": "x"}, {("keywords", "beginning_too_short")}),
        ({"keywords": "*fee", "new_tag": "x"}, {("keywords", "misplaced_asterisk")}),
        ({"keywords": "fe*e", "new_tag": "x"}, {("keywords", "misplaced_asterisk")}),
        ({"keywords": "!!", "new_tag": "x"}, {("keywords", "no_letters")}),
        ({"keywords": "anna@example.com", "new_tag": "x"}, {("keywords", "personal_data")}),
        ({"keywords": "x" * 81, "new_tag": "x"}, {("keywords", "too_long")}),
        ({"keywords": "\n".join(f"word{n}" for n in range(51)), "new_tag": "x"}, {("keywords", "too_many")}),
        ({"bands": ["angry"], "new_tag": "x"}, {("bands", "invalid_choice")}),
        ({"name": "", "new_tag": "x"}, {("name", "required")}),
    ],
)
def test_what_could_never_work_is_refused_at_its_field(client, product, reviewer, fields, expected):
    assert codes(add(client, **fields)) == expected
    assert not Rule.objects.exists()
    assert not Tag.objects.exists()


def test_what_belongs_to_other_products_cannot_be_chosen(client, product, reviewer):
    other = make_product(controller=product.controller)
    stranger = make_staff("agent", product=other)
    fields = {
        "adds_tag": Tag.objects.create(product=other, name="theirs").pk,
        "team": Team.objects.create(product=other, name="Theirs").pk,
        "owner": stranger.pk,
        "alerts": [stranger.pk],
        "opens_follow_up": "on",
    }

    answer = add(client, **fields)

    assert {field for field, _code in codes(answer)} == {"adds_tag", "team", "owner", "alerts"}
    assert "theirs" not in answer.content.decode().lower()


def test_the_domain_itself_refuses_them_too(product):
    from django.core.exceptions import ValidationError  # noqa: PLC0415

    from feedback.rules import check_rule  # noqa: PLC0415

    other = make_product()
    stranger = make_staff("agent", product=other)
    tag = Tag.objects.create(product=other, name="theirs")
    rule = Rule(product=product, adds_tag=tag, with_tag=tag, owner=stranger)

    with pytest.raises(ValidationError) as refused:
        check_rule(rule, receivers=[stranger])

    found = {(field, each.code) for field, errors in refused.value.error_dict.items() for each in errors}
    assert found == {
        ("adds_tag", "own_tag"),
        ("adds_tag", "other_product"),
        ("with_tag", "other_product"),
        ("owner", "only_with_follow_up"),
        ("owner", "owner_cannot_work"),
        ("alerts", "receiver_cannot_see"),
    }


def test_two_rules_of_a_product_have_different_names_and_a_tag_is_not_made_twice(client, product, reviewer):
    Tag.objects.create(product=product, name="Fees")
    assert add(client, new_tag="fees").status_code == 302

    assert codes(add(client, new_tag="fees")) == {("__all__", "unique_together")}
    assert codes(add(client, name="B", new_tag="x", adds_tag=Tag.objects.get().pk)) == {("new_tag", "two_tags")}
    assert Tag.objects.count() == 1


def test_who_sees_several_products_chooses_one_first(client, product, reviewer):
    other = make_product(controller=product.controller, name="Other shop")
    other.memberships.create(user=reviewer, controller=other.controller)
    hidden = make_product(name="Hidden shop")
    address = reverse("admin:feedback_rule_add")

    page = client.get(address).content.decode()
    assert f"?product={other.pk}" in page
    assert "Hidden shop" not in page
    assert client.get(f"{address}?product={hidden.pk}").status_code == 404
    assert client.post(f"{address}?product={other.pk}", {**BASE, "new_tag": "x"}).status_code == 302
    assert Rule.objects.get().product == other


def test_a_rule_is_copied_to_another_product_with_its_tag_by_name(client, product, reviewer):
    other = make_product(controller=product.controller)
    other.memberships.create(user=reviewer, controller=other.controller)
    rule = Rule.objects.create(
        product=product,
        name="Fees",
        keywords=["fee*"],
        adds_tag=Tag.objects.create(product=product, name="fees"),
        team=Team.objects.create(product=product, name="Care"),
        opens_follow_up=True,
    )
    hidden = Rule.objects.create(product=make_product(), name="Theirs")
    address = reverse("admin:feedback_rule_add")

    assert f"?copy={rule.pk}" in client.get(reverse("admin:feedback_rule_change", args=[rule.pk])).content.decode()
    assert f"?product={other.pk}&amp;copy={rule.pk}" in client.get(f"{address}?copy={rule.pk}").content.decode()
    form = client.get(f"{address}?product={other.pk}&copy={rule.pk}").context["adminform"].form

    said = {name: form[name].value() for name in ("name", "keywords", "new_tag", "opens_follow_up", "adds_tag", "team")}
    assert said == {
        "name": "Fees",
        "keywords": "fee*",
        "new_tag": "fees",
        "opens_follow_up": True,
        "adds_tag": None,
        "team": None,
    }
    assert client.get(f"{address}?product={other.pk}&copy={hidden.pk}").status_code == 404


def test_rules_are_switched_off_and_on_in_the_list(client, product, reviewer):
    rule = Rule.objects.create(product=product, name="Fees")
    for action, expected in (("switch_off", False), ("switch_on", True)):
        client.post(reverse("admin:feedback_rule_changelist"), {"action": action, "_selected_action": [rule.pk]})
        rule.refresh_from_db()
        assert rule.is_active is expected


def test_switching_rules_changes_and_remembers_only_those_that_were_not_so(client, product, reviewer):
    off, on = (Rule.objects.create(product=product, name=name, is_active=name == "on") for name in ("off", "on"))
    foreign = Rule.objects.create(product=make_product(), name="foreign", is_active=False)
    keys = [off.pk, on.pk, foreign.pk]

    assert switch_rules(rules=[off, on], on=False) == [on]
    client.post(reverse("admin:feedback_rule_changelist"), {"action": "switch_on", "_selected_action": keys})
    client.post(reverse("admin:feedback_rule_changelist"), {"action": "switch_on", "_selected_action": keys})

    assert set(Rule.objects.filter(is_active=True)) == {off, on}
    assert sorted(LogEntry.objects.values_list("object_id", flat=True)) == sorted([str(off.pk), str(on.pk)])


# --- Looking before saving --------------------------------------------------------------------------------------------


def test_the_preview_counts_what_the_unsaved_form_would_have_matched_and_saves_nothing(
    client, product, survey, reviewer
):
    matching = [complete(survey, comment=f"High fees {number}") for number in range(7)]
    complete(survey, comment="Coffee")
    complete(survey, comment="High fees long ago", answered_at=timezone.now() - timedelta(days=91))
    complete(survey, comment="High fees of a test", is_test=True)
    complete(survey, comment="High fees of a suspect", is_suspect=True)
    complete(survey, comment="High fees of somebody restricted", restricted_at=timezone.now())
    complete(make_survey(), comment="High fees elsewhere")

    page = preview(client, product, keywords="fee*", new_tag="fees", name="")

    assert "7 responses match." in page
    assert "give the tag “fees”" in page
    for response in matching[2:]:
        assert response.comment in page
        assert reverse("admin:feedback_response_change", args=[response.pk]) in page
    for comment in (matching[1].comment, "long ago", "of a test", "of a suspect", "restricted", "elsewhere"):
        assert comment not in page
    assert not (Rule.objects.exists())
    assert not (Tag.objects.exists())
    assert not (ResponseTag.objects.exists())


def test_the_preview_of_a_saved_rule_uses_the_form_and_leaves_the_rule_alone(client, product, survey, reviewer):
    rule = Rule.objects.create(product=product, name="Fees", keywords=["fee*"])
    complete(survey, comment="a queue")

    assert "1 response matches." in preview(client, product, rule, keywords="queue")

    rule.refresh_from_db()
    assert rule.keywords == ["fee*"]


def test_the_preview_says_what_is_wrong_with_the_conditions(client, product, reviewer):
    page = preview(client, product, keywords="*")

    assert "has neither letters nor digits" in page
    assert "match" not in page


def test_who_may_not_read_comments_learns_nothing_from_the_preview(client, product, survey):
    administrator = make_staff("administrator", product=product)
    client.force_login(administrator)
    complete(survey, comment="Kowalska called me at 601 234 567")

    for word in ("Kowalska", "Nowak"):
        page = preview(client, product, keywords=word)
        assert "Fewer than 5 responses match." in page
        assert "601" not in page
    administrator.user_permissions.add(Permission.objects.get(codename="view_response"))
    client.force_login(administrator)
    assert "called" not in preview(client, product, keywords="Kowalska")
    page = preview(client, product, bands=["detractor"])
    assert "called me at" in page
    assert "601 234 567" not in page


@pytest.mark.parametrize("role", ["analyst", "agent", "privacy_officer", "data_protection_officer"])
def test_only_those_who_may_make_rules_preview_them(client, product, role):
    client.force_login(make_staff(role, product=product))

    address = reverse("admin:feedback_rule_preview", args=[product.pk])
    assert client.post(address, BASE).status_code == 403


def test_products_and_rules_of_others_cannot_be_previewed(client, product, reviewer):
    hidden = Rule.objects.create(product=make_product(), name="Theirs")
    address = reverse("admin:feedback_rule_preview", args=[hidden.product_id])

    assert client.post(address, BASE).status_code == 404
    assert (
        client.post(f"{reverse('admin:feedback_rule_preview', args=[product.pk])}?rule={hidden.pk}").status_code == 404
    )
    assert client.get(reverse("admin:feedback_rule_preview", args=[product.pk])).status_code == 405


def test_very_many_texts_are_looked_through_from_the_newest_and_the_page_says_so(
    client, product, survey, reviewer, monkeypatch
):
    monkeypatch.setattr(finding, "MOST_TEXTS", 6)
    for days in range(10):
        complete(survey, comment="fee", answered_at=timezone.now() - timedelta(days=days))

    assert "At least 6 responses match, counted among the newest since" in preview(client, product, keywords="fee")
    monkeypatch.setattr(finding, "COUNT_UP_TO", 4)
    assert "At least 4 responses match" not in preview(client, product, bands=["promoter"])


def test_moments_and_days_of_the_preview_are_those_of_the_product(client, product, survey, reviewer, monkeypatch):
    product.time_zone = "Asia/Tokyo"
    product.save()
    monkeypatch.setattr(finding, "MOST_TEXTS", 2)
    for hour in (20, 21, 22):
        complete(
            survey, comment="fee", answered_at=timezone.now().replace(year=2025, month=12, day=31, hour=hour, minute=30)
        )
    monkeypatch.setattr(finding, "LOOKS_BACK", timedelta(days=36500))

    page = preview(client, product, keywords="fee")

    assert "counted among the newest since Jan. 1, 2026" in page
    assert "01/01/2026 7:30" in page
    assert "12/31/2025" not in page


def test_the_preview_takes_as_many_statements_for_many_responses(client, product, survey, reviewer):
    def statements():
        with CaptureQueriesContext(connection) as captured:
            preview(client, product, keywords="fee")
        return len(captured)

    for _ in range(5):
        complete(survey, comment="fee")
    few = statements()
    for _ in range(20):
        complete(survey, comment="fee")

    assert statements() == few


# --- Tagging what is there --------------------------------------------------------------------------------------------


def test_existing_responses_get_the_tag_after_a_question_and_nothing_else_happens(
    client, product, survey, reviewer, django_capture_on_commit_callbacks
):
    tag = Tag.objects.create(product=product, name="fees")
    rule = Rule.objects.create(product=product, name="Fees", keywords=["fee*"], adds_tag=tag, opens_follow_up=True)
    rule.alerts.set([reviewer])
    old = complete(survey, comment="fees", answered_at=timezone.now() - timedelta(days=400))
    new, other = complete(survey, comment="fees"), complete(survey, comment="queue")
    restricted = complete(
        survey, comment="fees", respondent=make_respondent(product=product, restricted_at=timezone.now())
    )
    address = reverse("admin:feedback_rule_tag_existing", args=[rule.pk])
    page = reverse("admin:feedback_rule_change", args=[rule.pk])
    assert address in client.get(page).content.decode()

    assert "3 responses match." in client.get(address).content.decode()
    assert not ResponseTag.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(address)["Location"] == page

    assert set(ResponseTag.objects.values_list("response", flat=True)) == {old.pk, new.pk}
    assert other.pk
    assert restricted.pk
    assert not (FollowUp.objects.exists())
    assert not (StaffMail.objects.exists())
    assert "2 existing responses got the tag" in client.get(page).content.decode()


def test_a_rule_that_changes_stops_tagging_what_is_there(client, product, reviewer):
    tag = Tag.objects.create(product=product, name="fees")
    rule = Rule.objects.create(product=product, name="Fees", adds_tag=tag, tags_existing_before=99, existing_tagged=1)

    client.post(reverse("admin:feedback_rule_change", args=[rule.pk]), {**BASE, "adds_tag": tag.pk, "keywords": "cost"})

    rule.refresh_from_db()
    assert rule.tags_existing_before is None


def test_administrators_set_rules_but_do_not_touch_responses(client, product):
    tag = Tag.objects.create(product=product, name="fees")
    rule = Rule.objects.create(product=product, name="Fees", adds_tag=tag)
    client.force_login(make_staff("administrator", product=product))

    page = client.get(reverse("admin:feedback_rule_change", args=[rule.pk])).content.decode()

    assert reverse("admin:feedback_rule_tag_existing", args=[rule.pk]) not in page
    assert 'name="new_tag"' not in page
    assert client.post(reverse("admin:feedback_rule_tag_existing", args=[rule.pk])).status_code == 403


def test_who_only_reads_rules_sees_them_as_sentences(client, product):
    rule = Rule.objects.create(product=product, name="Fees", bands=["detractor"], opens_follow_up=True)
    client.force_login(make_staff("data_protection_officer", product=product))

    page = client.get(reverse("admin:feedback_rule_change", args=[rule.pk])).content.decode()

    assert "If the band is detractor: open a follow-up of normal priority." in page
    assert "data-rule-preview" not in page


def test_the_list_takes_as_many_statements_for_many_rules(client, product, reviewer):
    def statements():
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("admin:feedback_rule_changelist"))
        return len(captured)

    for number in range(12):
        if number == 2:
            few = statements()
        tags = [Tag.objects.create(product=product, name=f"{kind} {number}") for kind in ("has", "gets")]
        rule = Rule.objects.create(
            product=product,
            name=f"Rule {number}",
            with_tag=tags[0],
            adds_tag=tags[1],
            opens_follow_up=True,
            team=Team.objects.create(product=product, name=f"Team {number}"),
            owner=make_staff("agent", product=product),
        )
        rule.alerts.set([make_staff("reviewer", product=product)])

    assert statements() == few
