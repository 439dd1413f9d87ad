import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from privacy.models import Alert, Membership, StaffChange
from tests.factories import make_product, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def product():
    return make_product(name="Bank", default_language="en")


@pytest.fixture
def officer(product):
    user = make_staff("data_protection_officer", email="dpo@example.com")
    Membership.objects.create(user=user, controller=product.controller)
    return user


@pytest.fixture
def administrator(client, product, officer):
    user = make_staff("administrator")
    Membership.objects.create(user=user, controller=product.controller)
    client.force_login(user)
    return user


def page_of(user):
    return reverse("admin:auth_user_change", args=[user.pk])


def account(user, *roles, **overrides):
    """The form of an account as a browser sends it."""
    return {
        "username": user.username,
        "email": user.email,
        "is_active": "on",
        "groups": list(Group.objects.filter(name__in=roles).values_list("pk", flat=True)),
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
        **overrides,
    }


def test_giving_a_role_is_recorded_and_told_to_the_officers(
    client, administrator, officer, product, django_capture_on_commit_callbacks
):
    colleague = make_staff("analyst", product=product)
    listed = {
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": colleague.memberships.get().pk,
        "memberships-0-user": colleague.pk,
    }

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(page_of(colleague), account(colleague, "reviewer", **listed))

    assert answer.status_code == 302
    change = StaffChange.objects.get()
    assert (change.by, change.account, change.kind) == (administrator, colleague, "roles")
    assert (change.given, change.taken) == (["reviewer"], ["analyst"])
    (message,) = mail.outbox
    assert message.to == ["dpo@example.com"]
    assert f"{administrator.username} has changed the staff account {colleague.username}" in message.body
    assert "Given: reviewer" in message.body


def test_a_group_that_is_no_role_stays_and_is_told_of(client, administrator, product):
    retired = Group.objects.create(name="retired role")
    colleague = make_staff("analyst")
    colleague.groups.add(retired)

    assert "and keeps them: retired role." in client.get(page_of(colleague)).content.decode()
    client.post(page_of(colleague), account(colleague, "analyst", first_name="Jan"))
    assert {group.name for group in colleague.groups.all()} == {"analyst", "retired role"}
    assert not StaffChange.objects.exists()
    client.post(page_of(colleague), account(colleague, "reviewer"))

    assert {group.name for group in colleague.groups.all()} == {"reviewer", "retired role"}
    change = StaffChange.objects.get()
    assert (change.given, change.taken) == (["reviewer"], ["analyst"])


def test_making_an_account_is_recorded(client, administrator):
    sent = {"username": "newcomer", "password1": "a long enough phrase", "password2": "a long enough phrase"}

    client.post(reverse("admin:auth_user_add"), {**sent, "usable_password": "true"})

    assert StaffChange.objects.get().account == User.objects.get(username="newcomer")
    assert Alert.objects.get().recipient.email == "dpo@example.com"


def test_setting_the_password_of_a_colleague_is_recorded_without_it(client, administrator, product):
    reviewer = make_staff("reviewer", product=product)
    sent = {"password1": "a long enough phrase", "password2": "a long enough phrase", "usable_password": "true"}

    client.post(reverse("admin:auth_user_password_change", args=[reviewer.pk]), sent)

    change = StaffChange.objects.get()
    assert (change.account, change.kind, change.given, change.taken) == (reviewer, "password", [], [])


def test_switching_an_account_off_is_recorded(client, administrator, product):
    colleague = make_staff()

    client.post(page_of(colleague), account(colleague, is_active=""))

    assert StaffChange.objects.get().kind == "switched_off"


def test_giving_and_taking_a_product_is_recorded(client, administrator, product):
    colleague = make_staff("reviewer")
    page = reverse("admin:privacy_product_change", args=[product.pk])
    form = {
        **{
            "name": product.name,
            "time_zone": "Europe/Warsaw",
            "default_language": "en",
            "identity_mode": "open",
            "colour": "#3a3f8f",
        },
        **{"signing_secrets-TOTAL_FORMS": "0", "signing_secrets-INITIAL_FORMS": "0"},
    }
    given = {"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0", "memberships-0-user": colleague.pk}

    client.post(page, {**form, **given, "memberships-0-product": product.pk})
    membership = colleague.memberships.get()
    taken = {
        **{"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "1", "memberships-0-DELETE": "on"},
        **{"memberships-0-id": membership.pk, "memberships-0-user": colleague.pk, "memberships-0-product": product.pk},
    }
    client.post(page, {**form, **taken})

    assert [(change.given, change.taken) for change in StaffChange.objects.order_by("pk")] == [
        (["Bank"], []),
        ([], ["Bank"]),
    ]


# --- Officers are beyond administrators -------------------------------------------------------------------------------


def test_administrators_cannot_make_an_officer(client, administrator, product):
    colleague = make_staff("analyst")

    page = client.post(page_of(colleague), account(colleague, "data_protection_officer"))

    assert page.status_code == 200
    assert [group.name for group in colleague.groups.all()] == ["analyst"]
    assert not StaffChange.objects.exists()


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("page", ["auth_user_change", "auth_user_password_change"])
def test_administrators_cannot_change_an_officer_or_reset_their_password(
    client, administrator, officer, page, is_active
):
    User.objects.filter(pk=officer.pk).update(is_active=is_active)
    before = User.objects.filter(pk=officer.pk).values().get()
    sent = {"password1": "a long enough phrase", "password2": "a long enough phrase", "usable_password": "true"}

    answer = client.post(reverse(f"admin:{page}", args=[officer.pk]), {**account(officer, "analyst"), **sent})

    assert answer.status_code == 403
    assert User.objects.filter(pk=officer.pk).values().get() == before
    assert [group.name for group in officer.groups.all()] == ["data_protection_officer"]


@pytest.mark.parametrize("is_active", [True, False])
def test_administrators_cannot_take_a_product_from_an_officer(client, administrator, product, is_active):
    second = make_staff("data_protection_officer", product=product, is_active=is_active)
    membership = second.memberships.get()
    form = {
        **{
            "name": product.name,
            "time_zone": "Europe/Warsaw",
            "default_language": "en",
            "identity_mode": "open",
            "colour": "#3a3f8f",
        },
        **{"signing_secrets-TOTAL_FORMS": "0", "signing_secrets-INITIAL_FORMS": "0"},
        **{"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "1", "memberships-0-DELETE": "on"},
        **{"memberships-0-id": membership.pk, "memberships-0-user": second.pk, "memberships-0-product": product.pk},
    }

    page = client.post(reverse("admin:privacy_product_change", args=[product.pk]), form)

    assert "Only a data protection officer takes products from a data protection officer." in page.content.decode()
    assert second.memberships.exists()


def test_officers_make_officers(client, officer, product):
    colleague = make_staff("analyst", product=product)
    client.force_login(officer)

    client.post(page_of(colleague), account(colleague, "data_protection_officer"))

    assert [group.name for group in colleague.groups.all()] == ["data_protection_officer"]
    assert StaffChange.objects.get().given == ["data_protection_officer"]


def test_nobody_changes_their_own_role(client, administrator):
    client.post(page_of(administrator), account(administrator, "administrator", "reviewer"))

    assert [group.name for group in administrator.groups.all()] == ["administrator"]


@pytest.mark.parametrize("change", ["UPDATE privacy_staffchange SET kind = 'made'", "DELETE FROM privacy_staffchange"])
def test_nobody_rewrites_what_was_changed(administrator, change):
    StaffChange.objects.create(at=timezone.now(), by=administrator, account=administrator, kind="roles")

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
