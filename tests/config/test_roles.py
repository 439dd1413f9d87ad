from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import RequestFactory

from config.navigation import sidebar
from config.roles import ROLES, Role, sync_roles
from tests.factories import make_staff

pytestmark = pytest.mark.django_db

SEES_IDENTITY = {"reviewer", "data_protection_officer"}
READS_COMMENTS = {"reviewer", "data_protection_officer"}
SEES_RESPONSES = {"analyst", "agent", "reviewer", "data_protection_officer"}
WORKS_ON_FOLLOW_UPS = {"agent"}
SEES_FOLLOW_UPS = {"agent", "reviewer", "data_protection_officer"}
TRIAGES = {"reviewer", "data_protection_officer"}
SEES_REQUESTS = {"privacy_officer", "data_protection_officer"}
MANAGES_STAFF = {"administrator"}


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("feedback.view_identity", SEES_IDENTITY),
        ("feedback.read_comment", READS_COMMENTS),
        ("feedback.view_response", SEES_RESPONSES),
        ("feedback.change_response", set()),
        ("feedback.delete_response", set()),
        ("feedback.change_followup", WORKS_ON_FOLLOW_UPS),
        ("feedback.view_followup", SEES_FOLLOW_UPS),
        ("feedback.triage_response", TRIAGES),
        ("feedback.flag_response", TRIAGES),
        ("feedback.view_respondent", {"data_protection_officer"}),
        ("privacy.view_rightsrequest", SEES_REQUESTS),
        ("privacy.reveal_rightsrequest", SEES_REQUESTS),
        ("privacy.handle_rightsrequest", SEES_REQUESTS),
        ("privacy.decide_rightsrequest", {"data_protection_officer"}),
        ("privacy.view_incident", SEES_REQUESTS),
        ("privacy.change_incident", {"data_protection_officer"}),
        ("feedback.add_channelpermission", {"reviewer", "data_protection_officer"}),
        ("privacy.view_suppression", {"data_protection_officer", "administrator"}),
        ("privacy.add_suppression", {"data_protection_officer"}),
        ("privacy.delete_suppression", {"data_protection_officer"}),
        ("privacy.view_accesslogentry", {"data_protection_officer"}),
        ("auth.change_user", MANAGES_STAFF | {"data_protection_officer"}),
        ("auth.add_user", MANAGES_STAFF),
        ("privacy.oversee_staff", {"data_protection_officer"}),
        ("privacy.add_breakglass", MANAGES_STAFF),
        ("auth.change_group", set()),
        ("auth.delete_user", set()),
        ("privacy.add_signingsecret", MANAGES_STAFF),
        ("privacy.add_membership", MANAGES_STAFF),
    ],
)
def test_a_permission_belongs_to_these_roles_and_no_others(permission, roles):
    assert {name for name, role in ROLES.items() if permission in role.permissions} == roles


def test_syncing_makes_the_groups_what_the_table_says():
    Group.objects.all().delete()
    sync_roles()
    agents = Group.objects.get(name="agent")
    agents.permissions.clear()

    sync_roles()

    granted = {f"{one.content_type.app_label}.{one.codename}" for one in agents.permissions.all()}
    assert granted == set(ROLES["agent"].permissions)
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)


@pytest.fixture
def retired():
    """The group of a role that is gone from the table, with one member and one permission."""
    group = Group.objects.create(name="auditor")
    group.permissions.add(Permission.objects.get(codename="view_response"))
    make_staff(username="former").groups.add(group)
    return group


def command(*arguments):
    output, warnings = StringIO(), StringIO()
    call_command("sync_roles", *arguments, stdout=output, stderr=warnings)
    return output.getvalue(), warnings.getvalue()


def test_a_group_that_is_no_role_is_named_and_stays(retired):
    _output, warnings = command()

    assert "the group auditor is no role and keeps its permissions (members: 1)" in warnings
    assert warnings.count("is no role") == 1
    assert list(retired.permissions.values_list("codename", flat=True)) == ["view_response"]


def test_groups_that_are_no_roles_are_removed_on_request_only(retired):
    agent = make_staff("agent")

    output, warnings = command("--remove-others")

    assert "removed the group auditor" in output
    assert warnings == ""
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)
    assert not User.objects.get(username="former").has_perm("feedback.view_response")
    assert agent.groups.get().name == "agent"


def test_a_permission_that_does_not_exist_is_refused(monkeypatch):
    monkeypatch.setitem(ROLES, "agent", Role("agent", ("feedback.fly",)))

    with pytest.raises(ValueError, match=r"role agent: no such permission: feedback\.fly"):
        sync_roles()


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("analyst", {"Dashboard", "Responses", "Improvements", "Tags", "Products"}),
        ("agent", {"Dashboard", "Responses", "Follow-ups", "Tags", "Products"}),
        (
            "reviewer",
            {
                *("Dashboard", "Responses", "Follow-ups", "Improvements", "Tags", "Rules", "Products"),
                *("Teams", "Root causes", "Working hours", "Why not?", "Permissions", "Campaigns", "Segments"),
            },
        ),
        ("privacy_officer", {"Dashboard", "Controllers", "Products", "Why not?", "Incidents"}),
        (
            "data_protection_officer",
            {
                *("Dashboard", "Responses", "Follow-ups", "Improvements", "Tags", "Rules", "Controllers", "Products"),
                *("Why not?", "Permissions", "Suppressed people", "Reads of personal data", "Staff", "Incidents"),
                "Recipients",
                *("Campaigns", "Segments"),
            },
        ),
        (
            "administrator",
            {
                *("Dashboard", "Rules", "Controllers", "Products", "Staff", "Roles", "Suppressed people"),
                *("Teams", "Root causes", "Working hours", "Recipients", "Campaigns", "Segments", "Server keys"),
                "Failed tasks",
            },
        ),
    ],
)
def test_the_sidebar_offers_what_the_role_may_open(role, expected):
    request = RequestFactory().get("/admin/")
    request.user = make_staff(role)

    offered = {str(item["title"]) for group in sidebar(request) for item in group["items"]}

    # Lists that other parts of the project register join these for the roles that may open them.
    common = {"Imports", "Surveys", "Events", "Rights requests", "My mail", "Emergency access", "Changes of staff"}
    assert offered - common == expected
