"""The demonstration's fixed points and its history. Its passwords and keys are public, so it runs nowhere else."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from config.roles import ROLES
from config.sample.comments import TAGGED_BY
from config.sample.keys import MOBILE_KEY, SHOP_SECRET
from config.sample.seeding import seed
from feedback.follow_up import change_status, flag, log_contact
from feedback.models import FollowUp, Response
from feedback.triage import add_tag
from privacy.intake import Content, enter_request, file_request
from privacy.models import Controller, Membership, Product, Right, RightsRequest, SigningSecret
from surveys.models import Event, Survey
from surveys.publishing import publish
from surveys.scales import Band, Metric
from surveys.targeting import Operator, Recognition, Subject
from surveys.wording import add_default_wording

if TYPE_CHECKING:
    from collections.abc import Sequence

PASSWORD: Final = "odzew-demo"  # noqa: S105  public on purpose
STAFF: Final = {
    "analyst": "analyst",
    "agent": "agent",
    "reviewer": "reviewer",
    "officer": "privacy_officer",
    "dpo": "data_protection_officer",
    "admin": "administrator",
}
SHARE_LINKS: Final = ("demo-nps", "demo-ces", "demo-csat")
EVENTS: Final = {"transfer.completed": "Przelew został wykonany", "call.ended": "Rozmowa z infolinią się skończyła"}
ASKED_AFTER_A_CASE: Final = "demo-online-csat"
AUDIENCE: Final = ((Subject.EVENT, ["call.ended"]), (Subject.KNOWN, [Recognition.IDENTIFIED.value]))
RESPONSES: Final = 1500
DAYS: Final = 365
TAGGED_SHARE: Final = 0.6
# The steps that follow-ups have taken; those without any are new and nobody's.
STARTED: Final = (FollowUp.Status.OPEN, FollowUp.Status.IN_PROGRESS)
FOLLOW_UPS: Final = (
    *((), (), (FollowUp.Status.OPEN,), STARTED, (*STARTED, FollowUp.Status.WAITING)),
    *((*STARTED, FollowUp.Status.RESOLVED), (*STARTED, FollowUp.Status.RESOLVED, FollowUp.Status.CLOSED)),
)


class OutsideTheDemonstrationError(Exception):
    """Known passwords and keys must not exist anywhere else."""


def refuse_elsewhere() -> None:
    """Raise ``OutsideTheDemonstrationError`` unless ODZEW_ENV is demo."""
    if settings.ENVIRONMENT != "demo":
        raise OutsideTheDemonstrationError("the demonstration runs with ODZEW_ENV=demo only")


@transaction.atomic
def load(*, responses: int = RESPONSES) -> bool:
    """Make the fixed points that are missing and, the first time, the history; tell whether it was the first time.

    Args:
        responses: how many responses the history has.

    Raises:
        OutsideTheDemonstrationError: ODZEW_ENV is not demo, or the database is a real installation's.
    """
    refuse_elsewhere()
    if User.objects.exists() and not Product.objects.filter(public_key=MOBILE_KEY).exists():
        raise OutsideTheDemonstrationError("this database belongs to a real installation: it has accounts already")
    controller = _make_controller()
    staff = _make_staff(controller)
    surveys = _make_surveys(controller, publisher=staff["admin"])
    if Response.including_restricted.filter(product__controller=controller).exists():
        return False
    random = Random(20)
    seed(surveys=surveys, responses=responses, days=DAYS, random=random)
    products = sorted({survey.product for survey in surveys}, key=lambda product: product.pk)
    _tag_responses(products, random, by=staff["reviewer"])
    _flag_responses(products, staff)
    _file_requests(products, officer=staff["officer"])
    return True


@transaction.atomic
def admit_shop(*, origins: Sequence[str]) -> None:
    """Let the sample shop, which moves with the port, ask for the first product, and sign who is logged in there.

    Raises:
        OutsideTheDemonstrationError: ODZEW_ENV is not demo.
    """
    refuse_elsewhere()
    product = Product.objects.select_for_update().get(public_key=MOBILE_KEY)
    missing = [origin for origin in origins if origin not in product.allowed_origins]
    if missing:
        product.allowed_origins = [*product.allowed_origins, *missing]
        product.save(update_fields=["allowed_origins"])
    if not product.signing_secrets.exists():
        SigningSecret.objects.create(product=product, secret=SHOP_SECRET)


def _make_controller() -> Controller:
    controller, _created = Controller.objects.get_or_create(
        name="Modrzew Finanse S.A.",
        defaults={
            "group_name": "Grupa Modrzew",
            "address": "ul. Modrzewiowa 7\n00-001 Warszawa",
            "contact_email": "kontakt@modrzew.example",
            "privacy_email": "prywatnosc@modrzew.example",
            "supervisory_authority": "Prezes Urzędu Ochrony Danych Osobowych, ul. Stawki 2, 00-193 Warszawa",
        },
    )
    return controller


def _make_staff(controller: Controller) -> dict[str, User]:
    """Make a member of staff per role, who sees all products of the controller."""
    refuse_elsewhere()
    hashed = make_password(PASSWORD)  # once for all: hashing is slow by design
    staff = {}
    for username, role in STAFF.items():
        user, created = User.objects.get_or_create(
            username=username,
            defaults={"password": hashed, "email": f"{username}@modrzew.example", "is_staff": True},
        )
        if created:
            user.groups.add(Group.objects.get(name=role))
            Membership.objects.create(user=user, controller=controller)
        staff[username] = user
    return staff


def _make_surveys(controller: Controller, *, publisher: User) -> list[Survey]:
    """Make two products with published surveys; the first one's keys and links are known."""
    refuse_elsewhere()
    mobile, _created = Product.objects.get_or_create(
        public_key=MOBILE_KEY,
        defaults={"controller": controller, "name": "Modrzew Mobile", "test_key": "tk_demo"},
    )
    online, _created = Product.objects.get_or_create(
        public_key="pk_demo_online",
        defaults={"controller": controller, "name": "Modrzew Online", "test_key": "tk_demo_online"},
    )
    wanted = [(mobile, metric, f"demo-{metric.value}") for metric in Metric]
    wanted += [(online, metric, f"demo-online-{metric.value}") for metric in (Metric.NPS, Metric.CSAT)]
    for product in (mobile, online):
        for name, label in EVENTS.items():
            Event.objects.get_or_create(product=product, name=name, defaults={"label": label})
    return [_make_survey(product, metric, slug, publisher) for product, metric, slug in wanted]


def _make_survey(product: Product, metric: Metric, slug: str, publisher: User) -> Survey:
    survey, created = Survey.objects.get_or_create(
        slug=slug, defaults={"product": product, "metric": metric, "name": metric.label}
    )
    if created:
        add_default_wording(survey=survey)
        publish(survey=survey, by=publisher)
        if slug == ASKED_AFTER_A_CASE:
            Survey.objects.filter(pk=survey.pk).update(is_transactional=True, daily_cap=200)
            for position, (subject, values) in enumerate(AUDIENCE):
                survey.audience.create(position=position, subject=subject, operator=Operator.IS, values=values)
    return Survey.objects.select_related("product", "current_version").get(pk=survey.pk)


def _tag_responses(products: Sequence[Product], random: Random, *, by: User) -> None:
    """Give most comments of the last months the tags of what they are about."""
    recent = timezone.now() - timedelta(days=120)
    commented = Response.objects.commented().filter(product__in=products, answered_at__gte=recent)
    for name, words in TAGGED_BY.items():
        about = Q()
        for word in words:
            about |= Q(comment__icontains=word)
        chosen = [response for response in commented.filter(about) if random.random() < TAGGED_SHARE]
        add_tag(responses=chosen, name=name, by=by)


def _flag_responses(products: Sequence[Product], staff: dict[str, User]) -> None:
    """Flag the newest complaints of people who can be contacted, and bring some of them further."""
    complaints = Response.objects.commented().filter(product__in=products, band=Band.DETRACTOR).exclude(email="")
    by_person = {response.respondent_id: response for response in complaints.order_by("answered_at")}
    newest_first = reversed(by_person.values())
    for response, steps in zip(newest_first, FOLLOW_UPS, strict=False):
        follow_up = flag(
            response=response,
            reason="Skarga, na którą warto odpowiedzieć.",
            by=staff["reviewer"],
            owner=staff["agent"] if steps else None,
        )
        for step in steps:
            if step == FollowUp.Status.RESOLVED:
                log_contact(follow_up=follow_up, kind="call", text="Rozmowa: opłata zwrócona.", by=staff["agent"])
            note = "Sprawa wyjaśniona w rozmowie." if step == FollowUp.Status.CLOSED else ""
            follow_up = change_status(
                follow_up=follow_up, to=step, by=staff["agent"], note=note, root_cause="Opłaty i limity"
            )


def _file_requests(products: Sequence[Product], *, officer: User) -> None:
    """File one request through the form, not confirmed yet, and enter one that came by post."""
    people = Response.objects.filter(product=products[0]).exclude(email="").values_list("email", flat=True)
    first, second = people.order_by("answered_at", "pk")[:2]
    controller = products[0].controller
    file_request(
        content=Content(controller=controller, rights=(Right.ACCESS,), language="pl", product=products[0], email=first)
    )
    enter_request(
        content=Content(
            controller=controller,
            rights=(Right.ERASURE, Right.OBJECTION),
            language="pl",
            email=second,
            details="Proszę usunąć moje dane i więcej mnie nie pytać.",
            reply_channel=RightsRequest.ReplyChannel.EMAIL,
        ),
        source=RightsRequest.Source.POST,
        arrived_on=timezone.localdate() - timedelta(days=9),
        user=officer,
    )


def roles_of_staff() -> dict[str, str]:
    """Return the name of each login's role."""
    return {username: str(ROLES[role].label) for username, role in STAFF.items()}
