"""The quick way to empty the database of tests leaves as little as the slow one."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection

from config.roles import ROLES
from feedback.follow_up import flag
from tests import database
from tests.factories import make_emergency, make_read, make_response, make_rights_request, make_staff


def filled():
    names = [name for name in connection.introspection.django_table_names() if name != "django_migrations"]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names))  # noqa: S608
        return {name for (name,) in cursor}


@pytest.mark.django_db(transaction=True)
def test_nothing_of_a_test_is_left_also_where_nothing_may_be_deleted():
    permissions = Permission.objects.count()
    response = make_response(comment="Slow")
    flag(response=response, reason="Angry", by=make_staff("reviewer"))
    make_rights_request(controller=response.product.controller)
    make_read(product=response.product)
    make_emergency(product=response.product)
    assert len(filled()) > 15

    database.empty(None)

    assert filled() == set(database.KEPT)
    assert Permission.objects.count() == permissions > 0


@pytest.mark.django_db(transaction=True)
def test_roles_that_a_test_changed_are_what_they_were():
    agents = Group.objects.get(name="agent")
    before = set(agents.permissions.all())
    agents.permissions.clear()
    Group.objects.create(name="retired")

    database.empty(None)

    assert set(Group.objects.get(name="agent").permissions.all()) == before
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)
