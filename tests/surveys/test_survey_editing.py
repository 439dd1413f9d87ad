"""Settings and wording of surveys in the admin."""

import pytest
from django.urls import reverse

from surveys.models import ProductThrottles, Survey
from surveys.publishing import publish
from surveys.wording import DEFAULT_BASE
from tests.factories import make_draft, make_product, make_staff, make_survey
from tests.surveys.pages import form_of, messages_of, page, save, send

pytestmark = pytest.mark.django_db


def test_product_metric_and_bands_of_a_published_survey_cannot_be_changed(client, administrator, product):
    survey = make_survey(product=product, metric="ces")
    other = make_product(controller=product.controller)

    save(client, survey, {"product": other.pk, "metric": "csat", "band_profile": "wootric"})

    survey.refresh_from_db()
    assert (survey.product, survey.metric, survey.band_profile) == (product, "ces", "standard")


def test_the_metric_of_a_draft_brings_its_own_question(client, administrator, product):
    survey = make_draft(product=product, metric="nps")

    save(client, survey, {"metric": "ces"})

    assert survey.wordings.get(language="en").question == DEFAULT_BASE["ces", "en"][0]
    assert client.get(page(survey, "preview")).content.count(b'name="score"') == 7


def test_an_old_page_does_not_bring_an_old_state_back(client, administrator, product):
    survey = make_draft(product=product)
    data = form_of(client.get(page(survey)))
    publish(survey=survey)

    answer = client.post(page(survey), {**data, "name": "Nowa nazwa", "metric": "ces"})
    assert answer.status_code == 302, answer.context["errors"]

    survey.refresh_from_db()
    assert (survey.name, survey.state, survey.metric) == ("Nowa nazwa", "live", "nps")
    assert survey.current_version.number == 1


def test_a_published_survey_is_archived_instead_of_deleted(client, superuser, product):
    survey = make_survey(product=product)

    answer = client.post(page(survey, "delete"), {"post": "yes"})

    assert answer["Location"] == page(survey)
    assert "Archive it" in messages_of(answer)[0]
    assert "Archive it" in client.get(page(survey)).content.decode()
    assert f'href="{page(survey, "delete")}"' not in client.get(page(survey)).content.decode()
    assert Survey.objects.filter(pk=survey.pk).exists()


def test_a_draft_may_be_deleted_by_those_who_may(client, administrator, product):
    survey = make_draft(product=product)
    assert client.post(page(survey, "delete"), {"post": "yes"}).status_code == 403

    client.force_login(make_staff(is_superuser=True))
    assert f'href="{page(survey, "delete")}"' in client.get(page(survey)).content.decode()
    client.post(page(survey, "delete"), {"post": "yes"})
    assert not Survey.objects.exists()


def test_surveys_are_not_deleted_from_the_list(client, superuser, product):
    survey = make_draft(product=product)

    client.post(
        reverse("admin:surveys_survey_changelist"),
        {"action": "delete_selected", "_selected_action": [survey.pk], "post": "yes"},
    )

    assert Survey.objects.exists()


@pytest.mark.parametrize("slug", ["", "żółw", "a b", "a/b", "x" * 65])
def test_a_share_link_that_is_no_slug_is_refused(client, administrator, product, slug):
    survey = make_draft(product=product, slug="good")
    answer = send(client, survey, {"slug": slug})

    assert "slug" in answer.context["adminform"].form.errors
    survey.refresh_from_db()
    assert survey.slug == "good"


def test_a_share_link_is_lower_case_and_belongs_to_one_survey(client, administrator, product):
    make_draft(product=product, slug="taken")
    survey = make_draft(product=product)

    answer = send(client, survey, {"slug": "Taken"})
    assert "slug" in answer.context["adminform"].form.errors

    save(client, survey, {"slug": "Moja-Ankieta"})
    survey.refresh_from_db()
    assert survey.slug == "moja-ankieta"


def test_the_page_gives_the_whole_share_link_to_copy(client, administrator, product, settings):
    settings.PUBLIC_URL = "https://odzew.example"
    survey = make_draft(product=product, slug="polecenie")

    assert 'value="https://odzew.example/s/polecenie/"' in client.get(page(survey)).content.decode()


def test_channels_are_ticked_and_at_least_one_is(client, administrator, product):
    survey = make_draft(product=product)
    data = form_of(client.get(page(survey)))

    save(client, survey, {"channels": ["web", "link"]})
    survey.refresh_from_db()
    assert survey.channels == ["web", "link"]

    for wrong in ([], ["fax"]):
        answer = client.post(page(survey), {**data, "channels": wrong})
        assert "channels" in answer.context["adminform"].form.errors


def test_times_are_those_of_the_product(client, administrator, product):
    survey = make_draft(product=product)

    save(client, survey, {"starts_at_0": "2030-07-01", "starts_at_1": "09:00"})

    survey.refresh_from_db()
    assert survey.starts_at.isoformat() == "2030-07-01T07:00:00+00:00"
    assert 'value="09:00:00"' in client.get(page(survey)).content.decode()


def test_an_end_before_the_start_is_refused(client, administrator, product):
    survey = make_draft(product=product)
    schedule = {
        "starts_at_0": "2030-07-02",
        "starts_at_1": "09:00",
        "ends_at_0": "2030-07-02",
        "ends_at_1": "09:00",
    }

    answer = send(client, survey, schedule)

    assert answer.context["adminform"].form.has_error("ends_at", "ends_before_start")


def test_an_empty_throttle_shows_the_number_in_force(client, administrator, product):
    ProductThrottles.objects.create(product=product, response_days=45)
    survey = make_draft(product=product)

    fields = client.get(page(survey)).context["adminform"].form.fields

    assert fields["response_days"].help_text.endswith(" When empty: 45, as set for the product.")
    assert fields["response_days"].widget.attrs["placeholder"] == "45"
    assert fields["decline_days"].help_text.endswith(" When empty: 30.")


def test_a_product_has_one_row_of_throttles(client, administrator, product):
    foreign = ProductThrottles.objects.create(product=make_product())
    add = reverse("admin:surveys_productthrottles_add")

    client.post(add, {"product": product.pk, "response_days": "60"})
    again = client.post(add, {"product": product.pk, "response_days": "10"})
    own = ProductThrottles.objects.get(product=product)
    client.post(reverse("admin:surveys_productthrottles_change", args=[own.pk]), {"product": foreign.product_id})

    own.refresh_from_db()
    assert (own.product, own.response_days) == (product, None)
    assert "product" in again.context["adminform"].form.errors
    listed = client.get(reverse("admin:surveys_productthrottles_changelist")).context["cl"].queryset
    assert list(listed) == [own]
    hidden = client.get(reverse("admin:surveys_productthrottles_change", args=[foreign.pk]))
    assert hidden.status_code == 302  # the admin's way to say that there is nothing here


def test_texts_that_are_missing_or_too_long_are_refused(client, administrator, product):
    survey = make_draft(product=product)
    data = form_of(client.get(page(survey)))
    for name, text in [
        ("wording-pl-0-question", ""),
        ("wording-en-0-low_label", "x" * 61),
        ("bands-pl-1-thanks", ""),
        ("bands-en-0-reasons", "x" * 81),
        ("bands-en-0-reasons", "\n".join(f"reason {number}" for number in range(13))),
    ]:
        answer = client.post(page(survey), {**data, name: text})
        assert answer.status_code == 200, name
        field = name.rpartition("-")[2]
        errors = [form.errors for one in answer.context["inline_admin_formsets"] for form in one.formset.forms]
        assert sum(field in error for error in errors) == 1, name


def test_a_language_can_be_left_out_and_taken_back(client, administrator, product):
    survey = make_draft(product=product)

    save(client, survey, {"wording-en-0-DELETE": "on", "bands-en-0-thanks": "Ta!"})
    assert not survey.wordings.filter(language="en").exists()
    assert not survey.band_wordings.filter(language="en").exists()
    assert "There is no wording in this language" in client.get(page(survey)).content.decode()

    answer = save(client, survey, {"_add_language": "en", "name": "Saved too"})
    survey.refresh_from_db()
    assert answer["Location"] == page(survey) + "#wording-en"
    assert survey.wordings.get(language="en").question == DEFAULT_BASE["nps", "en"][0]
    assert (survey.band_wordings.filter(language="en").count(), survey.name) == (3, "Saved too")


def test_the_default_language_cannot_be_left_out(client, administrator, product):
    survey = make_draft(product=product)

    answer = send(client, survey, {"wording-pl-0-DELETE": "on"})

    assert answer.status_code == 200
    assert "This is the product&#x27;s default language" in answer.content.decode()
    assert survey.wordings.filter(language="pl").exists()


def test_a_language_nobody_ships_is_not_added(client, administrator, product):
    survey = make_draft(product=product)

    save(client, survey, {"_add_language": "xx"})

    assert set(survey.wordings.values_list("language", flat=True)) == {"pl", "en"}
