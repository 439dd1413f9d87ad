"""The SQL behind asking: one statement loads what is known about a person, one or two reserve an invitation.

It is written by hand because these run at page views: what decides their throughput is the number of statements, then
the work of building objects nobody needs. Keys are single parameters rather than lists, for which PostgreSQL would
make a new plan at every call.

A device that was anonymous before its user logged in points at that person, and from then on their clocks are one:
what either was asked counts for both. Somebody known by several identifiers, an id and an e-mail say, may have been
met under each of them; what is stored under any that a request names counts. Whoever is named by an e-mail or a phone
alone may be stored under an id that carries it: the clocks of that id count as well, and nothing else of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from feedback.eligibility import Occasion
from feedback.identity import Person
from feedback.person_rows import rows_of
from feedback.prepared import run_prepared

if TYPE_CHECKING:
    from feedback.products import ProductFacts

# What the product tells about a person replaces what it told before; what it leaves out stays.
INSERT_PERSON: Final = """
INSERT INTO feedback_respondent AS person (product_id, subject_key, external_id, email, phone, anonymous_id, name,
    company, country, language, properties, customer_since, first_seen_at, reservations, do_not_contact)
VALUES (%(product)s, %(own_key)s, %(external_id)s, %(email)s, %(phone)s, %(anonymous_id)s, %(name)s,
    %(company)s, %(country)s, %(language)s, %(properties)s, %(customer_since)s, %(at)s, %(reservations)s, false)
ON CONFLICT (product_id, subject_key)
"""

MEET: Final = INSERT_PERSON + "DO NOTHING"

INSERT_DEVICE: Final = """
INSERT INTO feedback_respondent AS device (product_id, subject_key, external_id, email, phone, anonymous_id, name,
    company, country, language, properties, first_seen_at, reservations, do_not_contact, person_id)
SELECT %(product)s, %(device_key)s, '', '', '', %(anonymous_id)s, '', '', '', '', '{}', %(at)s, 1, false, person.id
FROM person
ON CONFLICT (product_id, subject_key) DO UPDATE SET person_id = coalesce(device.person_id, excluded.person_id),
"""

# A new link moves the device's counter on, too, and a new device begins at one: whoever decides about it now has to
# look at the person.
LINK: Final = f"""
WITH person AS ({INSERT_PERSON} DO UPDATE SET first_seen_at = person.first_seen_at RETURNING person.id)
{INSERT_DEVICE} reservations = device.reservations + (device.person_id IS NULL)::int
"""

# A restriction of the person covers what was answered on a device before it was known to be theirs.
RESTRICT_DEVICE: Final = """
WITH theirs AS (
    UPDATE feedback_respondent device SET restricted_at = person.restricted_at FROM feedback_respondent person
    WHERE device.product_id = %(product)s AND device.subject_key = %(device_key)s AND device.person_id = person.id
        AND person.restricted_at IS NOT NULL AND device.restricted_at IS NULL
    RETURNING device.id, device.restricted_at
)
UPDATE feedback_response response SET restricted_at = theirs.restricted_at FROM theirs
WHERE response.respondent_id = theirs.id AND response.restricted_at IS NULL
"""

# An e-mail or a phone that nobody signed fills a gap; it does not take the place of one that is stored. The rest of
# what a product tells about a person is its own affair.
# The counters are the guard: of two decisions made at once on the same facts, the second finds one of them moved on,
# reserves nothing and has to decide again.
CLAIM_OWN: Final = f"""
person AS (
    {INSERT_PERSON}
    DO UPDATE SET reservations = person.reservations + 1,
        email = coalesce(CASE WHEN %(is_signed)s THEN nullif(excluded.email, '') END, nullif(person.email, ''),
            excluded.email),
        phone = coalesce(CASE WHEN %(is_signed)s THEN nullif(excluded.phone, '') END, nullif(person.phone, ''),
            excluded.phone),
        name = coalesce(nullif(excluded.name, ''), person.name),
        company = coalesce(nullif(excluded.company, ''), person.company),
        country = coalesce(nullif(excluded.country, ''), person.country),
        language = coalesce(nullif(excluded.language, ''), person.language),
        customer_since = coalesce(excluded.customer_since, person.customer_since),
        properties = person.properties || excluded.properties
    WHERE person.reservations = %(seen)s
    RETURNING person.id
)
"""
INVITE: Final = """
INSERT INTO feedback_invitation (product_id, survey_id, version_id, respondent_id, channel, language, token_digest,
    url, device, app_version, is_test, created_at, expires_at, borrowed_device_id)
SELECT %(product)s, %(survey)s, %(version)s, person.id, %(channel)s, %(shown_language)s, %(token_digest)s,
    %(url)s, %(device)s, %(app_version)s, %(is_test)s, %(at)s, %(expires_at)s, %(borrowed_device)s::bigint
FROM person
"""
RESERVE: Final = f"WITH {CLAIM_OWN} {INVITE}"

# Of most page views nothing is told but who somebody is.
RESERVE_BY_ID: Final = f"""
WITH person AS (
    UPDATE feedback_respondent SET reservations = reservations + 1 WHERE id = %(own)s AND reservations = %(seen)s
    RETURNING id
) {INVITE}
"""  # noqa: S608  put together from constants of this file

# Of somebody met under several identifiers, the other rows are claimed as well. All are locked first and by kind, so
# that requests naming different identifiers of one person do not wait for each other in a circle. A row that appears
# only after the facts were read is not guarded against: nothing was known to be claimed.
RESERVE_OF_SEVERAL: Final = f"""
WITH locked AS (
    SELECT id, reservations FROM feedback_respondent
    WHERE id = ANY(%(others)s) OR id = %(own)s::bigint ORDER BY subject_key DESC FOR UPDATE
), claimed AS (
    UPDATE feedback_respondent SET reservations = reservations + 1
    WHERE (id, reservations) IN (SELECT * FROM unnest(%(others)s::bigint[], %(others_seen)s::int[]))
        AND id IN (SELECT id FROM locked)
    RETURNING id
), {CLAIM_OWN} {INVITE} WHERE (SELECT count(*) FROM claimed) = cardinality(%(others)s)
"""  # noqa: S608  put together from constants of this file

# The second row that a reservation concerns: the device of a person, or the person whose device it is.
CLAIM_DEVICE: Final = f"""
WITH person AS (SELECT id FROM feedback_respondent WHERE product_id = %(product)s AND subject_key = %(own_key)s)
{INSERT_DEVICE} reservations = device.reservations + 1 WHERE device.reservations = %(device_seen)s
"""  # noqa: S608  put together from constants of this file
CLAIM_PERSON: Final = """
UPDATE feedback_respondent SET reservations = reservations + 1 WHERE id = %(person)s AND reservations = %(person_seen)s
"""


LATEST: Final = datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()  # a number has no room for its microseconds
STRANGER: Final = (*(None,) * 9, "", "", "", "{}", False, False, False)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A row of a person or a device: its key, and the counter that a decision is based on."""

    id: int
    person_id: int | None
    reservations: int


@dataclass(frozen=True, kw_only=True)
class PersonFacts:
    """What is stored about a person, under any of the keys they may have been met under.

    Args:
        own: the row of the key by which they are asked now.
        device: of an identified person, the row of the device.
        person: of an anonymous device, the row of the person it is linked to.
        others: the rows of the person's other identifiers, also of those that carry the one that was named.
        wants_no_mail: unsubscribed, or not to be contacted; a permission is then none.
    """

    own: Stored | None = None
    device: Stored | None = None
    person: Stored | None = None
    others: tuple[Stored, ...] = ()
    is_suppressed: bool = False
    first_seen_at: datetime | None = None
    customer_since: datetime | None = None
    has_objected: bool = False
    is_restricted: bool = False
    country: str = ""
    company: str = ""
    language: str = ""
    properties_json: str = "{}"
    has_bounced: bool = False
    has_permission: bool = False
    wants_no_mail: bool = False
    history: tuple[Occasion, ...] = ()

    @property
    def properties(self) -> dict[str, Any]:
        properties: dict[str, Any] = json.loads(self.properties_json)
        return properties

    def counts_also_for(self, person: Person) -> int | None:
        """Return the key of the row for which an invitation of the person counts beside their own.

        That is the device where it belongs to somebody else, or the record that carries the e-mail or phone by which
        they are asked: by an id alone nobody would find what was asked under an address.
        """
        owner = self.device.person_id if self.device else None
        carriers = [row.id for row in self.others] if person.is_known_by_address else []
        if self.device and owner is not None and owner not in {self.own.id if self.own else None, *carriers}:
            return self.device.id
        return owner if owner in carriers else next(iter(carriers), None)

    def leave_to_remember(self, person: Person) -> bool:
        """Tell whether a "no" leaves something to remember: that the person was met, or whose their device is.

        Of somebody suppressed nothing is stored again, and by an id that was made up for one request nobody returns.
        """
        if self.is_suppressed or person.is_nameless:
            return False
        is_linked = self.device is not None and self.device.person_id is not None
        return self.own is None or (bool(person.device_key) and not is_linked)


def load_person(product: ProductFacts, person: Person, *, channel: str, at: datetime) -> PersonFacts:
    """Return what is stored about the person, their devices and whom those belong to; one statement.

    Args:
        channel: how they would be asked; whether that needs a permission they gave is looked up for e-mail only.
    """
    rows = rows_of(product, person, channel=channel, at=at)
    # Where the person and the device lead to the same people, each row comes twice.
    met = [row for row in dict.fromkeys(rows) if row[1] is not None]
    if not met:
        return PersonFacts(is_suppressed=rows[0][0])
    stored = {row[2]: Stored(id=row[1], person_id=row[3], reservations=row[4]) for row in met}
    own = stored.get(person.subject_key)
    mine = next((row for row in met if row[2] == person.subject_key), STRANGER)
    return PersonFacts(
        own=own,
        device=stored.get(person.device_key) if person.device_key else None,
        person=next((row for row in stored.values() if own and row.id == own.person_id), None),
        others=tuple(row for key, row in sorted(stored.items()) if _is_another_of(person, key)),
        is_suppressed=rows[0][0],
        first_seen_at=_moment(min(row[5] for row in met)),
        customer_since=_moment(mine[6]),
        has_objected=any(row[7] for row in met),
        is_restricted=any(row[8] for row in met),
        country=mine[9],
        company=mine[10],
        language=mine[11],
        properties_json=mine[12],
        has_bounced=any(row[13] for row in met),
        has_permission=mine[14] and not any(row[15] for row in met),
        wants_no_mail=any(row[15] for row in met),
        # What was asked on a borrowed device is found at the device and at the person: it happened once.
        history=tuple(_occasion(product, row) for row in {row[16]: row for row in met if row[16] is not None}.values()),
    )


def _is_another_of(person: Person, key: str) -> bool:
    """Tell whether this is the key of another row of the person: one they name, or one that carries what they name."""
    if person.is_known_by_address:
        return key != person.subject_key and not key.startswith("anon:")
    return key in person.lasting_keys[1:]


def _occasion(product: ProductFacts, row: tuple[Any, ...]) -> Occasion:
    survey_id, created_at, *times = row[17:]
    sent_at, shown_at, responded_at, declined_at, snoozed_at = map(_moment, times)
    return Occasion(
        survey_id=survey_id,
        metric=product.metrics.get(survey_id, ""),
        created_at=datetime.fromtimestamp(created_at, UTC),
        sent_at=sent_at,
        shown_at=shown_at,
        responded_at=responded_at,
        declined_at=declined_at,
        snoozed_at=snoozed_at,
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(min(seconds, LATEST), UTC)


def remember(product: ProductFacts, person: Person, known: PersonFacts, *, at: datetime) -> None:
    """Remember when somebody was first seen and whose device it is; one statement, harmless when it is known.

    One more where their data are restricted: then those of the device are, too.

    Of who they are, this keeps the key, which recognises them, and since when they are a customer, by which the rules
    of asking go; everything else is kept only of those who are asked something.
    """
    values = _row(product, _without_attributes(person), at=at, reservations=0)
    if not (person.device_key and known.is_restricted):
        _takes_effect(LINK if person.device_key else MEET, values)
        return
    with transaction.atomic():
        _takes_effect(LINK, values)
        _takes_effect(RESTRICT_DEVICE, values)


def _without_attributes(person: Person) -> Person:
    """Return what recognises the person: the identifier that is their key, and the device they use."""
    kind = person.subject_key.partition(":")[0]
    return Person(
        external_id=person.external_id,
        email=person.email if kind == "mail" else "",
        phone=person.phone if kind == "tel" else "",
        anonymous_id=person.anonymous_id,
        customer_since=person.customer_since,
    )


def reserve(
    product: ProductFacts, person: Person, known: PersonFacts, *, at: datetime, invitation: dict[str, Any]
) -> bool:
    """Reserve an invitation unless somebody else reserved one since the facts were read; at most two statements.

    Rows are locked in one order, the person before the device, so that two reservations never wait for each other.

    Args:
        known: what the decision was based on.
        invitation: columns of the new invitation.

    Returns:
        Whether the invitation was reserved; if not, somebody else was quicker.
    """
    is_kept = invitation["is_test"] and known.own  # a test changes nothing about somebody who is known
    described = Person(external_id=person.external_id, anonymous_id=person.anonymous_id) if is_kept else person
    values = {**_row(product, described, at=at, reservations=1), **invitation, "seen": _counter(known.own)}
    values["is_signed"] = person.is_signed
    values |= {"own_key": person.subject_key, "device_key": person.device_key}
    values |= {"own": known.own.id if known.own else None, "borrowed_device": known.counts_also_for(person)}
    reservation = RESERVE_BY_ID if known.own and not described.is_described else RESERVE
    if known.others:
        others = known.others
        values["others"] = [row.id for row in others]
        values["others_seen"] = [row.reservations for row in others]
        reservation = RESERVE_OF_SEVERAL
    if person.device_key:
        values["device_seen"] = _counter(known.device)
        steps = [reservation, CLAIM_DEVICE]
    elif known.person:
        values |= {"person": known.person.id, "person_seen": known.person.reservations}
        steps = [CLAIM_PERSON, reservation]
    else:
        steps = [reservation]
    if len(steps) == 1 and not known.others:
        return _takes_effect(reservation, values)
    with transaction.atomic():
        reserved = all(_takes_effect(statement, values) for statement in steps)
        transaction.set_rollback(not reserved)
    return reserved


def _counter(row: Stored | None) -> int:
    return row.reservations if row else 0


def _takes_effect(statement: str, parameters: dict[str, Any]) -> bool:
    return bool(run_prepared(statement, parameters).rowcount)


def _row(product: ProductFacts, person: Person, *, at: datetime, reservations: int) -> dict[str, Any]:
    return {
        "product": product.id,
        "own_key": person.subject_key,
        "device_key": person.device_key,
        "external_id": person.external_id,
        "email": person.email,
        "phone": person.phone,
        "anonymous_id": person.anonymous_id,
        "name": person.name,
        "company": person.company,
        "country": person.country,
        "language": person.language,
        "properties": json.dumps(dict(person.properties)),
        "customer_since": person.customer_since,
        "at": at,
        "reservations": reservations,
    }
