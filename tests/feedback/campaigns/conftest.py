import pytest
from django.utils import timezone

from feedback import campaigns
from feedback.models import Campaign, CampaignMail
from tests.factories import make_controller, make_permission, make_product, make_respondent, make_survey
from tests.mail_server import serve  # noqa: F401  a fixture

ALL_DAY = {"window_from": 0, "window_until": 24}


@pytest.fixture
def product(db):
    controller = make_controller(name="Bank & Partners", contact_email="office@bank.example", address="1 Long Street")
    return make_product(name="Bank", controller=controller, public_key="pk_bank", default_language="en")


@pytest.fixture
def survey(product):
    return make_survey(product=product)


@pytest.fixture
def person(product):
    """Make somebody who may be asked by e-mail; ``permitted=False`` makes somebody who did not say so."""

    def person(address="anna@example.com", *, permitted=True, **overrides):
        respondent = make_respondent(
            product=product, **{"subject_key": f"mail:{address}", "email": address, "language": "en", **overrides}
        )
        if permitted:
            make_permission(respondent=respondent)
        return respondent

    return person


@pytest.fixture
def campaign(survey):
    """Make a draft whose window is always open."""

    def campaign(*, wording=None, **overrides):
        row = Campaign(
            **{
                "product": survey.product,
                "survey": survey,
                "name": "Spring",
                "pace": 6000,
                **ALL_DAY,
                **overrides,
            }
        )
        return campaigns.write_campaign(campaign=row, by=None, wording=wording)

    return campaign


@pytest.fixture
def started(campaign):
    """Make a running campaign that owes mails to some people."""

    def started(*people, **overrides):
        row = campaign(**overrides)
        owe(row, *people)
        return campaigns.start(campaign=row)

    return started


def owe(campaign, *people):
    """Owe the campaign's mail to respondents, whatever the rules say: sending decides anew."""
    CampaignMail.objects.bulk_create(
        CampaignMail(campaign=campaign, respondent=each, state="queued", next_attempt_at=timezone.now())
        for each in people
    )


def upload(campaign, *lines, **permission):
    """Add a file to a campaign; the first line holds the headers."""
    stated = campaigns.StatedPermission(**permission) if permission else None
    return campaigns.add_audience(
        campaign=campaign, file_name="people.csv", content="\n".join(lines).encode(), permission=stated
    )


def outcomes(campaign, kind="first"):
    """Return state and code of each mail, by address or line."""
    mails = CampaignMail.objects.filter(campaign=campaign, kind=kind).select_related("respondent")
    return {
        (mail.respondent.email if mail.respondent else mail.line): (mail.state, mail.code)
        for mail in mails.order_by("pk")
    }
