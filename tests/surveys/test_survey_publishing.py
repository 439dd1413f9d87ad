"""From an empty page to the second version, and what happens to a survey as a whole, in the admin."""

import pytest
from django.urls import reverse
from django.utils import timezone

from surveys.models import Survey
from surveys.publishing import change_state, publish
from surveys.scales import Band
from surveys.wording import DEFAULT_BASE
from tests.factories import make_draft, make_product, make_survey
from tests.surveys.pages import messages_of, page, save

pytestmark = pytest.mark.django_db

STEPS = ("publish", "pause", "resume", "archive")


def test_a_survey_is_made_edited_published_and_published_again(client, administrator, product):
    created = client.post(
        reverse("admin:surveys_survey_add"), {"product": product.pk, "name": "Polecenie", "metric": "nps"}
    )
    survey = Survey.objects.get()
    assert created["Location"] == page(survey)
    assert survey.wordings.get(language="pl").question == DEFAULT_BASE["nps", "pl"][0]
    assert survey.band_wordings.filter(language="en").count() == len(Band)

    save(client, survey, {"wording-pl-0-question": "Polecisz nas?", "bands-en-2-reasons": "price\n\n support \nprice"})
    client.post(page(survey, "publish"))
    survey.refresh_from_db()
    assert survey.state == Survey.State.LIVE
    first = survey.current_version
    assert (first.number, first.published_by) == (1, administrator)
    assert first.content["pl"]["question"] == "Polecisz nas?"
    assert first.content["en"]["bands"]["promoter"]["reasons"] == ["price", "support"]

    save(client, survey, {"wording-pl-0-question": "A teraz?"})
    survey.refresh_from_db()
    assert survey.current_version.content["pl"]["question"] == "Polecisz nas?"
    assert "unpublished changes" in client.get(page(survey)).content.decode()

    asked = client.get(page(survey, "publish")).content.decode()
    assert "<del>Polecisz nas?</del>" in asked
    assert "<ins>A teraz?</ins>" in asked
    client.post(page(survey, "publish"))
    survey.refresh_from_db()
    assert survey.current_version.number == 2
    assert survey.current_version.content["pl"]["question"] == "A teraz?"
    assert "unpublished changes" not in client.get(page(survey)).content.decode()


def test_a_new_survey_asks_for_product_name_and_metric_only(client, administrator, product):
    make_product()
    form = client.get(reverse("admin:surveys_survey_add")).context["adminform"].form

    assert list(form.fields) == ["product", "name", "metric"]
    assert list(form.fields["product"].queryset) == [product]
    assert form.initial["product"] == product.pk  # the only one there is to choose


def test_a_survey_of_a_product_one_cannot_see_is_not_made(client, administrator):
    answer = client.post(
        reverse("admin:surveys_survey_add"), {"product": make_product().pk, "name": "X", "metric": "nps"}
    )

    assert answer.status_code == 200
    assert "product" in answer.context["adminform"].form.errors
    assert not Survey.objects.exists()


def test_saving_without_a_change_leaves_everything_as_it_was(client, administrator, product):
    survey = make_survey(product=product, ends_at=timezone.now().replace(year=2040, microsecond=0))
    before = Survey.objects.filter(pk=survey.pk).values().get()

    save(client, survey)

    assert Survey.objects.filter(pk=survey.pk).values().get() == before
    with pytest.raises(Exception, match="Nothing has changed"):
        publish(survey=survey)


def test_save_and_review_saves_and_leads_to_the_confirmation(client, administrator, product):
    survey = make_draft(product=product)

    answer = save(client, survey, {"wording-pl-0-question": "Nowe?", "_publish": "1"})

    assert answer["Location"] == page(survey, "publish")
    assert survey.wordings.get(language="pl").question == "Nowe?"
    assert not survey.versions.exists()


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_nothing_but_a_post_changes_a_survey(client, administrator, product, name, method):
    survey = make_survey(product=product)
    survey.wordings.update(question="Nowe?")
    before = Survey.objects.filter(pk=survey.pk).values().get()

    assert getattr(client, method)(page(survey, name)).status_code == 200

    assert Survey.objects.filter(pk=survey.pk).values().get() == before
    assert survey.versions.count() == 1


def test_a_form_of_another_site_publishes_nothing(administrator, client, product):
    survey = make_draft(product=product)
    client.handler.enforce_csrf_checks = True

    assert client.post(page(survey, "publish")).status_code == 403
    assert not survey.versions.exists()


def test_a_survey_is_paused_resumed_and_archived(client, administrator, product):
    survey = make_survey(product=product)
    for name, state in [("pause", "paused"), ("resume", "live"), ("archive", "archived")]:
        answer = client.post(page(survey, name))
        survey.refresh_from_db()
        assert (answer["Location"], survey.state) == (page(survey), state)

    history = client.get(page(survey, "history")).content.decode()
    assert "Archived." in history


def test_only_what_suits_the_state_is_offered(client, administrator, product):
    def offered(survey):
        return [one for one in STEPS if f'href="{page(survey, one)}"' in client.get(page(survey)).content.decode()]

    paused = change_state(survey=make_survey(product=product), to=Survey.State.PAUSED)
    archived = change_state(survey=make_survey(product=product), to=Survey.State.ARCHIVED)

    assert offered(make_draft(product=product)) == ["publish"]
    assert offered(make_survey(product=product)) == ["publish", "pause", "archive"]
    assert offered(paused) == ["publish", "resume", "archive"]
    assert offered(archived) == []


def test_what_cannot_be_done_becomes_a_message(client, administrator, product):
    survey = make_survey(product=product)

    unchanged = client.post(page(survey, "publish"))
    survey.band_wordings.filter(language="en", band=Band.PASSIVE).delete()
    incomplete = client.post(page(survey, "publish"))
    never_published = client.post(page(make_draft(product=product), "pause"))

    assert messages_of(unchanged) == ["Nothing has changed since the current version."]
    assert messages_of(incomplete)[-1] == "The wording in “English” lacks: passive."
    assert messages_of(never_published)[-1] == "Publish the survey first."
    assert survey.versions.count() == 1


def test_the_page_says_why_a_live_survey_is_not_asked(client, administrator, product):
    survey = make_survey(product=product, starts_at=timezone.now() + timezone.timedelta(days=1))
    assert "the schedule has not begun" in client.get(page(survey)).content.decode()

    Survey.objects.update(starts_at=None, ends_at=timezone.now())
    assert "the schedule has ended" in client.get(page(survey)).content.decode()

    type(product).objects.update(is_live=False)
    assert "the product is off" in client.get(page(survey)).content.decode()


def test_a_version_shows_who_published_what(client, administrator, product):
    survey = make_draft(product=product)
    survey.wordings.update(question="<i>Pytanie?</i>")
    survey.band_wordings.update(reasons=["cena", "obsługa"])
    version = publish(survey=survey, by=administrator)

    inside = client.get(reverse("admin:surveys_surveyversion_change", args=[version.pk])).content.decode()

    assert "&lt;i&gt;Pytanie?&lt;/i&gt;" in inside
    assert "cena, obsługa" in inside
    assert administrator.username in inside
    local = version.published_at.astimezone(product.zone)
    assert f"{local:%-I:%M}" in inside
    assert reverse("admin:surveys_surveyversion_change", args=[version.pk]) in client.get(page(survey)).content.decode()


@pytest.mark.parametrize("name", ["add", "delete"])
def test_versions_are_neither_added_nor_deleted_by_hand(client, superuser, product, name):
    version = make_survey(product=product).current_version

    address = reverse(f"admin:surveys_surveyversion_{name}", args=[] if name == "add" else [version.pk])

    assert client.get(address).status_code == 403
    assert client.post(address, {"post": "yes"}).status_code == 403
