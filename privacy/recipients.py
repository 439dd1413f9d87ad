"""To whom data are given, by name: what must be known of them, and telling them what became of the data, Art. 19."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from privacy.delivery import AUTOMATIC
from privacy.inventory import PURPOSES, Identifier, inventory, purpose_in_words
from privacy.models import Recipient, RequestTask, Right
from privacy.performing import Result
from privacy.subjects import model_of, proved_identifiers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from django.db.models import QuerySet
    from django_stubs_ext import StrOrPromise

    from privacy.models import Controller, RequestItem

# The European Economic Area: the member states of the European Union, Iceland, Liechtenstein and Norway.
EEA: Final = frozenset(
    (
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"),
        *("LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "IS", "LI", "NO"),
    )
)
WITH_AGREEMENT: Final = (Recipient.Kind.PROCESSOR, Recipient.Kind.SUB_PROCESSOR)
# What a recipient can recognise somebody by; hashes mean something to us alone.
NAMES: Final[dict[Identifier, StrOrPromise]] = {
    Identifier.MAILBOX: _("E-mail address"),
    Identifier.ACCOUNT: _("Id in the product"),
}


def check_recipient(recipient: Recipient) -> None:
    """Refuse what must not be: a transfer without a safeguard, clauses without date, processing without agreement.

    GDPR Art. 28(3), 44, 46(2)(c).

    Raises:
        ValidationError: by field, with the codes ``safeguard_required``, ``required`` and ``unknown_purpose``.
    """
    problems: dict[str, ValidationError] = {}
    if recipient.country not in EEA and not recipient.safeguard:
        message = _("Outside the European Economic Area a transfer needs a safeguard.")
        problems["safeguard"] = ValidationError(message, "safeguard_required")
    required = set[str]()
    if recipient.safeguard == Recipient.Safeguard.CLAUSES:
        required |= {"clauses_module", "clauses_on"}
    if recipient.kind in WITH_AGREEMENT:
        required |= {"agreement", "agreed_on"}
    for name in sorted(required):
        if not getattr(recipient, name):
            problems[name] = ValidationError(_("This is needed here."), "required")
    if not recipient.purposes or not set(recipient.purposes) <= set(PURPOSES):
        problems["purposes"] = ValidationError(_("Choose among the purposes of the notice."), "unknown_purpose")
    if problems:
        raise ValidationError(problems)


def current_recipients(*, controller: Controller, datasets: Collection[str], on: date) -> QuerySet[Recipient]:
    """Return who gets, or once got, data of any of the tables; what ended before that day does not count.

    Args:
        datasets: labels of tables.
    """
    lasting = Q(disclosures__until__isnull=True) | Q(disclosures__until__gte=on)
    once = Q(disclosures__until=F("disclosures__since"))
    of_tables = Q(disclosures__dataset__in=datasets, disclosures__since__lte=on)
    return Recipient.objects.filter(of_tables & (lasting | once), controller=controller).distinct()


@dataclass(frozen=True)
class NamedRecipient:
    """What the notice says about a recipient, in the active language."""

    name: str
    kind: StrOrPromise
    country: str
    purposes: tuple[str, ...]
    safeguard: StrOrPromise


def named_recipients(controllers: Iterable[Controller], *, language: str) -> list[NamedRecipient]:
    """Return everybody who gets data of these controllers now."""
    today = timezone.localdate()
    now = Q(disclosures__since__lte=today) & (Q(disclosures__until__isnull=True) | Q(disclosures__until__gte=today))
    found = Recipient.objects.filter(now, controller__in=[each.pk for each in controllers]).distinct()
    return [
        NamedRecipient(
            name=each.name,
            kind=each.get_kind_display(),
            country=each.country,
            purposes=tuple(purpose_in_words(key, language) for key in each.purposes),
            safeguard=each.get_safeguard_display() if each.safeguard else "",
        )
        for each in found.order_by("name", "pk")
    ]


def tell(task: RequestTask) -> Result:
    """Write to a recipient what it has to do with its copy; that it did is acknowledged by somebody else.

    The mail names the person by what was proved and the recipient has, too: it could not find them otherwise. It says
    nothing else about them, but for values that are put right. Where nothing was proved that a recipient can know
    somebody by, it is exempt: the effort would be to tell it more than it has.
    """
    recipient, request = task.recipient, task.item.request
    assert recipient is not None  # noqa: S101  a constraint of the table
    if task.state == RequestTask.State.SENT:
        return Result(state=RequestTask.State.SENT, affected=task.affected)
    names = [(NAMES[kind], value) for kind, value in proved_identifiers(request) if kind in NAMES]
    with translation.override(_language_of(request.controller)):
        if not names:
            reason = str(_("Nothing was proved by which it could recognise the person."))
            return Result(state=RequestTask.State.EXEMPT, reason=reason)
        context = {
            **{"request": request, "recipient": recipient, "controller": request.controller, "names": names},
            **{"right": task.item.right, "values": _corrected(task.item, recipient)},
        }
        EmailMessage(
            subject=str(_("Notification under Art. 19 GDPR, reference %s")) % request.reference,
            body=render_to_string("privacy/mail/recipient.txt", context),
            to=[recipient.contact_email],
            reply_to=[request.controller.privacy_email],
            headers=AUTOMATIC,
        ).send()
    return Result(state=RequestTask.State.SENT, affected=len(names))


def _corrected(item: RequestItem, recipient: Recipient) -> list[tuple[StrOrPromise, str]]:
    """Return the columns that are put right in the tables the recipient gets, with their new values."""
    if item.right != Right.RECTIFICATION:
        return []
    shared = set(recipient.disclosures.values_list("dataset", flat=True))
    corrections = item.corrections.filter(dataset__in=shared).order_by("pk")
    return [(_column_name(each.dataset, each.column), each.value) for each in corrections]


def _column_name(dataset: str, column: str) -> StrOrPromise:
    field = model_of(inventory.tables[dataset])._meta.get_field(column)
    return field.verbose_name  # type: ignore[union-attr]  # a column, no relation


def _language_of(controller: Controller) -> str:
    """Return the language in which a controller writes to other companies."""
    language = controller.country.lower()
    return language if language in dict(settings.LANGUAGES) else "en"
