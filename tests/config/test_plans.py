"""Staff pages plan their statements anew; the traffic of customers keeps its plans."""

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory

from config.plans import StaffPlansMiddleware

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("address", "kept"), [("/admin/feedback/response/", False), ("/privacy/", True)])
def test_no_plan_is_kept_while_a_staff_page_is_made(address, kept):
    connection.ensure_connection()
    usual = connection.connection.prepare_threshold
    seen = []

    def page(request):
        seen.append(connection.connection.prepare_threshold)
        return HttpResponse()

    StaffPlansMiddleware(page)(RequestFactory().get(address))

    assert seen == [usual if kept else None]
    assert connection.connection.prepare_threshold == usual


def test_plans_are_kept_again_after_a_page_that_failed():
    usual = connection.connection.prepare_threshold

    def page(request):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        StaffPlansMiddleware(page)(RequestFactory().get("/admin/"))
    assert connection.connection.prepare_threshold == usual
