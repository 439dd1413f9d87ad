"""The canary of access: one person with a token of their own in every personal field, and a copy that has each of them.

Everything is built from the inventory, so that a new column is in this test without anybody thinking of it.
"""

from __future__ import annotations

import io
import itertools
import secrets
import zipfile

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from feedback.follow_up import flag
from feedback.models import CampaignMail, ImprovementMail, MailEvent, RootCause, ScoreChange, Tag
from privacy import packages
from privacy.access import TREATMENTS
from privacy.inventory import inventory
from privacy.models import Answer, IdentityProof, RequestMessage, RequestTask, Right
from privacy.subjects import model_of, tables_about_people
from tests.factories import (
    make_campaign,
    make_improvement,
    make_invitation,
    make_permission,
    make_respondent,
    make_response,
    make_rights_request,
    make_staff,
    make_survey,
)

pytestmark = pytest.mark.django_db
OF_REQUESTS = ("privacy.RightsRequest", "privacy.RequestItem", "privacy.RequestMessage", "privacy.Answer")
numbers = itertools.count(1)


def make_person(survey, mailbox):
    """Make a row in every table about people, all of one person, and their request."""
    product = survey.product
    staff = make_staff("agent", first_name="Staffperson", last_name="Staffname", username=f"staff-{mailbox}")
    person = make_respondent(product=product, email=mailbox)
    make_respondent(product=product, person=person, subject_key=f"anon:{mailbox}")
    make_permission(respondent=person)
    response = make_response(survey=survey, respondent=person, score=3, completed_at=timezone.now())
    make_invitation(survey=survey, respondent=person)
    ScoreChange.objects.create(response=response, score=4, changed_at=timezone.now())
    tag = Tag.objects.create(product=product, name=f"tag-{next(numbers)}")
    response.tags.add(tag, through_defaults={"added_by": staff})
    follow_up = flag(response=response, reason="x", by=make_staff("reviewer", product=product))
    type(follow_up).objects.update(root_cause=RootCause.objects.create(product=product, name=f"cause-{next(numbers)}"))
    follow_up.contacts.create(kind="email_out", actor=staff, at=timezone.now(), text="x", reply_digest=None)
    follow_up.notes.create(author=staff, text="x")
    follow_up.status_changes.create(from_status="new", to_status="open", by=staff, at=timezone.now())
    improvement = make_improvement(product=product, created_by=staff)
    improvement.responses.add(response)
    ImprovementMail.objects.create(improvement=improvement, respondent=person, next_attempt_at=timezone.now())
    mail = CampaignMail.objects.create(campaign=make_campaign(survey=survey), respondent=person)
    MailEvent.objects.create(
        mail=mail, kind=MailEvent.Kind.DELIVERED, at=timezone.now(), digest=secrets.token_bytes(32)
    )
    return person, response


def ask(survey, mailbox):
    asked = make_rights_request(controller=survey.product.controller, email=mailbox)
    IdentityProof.objects.create(request=asked, kind=IdentityProof.Kind.MAILBOX, identifier=mailbox)
    item = asked.items.create(right=Right.ACCESS)
    RequestMessage.objects.create(request=asked, kind=RequestMessage.Kind.ANSWER, text="x")
    Answer.objects.create(request=asked, text="x", written_at=timezone.now())
    return item


def plant(label, rows):
    """Write tokens into every text about the person; return those that belong into the copy, and those that do not."""
    shown, hidden = {}, {}
    for row in rows:
        for field in row._meta.concrete_fields:
            declared = inventory.tables[label].columns[field.name]
            if not declared.personal or field.generated or field.primary_key:
                continue
            token = f"canary{secrets.token_hex(8)}"
            value = written(field, token)
            if value is None:
                continue
            type(row)._base_manager.filter(pk=row.pk).update(**{field.name: value[0]})
            where = shown if declared.access in TREATMENTS else hidden
            where[f"{label}.{field.name}"] = value[1]
    return shown, hidden


def written(field, token):
    """Return a value with the token for a column, and what to look for; nothing for columns that hold no text."""
    if field.choices or isinstance(field, models.ForeignKey):
        return None
    length = field.max_length or 1000
    if isinstance(field, models.BinaryField):
        return bytes.fromhex(token.removeprefix("canary")).rjust(32, b"\x07"), token.removeprefix("canary")
    if isinstance(field, ArrayField):
        return [token], token
    if isinstance(field, models.JSONField):
        return {"plan": token}, token
    if isinstance(field, models.EmailField):
        return f"{token}@example.com", token
    if isinstance(field, models.TextField | models.CharField) and length >= len(token):
        return token, token
    return None


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PACKAGES_DIR = tmp_path / "packages"


@pytest.fixture
def survey():
    return make_survey()


def fill(survey, mailbox):
    """Make a person and their request, with tokens everywhere; the mailbox, by which they are found, stays."""
    person, _response = make_person(survey, mailbox)
    item = ask(survey, mailbox)
    shown, hidden = {}, {}
    people = [person.pk, *type(person)._base_manager.filter(person=person).values_list("pk", flat=True)]
    for table in tables_about_people():
        rows = list(model_of(table)._base_manager.filter(**{f"{table.person or 'pk'}__in": people}))
        assert rows, f"{table.model} has no row, so nothing is shown about it"
        for kept, found in zip((shown, hidden), plant(table.model, rows), strict=True):
            kept.update(found)
    for label in OF_REQUESTS:
        table = inventory.tables[label]
        of_request = {f"{table.person or 'pk'}": item.request_id}
        for kept, found in zip(
            (shown, hidden), plant(label, model_of(table)._base_manager.filter(**of_request)), strict=True
        ):
            kept.update(found)
    type(person)._base_manager.filter(pk__in=people).update(email=mailbox)
    type(item.request).objects.filter(pk=item.request_id).update(email=mailbox)
    for name in ("feedback.Respondent.email", "privacy.RightsRequest.email"):
        shown[name] = mailbox
    return type(item).objects.get(pk=item.pk), shown, hidden


def build(item):
    packages.build(RequestTask.objects.create(item=item, position=1, kind=RequestTask.Kind.PACKAGE))
    file = packages.open_package(item.package)
    with zipfile.ZipFile(io.BytesIO(b"".join(file.read(0, file.size)))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_a_copy_has_everything_of_the_person_and_nothing_of_anybody_else(survey):
    anna, shown, hidden = fill(survey, "anna@example.com")
    _ewa, others, others_hidden = fill(survey, "ewa@example.com")
    assert len(shown) > 30
    assert len(hidden) > 4

    files = build(anna)

    tables = "".join(text for name, text in files.items() if name.startswith("csv/"))
    for kind, text in (("data.json", files["data.json"]), ("index.html", files["index.html"]), ("CSV", tables)):
        missing = {name for name, token in shown.items() if token not in text}
        assert missing == set(), kind
    whole = "".join(files.values())
    strangers = {**hidden, **others, **others_hidden}
    assert {name for name, token in strangers.items() if token in whole} == set()
    assert not any(name in whole for name in ("Staffperson", "Staffname", "staff-anna"))


def test_a_portable_copy_has_what_is_declared_portable_and_nothing_else(survey):
    anna, shown, hidden = fill(survey, "anna@example.com")
    item = anna.request.items.create(right=Right.PORTABILITY)

    whole = "".join(build(item).values())

    portable = {
        name: token
        for name, token in shown.items()
        if inventory.tables[name.rpartition(".")[0]].columns[name.rpartition(".")[2]].portability
    }
    assert len(portable) > 10
    assert {name for name, token in portable.items() if token not in whole} == set()
    rest = {**{name: token for name, token in shown.items() if name not in portable}, **hidden}
    rest.pop("privacy.RightsRequest.email")  # the same mailbox as the person's
    assert {name for name, token in rest.items() if token in whole} == set()
