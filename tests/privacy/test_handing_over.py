"""How a person gets at a package: a fresh code, thirty minutes, ranges, five openings, seven days."""

from __future__ import annotations

import io
import logging
import re
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.security import TokenFilter
from privacy import codes, packages
from privacy.audit import Action, record
from privacy.encryption import token_digest
from privacy.erasure import forget_request
from privacy.handing_over import CODES, CODES_A_DAY, MOST_UNLOCKS, RECEIPTS
from privacy.identity import mailbox_hash
from privacy.incidents import REPORTS
from privacy.mailing import post_message, text_of
from privacy.models import (
    IdentityProof,
    Incident,
    Membership,
    Package,
    RequestEvent,
    RequestMessage,
    RequestTask,
    RequestToken,
    Right,
    RightsRequest,
    Unlock,
)
from privacy.tasks import act_on_reports, send_due_alerts
from tests.factories import make_response, make_rights_request, make_staff, make_survey

pytestmark = pytest.mark.django_db
UNLOCK = RequestToken.Purpose.UNLOCK_CODE


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.PACKAGES_DIR = tmp_path / "packages"
    return settings.PACKAGES_DIR


@pytest.fixture
def response():
    survey = make_survey()
    answered = make_response(survey=survey, comment="canary", receipt_hash=token_digest("ABCD-EFGH-JKMN-PQRS"))
    answered.respondent.email = "anna@example.com"
    answered.respondent.save()
    return answered


def with_package(asked):
    item = asked.items.create(right=Right.ACCESS)
    packages.build(RequestTask.objects.create(item=item, position=1, kind=RequestTask.Kind.PACKAGE))
    return asked


@pytest.fixture
def asked(response):
    asked = make_rights_request(controller=response.product.controller, email="Anna@example.com")
    IdentityProof.objects.create(request=asked, kind=IdentityProof.Kind.MAILBOX, identifier="anna@example.com")
    return with_package(asked)


@pytest.fixture
def asked_by_receipt(response):
    asked = make_rights_request(controller=response.product.controller)
    receipt = bytes(response.receipt_hash).hex()
    IdentityProof.objects.create(request=asked, kind=IdentityProof.Kind.RECEIPT, identifier=receipt)
    return with_package(asked)


def page_of(asked):
    return reverse("privacy:package", kwargs={"reference": asked.reference})


def mailed_code():
    return re.search(r"^\w{4}-\w{4}$", mail.outbox[-1].body, re.MULTILINE)[0]


def unlock(client, asked):
    """Open the package; return the address of the file."""
    code = codes.mint_code(request=asked, purpose=UNLOCK)
    page = client.post(page_of(asked), {"code": code})
    assert page.status_code == 200
    return re.search(r'href="(/privacy/packages/[^"]+)"', page.content.decode())[1]


def body(answer):
    return b"".join(answer)


def test_a_code_from_the_mailbox_opens_the_package(client, asked, django_capture_on_commit_callbacks):
    assert "Send me a code" in client.get(page_of(asked)).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        sent = client.post(page_of(asked), {"send": "1"})
    assert sent.status_code == 302
    assert mail.outbox[0].to == ["Anna@example.com"]
    assert "canary" not in mail.outbox[0].body

    opened = client.post(page_of(asked), {"code": mailed_code().lower().replace("-", " ")})
    address = re.search(r'href="(/privacy/packages/[^"]+)"', opened.content.decode())[1]
    answer = client.get(address)

    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(body(answer))) as archive:
        assert "canary" in archive.read("data.json").decode()
    assert client.cookies == {}
    package = Package.objects.get()
    assert package.fetched_at is not None
    assert package.unlocks.get().fetched_at is not None
    actions = list(RequestEvent.objects.filter(request=asked).order_by("number").values_list("action", flat=True))
    assert actions == ["package_built", "message_sent", "package_unlocked", "package_fetched"]


def test_looking_changes_nothing(client, asked):
    for method in (client.get, client.head):
        assert method(page_of(asked)).status_code == 200

    assert not RequestToken.objects.exists()
    assert not Unlock.objects.exists()
    assert mail.outbox == []


def test_nobody_knows_a_reference_that_there_is_not(client, asked):
    unknown = reverse("privacy:package", kwargs={"reference": "AAAAA-BBBBB"})

    assert client.get(unknown).status_code == 404
    assert client.post(unknown, {"send": "1"}).status_code == 404


@pytest.mark.parametrize("data", [None, {"send": "1"}, {"code": "AAAA-AAAA"}, {"not_mine": "1"}])
def test_before_the_code_nobody_learns_whether_there_is_a_copy(client, asked, data):
    """Whoever files a request in somebody's name knows its reference, and would know whether we know them."""
    unknown = make_rights_request(controller=asked.controller, email="nobody@example.com")
    IdentityProof.objects.create(request=unknown, kind=IdentityProof.Kind.MAILBOX, identifier="nobody@example.com")
    over = make_rights_request(controller=asked.controller, email="over@example.com")
    IdentityProof.objects.create(request=over, kind=IdentityProof.Kind.MAILBOX, identifier="over@example.com")
    Package.objects.create(
        item=over.items.create(right=Right.ACCESS),
        **{"file_name": "x", "size": 1, "built_at": timezone.now(), "expires_at": timezone.now()},
    )

    def answer_about(one):
        answer = client.get(page_of(one)) if data is None else client.post(page_of(one), data)
        headers = {name: value.replace(one.reference, "…") for name, value in answer.items()}
        return answer.status_code, answer.content.decode().replace(one.reference, "…"), headers

    assert answer_about(asked) == answer_about(unknown) == answer_about(over)


def test_before_the_code_as_much_is_done_where_there_is_no_copy(client, asked, django_capture_on_commit_callbacks):
    """Else the time that an answer takes would tell."""
    unknown = make_rights_request(controller=asked.controller, email="nobody@example.com")
    IdentityProof.objects.create(request=unknown, kind=IdentityProof.Kind.MAILBOX, identifier="nobody@example.com")

    def work(one, data):
        with CaptureQueriesContext(connection) as queries, django_capture_on_commit_callbacks() as queued:
            client.post(page_of(one), data)
        for task in queued:
            task()
        return [query["sql"].split(" ", 1)[0] for query in queries], len(queued)

    for one in (asked, unknown):  # both have a trail, as every request that was proved
        record(request=one, actor=RequestEvent.Actor.PERSON, action=Action.MAILBOX_CONFIRMED)
    for data in ({"send": "1"}, {"code": "AAAA-AAAA"}, {"not_mine": "1"}):
        assert work(asked, data) == work(unknown, data), data
    assert Incident.objects.get().request == asked


def test_where_there_is_no_copy_yet_the_code_says_so(client, asked, response):
    waiting = make_rights_request(controller=asked.controller, email="nobody@example.com")
    IdentityProof.objects.create(request=waiting, kind=IdentityProof.Kind.MAILBOX, identifier="nobody@example.com")
    page = client.post(page_of(waiting), {"code": codes.mint_code(request=waiting, purpose=UNLOCK)})

    assert page.status_code == 200
    assert "There is no copy here now" in page.content.decode()
    receipt = bytes(response.receipt_hash).hex()
    waiting = make_rights_request(controller=asked.controller)
    IdentityProof.objects.create(request=waiting, kind=IdentityProof.Kind.RECEIPT, identifier=receipt)
    answer = client.post(page_of(waiting), {"code": "ABCD-EFGH-JKMN-PQRS"}).content.decode()
    assert "we write to you as soon as it is ready" in answer


@pytest.mark.parametrize("kind", ["asked", "asked_by_letter", "asked_by_receipt"])
def test_a_request_that_is_over_says_so_to_whoever_comes_too_late(client, kind, request):
    asked = request.getfixturevalue(kind)
    RightsRequest.objects.update(closed_at=timezone.now(), email="")

    for answer in (client.get(page_of(asked)), *(client.post(page_of(asked), {"code": "x"}) for _time in range(2))):
        assert answer.status_code == 410
        page = answer.content.decode()
        assert "If you need a copy, make a new request." in page
        assert 'href="/privacy/request/?lang=en"' in page
        assert 'name="code"' not in page
        assert 'name="not_mine"' in page


def test_also_after_the_end_it_can_be_said_that_a_copy_reached_the_wrong_person(
    client, asked, django_capture_on_commit_callbacks
):
    RightsRequest.objects.update(closed_at=timezone.now(), email="")

    with django_capture_on_commit_callbacks(execute=True):
        client.post(page_of(asked), {"not_mine": "1"})

    assert Incident.objects.get().request == asked


def test_too_many_codes_are_too_many_for_everybody(client, asked):
    unknown = make_rights_request(controller=asked.controller, email="nobody@example.com")
    IdentityProof.objects.create(request=unknown, kind=IdentityProof.Kind.MAILBOX, identifier="nobody@example.com")

    statuses = [
        [client.post(page_of(one), {"send": "1"}).status_code for _time in range(CODES.times + 1)]
        for one in (asked, unknown)
    ]

    assert statuses == [[302] * CODES.times + [400]] * 2
    assert asked.messages.count() == unknown.messages.count() == CODES.times


def test_a_mailbox_gets_so_many_codes_an_hour_and_a_day_with_however_many_requests(client, asked):
    other = make_rights_request(controller=asked.controller, email="anna@example.com")
    IdentityProof.objects.create(request=other, kind=IdentityProof.Kind.MAILBOX, identifier="anna@example.com")
    statuses = []
    with time_machine.travel(datetime(2030, 1, 1, 0, 30, tzinfo=UTC), tick=False) as clock:
        for _hour in range(3):
            for _time in range(3):
                statuses += [client.post(page_of(one), {"send": "1"}).status_code for one in (asked, other)]
            clock.shift(timedelta(hours=1))
        assert "try again tomorrow" in client.post(page_of(asked), {"send": "1"}).content.decode()

    assert statuses == [302] * 5 + [400] + [302] * 5 + [400] * 7
    assert RequestMessage.objects.count() == CODES_A_DAY.times


def test_whoever_comes_too_late_learns_it_with_the_code(client, asked, django_capture_on_commit_callbacks):
    Package.objects.update(expires_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        client.post(page_of(asked), {"send": "1"})

    answer = client.post(page_of(asked), {"code": mailed_code()})

    assert answer.status_code == 410
    assert "Ask for a new one" in answer.content.decode()


def test_a_code_ends_after_ten_minutes_one_use_and_five_tries(client, asked):
    code = codes.mint_code(request=asked, purpose=UNLOCK)
    with time_machine.travel(timezone.now() + codes.LIFE):
        assert client.post(page_of(asked), {"code": code}).status_code == 400

    code = codes.mint_code(request=asked, purpose=UNLOCK)
    assert client.post(page_of(asked), {"code": code}).status_code == 200
    assert client.post(page_of(asked), {"code": code}).status_code == 400

    code = codes.mint_code(request=asked, purpose=UNLOCK)
    for _try in range(codes.TRIES):
        assert client.post(page_of(asked), {"code": "AAAA-AAAA"}).status_code == 400
    assert client.post(page_of(asked), {"code": code}).status_code == 400


def test_a_newer_code_ends_the_one_before(client, asked):
    first = codes.mint_code(request=asked, purpose=UNLOCK)
    codes.mint_code(request=asked, purpose=UNLOCK)

    assert client.post(page_of(asked), {"code": first}).status_code == 400


def test_a_code_of_another_request_or_purpose_opens_nothing(client, asked, asked_by_receipt):
    other = codes.mint_code(request=asked_by_receipt, purpose=UNLOCK)
    status = codes.mint_code(request=asked, purpose=RequestToken.Purpose.STATUS_CODE)

    for code in (other, status, ""):
        assert client.post(page_of(asked), {"code": code}).status_code == 400


def test_a_mailbox_is_not_filled_by_who_knows_a_reference(client, asked, django_capture_on_commit_callbacks):
    for _time in range(CODES.times + 2):
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(page_of(asked), {"send": "1"})

    assert answer.status_code == 400
    assert len(mail.outbox) == CODES.times


def test_a_code_goes_to_a_proved_mailbox_only(client, asked):
    IdentityProof.objects.update(kind=IdentityProof.Kind.SIGNED, identifier="4711")

    assert client.post(page_of(asked), {"send": "1"}).status_code == 302
    assert mail.outbox == []


@pytest.fixture
def asked_by_letter(response):
    asked = make_rights_request(
        controller=response.product.controller, reply_channel="post", postal_address="Long Street 1"
    )
    IdentityProof.objects.create(request=asked, kind=IdentityProof.Kind.STAFF, identifier="anna@example.com")
    return with_package(asked)


def letter_to(asked):
    return RequestMessage.objects.create(request=asked, kind=RequestMessage.Kind.PACKAGE_READY)


def post(letter):
    officer = make_staff("privacy_officer")
    Membership.objects.create(user=officer, controller=letter.request.controller)
    post_message(message=letter, user=officer)


def code_in(letter):
    return re.search(r"^\w{4}-\w{4}$", text_of(letter), re.MULTILINE)[0]


def test_the_code_in_a_letter_opens_the_package_for_a_week_from_its_posting(client, asked_by_letter):
    letter, page = letter_to(asked_by_letter), page_of(asked_by_letter)
    code = code_in(letter)
    assert code_in(letter) == code  # however often it is printed
    assert "Code from our letter" in client.get(page).content.decode()
    assert client.post(page, {"code": code}).status_code == 400
    with time_machine.travel(timezone.now() + timedelta(days=3), tick=False) as clock:
        post(letter)
        assert Package.objects.get().expires_at == timezone.now() + packages.LIFE

        clock.shift(timedelta(days=6))
        assert client.post(page, {"code": "AAAA-AAAA"}).status_code == 400
        for _time in range(2):  # a download that broke off is not the end
            assert client.post(page, {"code": code.lower()}).status_code == 200
        clock.shift(timedelta(days=1))
        late = client.post(page, {"code": code})
    assert late.status_code == 400
    assert "Check it, or make a new request." in late.content.decode()
    assert "have a new one sent" not in late.content.decode()
    assert 'href="/privacy/request/?lang=en"' in late.content.decode()


def test_two_letters_of_one_request_have_codes_that_both_open(client, asked_by_letter):
    letters = [letter_to(asked_by_letter) for _right in range(2)]
    for letter in letters:
        post(letter)

    for letter in letters:
        assert client.post(page_of(asked_by_letter), {"code": code_in(letter)}).status_code == 200


def test_the_code_of_a_letter_ends_with_a_copy_that_was_taken_back(
    client, asked_by_letter, django_capture_on_commit_callbacks
):
    letter = letter_to(asked_by_letter)
    post(letter)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(page_of(asked_by_letter), {"not_mine": "1"})

    packages.build(RequestTask.objects.get())

    assert client.post(page_of(asked_by_letter), {"code": code_in(letter)}).status_code == 400


def test_a_letter_about_a_copy_that_is_gone_is_not_posted(asked_by_letter):
    letter = letter_to(asked_by_letter)

    with time_machine.travel(timezone.now() + packages.LIFE), pytest.raises(ValidationError) as refusal:
        post(letter)

    assert refusal.value.code == "no_copy"


def test_a_letter_carries_no_code_where_the_mailbox_gets_one(client, asked):
    RightsRequest.objects.update(reply_channel="post", postal_address="Long Street 1")
    letter = letter_to(RightsRequest.objects.get())
    assert not re.search(r"^\w{4}-\w{4}$", text_of(letter), re.MULTILINE)

    post(letter)

    assert client.post(page_of(asked), {"code": codes.code_of_letter(letter)}).status_code == 400


def test_who_proved_no_mailbox_is_led_to_where_it_is_proved(client, asked):
    IdentityProof.objects.update(kind=IdentityProof.Kind.SIGNED, identifier="4711")

    page = client.get(page_of(asked)).content.decode()

    assert f"/privacy/requests/{asked.reference}/?lang=en" in page
    assert 'name="code"' not in page


def test_a_receipt_code_is_the_proof_where_there_is_no_mailbox(client, asked_by_receipt):
    page = page_of(asked_by_receipt)
    assert "Send me a code" not in client.get(page).content.decode()

    assert client.post(page, {"code": "abcdefghjkmnpqrs"}).status_code == 200
    for _try in range(RECEIPTS.times):
        client.post(page, {"code": "AAAA-AAAA-AAAA-AAAA"})
    assert client.post(page, {"code": "ABCD-EFGH-JKMN-PQRS"}).status_code == 400


def test_a_receipt_code_does_not_replace_a_proved_mailbox(client, asked, response):
    receipt = bytes(response.receipt_hash).hex()
    IdentityProof.objects.create(request=asked, kind=IdentityProof.Kind.RECEIPT, identifier=receipt)

    assert client.post(page_of(asked), {"code": "ABCD-EFGH-JKMN-PQRS"}).status_code == 400


def test_the_file_may_be_fetched_repeatedly_for_thirty_minutes(client, asked):
    address = unlock(client, asked)

    assert body(client.get(address)) == body(client.get(address))
    with time_machine.travel(timezone.now() + timedelta(minutes=29)):
        assert client.get(address).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert client.get(address).status_code == 410
    assert RequestEvent.objects.filter(action="package_fetched").count() == 1


def test_ranges_are_served_and_only_the_whole_means_fetched(client, asked):
    address = unlock(client, asked)
    whole = body(client.get(address, headers={"Range": "bytes=0-"}))
    Package.objects.update(fetched_at=None)
    size = len(whole)

    part = client.get(address, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part["Content-Range"], part["Content-Length"]) == (206, f"bytes 10-19/{size}", "10")
    assert body(part) == whole[10:20]
    assert Package.objects.get().fetched_at is None

    assert body(client.get(address, headers={"Range": "bytes=-5"})) == whole[-5:]
    assert body(client.get(address, headers={"Range": f"bytes=20-{size + 99}"})) == whole[20:]
    assert Package.objects.get().fetched_at is None

    assert body(client.get(address, headers={"Range": "bytes=0-"})) == whole
    assert Package.objects.get().fetched_at is not None


def test_a_range_beyond_the_end_is_refused_and_what_is_none_is_ignored(client, asked):
    address = unlock(client, asked)
    size = len(body(client.get(address)))

    beyond = client.get(address, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{size}")
    assert client.get(address, headers={"Range": "bytes=-0"}).status_code == 416
    for strange in ("bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=-", "bytes=x-"):
        assert client.get(address, headers={"Range": strange}).status_code == 200, strange


def test_a_download_goes_on_only_with_the_same_file(client, asked):
    address = unlock(client, asked)
    etag = client.head(address)["ETag"]

    same = client.get(address, headers={"Range": "bytes=0-9", "If-Range": etag})
    other = client.get(address, headers={"Range": "bytes=0-9", "If-Range": '"another"'})

    assert (same.status_code, other.status_code) == (206, 200)


def test_asking_for_the_head_fetches_nothing(client, asked):
    answer = client.head(unlock(client, asked))

    assert answer.status_code == 200
    assert int(answer["Content-Length"]) == Package.objects.get().size
    assert body(answer) == b""
    assert Package.objects.get().fetched_at is None


def test_a_package_is_opened_five_times_and_no_more(client, asked):
    for _time in range(MOST_UNLOCKS - 1):
        unlock(client, asked)
    code = codes.mint_code(request=asked, purpose=UNLOCK)
    page = client.post(page_of(asked), {"code": code}).content.decode()

    assert "This was the last time that it could be opened" in page
    assert client.get(re.search(r'href="(/privacy/packages/[^"]+)"', page)[1]).status_code == 200
    code = codes.mint_code(request=asked, purpose=UNLOCK)
    assert client.post(page_of(asked), {"code": code}).status_code == 410
    assert RequestEvent.objects.filter(action="package_unlocked").count() == MOST_UNLOCKS


def test_a_package_outlives_its_seven_days_only_as_noise(client, asked, folder):
    address = unlock(client, asked)
    package = Package.objects.get()
    sealed = (folder / package.file_name).read_bytes()
    Package.objects.update(expires_at=timezone.now())  # checked when it is read, whether or not a task came by

    assert client.get(address).status_code == 410
    code = codes.mint_code(request=asked, purpose=UNLOCK)
    assert client.post(page_of(asked), {"code": code}).status_code == 410
    packages.destroy_expired()
    assert Package.objects.get().key == ""
    assert b"canary" not in sealed


def test_an_opening_ends_with_its_package(client, asked):
    Package.objects.update(expires_at=timezone.now() + timedelta(minutes=5))
    unlock(client, asked)

    assert Unlock.objects.get().until == Package.objects.get().expires_at


def test_a_file_that_was_changed_is_not_handed_over(client, asked, folder):
    address = unlock(client, asked)
    path = folder / Package.objects.get().file_name
    path.write_bytes(path.read_bytes()[:-1])

    assert client.get(address).status_code == 410


def test_a_package_without_its_key_is_gone_as_is_one_of_a_request_that_was_forgotten(client, asked, folder):
    address = unlock(client, asked)
    package = Package.objects.get()

    Package.objects.update(key="")
    assert client.get(address).status_code == 410

    Package.objects.update(key=package.key)
    RightsRequest.objects.update(email_hash=mailbox_hash(asked.email))
    forget_request(request=asked)
    package.refresh_from_db()
    assert (package.key, package.destroyed_at is None) == ("", False)
    assert client.get(address).status_code == 410
    assert "This request is over" in client.get(page_of(asked)).content.decode()


def test_both_copies_of_a_request_are_opened_at_once(client, asked):
    item = asked.items.create(right=Right.PORTABILITY)
    packages.build(RequestTask.objects.create(item=item, position=2, kind=RequestTask.Kind.PACKAGE))

    code = codes.mint_code(request=asked, purpose=UNLOCK)
    page = client.post(page_of(asked), {"code": code}).content.decode()

    assert len(re.findall(r'href="/privacy/packages/', page)) == 2
    assert page.count("Until then it can be opened 4 more times.") == 2
    assert page.count("index.html") == 1  # only the copy under Art. 15 has pages
    assert page.count("a JSON file that other programs can read") == 1


def test_what_reached_the_wrong_person_is_destroyed_and_the_officers_hear_of_it(
    client, asked, response, django_capture_on_commit_callbacks
):
    make_staff("data_protection_officer", product=response.product, email="dpo@example.com")
    address = unlock(client, asked)

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(page_of(asked), {"not_mine": "1"})
    send_due_alerts()

    assert "Thank you for telling us" in answer.content.decode()
    incident = Incident.objects.get()
    assert incident.notify_by - incident.opened_at == timedelta(hours=72)
    assert Package.objects.get().key == ""
    assert client.get(address).status_code == 410
    assert [message.to for message in mail.outbox] == [["dpo@example.com"]]
    assert asked.reference in mail.outbox[0].body
    with django_capture_on_commit_callbacks(execute=True):
        client.post(page_of(asked), {"not_mine": "1"})
    assert Incident.objects.count() == 1


def test_a_report_whose_queue_message_was_lost_is_found_again_and_acted_on_once(
    client, asked, django_capture_on_commit_callbacks
):
    client.post(page_of(asked), {"not_mine": "1"})  # nothing is queued: the test's transaction never ends
    assert Package.objects.get().key

    with django_capture_on_commit_callbacks(execute=True):
        act_on_reports()
    incident = Incident.objects.get()
    assert Package.objects.get().key == ""
    Incident.objects.update(closed_at=timezone.now(), assessment="A mistyped mailbox.")
    act_on_reports()
    assert Incident.objects.get() == incident

    with django_capture_on_commit_callbacks(execute=True):
        client.post(page_of(asked), {"not_mine": "1"})  # said anew, after the first was closed
    assert Incident.objects.count() == 2


def test_a_trail_is_not_filled_by_who_knows_a_reference(client, asked):
    for _time in range(REPORTS.times + 2):
        assert client.post(page_of(asked), {"not_mine": "1"}).status_code == 200

    assert RequestEvent.objects.filter(action="misdelivery_reported").count() == REPORTS.times


def test_the_addresses_of_files_stay_out_of_logs(client, asked):
    line = logging.LogRecord("x", logging.INFO, "x", 1, "GET %s", (unlock(client, asked),), None)
    TokenFilter().filter(line)

    assert line.getMessage() == "GET /privacy/packages/…/"
