"""What is done by posting: pages beside the lists and bulk actions, each refused to every role without the right."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Group
from django.test import RequestFactory
from django.urls import reverse

from config.roles import ROLES
from privacy.models import Membership
from tests.config.test_every_address import BESIDE, MAKES_RULES, READERS, REFUSED, REVIEWER, beside
from tests.config.test_permission_matrix import PAGES, rows  # noqa: F401  a fixture
from tests.factories import make_staff

pytestmark = pytest.mark.django_db

# Pages that more roles may open than may post to.
STRICTER = {"admin:feedback_improvement_responses": REVIEWER}
# More of what one address does, by the last part of it.
MORE = {
    "admin:feedback_campaign_step": ("pause", "resume", "cancel"),
    "admin:feedback_improvement_step": ("mail", "withdraw"),
    "admin:feedback_response_do": ("exclude", "include", "tag", "untag", "archive", "mark-read", "accept", "reject"),
    "admin:privacy_rightsrequest_step": ("start", "propose", "answer", "refuse", "decide", "extend"),
}
# Bulk actions of lists: who has them; nobody else finds them, and a list without an entry has none.
ACTIONS = {
    "feedback.response": {
        **dict.fromkeys(
            ("flag", "exclude", "include", "tag", "untag", "archive", "mark-read", "accept", "reject"), READERS
        ),
        "improvement": REVIEWER,
    },
    "feedback.rule": {"switch_on": MAKES_RULES, "switch_off": MAKES_RULES},
}
# Enough for most forms to be valid, so that nothing but the right keeps them from being done.
FILLED = {
    **{"answered": "1", "confirm": "1", "reason": "It has to be done now", "name": "new name", "tag": "new tag"},
    **{"status": "open", "note": "A note", "text": "A text", "subject": "A subject", "priority": "high"},
    **{"password1": "A9-long-enough", "password2": "A9-long-enough", "summary": "Called", "channel": "call"},
    **{"email": "anna@example.com", "action": "open", "title": "A title", "grace": "0", "why": "said"},
}


@pytest.fixture(params=ROLES)
def role(request):
    return request.param


@pytest.fixture
def user(client, rows, role):  # noqa: F811
    """Somebody with the role who sees all of the rows' controller, logged in."""
    user = make_staff(role)
    Membership.objects.create(user=user, controller=rows["privacy.controller"])
    client.force_login(user)
    return user


def contents():
    """Return all that the database holds, by model; but for sessions, which remember messages."""
    return {
        model._meta.label: sorted(map(repr, model._base_manager.values_list()))
        for model in apps.get_models()
        if model._meta.label != "sessions.Session"
    }


def changed(before):
    after = contents()
    return {label for label in after if after[label] != before[label]}


def posts(rows):  # noqa: F811
    """Yield every address beside the lists, who may post to it, and what names it."""
    for name, (label, _more, roles) in BESIDE.items():
        yield beside(rows, name), STRICTER.get(name, roles), name
        for task in MORE.get(name, ()):
            yield reverse(name, args=[rows[label].pk, task]), STRICTER.get(name, roles), f"{name} {task}"


def test_posting_beside_the_lists_is_refused_without_the_right_and_changes_nothing(client, rows, user, role):  # noqa: F811
    before, wrong = contents(), {}

    for address, roles, name in posts(rows):
        if role not in roles and (status := client.post(address, FILLED).status_code) not in {*REFUSED, 405}:
            wrong[name] = status

    assert wrong == {}
    assert changed(before) == set()


def test_posting_as_a_stranger_to_the_product_changes_nothing(client, rows, role):  # noqa: F811
    stranger = make_staff(role)
    client.force_login(stranger)
    before = contents()

    for address, _roles, name in posts(rows):
        if BESIDE[name.partition(" ")[0]][0] not in {None, "auth.user"}:
            assert client.post(address, FILLED).status_code in {*REFUSED, 405}, name

    assert changed(before) == set()


def actions_of(page, user):
    request = RequestFactory().get("/")
    request.user = user
    return set(page.get_actions(request))


def test_bulk_actions_are_there_for_who_may_do_them_only(rows, user, role):  # noqa: F811
    found = {model._meta.label_lower: actions_of(page, user) for model, page in admin.site._registry.items()}

    for label, names in found.items():
        expected = {name for name, roles in ACTIONS.get(label, {}).items() if role in roles}
        if "D" in PAGES[label].get(role, "") and label not in WITHOUT_DELETING:
            expected.add("delete_selected")
        assert names == expected, label


# Lists whose rows are deleted one by one, each after its own question.
WITHOUT_DELETING = {"feedback.improvement", "surveys.event"}


def test_bulk_actions_are_refused_without_the_right_and_change_nothing(client, rows, user, role):  # noqa: F811
    before = contents()

    for model, page in admin.site._registry.items():
        label = model._meta.label_lower
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for name in {*ACTIONS.get(label, {}), "delete_selected"} - actions_of(page, user):
            ticked = {ACTION_CHECKBOX_NAME: [str(rows[label].pk)], "index": "0", "select_across": "0"}
            answer = client.post(address, {**FILLED, **ticked, "action": name, "post": "yes"})
            # Who sees the list is shown it again, and that nothing was done.
            assert answer.status_code in (REFUSED if label not in seen_by(role) else {200, 302}), (label, name)

    assert changed(before) == set()


def seen_by(role):
    return {label for label in PAGES if "L" in PAGES[label].get(role, "")}


def test_what_is_refused_would_have_been_done_with_the_right(client, rows):  # noqa: F811
    """The forms above are good enough for the pages that a role may post to: else a refusal would say nothing."""
    everybody = make_staff()
    everybody.groups.set(Group.objects.filter(name__in=ROLES))
    Membership.objects.create(user=everybody, controller=rows["privacy.controller"])
    client.force_login(everybody)
    before = contents()

    for address, _roles, _name in posts(rows):
        client.post(address, FILLED)

    assert len(changed(before)) > 15
