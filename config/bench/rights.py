"""What a person's rights cost, among few answers of others and among many."""

from __future__ import annotations

import time
import tracemalloc
from random import Random
from statistics import quantiles
from typing import TYPE_CHECKING, Final

from config.bench.filling import EACH, answer, fill, meet
from config.bench.registry import Measurement, benchmark
from privacy import packages
from privacy.encryption import keyed_hash
from privacy.erasure import erase, erasure_order, suppress_subject
from privacy.intake import Content, file_request
from privacy.models import IdentityProof, Package, RequestTask, Right

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.bench.workplace import Workplace
    from privacy.models import RequestItem

FEW: Final = 100_000  # responses
RICH: Final = 50_000  # responses of the one who has most
SLOWER: Final = 2  # times as slow among many as among few, at most
MOST_MEMORY: Final = 64  # MB


@benchmark
def rights(work: Workplace) -> Iterator[Measurement]:
    """A copy of the data of one person with 50 answers and their erasure, among few and among many."""
    few, many = min(FEW, work.rights_responses // 10), work.rights_responses
    took: dict[int, dict[Right, float]] = {}
    filled = 0
    for size in (few, many):
        work.report(f"Filling the tables up to {size:,} responses …")
        seconds = fill(work, first=filled // EACH, last=size // EACH - 1)
        yield Measurement(name=f"filling up to {size:,} responses", value=round(seconds, 1), unit="s")
        filled = size
        took[size] = _typical_seconds(work, people=size // EACH)
    for right in (Right.ACCESS, Right.ERASURE):
        yield Measurement(
            name=f"{right.value}, {many:,} responses by {few:,}",
            value=round(1000 * took[many][right], 1),
            floor=round(1000 * took[few][right], 1),
            unit="ms",
            ratio=round(took[many][right] / took[few][right], 3),
            goal=SLOWER,
            more_is_better=False,
        )


@benchmark
def largest_package(work: Workplace) -> Iterator[Measurement]:
    """A copy for the person with most records: the time, and once more the memory, which costs time to watch."""
    records = min(RICH, work.rights_responses // 4)
    answer(work, meet(work, prefix="rich-", first=0, last=0), each=records)
    item = _item_of(work, "rich-0", Right.ACCESS)
    yield Measurement(name=f"package of {records:,} responses", value=round(_seconds_to_copy(item), 1), unit="s")
    tracemalloc.start()
    _seconds_to_copy(item)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    yield Measurement(
        name=f"memory for a package of {records:,} responses",
        value=round(peak / 2**20, 1),
        unit="MB",
        goal=MOST_MEMORY,
        more_is_better=False,
    )


def _typical_seconds(work: Workplace, *, people: int) -> dict[Right, float]:
    """Return how long it takes to build a copy for somebody, and to erase them afterwards: the same for each right."""
    copied, erased = [], []
    for number in _drawn(work, people):
        name = f"few-{number}"
        copied.append(_seconds_to_copy(_item_of(work, name, Right.ACCESS)))
        erased.append(_seconds_to_erase(_item_of(work, name, Right.ERASURE)))
    return {Right.ACCESS: _undisturbed(copied), Right.ERASURE: _undisturbed(erased)}


def _undisturbed(seconds: list[float]) -> float:
    """Return the lower quartile: minutes lie between both sizes, and what else runs on the machine only adds time."""
    return quantiles(seconds, n=4, method="inclusive")[0]


def _drawn(work: Workplace, people: int) -> list[int]:
    """Return numbers of people from all over the table; nobody is drawn twice, because they are erased."""
    newer = range(people // 2, people)  # of the larger table others than of the smaller one
    return Random(people).sample(newer, min(len(newer), 2 * work.rounds + 1))  # noqa: S311  the same in every run


def _item_of(work: Workplace, name: str, right: Right) -> RequestItem:
    """File the request of a person who proved their mailbox."""
    mailbox = f"{name}@example.com"
    content = Content(controller=work.survey.product.controller, rights=(right,), language="en", email=mailbox)
    asked = file_request(content=content)
    IdentityProof.objects.create(
        request=asked,
        kind=IdentityProof.Kind.MAILBOX,
        identifier=mailbox,
        identifier_hash=keyed_hash("mailbox", mailbox),
    )
    return asked.items.get()


def _seconds_to_copy(item: RequestItem) -> float:
    task, _made = RequestTask.objects.get_or_create(item=item, kind=RequestTask.Kind.PACKAGE, defaults={"position": 1})
    began = time.monotonic()
    packages.build(task)
    seconds = time.monotonic() - began
    packages.destroy(package=Package.objects.get(item=item))
    return seconds


def _seconds_to_erase(item: RequestItem) -> float:
    """Carry out the plan of an erasure: leave a fingerprint, then empty every table of the person."""
    kind = RequestTask.Kind
    first = RequestTask.objects.create(item=item, kind=kind.SUPPRESS, position=0)
    tasks = [
        RequestTask.objects.create(item=item, kind=kind.ERASE, dataset=label, position=number)
        for number, label in enumerate(erasure_order(), start=1)
    ]
    began = time.monotonic()
    suppress_subject(first)
    erased = sum(erase(task).affected for task in tasks)
    seconds = time.monotonic() - began
    if erased <= 2 * EACH:  # invitations, responses, and the person
        raise RuntimeError(f"only {erased} rows of a person were erased")
    return seconds
