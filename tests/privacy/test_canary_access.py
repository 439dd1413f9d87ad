"""The canary of access: one person with a word of their own in every personal field, and a copy that has each of them.

Everything is built from the inventory, so that a new column is in this test without anybody thinking of it.
"""

from __future__ import annotations

import io
import zipfile

import pytest
from django.contrib.auth.models import User
from django.db.models import F, Value
from django.db.models.functions import Concat

from feedback.models import Respondent
from privacy import packages
from privacy.access import TREATMENTS
from privacy.inventory import inventory
from privacy.models import RequestTask, Right, RightsRequest
from tests.factories import make_survey
from tests.privacy.canary import Canary, fill_request, make_person, unfilled
from tests.privacy.rights.asking import make_proved_request

pytestmark = pytest.mark.django_db
STAFF = "staffperson"
FOUND_BY = {
    "privacy.IdentityProof.identifier",
    "privacy.IdentityProof.identifier_hash",
    "privacy.IdentityProof.document",
}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PACKAGES_DIR = tmp_path / "packages"


@pytest.fixture
def survey():
    return make_survey()


def fill(survey, mailbox):
    """Make a person and their request, with words everywhere; the mailbox, by which they are found, stays.

    Returns:
        The right to a copy, and the words by column: those that belong into the copy, and those that do not.
    """
    subject, canary = make_person(survey, email=mailbox), Canary(codes=True)
    canary.plant(subject)
    request = make_proved_request(identifier=mailbox, controller=survey.product.controller)
    item = request.items.create(right=Right.ACCESS)
    fill_request(canary, request)
    assert unfilled(canary, of_requests=True) == FOUND_BY
    Respondent.including_restricted.filter(pk__in=subject.people).update(email=mailbox)
    RightsRequest.objects.filter(pk=request.pk).update(email=mailbox)
    words = {**canary.planted, "feedback.Respondent.email": {mailbox}, "privacy.RightsRequest.email": {mailbox}}
    shown = {name: found for name, found in words.items() if declared(name).access in TREATMENTS}
    return type(item).objects.get(pk=item.pk), shown, {name: words[name] for name in words.keys() - shown.keys()}


def declared(name):
    label, _dot, column = name.rpartition(".")
    return inventory.tables[label].columns[column]


def missing(words, text):
    """Return the columns of which a word is not in the text, neither as it is nor as the bytes of a hash."""
    return {
        name for name, found in words.items() if not all(one in text or one.encode().hex() in text for one in found)
    }


def heard(words, text):
    return {name for name, found in words.items() for one in found if one in text or one.encode().hex() in text}


def build(item):
    packages.build(RequestTask.objects.create(item=item, position=1, kind=RequestTask.Kind.PACKAGE))
    file = packages.open_package(item.package)
    with zipfile.ZipFile(io.BytesIO(b"".join(file.read(0, file.size)))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_a_copy_has_everything_of_the_person_and_nothing_of_anybody_else(survey):
    anna, shown, hidden = fill(survey, "anna@example.com")
    _ewa, others, others_hidden = fill(survey, "ewa@example.com")
    User.objects.update(first_name=STAFF, last_name=STAFF, username=Concat(Value(STAFF), F("pk")))
    assert len(shown) > 30
    assert len(hidden) > 4

    files = build(anna)

    tables = "".join(text for name, text in files.items() if name.startswith("csv/"))
    for kind, text in (("data.json", files["data.json"]), ("index.html", files["index.html"]), ("CSV", tables)):
        assert missing(shown, text) == set(), kind
    whole = "".join(files.values())
    assert [heard(words, whole) for words in (hidden, others, others_hidden)] == [set(), set(), set()]
    assert STAFF not in whole


def test_a_portable_copy_has_what_is_declared_portable_and_nothing_else(survey):
    anna, shown, hidden = fill(survey, "anna@example.com")
    item = anna.request.items.create(right=Right.PORTABILITY)

    whole = "".join(build(item).values())

    portable = {name: words for name, words in shown.items() if declared(name).portability}
    assert len(portable) > 10
    assert missing(portable, whole) == set()
    rest = {name: words for name, words in shown.items() if name not in portable}
    rest.pop("privacy.RightsRequest.email")  # the same mailbox as the person's
    rest.pop("privacy.RightsRequest.reference")  # says which request the file answers
    assert heard({**rest, **hidden}, whole) == set()
