"""The register of cookies, made from the inventory so that it cannot drift from what is stored in browsers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from privacy.inventory import Pages, inventory

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from privacy.inventory import InBrowser, Inventory

KINDS: Final[dict[str, StrOrPromise]] = {
    "cookie": _("cookie"),
    "local storage": _("local storage"),
    "session storage": _("session storage"),
}
VARYING = re.compile(r"<\w+>")


@dataclass(frozen=True)
class Entry:
    """A cookie or a key of a browser's storage; ``browser`` says the rest about it."""

    name: str
    kind: StrOrPromise
    browser: InBrowser

    def names(self, found: str) -> bool:
        """Tell whether something found in a browser goes by this entry's name."""
        fixed = (re.escape(part) for part in VARYING.split(self.name))
        return re.fullmatch("[^:]+".join(fixed), found) is not None


@dataclass(frozen=True)
class Section:
    """What the pages of one kind leave in browsers."""

    title: StrOrPromise
    text: StrOrPromise
    entries: tuple[Entry, ...]


SECTIONS: Final[dict[Pages, tuple[StrOrPromise, StrOrPromise]]] = {
    Pages.HOST: (
        _("On the sites that ask you"),
        _("The site on which the question appears leaves these in your browser. No other site can read them."),
    ),
    Pages.OURS: (
        _("On our own pages"),
        _(
            "Pages on which you answer, read the privacy notice or make a request leave nothing in your browser, but "
            "for surveys that take one answer per device: they remember that you answered. All other entries below are "
            "left in the browsers of our staff."
        ),
    ),
}


def cookie_register(declared: Inventory = inventory) -> list[Section]:
    """Return every declared store in browsers, by the pages that leave it there."""
    entries = [
        Entry(store.name, KINDS[store.kind], store.browser) for store in declared.stores.values() if store.browser
    ]
    return [
        Section(title, text, tuple(entry for entry in entries if entry.browser.on == pages))
        for pages, (title, text) in SECTIONS.items()
    ]
