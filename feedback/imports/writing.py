"""Writing a part of a file's rows: products and surveys where they are missing, then people, invitations, responses."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone

from feedback.imports.copying import copy_in, copy_in_missing
from feedback.imports.erasing import without_erased
from feedback.imports.planning import Answer, Catalogue, KnownProduct, RowError, explain
from feedback.imports.recognising import fold_name
from feedback.models import ImportRowError, ImportRun, Invitation, Respondent, Response
from privacy.models import Controller, Membership, Product
from surveys.models import Survey, SurveyVersion
from surveys.publishing import change_state, publish
from surveys.scales import Metric
from surveys.wording import DECLINE, add_default_wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from django.contrib.auth.models import User
    from django.db.models import QuerySet

# Answers of the last weeks still want to be read; thousands of older ones would only bury them.
UNREAD_FOR: Final = timedelta(days=30)


def catalogue_for(*, controller: Controller, by: User | None, metric: str) -> Catalogue:
    """Return the products that an import by this person may write to; nobody (the command line) may write to all.

    A product that the person may not see is in it with a problem: it can be neither written to nor created anew.
    """
    products = list(controller.products.all())
    visible = set(products if by is None else controller.products.visible_to(by))
    surveyed = set(_import_surveys(metric).filter(product__controller=controller).values_list("product", flat=True))

    def problem(product: Product) -> str:
        if product not in visible:
            return "unknown_product"
        return "" if product.pk in surveyed or product.default_language in DECLINE else "no_wording"

    return Catalogue(
        products={fold_name(product.name): KnownProduct(product.zone, problem(product)) for product in products},
        may_create=by is None or by.has_perm("privacy.add_product"),
        zone=Product(time_zone=controller.time_zone).zone,
    )


# --- Products and surveys ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Destination:
    """Where the rows of one product go."""

    product: Product
    version: SurveyVersion


class Destinations:
    """The products and survey versions of one run, found or created when first needed, with the controller locked."""

    def __init__(self, run: ImportRun) -> None:
        self._run = run
        self._known: dict[str, Destination] = {}

    def find(self, names: Iterable[str]) -> dict[str, Destination]:
        """Return the destinations of products by folded name, creating what is missing."""
        missing = {fold_name(name): name for name in names}
        missing = {folded: name for folded, name in missing.items() if folded not in self._known}
        if missing:
            products = products_by_name(self._run.controller)
            for folded, name in missing.items():
                product = products.get(folded) or self._create_product(name)
                version = _version_for(product, Metric(self._run.metric))
                self._known[folded] = Destination(product, version)
        return self._known

    def _create_product(self, name: str) -> Product:
        controller, by = self._run.controller, self._run.created_by
        product = Product.objects.create(
            controller=controller, name=" ".join(name.split()), time_zone=controller.time_zone
        )
        # Whoever brings in a product's answers must be able to see them.
        if by and not Product.objects.visible_to(by).filter(pk=product.pk).exists():
            Membership.objects.create(user=by, controller=controller, product=product)
        return product


def products_by_name(controller: Controller) -> dict[str, Product]:
    """Return all products of a controller by folded name."""
    return {fold_name(product.name): product for product in controller.products.all()}


def _import_surveys(metric: str) -> QuerySet[Survey]:
    """Keep the surveys that hold imported answers: they are archived from the first, so that nobody is ever asked."""
    name = f"Imported {Metric(metric).label}"
    return Survey.objects.filter(
        name__startswith=name, metric=metric, state=Survey.State.ARCHIVED, current_version__isnull=False
    )


def _version_for(product: Product, metric: Metric) -> SurveyVersion:
    survey = _import_surveys(metric).filter(product=product).select_related("current_version").order_by("pk").first()
    if survey is not None and survey.current_version is not None:
        return survey.current_version
    survey = Survey.objects.create(product=product, name=_free_name(product, metric), metric=metric)
    add_default_wording(survey=survey)
    version = publish(survey=survey)
    change_state(survey=survey, to=Survey.State.ARCHIVED)
    return version


def _free_name(product: Product, metric: Metric) -> str:
    """Return a name that no survey of the product has: staff may have used the first one for something else."""
    taken = set(product.surveys.values_list("name", flat=True))
    name, number = f"Imported {metric.label}", 1
    while name in taken:
        number += 1
        name = f"Imported {metric.label} ({number})"
    return name


# --- Rows -------------------------------------------------------------------------------------------------------------


@transaction.atomic
def write_part(
    *, begun: ImportRun, start: int, rows: Sequence[Answer | RowError], destinations: Destinations
) -> ImportRun | None:
    """Write consecutive rows of a run and its progress, all or nothing.

    Two locks make this safe: the run's, so that of two workers on one run each part is written by one; and the
    controller's, so that two runs with the same rows write each row once.

    Args:
        begun: the run as this worker found it.
        start: how many rows of the file were done before these.

    Returns:
        The run after these rows, or ``None`` where another worker has already moved it on.
    """
    run = ImportRun.objects.select_for_update().defer("content").get(pk=begun.pk)
    if run.state != ImportRun.State.RUNNING or run.done_rows != start or _settings(run) != _settings(begun):
        return None
    Controller.objects.select_for_update(no_key=True).get(pk=run.controller_id)
    answers, erased = without_erased(
        [row for row in rows if isinstance(row, Answer)], products=products_by_name(run.controller)
    )
    fresh = _count_fresh(run, answers) if run.is_dry_run else _write_fresh(run, answers, destinations)
    errors = [*(row for row in rows if isinstance(row, RowError)), *erased]
    ImportRowError.objects.bulk_create(
        ImportRowError(run=run, line=error.line, code=error.code, reason=explain(error.code, run.metric))
        for error in errors
    )
    run.done_rows += len(rows)
    run.imported += fresh
    run.already_there += len(answers) - fresh
    run.in_error += len(errors)
    run.save(update_fields=["done_rows", "imported", "already_there", "in_error"])
    return run


def _settings(run: ImportRun) -> tuple[object, ...]:
    return run.mapping, run.metric, run.is_dry_run


def _count_fresh(run: ImportRun, answers: Sequence[Answer]) -> int:
    products = products_by_name(run.controller)
    keys = {
        answer.key(products[name].pk, run.metric): answer
        for answer in answers
        if (name := fold_name(answer.product)) in products
    }
    return len(answers) - len(_known_keys(keys))


def _known_keys(keys: Iterable[bytes]) -> set[bytes]:
    known = Response.including_restricted.filter(import_key__in=list(keys))
    return {bytes(key) for key in known.values_list("import_key", flat=True) if key is not None}


@dataclass(frozen=True, slots=True)
class _Fresh:
    """An answer to be written, and where it goes."""

    answer: Answer
    key: bytes
    destination: Destination

    @property
    def person(self) -> tuple[int, str]:
        """What identifies the respondent: the product and the subject key."""
        return self.destination.product.pk, self.subject_key

    @property
    def subject_key(self) -> str:
        return self.answer.subject or f"anon:{self.anonymous_id}"

    @property
    def anonymous_id(self) -> str:
        return "" if self.answer.subject else f"import-{self.key.hex()[:48]}"

    @property
    def language(self) -> str:
        return self.answer.language or self.destination.product.default_language


def _write_fresh(run: ImportRun, answers: Sequence[Answer], destinations: Destinations) -> int:
    """Write the answers that are not there yet and return how many these are."""
    places = destinations.find(answer.product for answer in answers)
    keyed: dict[bytes, _Fresh] = {}
    for answer in answers:
        destination = places[fold_name(answer.product)]
        key = answer.key(destination.product.pk, run.metric)
        keyed[key] = _Fresh(answer, key, destination)
    known = _known_keys(keyed)
    fresh = [item for key, item in keyed.items() if key not in known]
    people = _find_or_create_people(fresh)
    invitations = [_invitation(item, people[item.person]) for item in fresh]
    copy_in(invitations)
    now = timezone.now()
    copy_in(
        [_response(item, invitation, run=run, now=now) for item, invitation in zip(fresh, invitations, strict=True)]
    )
    return len(fresh)


def _find_or_create_people(fresh: Sequence[_Fresh]) -> dict[tuple[int, str], Respondent]:
    """Return the respondents of the answers by product and subject key; the file may name people already here."""
    first: dict[tuple[int, str], _Fresh] = {}
    for item in fresh:
        earlier = first.get(item.person)
        if earlier is None or item.answer.answered_at < earlier.answer.answered_at:
            first[item.person] = item
    # In one order everywhere, so that two writers of the same people wait for each other instead of deadlocking.
    copy_in_missing([_respondent(first[person]) for person in sorted(first)])
    found = Respondent.including_restricted.filter(
        product__in={product for product, _key in first}, subject_key__in=[key for _product, key in first]
    ).only("product_id", "subject_key", "first_seen_at", "restricted_at")
    people = {(person.product_id, person.subject_key): person for person in found}
    seen_earlier = [
        person
        for identity, person in people.items()
        if identity in first and first[identity].answer.answered_at < person.first_seen_at
    ]
    for person in seen_earlier:
        person.first_seen_at = first[person.product_id, person.subject_key].answer.answered_at
    if seen_earlier:
        Respondent.including_restricted.bulk_update(seen_earlier, ["first_seen_at"])
    return people


def _respondent(item: _Fresh) -> Respondent:
    return Respondent(
        product=item.destination.product,
        subject_key=item.subject_key,
        external_id=item.answer.respondent,
        email=item.answer.email,
        anonymous_id=item.anonymous_id,
        language=item.answer.language,
        first_seen_at=item.answer.answered_at,
    )


def _invitation(item: _Fresh, respondent: Respondent) -> Invitation:
    """Return the occasion of an imported answer: never shown by us, so that it takes no part in rates of answering."""
    return Invitation(
        product=item.destination.product,
        survey_id=item.destination.version.survey_id,
        version=item.destination.version,
        respondent=respondent,
        channel=item.answer.channel,
        language=item.language,
        token_digest=secrets.token_bytes(32),  # of no token: nobody can open it
        created_at=item.answer.answered_at,
        expires_at=item.answer.answered_at,
        responded_at=item.answer.answered_at,
    )


def _response(item: _Fresh, invitation: Invitation, *, run: ImportRun, now: datetime) -> Response:
    answer, version = item.answer, item.destination.version
    is_recent = now - answer.answered_at < UNREAD_FOR
    return Response(
        product=item.destination.product,
        survey_id=version.survey_id,
        version=version,
        respondent=invitation.respondent,
        invitation=invitation,
        submission_id=uuid.uuid4(),
        state=Response.State.COMPLETE,
        metric=version.metric,
        band_profile=version.band_profile,
        score=answer.score,
        comment=answer.comment,
        receipt_hash=secrets.token_bytes(32),
        answered_at=answer.answered_at,
        answered_on=answer.answered_at.date(),
        received_at=now,
        completed_at=answer.answered_at,
        channel=answer.channel,
        language=item.language,
        name=answer.respondent,
        email=answer.email,
        # What a person asked us not to use arrives unused.
        restricted_at=invitation.respondent.restricted_at,
        triage=Response.Triage.UNREAD if is_recent else Response.Triage.READ,
        import_run=run,
        import_key=item.key,
    )
