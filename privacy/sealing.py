"""Files that are encrypted while they are written and can be read from any place, a chunk at a time.

A file is cut into chunks of 64 KiB; each is sealed by itself with AES-256-GCM and grows by the 16 bytes of its tag:

    chunk 0 | chunk 1 | … | last chunk (0 to 65,536 bytes and its tag)

The nonce of a chunk is its number. A nonce must never come twice under one key, and cannot: the writer makes the key,
for this one file. What is authenticated beside the text is the number again and whether the chunk is the last one. So
chunks that were exchanged, left out or taken from another file are noticed, and so is a file that was cut off between
two chunks, because its end is not marked as one. The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár,
"Online authenticated-encryption and its nonce-reuse misuse-resistance", CRYPTO 2015), with AES-GCM of NIST SP 800-38D.

Without the key a file is noise; there is no header, and nothing in it says what it is.
"""

from __future__ import annotations

import base64
import io
import os
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

CHUNK: Final = 64 * 1024  # bytes of text
TAG: Final = 16
SEALED: Final = CHUNK + TAG
KEY_BITS: Final = 256


class TamperedError(Exception):
    """The file is not what was written with this key: changed, cut off, or another one."""


class SealedWriter(io.RawIOBase):
    """Seals what is written to it; the file is whole only once it was closed without an error.

    Args:
        out: an open file, which stays open.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._key = AESGCM.generate_key(KEY_BITS)
        self._cipher = AESGCM(self._key)
        self._waiting = bytearray()
        self._number = 0
        self.size = 0

    @property
    def key(self) -> str:
        """The key of this file, in base64."""
        return base64.b64encode(self._key).decode()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, text: bytes | bytearray | memoryview) -> int:  # type: ignore[override]  # any buffer, as files do
        length = len(text)
        self._waiting += text
        self.size += length
        while len(self._waiting) > CHUNK:  # a full chunk waits too: it may turn out to be the last one
            self._seal(bytes(self._waiting[:CHUNK]), is_last=False)
            del self._waiting[:CHUNK]
        return length

    def finish(self) -> None:
        """Seal the last chunk; nothing can be written afterwards."""
        self._seal(bytes(self._waiting), is_last=True)
        self._waiting.clear()
        self.close()

    def _seal(self, text: bytes, *, is_last: bool) -> None:
        nonce, aside = _nonce(self._number), _aside(self._number, is_last=is_last)
        self._out.write(self._cipher.encrypt(nonce, text, aside))
        self._number += 1


class SealedFile:
    """Reads parts of a sealed file.

    Raises:
        TamperedError: when it is opened, that the end is not the end; when it is read, that a part was changed.
        OSError: there is no such file.
    """

    def __init__(self, path: Path, *, key: str) -> None:
        self._path = path
        self._cipher = AESGCM(base64.b64decode(key))
        length = path.stat().st_size
        self._chunks = max(1, -(-length // SEALED))
        self.size = length - self._chunks * TAG
        with path.open("rb") as file:
            self._open(file, self._chunks - 1)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` up to ``stop``, opening no more chunks than hold them."""
        with self._path.open("rb") as file:
            for number in range(start // CHUNK, -(-stop // CHUNK)):
                text = self._open(file, number)
                yield text[max(0, start - number * CHUNK) : stop - number * CHUNK]

    def _open(self, file: BinaryIO, number: int) -> bytes:
        file.seek(number * SEALED)
        aside = _aside(number, is_last=number == self._chunks - 1)
        try:
            return self._cipher.decrypt(_nonce(number), file.read(SEALED), aside)
        except InvalidTag as error:
            raise TamperedError(os.fspath(self._path)) from error


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _aside(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(8, "big") + (b"\x01" if is_last else b"\x00")
