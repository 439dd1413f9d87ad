"""A database as staff find it after years: a million responses, and what was done about them."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone

from config.roles import sync_roles
from config.sample.seeding import seed
from feedback.models import Invitation, Respondent, Response, Tag, Team
from feedback.tallies import repair_tallies
from privacy.deadlines import deadlines
from privacy.models import Controller, Membership, Product, RightsRequest
from surveys.models import Survey
from surveys.publishing import publish
from surveys.scales import Metric
from surveys.wording import add_default_wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.utils import CursorWrapper
    from django.db.models import Model

DAYS: Final = 3 * 365  # as long as responses are kept
DRAWN: Final = 10_000  # responses that are drawn; all others are these people again, at other moments
SMALL_SHARE: Final = 100  # one of so many responses is about the product that few people use
PEOPLE_PER_ROLE: Final = 20
RARE: Final = "zimorodek"

# What a copy has of its own; in all other columns it is as the row that it is a copy of.
LATER: Final = "copy * interval '41 minutes'"
NEW_ID: Final = "id + copy * {span}"
OF_PERSON: Final = "respondent_id + copy * {span}"


def _earlier(*columns: str) -> dict[str, str]:
    return {column: f"{column} - {LATER}" for column in columns}


COPIED: Final[dict[type[Model], tuple[str, dict[str, str]]]] = {
    Respondent: ("first_seen_at", {"id": NEW_ID, "subject_key": "subject_key || '-' || copy"}),
    Invitation: (
        "created_at",
        {
            **{"id": NEW_ID, "respondent_id": OF_PERSON, "token_digest": "sha256(token_digest || int4send(copy))"},
            **_earlier("created_at", "expires_at", "sent_at", "opened_at", "shown_at"),
            **_earlier("responded_at", "declined_at", "snoozed_at"),
        },
    ),
    Response: (
        "answered_at",
        {
            **{"id": NEW_ID, "respondent_id": OF_PERSON, "invitation_id": "invitation_id + copy * {span}"},
            **{"submission_id": "gen_random_uuid()", "receipt_hash": "sha256(receipt_hash || int4send(copy))"},
            **_earlier("answered_at", "received_at", "completed_at"),
            "answered_on": f"((answered_at - {LATER}) AT TIME ZONE 'Europe/Warsaw')::date",
            "rules_applied_at": f"completed_at - {LATER}",
            "is_suspect": "(id + copy) % 500 = 0",
            "excluded_at": f"CASE WHEN (id + copy) % 400 = 1 THEN answered_at - {LATER} END",
            "exclusion_reason": "CASE WHEN (id + copy) % 400 = 1 THEN 'Written by us' ELSE '' END",
        },
    ),
}

# What staff did about it, in the order in which it is written.
DONE: Final = (
    # One of twenty responses has a tag, and some tags are given far more often than others.
    """
    INSERT INTO feedback_responsetag (response_id, tag_id, added_by_id, added_at)
    SELECT response.id, tag.id, %(reviewer)s, response.answered_at FROM feedback_response AS response
    JOIN (SELECT id, product_id, row_number() OVER (PARTITION BY product_id ORDER BY id) AS place FROM feedback_tag)
    AS tag ON tag.product_id = response.product_id AND tag.place = 1 + sqrt(response.id % 900)::int
    WHERE response.id % 20 = 0 AND response.product_id = ANY(%(products)s) ORDER BY response.answered_at
    """,
    """
    UPDATE feedback_response SET comment = comment || ' ' || %(rare)s WHERE id IN (
        SELECT id FROM feedback_response
        WHERE product_id = ANY(%(products)s) AND comment <> '' AND id % 1000 = 7 LIMIT 9
    )
    """,
    # One of twenty detractors was followed up; what is older than a month is closed.
    """
    INSERT INTO feedback_followup (response_id, respondent_id, product_id, status, reason, priority, team_id, owner_id,
        flagged_by_id, created_at, due_at, contacted_at, closed_at, closing_note)
    SELECT id, respondent_id, product_id, status, 'A promise was broken',
        CASE WHEN id % 7 = 0 THEN 'high' ELSE 'normal' END, team_id,
        CASE WHEN id % 3 > 0 THEN %(agent)s + id % %(agents)s END, %(reviewer)s, answered_at + interval '1 hour',
        answered_at + interval '3 days',
        CASE WHEN status NOT IN ('new', 'open') THEN answered_at + (20 + id % 90) * interval '1 hour' END,
        CASE WHEN status = 'closed' THEN answered_at + (90 + id % 200) * interval '1 hour' END,
        CASE WHEN status = 'closed' THEN 'The fee was paid back' ELSE '' END
    FROM (
        SELECT DISTINCT ON (respondent_id) response.id, respondent_id, response.product_id, answered_at,
            team.id AS team_id, CASE WHEN answered_at < now() - interval '30 days' THEN 'closed'
            ELSE (ARRAY['new', 'open', 'in_progress', 'waiting', 'resolved'])[1 + response.id % 5] END AS status
        FROM feedback_response AS response JOIN feedback_team AS team ON team.product_id = response.product_id
        WHERE response.product_id = ANY(%(products)s) AND band = 'detractor' AND response.id % 20 < 2
        ORDER BY respondent_id, answered_at DESC
    ) AS flagged ORDER BY answered_at
    """,
    """
    INSERT INTO feedback_statuschange (follow_up_id, from_status, to_status, by_id, at)
    SELECT id, from_status, to_status, %(agent)s, created_at + step * interval '9 hours' FROM feedback_followup
    CROSS JOIN (VALUES (0, '', 'new'), (1, 'new', 'open'), (2, 'open', 'in_progress'),
        (3, 'in_progress', 'resolved'), (4, 'resolved', 'closed')) AS moves (step, from_status, to_status)
    WHERE status = 'closed' AND product_id = ANY(%(products)s) ORDER BY id, step
    """,
    """
    INSERT INTO feedback_contact (follow_up_id, kind, actor_id, at, subject, text, message_id, attempts, sent_at,
        failure, sender)
    SELECT id, kind, CASE WHEN kind = 'email_out' THEN %(agent)s END, contacted_at, 'Your feedback', 'Thank you',
        '', 1, contacted_at, '', '' FROM feedback_followup
    CROSS JOIN (VALUES ('email_out'), ('email_in')) AS kinds (kind)
    WHERE contacted_at IS NOT NULL AND product_id = ANY(%(products)s) ORDER BY contacted_at
    """,
    """
    INSERT INTO feedback_improvement (product_id, language, title, said, text, done_on, published_at, created_by_id)
    SELECT product, 'en', 'Transfers arrive in a minute', 'Waiting is no fun', 'They are instant',
        current_date - number, CASE WHEN number % 3 > 0 THEN now() - number * interval '1 day' END, %(reviewer)s
    FROM unnest(%(products)s) AS product CROSS JOIN generate_series(1, 100) AS number
    """,
    """
    INSERT INTO feedback_improvement_responses (improvement_id, response_id)
    SELECT improvement.id, linked.id FROM feedback_improvement AS improvement CROSS JOIN LATERAL (
        SELECT id FROM feedback_response WHERE product_id = improvement.product_id
        AND answered_at < now() - improvement.id % 100 * interval '1 day' ORDER BY answered_at DESC LIMIT 30
    ) AS linked WHERE improvement.product_id = ANY(%(products)s)
    """,
    """
    INSERT INTO privacy_accesslogentry (at, user_id, controller_id, product_id, record_kind, record_number, purpose)
    SELECT answered_at + interval '2 hours', %(reviewer)s, %(controller)s, product_id, 'feedback.Response', id,
        CASE WHEN id % 5 = 0 THEN 'comment' ELSE 'identity' END
    FROM feedback_response WHERE id % 4 = 0 AND product_id = ANY(%(products)s) ORDER BY answered_at
    """,
    """
    INSERT INTO feedback_channelpermission (respondent_id, channel, basis, evidence, given_on)
    SELECT id, 'email', 'consent', 'form 7', first_seen_at::date FROM feedback_respondent
    WHERE email <> '' AND id % 10 = 0 AND product_id = ANY(%(products)s) ORDER BY first_seen_at
    """,
    """
    INSERT INTO privacy_suppression (product_id, digest, reason, created_at)
    SELECT product_id, sha256(int8send(id)), 'objected', first_seen_at FROM feedback_respondent
    WHERE id % 50 = 0 AND product_id = ANY(%(products)s) ORDER BY first_seen_at
    """,
)


@dataclass(frozen=True)
class Workforce:
    """Who looks at the pages.

    Args:
        people: one of each role, who sees every product.
        of_small_product: a reviewer of the last product only, which few people use.
    """

    people: dict[str, User]
    of_small_product: User
    products: tuple[Product, ...]


def fill(*, responses: int) -> Workforce:
    """Write products, staff and about so many responses of three years; the same people answer again and again."""
    controller, products = _make_products()
    staff = _make_staff(controller, products)
    few = [*Survey.objects.filter(product=products[-1]).select_related("product", "current_version")]
    many = [*Survey.objects.filter(product__in=products[:-1]).select_related("product", "current_version")]
    drawn = min(DRAWN, responses)
    dice = Random(drawn)  # noqa: S311  the same people in every run
    for surveys, share in ((few, max(1, drawn // SMALL_SHARE)), (many, drawn - drawn // SMALL_SHARE)):
        seed(surveys=surveys, responses=share, days=DAYS, random=dice)
    with connection.cursor() as cursor:
        with _unhindered(cursor):
            for statement in _copying(products, copies=responses // drawn - 1):
                cursor.execute(statement)
        repair_tallies()
        named: dict[str, Any] = {
            "products": [product.pk for product in products],
            "controller": controller.pk,
            "reviewer": staff.people["reviewer"].pk,
            "agent": staff.people["agent"].pk,
            "agents": PEOPLE_PER_ROLE,
            "rare": RARE,
        }
        for statement in DONE:
            cursor.execute(statement.replace(" % ", " %% "), named)
        cursor.execute("VACUUM ANALYZE")
    return staff


@contextlib.contextmanager
def _unhindered(cursor: CursorWrapper) -> Iterator[None]:
    """Leave out triggers and foreign keys, and build indexes afterwards, which is several times faster."""
    tables = [model._meta.db_table for model in COPIED]
    cursor.execute(
        "SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
        " WHERE indrelid = ANY(%s::regclass[]) AND NOT indisunique",
        [tables],
    )
    indexes = cursor.fetchall()
    for name, _definition in indexes:
        cursor.execute(f"DROP INDEX {name}")
    cursor.execute("SET session_replication_role = replica; SET maintenance_work_mem = '256MB'")
    try:
        yield
    finally:
        cursor.execute("RESET session_replication_role")
    for _name, definition in indexes:
        cursor.execute(definition)
    cursor.execute("RESET maintenance_work_mem")


def _copying(products: tuple[Product, ...], *, copies: int) -> Iterator[str]:
    """Yield the statements that multiply what was drawn, in the order of time as the years would have written it."""
    if copies < 1:
        return
    span = max(model._base_manager.latest("pk").pk for model in COPIED)
    ours = ", ".join(str(product.pk) for product in products)
    for model, (by_time, own) in COPIED.items():
        table = model._meta.db_table
        fields = [field for field in model._meta.concrete_fields if not field.generated]
        columns = [field.column for field in fields if field.column]
        values = [f"{own.get(column, column).format(span=span)} AS {column}" for column in columns]
        yield (
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table}"  # noqa: S608  ours
            f" CROSS JOIN generate_series(1, {copies}) AS copy WHERE product_id IN ({ours})"
            f" ORDER BY {by_time} - {LATER}"
        )
        yield f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"  # noqa: S608  ours


def _make_products() -> tuple[Controller, tuple[Product, ...]]:
    controller = Controller.objects.create(
        name="Years", contact_email="y@example.com", privacy_email="y@example.com", supervisory_authority="–"
    )
    products = []
    for name, metrics in (
        ("Bank", (Metric.NPS, Metric.CES)),
        ("Shop", (Metric.NPS, Metric.CSAT)),
        ("Atlas", (Metric.NPS,)),
    ):
        product = Product.objects.create(controller=controller, name=name)
        Team.objects.create(product=product, name="Care")
        Tag.objects.bulk_create([Tag(product=product, name=f"Theme {number}") for number in range(1, 31)])
        for metric in metrics:
            survey = Survey.objects.create(product=product, name=metric.label, metric=metric)
            add_default_wording(survey=survey)
            publish(survey=survey)
        products.append(product)
    received_at = timezone.now()
    RightsRequest.objects.bulk_create(
        RightsRequest(
            controller=controller,
            product=products[number % 3],
            language="pl",
            received_at=received_at - timedelta(days=number),
            **asdict(deadlines(received_at - timedelta(days=number), zone=ZoneInfo("Europe/Warsaw"), country="PL")),
        )
        for number in range(300)
    )
    return controller, tuple(products)


def _make_staff(controller: Controller, products: tuple[Product, ...]) -> Workforce:
    sync_roles()
    first = {}
    for role in Group.objects.order_by("name"):
        people = User.objects.bulk_create(
            User(username=f"{role.name}-{number}", is_staff=True) for number in range(PEOPLE_PER_ROLE)
        )
        role.user_set.set(people)
        Membership.objects.bulk_create(Membership(user=user, controller=controller) for user in people)
        first[role.name] = people[0]
    small = User.objects.create(username="small", is_staff=True)
    small.groups.add(Group.objects.get(name="reviewer"))
    Membership.objects.create(user=small, controller=controller, product=products[-1])
    return Workforce(first, small, products)
