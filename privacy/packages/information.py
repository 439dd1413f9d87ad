"""What Art. 15(1) and (2) GDPR have the person told beside the data, from the inventory and the named recipients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext

from privacy.access import title_of_table
from privacy.inventory import inventory, purpose_in_words
from privacy.models import Recipient
from privacy.notice import purposes

if TYPE_CHECKING:
    from privacy.packages.contents import Contents


def information(contents: Contents) -> dict[str, Any]:
    """Return what the person is told, in the active language; keys are stable."""
    controller = contents.controller
    language = get_language() or "en"
    return {
        "controller": {
            "name": controller.name,
            "group": controller.group_name,
            "address": controller.address,
            "contact": controller.contact_email,
            "privacy_contact": controller.privacy_email,
        },
        "purposes": [
            {
                "purpose": row.text,
                "basis": row.basis,
                "categories": [{"category": each.name, "kept_at_most": each.keep} for each in row.categories],
            }
            for row in purposes(language=language)
        ],
        "periods": gettext("Periods count from the day the data were collected."),
        "recipients": _recipients(contents, language),
        "source": gettext(
            "The data come from you, when you answered or wrote to us; from the product that you use, which told us "
            "who you are; and from earlier surveys whose answers were imported. What is marked as derived by us we "
            "worked out ourselves."
        ),
        "rights": _rights(),
        "complaint": {
            "text": gettext("If you think that we do not treat your data lawfully, you may complain to:"),
            "authority": controller.supervisory_authority,
        },
        "automated_decisions": gettext(
            "There are none: nothing that affects you is decided by a machine alone, and no profile of you is made "
            "(Art. 22 GDPR)."
        ),
    }


def _recipients(contents: Contents, language: str) -> list[dict[str, Any]]:
    """Return who got, gets or will get data of the kinds the person has here, by name: C-154/21."""
    held = [part.dataset.name for part in contents.parts]
    recipients = Recipient.objects.filter(controller=contents.controller, disclosures__dataset__in=held).distinct()
    return [
        {
            "name": each.name,
            "kind": str(each.get_kind_display()),
            "country": each.country,
            "purposes": [purpose_in_words(key, language) for key in each.purposes],
            "data": sorted(
                {title_of_table(inventory.tables[one.dataset]) for one in each.disclosures.filter(dataset__in=held)}
            ),
            "safeguard": _safeguard(each),
        }
        for each in recipients
    ]


def _safeguard(recipient: Recipient) -> str:
    """Return what protects the data outside the European Economic Area, Art. 15(2); empty where nothing has to."""
    parts = []
    if recipient.safeguard:
        parts.append(str(recipient.get_safeguard_display()))
    if recipient.clauses_on:
        signed = gettext("%(module)s, signed on %(day)s")
        day = date_format(recipient.clauses_on, "DATE_FORMAT")
        parts.append(signed % {"module": recipient.get_clauses_module_display(), "day": day})
    if recipient.supplementary_measures:
        parts.append(recipient.supplementary_measures)
    return "; ".join(parts)


def _rights() -> list[str]:
    return [
        gettext("to have your data corrected (Art. 16 GDPR)"),
        gettext("to have your data deleted (Art. 17 GDPR)"),
        gettext("to have the use of your data restricted (Art. 18 GDPR)"),
        gettext("to get the data that you provided in a format for machines (Art. 20 GDPR)"),
        gettext("to object to being contacted, at any time and without a reason, and to the analysis (Art. 21 GDPR)"),
    ]
