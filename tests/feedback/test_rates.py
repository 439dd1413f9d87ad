from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from django.utils import timezone

from feedback.models import CampaignMail, Respondent
from feedback.periods import choose_span
from feedback.rates import Rates, rates_by_product
from feedback.reports import report_scores
from privacy.models import Membership
from surveys.models import Channel
from surveys.scales import Metric
from tests.factories import (
    make_campaign,
    make_invitation,
    make_product,
    make_respondent,
    make_response,
    make_staff,
    make_survey,
)

pytestmark = pytest.mark.django_db

MARCH = choose_span("this_month", today=date(2026, 3, 31))


def on(day, month=3, hour=12):
    return datetime(2026, month, day, hour, tzinfo=UTC)


def asked(survey, how_many=1, **overrides):
    for _ in range(how_many):
        make_invitation(survey=survey, **{"shown_at": on(10), **overrides})


def test_invitations_end_answered_declined_or_ignored():
    survey = make_survey()
    asked(survey, 4)
    asked(survey, 3, responded_at=on(10))
    asked(survey, 2, declined_at=on(10))
    asked(survey, 1, declined_at=on(10), responded_at=on(10))  # changed their mind: an answer
    asked(survey, 1, snoozed_at=on(10))
    user = make_staff("analyst", product=survey.product)

    rates = rates_by_product(user=user, products=[survey.product], period=MARCH.period)
    web = rates[survey.product_id, Metric.NPS][Channel.WEB]

    assert web == Rates(shown=11, responded=4, declined=2)
    assert web.ignored == 5
    assert web.response_rate.value == Fraction(400, 11)


def test_web_and_mobile_are_apart_and_together_the_rates_in_apps():
    survey = make_survey()
    asked(survey, 2)
    asked(survey, 3, channel="mobile", responded_at=on(10))
    asked(survey, 1, channel="email")
    user = make_staff("analyst", product=survey.product)

    [report] = report_scores(user=user, products=[survey.product], span=MARCH)

    assert set(report.together.rates) == {Channel.WEB, Channel.MOBILE}
    assert report.together.in_app == Rates(shown=5, responded=3)


def test_an_invitation_counts_on_the_day_it_was_shown_where_the_product_is():
    new_york = make_survey(product=make_product(time_zone="America/New_York"))
    warsaw = make_survey(product=make_product(time_zone="Europe/Warsaw", controller=new_york.product.controller))
    for survey in (new_york, warsaw):
        asked(survey, shown_at=datetime(2026, 3, 1, 2, tzinfo=UTC))  # in New York it is still February
    user = make_staff("analyst")
    Membership.objects.create(user=user, controller=warsaw.product.controller)

    rates = rates_by_product(user=user, products=[new_york.product, warsaw.product], period=MARCH.period)

    assert list(rates) == [(warsaw.product_id, Metric.NPS)]


def test_personal_links_count_from_opening_and_visitors_of_share_links_have_no_rate():
    survey = make_survey()
    asked(survey, channel="link", shown_at=None, opened_at=on(10))
    asked(survey, channel="link", shown_at=None, opened_at=on(10, hour=8), responded_at=on(10))
    asked(survey, channel="link", shown_at=on(10), responded_at=on(10), opened_at=on(11))  # came by the share link
    asked(survey, channel="link", shown_at=on(10), responded_at=on(10))
    user = make_staff("analyst", product=survey.product)

    rates = rates_by_product(user=user, products=[survey.product], period=MARCH.period)

    assert rates[survey.product_id, Metric.NPS] == {Channel.LINK: Rates(shown=2, responded=1)}


def test_tests_and_restricted_people_are_in_no_rate():
    survey = make_survey()
    asked(survey, is_test=True)
    hidden = make_invitation(survey=survey, shown_at=on(10))
    hidden.respondent.restricted_at = timezone.now()
    hidden.respondent.save()
    user = make_staff("analyst", product=survey.product)

    assert rates_by_product(user=user, products=[survey.product], period=MARCH.period) == {}


def test_rates_of_other_products_are_not_shown():
    mine, other = make_survey(), make_survey()
    asked(other)
    user = make_staff("analyst", product=mine.product)

    assert rates_by_product(user=user, products=[mine.product, other.product], period=MARCH.period) == {}


def mailed(campaign, at=None, **ended):
    """Send a campaign's mail to somebody new, ended as the invitation says."""
    at = at or on(10)
    anna = make_respondent(product=campaign.product)
    row = {"survey": campaign.survey, "respondent": anna, "channel": "email", "shown_at": None, "sent_at": at}
    invitation = make_invitation(**row, **ended)
    return CampaignMail.objects.create(
        campaign=campaign, respondent=anna, invitation=invitation, state="sent", handed_over_at=at, sent_at=at
    )


def test_mails_count_on_the_day_they_were_sent_and_only_what_was_delivered():
    campaign = make_campaign(survey=make_survey())
    campaign.version = campaign.survey.current_version
    campaign.save()
    make_response(survey=campaign.survey, invitation=mailed(campaign, responded_at=on(11)).invitation)
    make_response(survey=campaign.survey, invitation=mailed(campaign, responded_at=on(11)).invitation, is_suspect=True)
    mailed(campaign, declined_at=on(11))
    mailed(campaign, at=on(1, month=2))
    returned, twice, restricted = mailed(campaign), mailed(campaign), mailed(campaign)
    CampaignMail.objects.filter(pk=returned.pk).update(bounced_at=on(11))
    reminder = {"kind": "reminder", "respondent": twice.respondent, "invitation": twice.invitation}
    CampaignMail.objects.create(campaign=campaign, state="sent", handed_over_at=on(20), sent_at=on(20), **reminder)
    Respondent.objects.filter(pk=restricted.respondent_id).update(restricted_at=timezone.now())
    user = make_staff("analyst", product=campaign.product)

    rates = rates_by_product(user=user, products=[campaign.product], period=MARCH.period)

    assert rates[campaign.product_id, Metric.NPS] == {Channel.EMAIL: Rates(shown=4, responded=1, declined=1)}
