import pytest

from tests.factories import make_respondent, make_response, make_staff, make_survey
from tests.feedback.response_admin.looking import COMMENT


@pytest.fixture
def survey(db):
    return make_survey()


@pytest.fixture
def response(survey):
    person = make_respondent(
        product=survey.product, external_id="K-777", phone="+48501234567", email="anna@example.com"
    )
    return make_response(
        survey=survey,
        respondent=person,
        score=2,
        comment=COMMENT,
        name="Anna Nowak",
        email="anna@example.com",
        url="https://app.example.com/anna@example.com",
        properties={"plan": "gold", "second": {"mail": "second@example.com"}},
        reasons=["Fees"],
        company="ACME",
    )


@pytest.fixture
def login(client, survey):
    def as_role(role):
        user = make_staff(role, product=survey.product)
        client.force_login(user)
        return user

    return as_role
