"""The performer that builds the copy a right asks for."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import translation

from privacy.models import Package
from privacy.packages.archive import write_archive
from privacy.packages.contents import contents_of
from privacy.packages.keeping import destroy, keep
from privacy.performing import Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from privacy.models import RequestTask


class NothingToCopyError(Exception):
    """No record is about the person."""


def build(task: RequestTask) -> Result:
    """Build the package of the task's right, in the person's language; a second run replaces it.

    Returns:
        How many records about the person it holds; nothing is built, and what there was goes, where there are none.
    """
    item, held = task.item, 0

    def write(stream: IO[bytes]) -> None:
        nonlocal held
        with translation.override(item.request.language), _as_of_one_moment():
            contents = contents_of(item)
            held = contents.about_people
            if not held:
                raise NothingToCopyError
            write_archive(stream, contents)

    try:
        keep(item=item, write=write)
    except NothingToCopyError:
        for package in Package.objects.filter(item=item):
            destroy(package=package)
    return Result.of(held)


@contextlib.contextmanager
def _as_of_one_moment() -> Iterator[None]:
    """Read the database as it is now, whatever others change meanwhile, unless a transaction is open already.

    Every record is read several times, and its files must agree.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
