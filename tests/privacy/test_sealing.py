"""Sealed files: what was written comes back from any place, and what was changed does not come back at all."""

from __future__ import annotations

import io
import os

import pytest

from privacy.sealing import CHUNK, SEALED, SealedFile, SealedWriter, TamperedError


def seal(path, *parts):
    with path.open("wb") as out:
        writer = SealedWriter(out)
        for part in parts:
            writer.write(part)
        writer.finish()
    return writer


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sealed"


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_what_was_written_comes_back_whole(path, length):
    text = os.urandom(length)
    writer = seal(path, text[:10], text[10:])

    file = SealedFile(path, key=writer.key)

    assert (file.size, writer.size) == (length, length)
    assert b"".join(file.read(0, length)) == text


def test_a_part_is_read_without_opening_the_rest(path):
    text = os.urandom(3 * CHUNK)
    key = seal(path, text).key
    sealed = bytearray(path.read_bytes())
    sealed[5] ^= 1  # in the first chunk, which nobody asks for
    path.write_bytes(sealed)

    file = SealedFile(path, key=key)

    assert b"".join(file.read(CHUNK - 0, CHUNK + 7)) == text[CHUNK : CHUNK + 7]
    assert b"".join(file.read(2 * CHUNK - 3, 2 * CHUNK + 3)) == text[2 * CHUNK - 3 : 2 * CHUNK + 3]
    with pytest.raises(TamperedError):
        list(file.read(0, 1))


def test_nothing_of_the_text_is_on_the_disk(path):
    seal(path, b"canary " * 20_000)

    assert b"canary" not in path.read_bytes()


@pytest.mark.parametrize("kept", [0, 5, SEALED, 2 * SEALED, 2 * SEALED + 3])
def test_a_file_that_was_cut_off_is_noticed_when_it_is_opened(path, kept):
    key = seal(path, os.urandom(2 * CHUNK + 9)).key
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(TamperedError):
        SealedFile(path, key=key)


def test_chunks_that_changed_places_are_noticed(path):
    key = seal(path, os.urandom(2 * CHUNK + 9)).key
    sealed = path.read_bytes()
    path.write_bytes(sealed[SEALED : 2 * SEALED] + sealed[:SEALED] + sealed[2 * SEALED :])

    file = SealedFile(path, key=key)

    with pytest.raises(TamperedError):
        list(file.read(0, 1))


def test_what_was_appended_is_noticed(path):
    key = seal(path, b"whole").key
    path.write_bytes(path.read_bytes() + bytes(SEALED))

    with pytest.raises(TamperedError):
        SealedFile(path, key=key)


def test_no_other_key_opens_a_file(path, tmp_path):
    seal(path, b"mine")
    other = seal(tmp_path / "other", b"theirs").key

    with pytest.raises(TamperedError):
        SealedFile(path, key=other)


def test_every_file_has_a_key_of_its_own():
    assert SealedWriter(io.BytesIO()).key != SealedWriter(io.BytesIO()).key
