"""Where packages lie: encrypted, in a folder of their own, for seven days; then the key goes, and the file after it."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from privacy.audit import Action, record
from privacy.models import Package, RequestEvent
from privacy.sealing import SealedFile, SealedWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from privacy.models import RequestItem, RightsRequest

LIFE: Final = timedelta(days=7)
HALF_WRITTEN: Final = ".part"
LONGEST_WRITING: Final = timedelta(hours=6)  # after which a file that nobody knows was left behind
BATCH: Final = 200


def keep(*, item: RequestItem, write: Callable[[IO[bytes]], None]) -> Package:
    """Write a package and keep it in place of the one there was for this right.

    The file gets its name only once it is whole. Whoever is killed before leaves bytes whose key nobody has.

    Args:
        write: writes the archive to a stream that cannot go back.
    """
    folder = folder_of_packages()
    with tempfile.NamedTemporaryFile(dir=folder, suffix=HALF_WRITTEN, delete=False) as out:
        half_written = Path(out.name)
        try:
            sealed = SealedWriter(cast("IO[bytes]", out))  # type: ignore[arg-type]
            write(cast("IO[bytes]", sealed))
            sealed.finish()
            out.flush()
            os.fsync(out.fileno())
            name = f"{secrets.token_hex(16)}.sealed"
            half_written.rename(folder / name)
        except BaseException:
            half_written.unlink(missing_ok=True)
            raise
    return _replace(item, name=name, key=sealed.key, size=sealed.size)


def open_package(package: Package) -> SealedFile:
    """Open a package that is available.

    Raises:
        TamperedError: the file is not the one that was written.
        OSError: it is not there.
    """
    return SealedFile(_path(package), key=package.key)


@transaction.atomic
def start_period(*, request: RightsRequest) -> int:
    """Count the seven days of a request's packages from now, when the person is told of them; return their number."""
    waiting = Package.objects.filter(item__request=request, destroyed_at__isnull=True)
    return waiting.update(expires_at=timezone.now() + LIFE)


@transaction.atomic
def destroy(*, package: Package) -> bool:
    """Destroy a package's key, and its file once that is stored; tell whether this call did it."""
    found = Package.objects.select_for_update().filter(pk=package.pk, destroyed_at__isnull=True).first()
    if found is None:
        return False
    found.key, found.destroyed_at = "", timezone.now()
    found.save(update_fields=["key", "destroyed_at"])
    record(request=found.item.request, actor=RequestEvent.Actor.SYSTEM, action=Action.PACKAGE_DESTROYED)
    _remove_later(found.file_name)
    return True


def destroy_expired() -> int:
    """Destroy what is over, and remove files that belong to no package; return how many packages that were."""
    over = Package.objects.filter(destroyed_at__isnull=True, expires_at__lte=timezone.now()).order_by("expires_at")
    destroyed = sum(destroy(package=package) for package in over[:BATCH])
    _remove_strays()
    return destroyed


def folder_of_packages() -> Path:
    """Return the folder, which nobody but the server's own account may enter."""
    folder = Path(settings.PACKAGES_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@transaction.atomic
def _replace(item: RequestItem, *, name: str, key: str, size: int) -> Package:
    before = Package.objects.select_for_update().filter(item=item).first()
    now = timezone.now()
    package, _made = Package.objects.update_or_create(
        item=item,
        defaults={
            "file_name": name,
            "key": key,
            "size": size,
            "built_at": now,
            "expires_at": now + LIFE,
            "destroyed_at": None,
            "fetched_at": None,
        },
    )
    package.unlocks.all().delete()
    record(request=item.request, actor=RequestEvent.Actor.SYSTEM, action=Action.PACKAGE_BUILT)
    if before is not None:
        _remove_later(before.file_name)
    return package


def _remove_later(name: str) -> None:
    """Remove a file once it is stored that nobody needs it; one that stays is noise, and removed as a stray."""
    transaction.on_commit(lambda: _remove(folder_of_packages() / name), robust=True)


def _remove_strays() -> None:
    long_ago = timezone.now() - LONGEST_WRITING
    old = [path for path in folder_of_packages().iterdir() if path.is_file() and _written_at(path) < long_ago]
    kept = set(Package.objects.filter(destroyed_at__isnull=True).values_list("file_name", flat=True))
    for path in old:
        if path.name not in kept:
            _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _written_at(path: Path) -> datetime:
    with contextlib.suppress(FileNotFoundError):  # removed by somebody else meanwhile
        return datetime.fromtimestamp(path.stat().st_mtime, tz=timezone.get_default_timezone())
    return timezone.now()


def _path(package: Package) -> Path:
    return folder_of_packages() / package.file_name
