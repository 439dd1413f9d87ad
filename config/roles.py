"""What each role may do, as data; ``manage.py sync_roles`` turns it into groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Role:
    """A group of staff: its label and its permissions as "app.codename"."""

    label: StrOrPromise
    permissions: tuple[str, ...]


def _may(app: str, *rules: str) -> tuple[str, ...]:
    """Expand "view,change survey wording" into the permissions of each verb on each model."""
    permissions = []
    for rule in rules:
        verbs, *models = rule.split()
        permissions += [f"{app}.{verb}_{model}" for verb in verbs.split(",") for model in models]
    return tuple(permissions)


FIGURES: Final = (*_may("privacy", "view product"), *_may("feedback", "view tally"))
SURVEYS: Final = _may("surveys", "view survey surveyversion event")

ROLES: Final[dict[str, Role]] = {
    "analyst": Role(_("analyst"), (*FIGURES, *SURVEYS, *_may("feedback", "view response tag improvement"))),
    "agent": Role(
        _("agent"),
        (*FIGURES, *_may("feedback", "view response tag followup", "change followup")),
    ),
    "reviewer": Role(
        _("reviewer"),
        (
            *(*FIGURES, *SURVEYS),
            *_may("feedback", "view response followup importrun", "add importrun", "view,add,change tag"),
            *_may("feedback", "view,add,change channelpermission campaign"),
            *_may("feedback", "view,add,change,delete rule segment"),
            *_may("feedback", "view,add,change,delete improvement"),
            *("feedback.view_identity", "feedback.read_comment"),
            *("feedback.triage_response", "feedback.flag_response", "feedback.make_personal_links"),
            *_may("feedback", "view team workinghours", "view,add,change rootcause"),
        ),
    ),
    "privacy_officer": Role(
        _("privacy officer"),
        (
            *_may("privacy", "view product controller", "view,add rightsrequest"),
            *_may("privacy", "view incident"),
            *("privacy.reveal_rightsrequest", "privacy.handle_rightsrequest"),
        ),
    ),
    "data_protection_officer": Role(
        _("data protection officer"),
        (
            *(*FIGURES, *SURVEYS),
            *_may("feedback", "view response followup importrun tag rule respondent improvement campaign segment"),
            *_may("feedback", "view,add,change channelpermission"),
            *("feedback.view_identity", "feedback.read_comment"),
            *("feedback.triage_response", "feedback.flag_response"),
            *_may(
                "privacy",
                "view controller accesslogentry recipient disclosure",
                "view,add rightsrequest",
                "view,add,delete suppression",
            ),
            *_may("privacy", "view breakglass staffchange", "view,change incident"),
            # Accounts of data protection officers are theirs to manage, and nobody else's.
            *_may("auth", "view,change user"),
            *("privacy.reveal_rightsrequest", "privacy.handle_rightsrequest", "privacy.decide_rightsrequest"),
            "privacy.oversee_staff",
        ),
    ),
    "administrator": Role(
        _("administrator"),
        (
            *FIGURES,
            *_may("auth", "view,add,change user", "view group"),
            *_may("privacy", "view,add,change controller product", "view,add,change,delete membership signingsecret"),
            *_may("privacy", "view,add,delete serverkey"),
            *_may("privacy", "view suppression", "view,add breakglass", "view,add,change recipient disclosure"),
            *_may("surveys", "view,add,change survey productthrottles", "view surveyversion"),
            *_may("surveys", "view,add,change,delete wording bandwording event"),
            *_may("feedback", "view,add importrun", "view,add,change,delete rule segment"),
            *_may("feedback", "view,add,change campaign", "view taskfailure"),
            *_may("feedback", "view,add,change,delete team workinghours", "view,add,change rootcause"),
        ),
    ),
}


@transaction.atomic
def sync_roles() -> None:
    """Make the groups and their permissions exactly what ``ROLES`` says.

    Raises:
        ValueError: a role names a permission that does not exist.
    """
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type")
    }
    for name, role in ROLES.items():
        missing = sorted(set(role.permissions) - set(known))
        if missing:
            raise ValueError(f"role {name}: no such permission: {', '.join(missing)}")
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.set(known[permission] for permission in role.permissions)


def other_groups() -> QuerySet[Group]:
    """Return the groups that are no roles: retired ones, or made by hand. Their members keep what they grant."""
    return Group.objects.exclude(name__in=ROLES).order_by("name")
