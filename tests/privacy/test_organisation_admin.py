import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import translation

from privacy import staffing
from privacy.models import Controller, Membership, Product, SigningSecret
from privacy.signing_secrets import issue
from tests.factories import make_controller, make_product, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def product():
    return make_product()


@pytest.fixture
def administrator(client, product):
    """An administrator of the whole controller, logged in."""
    user = make_staff("administrator")
    Membership.objects.create(user=user, controller=product.controller)
    client.force_login(user)
    return user


def change(model, pk):
    return reverse(f"admin:{model}_change", args=[pk])


def text_of(answer):
    return answer.content.decode()


def memberships(total=0, initial=0, prefix="memberships", **values):
    """Return the fields of a formset of memberships as a browser would post them."""
    return {
        f"{prefix}-TOTAL_FORMS": total,
        f"{prefix}-INITIAL_FORMS": initial,
        f"{prefix}-MIN_NUM_FORMS": 0,
        f"{prefix}-MAX_NUM_FORMS": 1000,
        **values,
    }


def account(user, **values):
    return {"username": user.username, "is_active": "on", **memberships(), **values}


# --- Controllers and products ---------------------------------------------------------------------------------------


def test_whoever_sets_up_a_controller_sees_it(client, administrator):
    answer = client.post(
        reverse("admin:privacy_controller_add"),
        {
            "name": "Bank S.A.",
            "country": "PL",
            "time_zone": "Europe/Warsaw",
            "contact_email": "a@example.com",
            "privacy_email": "b@example.com",
            "supervisory_authority": "UODO",
        },
    )

    assert answer.status_code == 302
    assert Controller.objects.visible_to(administrator).filter(name="Bank S.A.").exists()


def test_a_product_is_made_for_visible_controllers_only(client, administrator, product):
    foreign = make_controller()
    values = {
        "name": "New app",
        "is_live": "on",
        "time_zone": "Europe/Warsaw",
        "default_language": "pl",
        "identity_mode": "open",
        "colour": "#3a3f8f",
    }
    add = reverse("admin:privacy_product_add")
    assert foreign.name not in text_of(client.get(add))

    refused = client.post(add, {**values, "controller": foreign.pk})
    assert refused.status_code == 200
    assert not Product.objects.filter(name="New app").exists()

    client.post(add, {**values, "controller": product.controller_id})
    assert Product.objects.visible_to(administrator).filter(name="New app").exists()


def test_a_product_shows_its_keys_and_addresses_and_keeps_them(client, administrator, product, settings):
    address = change("privacy_product", product.pk)
    shown = text_of(client.get(address))

    assert product.public_key in shown
    assert product.test_key in shown
    assert f"{settings.PUBLIC_URL}/api/v1/products/{product.public_key}/surveys" in shown

    client.post(
        address,
        {
            **{
                "name": "Renamed",
                "time_zone": "Europe/Warsaw",
                "default_language": "pl",
                "identity_mode": "open",
                "colour": "#3a3f8f",
            },
            **{"public_key": "pk_mine", "test_key": "tk_mine", "controller": make_controller().pk},
            **memberships(prefix="signing_secrets"),
            **memberships(),
        },
    )
    stored = Product.objects.get()
    assert stored.name == "Renamed"
    assert (stored.public_key, stored.test_key, stored.controller) == (
        product.public_key,
        product.test_key,
        product.controller,
    )


def test_products_and_controllers_of_others_do_not_exist(client, administrator):
    foreign = make_product()

    assert client.get(change("privacy_product", foreign.pk)).status_code == 302
    assert client.get(change("privacy_controller", foreign.controller_id)).status_code == 302
    assert client.post(reverse("admin:privacy_product_secret", args=[foreign.pk])).status_code == 404
    assert foreign.name not in text_of(client.get(reverse("admin:privacy_product_changelist")))
    assert foreign.controller.name not in text_of(client.get(reverse("admin:privacy_controller_changelist")))


def test_a_signing_secret_is_shown_once(client, administrator, product):
    address = reverse("admin:privacy_product_secret", args=[product.pk])
    assert client.get(address).status_code == 200
    assert not SigningSecret.objects.exists()

    made = client.post(address)

    secret = SigningSecret.objects.get().secret
    assert secret in text_of(made)
    history = LogEntry.objects.get()
    assert history.get_change_message() == f"Added signing secret “••••••••{secret[-4:]}”."
    assert secret not in history.change_message
    assert "no-store" in made["Cache-Control"]
    page = text_of(client.get(change("privacy_product", product.pk)))
    assert secret not in page
    assert f"••••••••{secret[-4:]}" in page


def test_at_most_two_secrets_are_valid(client, administrator, product):
    issue(product=product)
    issue(product=product)

    with pytest.raises(ValidationError) as error:
        issue(product=product)
    assert error.value.code == "too_many"
    refused = client.post(reverse("admin:privacy_product_secret", args=[product.pk]))
    assert "retire the old one" in str(next(iter(get_messages(refused.wsgi_request))))
    assert SigningSecret.objects.count() == 2


def retire(secret, product=None):
    return reverse("admin:privacy_product_retire_secret", args=[(product or secret.product).pk, secret.pk])


def test_the_old_secret_is_retired_once_the_new_one_is_in_use(client, administrator, product):
    old, new = issue(product=product), issue(product=product)
    page = text_of(client.get(change("privacy_product", product.pk)))
    assert retire(old) in page
    assert retire(new) in page

    asked = client.get(retire(old))
    assert old.secret[-4:] in text_of(asked)
    assert old.secret not in text_of(asked)
    assert "only one" not in text_of(asked)
    assert SigningSecret.objects.count() == 2

    client.post(retire(old))

    assert list(SigningSecret.objects.all()) == [new]
    history = LogEntry.objects.latest("pk")
    assert history.get_change_message() == f"Deleted signing secret “••••••••{old.secret[-4:]}”."
    with translation.override("pl"):
        assert history.get_change_message() == f"Usunięto sekret podpisu „••••••••{old.secret[-4:]}”."
    assert issue(product=product)


@pytest.mark.parametrize(("mode", "warning"), [("open", "will not be asked"), ("trusted", "nobody will be asked")])
def test_retiring_the_only_secret_warns_what_follows(client, administrator, product, mode, warning):
    Product.objects.update(identity_mode=mode)

    assert warning in text_of(client.get(retire(issue(product=product))))


def test_a_second_click_retires_nothing_more(client, administrator, product):
    old, new = issue(product=product), issue(product=product)
    client.post(retire(old))

    again = client.post(retire(old))

    assert "retired already" in " ".join(str(message) for message in get_messages(again.wsgi_request))
    assert list(SigningSecret.objects.all()) == [new]
    assert client.get(retire(old)).status_code == 404


def test_secrets_of_other_products_are_not_retired(client, administrator, product):
    foreign = issue(product=make_product())

    assert client.post(retire(foreign)).status_code == 404
    client.post(retire(foreign, product))  # by way of one's own product

    assert SigningSecret.objects.get() == foreign


def test_the_form_of_a_product_deletes_no_secret(client, administrator, product):
    secret = issue(product=product)
    values = {
        "name": "App",
        "time_zone": "Europe/Warsaw",
        "default_language": "pl",
        "identity_mode": "open",
        "colour": "#3a3f8f",
    }
    deletion = {"signing_secrets-0-id": secret.pk, "signing_secrets-0-DELETE": "on"}

    client.post(
        change("privacy_product", product.pk),
        {**values, **memberships(1, 1, prefix="signing_secrets", **deletion), **memberships()},
    )

    assert Product.objects.get().name == "App"
    assert SigningSecret.objects.get() == secret


def test_members_are_added_on_the_product(client, administrator, product):
    colleague, stranger = make_staff("agent"), make_staff("agent", product=make_product())
    address = change("privacy_product", product.pk)
    page = text_of(client.get(address))
    assert colleague.username in page
    assert stranger.username not in page

    def add(user):
        values = {
            "name": "App",
            "time_zone": "Europe/Warsaw",
            "default_language": "pl",
            "identity_mode": "open",
            "colour": "#3a3f8f",
        }
        members = memberships(1, **{"memberships-0-user": user.pk, "memberships-0-product": product.pk})
        return client.post(address, {**values, **memberships(prefix="signing_secrets"), **members})

    assert add(stranger).status_code == 200
    assert add(colleague).status_code == 302
    assert list(Product.objects.visible_to(colleague)) == [product]
    assert not Product.objects.visible_to(stranger).filter(pk=product.pk).exists()


# --- Staff ------------------------------------------------------------------------------------------------------------


def test_an_administrator_makes_a_colleague_with_a_role_and_products(client, administrator, product):
    client.post(
        reverse("admin:auth_user_add"),
        {"username": "nowa", "usable_password": "true", "password1": "long-enough-1", "password2": "long-enough-1"},
    )
    colleague = User.objects.get(username="nowa")
    assert (colleague.is_staff, colleague.is_superuser) == (True, False)

    agents = Group.objects.get(name="agent")
    answer = client.post(
        change("auth_user", colleague.pk),
        account(
            colleague,
            groups=[agents.pk],
            **memberships(
                1, **{"memberships-0-controller": product.controller_id, "memberships-0-product": product.pk}
            ),
        ),
    )

    assert answer.status_code == 302
    assert list(colleague.groups.all()) == [agents]
    assert list(Product.objects.visible_to(colleague)) == [product]


def test_an_administrator_cannot_make_superusers_or_give_permissions(client, administrator, product):
    colleague = make_staff("agent", product=product)
    address = change("auth_user", colleague.pk)
    assert "is_superuser" not in text_of(client.get(address))

    client.post(address, account(colleague, first_name="Jan", is_superuser="on", user_permissions=["1"]))

    colleague.refresh_from_db()
    assert colleague.first_name == "Jan"
    assert (colleague.is_superuser, colleague.is_staff) == (False, True)
    assert not colleague.user_permissions.exists()


def test_an_administrator_cannot_touch_a_superuser(client, administrator):
    root = User.objects.create_superuser("root", password="old-password-1")

    password = reverse("admin:auth_user_password_change", args=[root.pk])
    answer = client.post(
        password, {"usable_password": "true", "password1": "taken-over-1", "password2": "taken-over-1"}
    )
    client.post(change("auth_user", root.pk), account(root, username="mine"))

    root.refresh_from_db()
    assert answer.status_code == 403
    assert root.username == "root"
    assert root.check_password("old-password-1")


def test_an_administrator_cannot_change_their_own_role_or_reach(client, administrator, product):
    other = make_product(controller=product.controller)
    before = set(administrator.groups.all())

    client.post(
        change("auth_user", administrator.pk),
        account(
            administrator,
            first_name="Ada",
            groups=[group.pk for group in Group.objects.all()],
            is_superuser="on",
            **memberships(1, **{"memberships-0-controller": other.controller_id, "memberships-0-product": other.pk}),
        ),
    )

    administrator.refresh_from_db()
    assert administrator.first_name == "Ada"
    assert set(administrator.groups.all()) == before
    assert not administrator.is_superuser
    assert administrator.memberships.count() == 1


def test_nobody_gives_more_than_they_see(client, product):
    administrator = make_staff("administrator", product=product)
    client.force_login(administrator)
    colleague = make_staff("agent")
    sibling, foreign = make_product(controller=product.controller), make_product()

    for controller, chosen in [
        (product.controller_id, ""),
        (product.controller_id, sibling.pk),
        (foreign.controller_id, foreign.pk),
    ]:
        answer = client.post(
            change("auth_user", colleague.pk),
            account(
                colleague,
                **memberships(1, **{"memberships-0-controller": controller, "memberships-0-product": chosen}),
            ),
        )
        assert answer.status_code == 200
        assert not colleague.memberships.exists()

    with pytest.raises(ValidationError) as error:
        staffing.check_grant(by=administrator, controller=product.controller, product=None)
    assert error.value.code == "wider_than_own"


def test_staff_of_other_controllers_are_neither_seen_nor_changed(client, administrator, product):
    stranger = make_staff("agent", product=make_product())
    wider = make_staff("agent", product=product)
    Membership.objects.create(user=wider, controller=make_controller())

    listed = text_of(client.get(reverse("admin:auth_user_changelist")))
    assert stranger.username not in listed
    assert wider.username in listed
    assert client.get(change("auth_user", stranger.pk)).status_code == 302
    client.post(change("auth_user", wider.pk), account(wider, first_name="Changed"))

    wider.refresh_from_db()
    assert wider.first_name == ""


def test_accounts_are_switched_off_and_never_deleted(client, administrator, product):
    colleague = make_staff("agent", product=product)

    assert client.post(reverse("admin:auth_user_delete", args=[colleague.pk]), {"post": "yes"}).status_code == 403
    client.post(change("auth_user", colleague.pk), account(colleague, is_active=""))

    colleague.refresh_from_db()
    assert not colleague.is_active


def test_a_superuser_may_do_all_of_it(admin_client, product):
    colleague = make_staff("agent")

    admin_client.post(
        change("auth_user", colleague.pk),
        account(
            colleague,
            is_staff="on",
            is_superuser="on",
            **memberships(1, **{"memberships-0-controller": product.controller_id, "memberships-0-product": ""}),
        ),
    )

    colleague.refresh_from_db()
    assert colleague.is_superuser
    assert colleague.memberships.count() == 1
