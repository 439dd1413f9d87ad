import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from surveys.models import BandWording, Survey
from surveys.publishing import change_state, has_unpublished_changes, publish
from surveys.scales import Band, BandProfile, Metric, scale_of
from tests.factories import make_draft, make_response, make_survey

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("metric", Metric)
def test_a_new_survey_is_usable_after_choosing_product_and_metric(metric):
    version = publish(survey=make_draft(metric=metric))

    assert set(version.content) == {"pl", "en"}
    for words in version.content.values():
        assert words["question"]
        assert set(words["bands"]) == set(Band)


def test_publishing_freezes_a_version_that_nobody_can_change_or_delete():
    version = publish(survey=make_draft())

    with pytest.raises(IntegrityError, match="published"), transaction.atomic():
        type(version).objects.filter(pk=version.pk).update(content={})
    with pytest.raises(IntegrityError, match="published"), transaction.atomic():
        type(version).objects.filter(pk=version.pk)._raw_delete("default")


def test_a_new_version_takes_over_and_old_responses_keep_what_they_were_shown():
    survey = make_survey()
    old = make_response(survey=survey)
    survey.wordings.filter(language="pl").update(question="Nowe pytanie?")

    new = publish(survey=survey)

    survey.refresh_from_db()
    old.refresh_from_db()
    assert survey.current_version == new
    assert (new.number, old.version.number) == (2, 1)
    assert old.version.content["pl"]["question"] != "Nowe pytanie?"


def test_the_database_refuses_the_version_of_another_survey():
    survey, other = make_survey(), make_survey()

    def show(version):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE surveys_survey SET current_version_id = %s WHERE id = %s", [version.pk, survey.pk])
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    with pytest.raises(IntegrityError, match="survey_shows_a_version_of_its_own"):
        show(other.current_version)

    show(survey.versions.get())
    survey.refresh_from_db()
    assert survey.current_version.survey == survey


def test_publishing_again_without_a_change_is_refused():
    survey = make_survey()

    with pytest.raises(ValidationError) as refusal:
        publish(survey=survey)

    assert refusal.value.code == "unchanged"
    assert not has_unpublished_changes(survey)


def test_a_survey_without_wording_in_the_default_language_cannot_be_published():
    survey = make_draft()
    survey.wordings.filter(language="pl").delete()

    with pytest.raises(ValidationError) as refusal:
        publish(survey=survey)

    assert refusal.value.code == "no_wording"
    assert survey.versions.count() == 0


def test_a_language_that_lacks_a_band_cannot_be_published():
    survey = make_draft()
    BandWording.objects.filter(survey=survey, language="en", band=Band.PASSIVE).delete()

    with pytest.raises(ValidationError) as refusal:
        publish(survey=survey)

    assert refusal.value.code == "incomplete_wording"


def test_a_draft_cannot_be_live():
    survey = make_draft()

    with pytest.raises(ValidationError) as refusal:
        change_state(survey=survey, to=Survey.State.LIVE)
    with pytest.raises(IntegrityError), transaction.atomic():
        Survey.objects.filter(pk=survey.pk).update(state="live")

    assert refusal.value.code == "not_published"


def test_an_archived_survey_stays_archived():
    survey = change_state(survey=make_survey(), to=Survey.State.ARCHIVED)

    with pytest.raises(ValidationError) as refusal:
        change_state(survey=survey, to=Survey.State.LIVE)

    assert refusal.value.code == "archived"


@pytest.mark.parametrize(
    ("metric", "profile", "bands"),
    [
        (Metric.NPS, BandProfile.STANDARD, "ddddddd" "pp" "PP"),
        (Metric.CES, BandProfile.STANDARD, "ddd" "p" "PPP"),
        (Metric.CSAT, BandProfile.STANDARD, "dd" "p" "PP"),
        (Metric.CES, BandProfile.WOOTRIC, "ddd" "pp" "PP"),
    ],
)  # fmt: skip
def test_bands_of_every_score(metric, profile, bands):
    letters = {Band.DETRACTOR: "d", Band.PASSIVE: "p", Band.PROMOTER: "P"}
    scale = scale_of(metric, profile)

    assert "".join(letters[scale.band(score)] for score in scale.scores) == bands


@pytest.mark.parametrize("score", [-1, 11, True, False, "9", 9.0, None])
def test_what_is_no_score_has_no_band(score):
    with pytest.raises(ValueError, match="outside"):
        scale_of(Metric.NPS).band(score)


@pytest.mark.parametrize("change", [{"metric": Metric.CSAT}, {"band_profile": BandProfile.WOOTRIC}])
def test_metric_and_bands_cannot_change_after_the_first_publishing(change):
    survey = make_survey(metric=Metric.CES)
    Survey.objects.filter(pk=survey.pk).update(**change)
    survey.refresh_from_db()

    with pytest.raises(ValidationError) as in_form:
        survey.full_clean()
    with pytest.raises(ValidationError) as at_publishing:
        publish(survey=survey)

    assert in_form.value.error_dict["__all__"][0].code == "metric_fixed"
    assert at_publishing.value.code == "metric_fixed"
    assert survey.versions.count() == 1


def test_the_metric_of_a_draft_may_change():
    survey = make_draft(metric=Metric.CES)
    survey.metric = Metric.CSAT

    survey.full_clean()
    survey.save()

    assert publish(survey=survey).metric == Metric.CSAT


def test_a_published_survey_cannot_be_deleted_and_a_draft_can():
    draft, published = make_draft(), make_survey()

    draft.delete()
    with pytest.raises(ProtectedError):
        published.delete()

    assert list(Survey.objects.all()) == [published]


def test_unfinished_wording_is_an_unpublished_change():
    survey = make_survey()
    survey.band_wordings.filter(language="en", band=Band.PASSIVE).delete()

    assert has_unpublished_changes(survey)
