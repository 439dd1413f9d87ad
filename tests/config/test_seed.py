from collections import Counter
from io import StringIO
from random import Random

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from config.sample.comments import compose
from config.sample.seeding import RefusedInProductionError, seed
from feedback.models import Invitation, Respondent, Response, Tally
from surveys.models import Channel
from surveys.scales import Metric
from tests.factories import make_draft, make_product, make_respondent, make_survey

pytestmark = pytest.mark.django_db


@pytest.fixture
def surveys():
    product = make_product()
    return [make_survey(product=product, metric=metric) for metric in Metric]


def recount():
    return Counter(Response.objects.counted().values_list(*(
        name.replace("day", "answered_on") for name in Tally.DIMENSIONS
    )))  # fmt: skip


def tallies():
    return {tuple(row[:-1]): row[-1] for row in Tally.objects.exclude(count=0).values_list(*Tally.DIMENSIONS, "count")}


def test_exactly_the_asked_number_of_responses_is_written_and_tallied(surveys):
    seeded = seed(surveys=surveys, responses=700, random=Random(1))

    assert Response.objects.count() == seeded.responses == 700
    assert seeded.rows == 700 + Invitation.objects.count() + Respondent.objects.count()
    assert tallies() == recount()
    assert sum(tallies().values()) == 700


def test_the_history_is_consistent(surveys):
    seed(surveys=surveys, responses=300, random=Random(2))
    now = timezone.now()

    for response in Response.objects.select_related("invitation", "respondent", "version"):
        assert response.score in response.version.scale
        assert response.band == response.version.scale.band(response.score)
        assert response.invitation.respondent_id == response.respondent_id
        assert response.invitation.responded_at == response.answered_at <= response.completed_at <= now
        assert response.respondent.first_seen_at <= response.invitation.created_at
    assert not Invitation.objects.filter(responded_at__isnull=False, response__isnull=True).exists()
    assert not Invitation.objects.filter(responded_at__isnull=False, declined_at__isnull=False).exists()
    for person in Respondent.objects.all():
        assert person.reservations == person.invitations.count()


def test_the_history_is_mixed(surveys):
    seed(surveys=surveys, responses=1000, random=Random(3))
    responses = Response.objects.all()

    assert set(responses.values_list("channel", flat=True)) == set(Channel.values)
    assert set(responses.values_list("language", flat=True)) == {"pl", "en"}
    assert set(responses.values_list("metric", flat=True)) == set(Metric.values)
    assert len({(day.year, day.month) for day in responses.values_list("answered_on", flat=True)}) >= 12
    assert 350 <= responses.commented().count() <= 450
    assert responses.filter(respondent__external_id="").exists()
    assert responses.exclude(respondent__external_id="").exists()
    assert Invitation.objects.filter(declined_at__isnull=False).exists()
    assert Invitation.objects.filter(snoozed_at__isnull=False).exists()
    ignored = {"responded_at": None, "declined_at": None, "snoozed_at": None}
    assert Invitation.objects.filter(**ignored, shown_at__isnull=False).exists()
    assert Invitation.objects.filter(**ignored, channel=Channel.EMAIL, sent_at__isnull=False).exists()


def test_comments_vary_and_speak_the_language_of_the_person():
    random = Random(4)
    polish = {compose(random, "pl", "detractor") for _ in range(300)}

    assert len(polish) > 250
    assert any("Aplikacja" in comment for comment in polish)
    assert "Aplikacja" not in " ".join(compose(random, "en", "detractor") for _ in range(300))


def test_seeding_uses_the_sequences_that_the_application_uses(surveys):
    seed(surveys=surveys, responses=10)

    highest = Respondent.objects.order_by("-pk").first().pk
    assert make_respondent().pk > highest


def test_only_the_named_product_is_answered(surveys):
    other = make_survey()

    call_command("seed", responses=20, product=other.product.public_key, stdout=StringIO(), stderr=StringIO())

    assert set(Response.objects.values_list("survey", flat=True)) == {other.pk}


def test_progress_is_reported(surveys):
    progress, result = StringIO(), StringIO()

    call_command("seed", responses=30, stdout=result, stderr=progress)

    assert "30 of 30 responses" in progress.getvalue()
    assert "30 responses in" in result.getvalue()


def test_without_a_published_survey_nothing_is_written():
    make_draft()

    with pytest.raises(CommandError, match="no published survey"):
        call_command("seed", responses=10)

    assert not Respondent.objects.exists()


def test_production_refuses_made_up_responses(surveys, settings):
    settings.IS_PRODUCTION = True

    with pytest.raises(RefusedInProductionError):
        seed(surveys=surveys, responses=10)
    with pytest.raises(CommandError, match="refused in production"):
        call_command("seed", responses=10)

    assert not Response.objects.exists()
