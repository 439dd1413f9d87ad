"""Canaries: a random word in every personal column of every row about a person, and where any of them can be heard.

The inventory says what to fill, so that a new column or table cannot be forgotten.
"""

from __future__ import annotations

import itertools
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.core.cache import cache
from django.db import connection, models
from django.utils import timezone

from feedback.follow_up import flag
from feedback.models import CampaignMail, FollowUp, Improvement, Respondent, Response, Tag, Team
from privacy.encryption import EncryptedTextField
from privacy.inventory import STAFF, Erasure, inventory
from privacy.models import Approval, IdentityProof, RightsRequest
from privacy.subjects import Subject, model_of, rows_of, tables_about, tables_about_people
from tests.factories import make_campaign, make_improvement, make_respondent, make_response, make_staff

if TYPE_CHECKING:
    from privacy.inventory import Table
    from surveys.models import Survey

SHORTEST = 10  # what is shorter is a code, as of a country
# Codes from lists, which name nobody by themselves.
CODES = {"language", "app_version", "device"}
STAYING = (Erasure.KEEP, Erasure.HASH)


class Canary:
    """The words planted for one person: each is unlike any other, and all begin alike."""

    def __init__(self, *, codes: bool = False) -> None:
        """Begin a series of words.

        Args:
            codes: whether to fill columns of codes from lists, too.
        """
        self.left_alone = set() if codes else CODES
        self.prefix = f"zq{secrets.token_hex(2)}"
        self.numbers = itertools.count()
        self.planted: dict[str, set[str]] = {}

    def plant(self, subject: Subject) -> None:
        """Fill every personal text, document and hash in every row about a person."""
        for table in tables_about_people():
            for row in rows_of(table, subject):
                self.fill(table, row)

    def fill(self, table: Table, row: models.Model, *, staying: bool = True) -> None:
        """Fill a row.

        Args:
            staying: whether to fill what is declared to stay after an erasure, too.
        """
        values = self.words_for(table, staying=staying)
        if values:
            type(row)._base_manager.filter(pk=row.pk).update(**values)

    def words_for(self, table: Table, *, staying: bool = True) -> dict[str, Any]:
        """Return a word for every personal column of a row that can hold one."""
        values = {}
        for name, column in table.columns.items():
            stays = column.erasure in STAYING
            is_theirs = column.personal and column.category != STAFF.category and name not in self.left_alone
            if is_theirs and (staying or not stays):
                word = f"{self.prefix}{next(self.numbers):04x}"
                value = _as_value(model_of(table)._meta.get_field(name), word)
                if value is not None:
                    values[name] = value
                    self.planted.setdefault(f"{table.model}.{name}", set()).add(word)
        return values

    def heard_in(self, text: str | bytes) -> bool:
        return (self.prefix.encode() if isinstance(text, bytes) else self.prefix) in text

    # --- Where they can be heard ----------------------------------------------------------------------------------

    def in_database(self) -> set[str]:
        """Return the columns of all tables, ours or not, in which a word is found, and those that hide one."""
        found = {f"{table}.{column}" for table, column in _columns_of_text() if self._is_in(table, column)}
        for model in apps.get_models(include_auto_created=True):
            for field in model._meta.concrete_fields:
                if isinstance(field, EncryptedTextField):
                    values = model._base_manager.values_list(field.name, flat=True)
                    if any(self.heard_in(value or "") for value in values):
                        found.add(f"{model._meta.db_table}.{field.column} (encrypted)")
        return found

    def _is_in(self, table: str, column: str) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT EXISTS (SELECT FROM "{table}" WHERE strpos("{column}"::text, %s) > 0'  # noqa: S608  its own names
                f' OR strpos("{column}"::text, %s) > 0)',
                [self.prefix, self.prefix.encode().hex()],
            )
            return bool(cursor.fetchone()[0])

    def in_cache(self) -> set[str]:
        entries: dict[str, Any] = cache._cache
        return {key for key, value in entries.items() if self.heard_in(key) or self.heard_in(value)}

    def in_files(self) -> set[str]:
        """Return the files written at run time that have a word; the database's own are looked at through it."""
        files = (path for path in Path(settings.VAR).rglob("*") if "postgres" not in str(path) and path.is_file())
        return {str(path) for path in files if self.heard_in(path.read_bytes())}


def _as_value(field: models.Field[Any, Any], word: str) -> Any:
    """Return the word as a value of the column; nothing where its values are from a list, or no texts."""
    if field.choices or (getattr(field, "max_length", None) and field.max_length < SHORTEST):
        return None
    if isinstance(field, models.GeneratedField) or field.is_relation:
        return None
    if isinstance(field, models.EmailField):
        return f"{word}@canary.example"
    if isinstance(field, models.CharField | models.TextField):
        return word
    if isinstance(field, models.JSONField):
        return {"word": word}
    if isinstance(field, ArrayField):
        return [word]
    if isinstance(field, models.BinaryField):
        return word.encode().ljust(32, b".")
    return None


def _columns_of_text() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type IN ('text',"
            " 'character varying', 'character', 'json', 'jsonb', 'bytea', 'ARRAY', 'tsvector', 'uuid', 'inet')"
        )
        return cursor.fetchall()


def make_person(survey: Survey, **known_as: Any) -> Subject:
    """Make somebody, with a device, about whom every table says something; return them as a subject."""
    product = survey.product
    person = make_respondent(product=product, **known_as)
    device = make_respondent(product=product, person=person)
    make_response(survey=survey, respondent=device)
    response = make_response(survey=survey, respondent=person, score=0)
    case = flag(response=response, reason="Angry", by=make_staff("reviewer", product=product))
    mail = CampaignMail.objects.create(
        campaign=make_campaign(survey=survey), respondent=person, next_attempt_at=timezone.now()
    )
    known = {
        **{Respondent: person, Response: response, FollowUp: case, User: make_staff("agent", product=product)},
        **{
            Tag: Tag.objects.create(product=product, name=f"tag {person.pk}"),
            Improvement: make_improvement(product=product),
        },
        Team: Team.objects.create(product=product, name=f"team {person.pk}"),
        CampaignMail: mail,
    }
    subject = Subject(people=(person.pk, device.pk))
    for table in tables_about_people():
        if not rows_of(table, subject).exists():
            make_row(model_of(table), known)
    return subject


def make_row(model: type[models.Model], known: dict[type[models.Model], models.Model], **values: Any) -> models.Model:
    """Make a row of any table that hangs on the rows known, with plain values in whatever else it demands."""
    for field in model._meta.concrete_fields:
        if field.name in values or field.primary_key or field.has_default() or isinstance(field, models.GeneratedField):
            continue
        if field.is_relation:
            values[field.name] = known.get(field.related_model)
        elif field.choices:
            values[field.name] = field.choices[0][0]
        elif field.unique and isinstance(field, models.CharField):
            values[field.name] = secrets.token_hex(8)
        elif not field.null:
            values[field.name] = PLAIN[next(kind for kind in PLAIN if isinstance(field, kind))]()
    return model._base_manager.create(**values)


PLAIN: dict[type[models.Field[Any, Any]], Any] = {
    models.DateTimeField: timezone.now,
    models.DateField: timezone.localdate,
    models.BooleanField: bool,
    models.IntegerField: lambda: 1,
    models.BinaryField: lambda: secrets.token_bytes(32),
    models.JSONField: dict,
    models.CharField: lambda: "x",
    models.TextField: lambda: "x",
}


def fill_request(canary: Canary, request: RightsRequest, *, staying: bool = True) -> None:
    """Fill every row of a request, of which every table about requests gets one; but not by what it is found.

    Args:
        staying: whether to fill what is declared to stay after an erasure, too.
    """
    known: dict[type[models.Model], models.Model] = {User: make_staff("privacy_officer")}
    decided = {"decided_by": make_staff("data_protection_officer"), "decided_at": timezone.now()}
    for table in tables_about(inventory.tables[RightsRequest._meta.label]):
        model = model_of(table)
        rows = list(model._base_manager.filter(**{table.person or "pk": request.pk}))
        for row in rows:
            if model is not IdentityProof:
                canary.fill(table, row, staying=staying)
        if rows:
            known[model] = rows[0]
        else:  # with its words at once: events cannot be changed once they are there
            words = canary.words_for(table, staying=staying)
            known[model] = make_row(model, known, **words, **(decided if model is Approval else {}))


def unfilled(canary: Canary, *, staying: bool = True, of_requests: bool = False) -> set[str]:
    """Return the personal columns of texts in which no word was planted.

    Args:
        staying: whether to count those that stay after an erasure, too.
        of_requests: whether to look at what is about requests, not about people.
    """
    missing = set()
    requests = tables_about(inventory.tables[RightsRequest._meta.label])
    for table in requests if of_requests else tables_about_people():
        model = model_of(table)
        for name, column in table.columns.items():
            is_text = _as_value(model._meta.get_field(name), "word") is not None
            is_theirs = column.personal and column.category != STAFF.category and name not in CODES
            if is_theirs and is_text and (staying or column.erasure not in STAYING):
                missing |= {f"{table.model}.{name}"} - set(canary.planted)
    return missing
