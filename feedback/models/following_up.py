"""The work of contacting a respondent about a response they gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from feedback.models.asking import Respondent
from feedback.models.capturing import Response
from feedback.models.working import RootCause, Team
from privacy.models import Product

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser, User
    from django_fsm import Transition


class Priority(models.TextChoices):
    LOW = "low", _("low")
    NORMAL = "normal", _("normal")
    HIGH = "high", _("high")


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Keep the follow-ups of products the user may see."""
        return self.filter(product__in=Product.objects.visible_to(user))

    def open(self) -> Self:
        """Keep the follow-ups that still need somebody."""
        return self.filter(status__in=FollowUp.OPEN_STATUSES)


class UnrestrictedFollowUps(models.Manager.from_queryset(FollowUpQuerySet)):  # type: ignore[misc]
    def get_queryset(self) -> FollowUpQuerySet:
        everybody: FollowUpQuerySet = super().get_queryset()
        return everybody.filter(response__restricted_at__isnull=True)


class FollowUp(models.Model):
    """One person's case about one response; without a response there is nobody to contact."""

    class Status(models.TextChoices):
        NEW = "new", _("new")
        OPEN = "open", _("open")
        IN_PROGRESS = "in_progress", _("in progress")
        WAITING = "waiting", _("waiting")
        RESOLVED = "resolved", _("resolved")
        CLOSED = "closed", _("closed")
        DISMISSED = "dismissed", _("dismissed")

    OPEN_STATUSES = (Status.NEW, Status.OPEN, Status.IN_PROGRESS, Status.WAITING)

    response = models.ForeignKey(
        Response, on_delete=models.CASCADE, related_name="follow_ups", verbose_name=_("response")
    )
    respondent = models.ForeignKey(
        Respondent, on_delete=models.CASCADE, related_name="follow_ups", verbose_name=_("respondent")
    )
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+", verbose_name=_("product"))
    status = FSMField(_("status"), max_length=16, choices=Status.choices, default=Status.NEW, protected=True)
    reason = models.TextField(_("reason"), max_length=1000)
    priority = models.CharField(_("priority"), max_length=6, choices=Priority, default=Priority.NORMAL)
    team = models.ForeignKey(
        Team, on_delete=models.SET_NULL, null=True, blank=True, related_name="follow_ups", verbose_name=_("team")
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="follow_ups",
        verbose_name=_("assigned to"),
    )
    flagged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("flagged by"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    due_at = models.DateTimeField(_("first contact due"), null=True, blank=True)
    contacted_at = models.DateTimeField(_("first contact"), null=True, blank=True)
    escalated_at = models.DateTimeField(_("escalated"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closing_note = models.TextField(_("closing note"), max_length=2000, blank=True)
    root_cause = models.ForeignKey(
        RootCause, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("root cause")
    )

    objects = UnrestrictedFollowUps()
    including_restricted = FollowUpQuerySet.as_manager()

    class Meta:
        base_manager_name = "including_restricted"
        ordering = ["-created_at", "-pk"]
        verbose_name = _("follow-up")
        verbose_name_plural = _("follow-ups")
        indexes = [
            models.Index(fields=["product", "status", "-created_at"], name="follow_up_queue"),
            models.Index(fields=["-created_at", "-id"], name="follow_up_newest"),
            models.Index(
                fields=["due_at"], name="follow_up_due", condition=Q(contacted_at__isnull=True, closed_at__isnull=True)
            ),
        ]
        constraints = [
            # A respondent belongs to one product, so this is one open follow-up per person and product.
            models.UniqueConstraint(
                fields=["respondent"],
                condition=Q(status__in=["new", "open", "in_progress", "waiting"]),
                name="follow_up_one_open_per_respondent",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["closed", "dismissed"]) | (Q(closed_at__isnull=False) & ~Q(closing_note="")),
                name="follow_up_closed_with_a_note",
            ),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN_STATUSES

    def possible_moves(self) -> dict[str, Transition]:
        """Return the transitions that are possible from the status it has now, by the status they lead to."""
        moves = self.get_available_status_transitions()  # type: ignore[attr-defined]  # FSMField adds it to the class
        return {move.target: move for move in moves}

    # The status machine. ``follow_up.change_status`` is the way in: it locks, checks and saves.

    @transition(field=status, source=Status.NEW, target=Status.OPEN, custom={"label": _("Open")})
    def accept(self) -> None:
        """Somebody has looked at it and it is worth the work."""

    @transition(
        field=status,
        source=[Status.OPEN, Status.WAITING],
        target=Status.IN_PROGRESS,
        custom={"label": _("Start work")},
    )
    def start(self) -> None:
        """Somebody works on it."""

    @transition(
        field=status, source=Status.IN_PROGRESS, target=Status.WAITING, custom={"label": _("Wait for an answer")}
    )
    def wait(self) -> None:
        """The person, or a colleague, has to answer first."""

    @transition(
        field=status,
        source=[Status.IN_PROGRESS, Status.WAITING],
        target=Status.RESOLVED,
        custom={"label": _("Resolve")},
    )
    def resolve(self) -> None:
        """What the person complained about is settled."""

    @transition(field=status, source=Status.RESOLVED, target=Status.CLOSED, custom={"label": _("Close")})
    def close(self, *, at: datetime, note: str) -> None:
        """Nothing remains to be done."""
        self.closed_at, self.closing_note = at, note

    @transition(field=status, source=list(OPEN_STATUSES), target=Status.DISMISSED, custom={"label": _("Dismiss")})
    def dismiss(self, *, at: datetime, note: str) -> None:
        """It needs no work, for the reason in the note."""
        self.closed_at, self.closing_note = at, note

    @transition(
        field=status,
        source=[Status.RESOLVED, Status.CLOSED, Status.DISMISSED],
        target=Status.OPEN,
        custom={"label": _("Reopen")},
    )
    def reopen(self) -> None:
        """It was not the end; the note of the last closing stays until the next one."""
        self.closed_at = None
