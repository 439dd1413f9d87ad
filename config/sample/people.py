"""Made-up people. Their addresses are on domains that nobody can own."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

# First names and the surnames that go with them.
NAMES_IN_WORDS: Final = {
    "pl": (
        (
            "Anna Maria Katarzyna Agnieszka Barbara Ewa Magdalena Joanna Zofia Aleksandra Hanna Julia",
            "Nowak Kowalska Wiśniewska Wójcik Kamińska Lewandowska Zielińska Szymańska Woźniak Dąbrowska",
        ),
        (
            "Piotr Krzysztof Andrzej Tomasz Paweł Jan Michał Marcin Jakub Adam Łukasz Grzegorz Wojciech",
            "Nowak Kowalski Wiśniewski Wójcik Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski",
        ),
    ),
    "en": (
        (
            "Olivia Emma Amelia Isla Grace Lily Freya Nora Iryna Sofia Hannah Clara "
            "Oliver George Noah Arthur Leo Oscar Henry Lukas Taras Marco Daniel James",
            "Smith Jones Taylor Brown Wilson Evans Walker Weber Novak Kovalenko Silva Rossi",
        ),
    ),
}
NAMES: Final = {
    language: tuple((first.split(), last.split()) for first, last in names)
    for language, names in NAMES_IN_WORDS.items()
}
COUNTRIES: Final = {
    "pl": ("PL",) * 18 + ("DE", "GB"),
    "en": ("GB",) * 7 + ("DE",) * 4 + ("PL",) * 4 + ("UA",) * 3 + ("US", "IE"),
}
COMPANIES: Final = (
    *("Młyn pod Lasem", "Kamienica Sp. z o.o.", "Brzozowa 7", "Pracownia Łąka", "Delta Cargo", "Studio Kreska"),
    *("Northgate Ltd", "Harbour & Sons", "Blue Door Coffee", "Weber Maschinenbau"),
)
SHARE_WITH_COMPANY: Final = 0.2
PROPERTIES: Final = tuple(
    json.dumps({"plan": plan, "segment": segment})
    for plan in ("free", "free", "standard", "premium")
    for segment in ("retail", "retail", "business")
)
ASCII: Final = str.maketrans("łŁ", "lL")


def draw_known(random: Random, *, language: str, first_seen_at: datetime, customer_since: datetime) -> dict[str, Any]:
    """Return the columns of a respondent whom the product named."""
    first_names, last_names = random.choice(NAMES.get(language, NAMES["en"]))
    first, last = random.choice(first_names), random.choice(last_names)
    number = f"{random.getrandbits(64):016x}"
    return {
        "subject_key": f"id:{number}",
        "external_id": number,
        "email": f"{_ascii(first)}.{_ascii(last)}.{number[:6]}@example.com",
        "anonymous_id": "",
        "name": f"{first} {last}",
        "company": random.choice(COMPANIES) if random.random() < SHARE_WITH_COMPANY else "",
        "country": random.choice(COUNTRIES.get(language, COUNTRIES["en"])),
        "language": language,
        "properties": random.choice(PROPERTIES),
        "customer_since": customer_since,
        "first_seen_at": first_seen_at,
    }


def draw_anonymous(random: Random, *, language: str, first_seen_at: datetime) -> dict[str, Any]:
    """Return the columns of a respondent who is only a browser."""
    anonymous_id = f"{random.getrandbits(128):032x}"
    return {
        "subject_key": f"anon:{anonymous_id}",
        "external_id": "",
        "email": "",
        "anonymous_id": anonymous_id,
        "name": "",
        "company": "",
        "country": random.choice(COUNTRIES.get(language, COUNTRIES["en"])),
        "language": language,
        "properties": "{}",
        "customer_since": None,
        "first_seen_at": first_seen_at,
    }


def _ascii(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.translate(ASCII))
    return decomposed.encode("ascii", "ignore").decode().lower()
