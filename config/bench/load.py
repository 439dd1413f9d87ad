"""A load generator that is no bottleneck: prepared requests over a few kept connections, in one thread."""

from __future__ import annotations

import json
import re
import selectors
import socket
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HOST: Final = "127.0.0.1"
CONNECTIONS: Final = 8
PATIENCE: Final = 30  # seconds without any answer
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
END_OF_HEAD: Final = b"\r\n\r\n"
END_OF_CHUNKS: Final = b"0\r\n\r\n"


class UnexpectedAnswerError(Exception):
    """The server did not do the work that is to be measured."""


def request(method: str, path: str, body: dict[str, Any]) -> bytes:
    """Return a request as it goes over the wire."""
    content = json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


# What one client says and hears: yields messages, is sent the answers, and ends when it has nothing more to say.
Conversation = Generator[bytes, bytes, None]


class Connection:
    """One kept connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.conversation: Conversation | None = None

    def begin(self, conversations: Iterator[Conversation]) -> bool:
        """Say the first thing of the next conversation; tell whether there was one."""
        self.conversation = next(conversations, None)
        if self.conversation:
            self.send(next(self.conversation))
        return self.conversation is not None

    def go_on(self, answer: bytes) -> bool:
        """Say what comes after the answer; tell whether there was anything."""
        assert self.conversation is not None  # noqa: S101  only who said something is answered
        try:
            self.send(self.conversation.send(answer))
        except StopIteration:
            self.conversation = None
        return self.conversation is not None

    def send(self, message: bytes) -> None:
        self.received = b""
        self.socket.sendall(message)

    def receive(self) -> bytes | None:
        """Read what has arrived, and return the answer when it is complete."""
        part = self.socket.recv(65536)
        if not part:
            raise UnexpectedAnswerError("the server closed the connection")
        self.received += part
        return self.received if is_complete(self.received) else None


def is_complete(answer: bytes) -> bool:
    """Tell whether an answer has arrived as a whole."""
    end = answer.find(END_OF_HEAD)
    if end < 0:
        return False
    length = LENGTH.search(answer, 0, end + 2)
    if length:
        return len(answer) >= end + len(END_OF_HEAD) + int(length[1])
    return answer.endswith(END_OF_CHUNKS)


def seconds_to_answer(port: int, messages: Iterable[bytes], *, status: int, contains: bytes) -> float:
    """Send all messages, each connection its next one as soon as it has its answer, and return how long it took.

    Raises:
        UnexpectedAnswerError: an answer has another status, or lacks the text that proves the work was done.
    """

    def say(message: bytes) -> Conversation:
        check((yield message), status=status, contains=contains)

    return seconds_to_converse(port, [say(message) for message in messages])


def check(answer: bytes, *, status: int, contains: bytes) -> None:
    """Raise ``UnexpectedAnswerError`` where an answer has another status or lacks the text."""
    if not answer.startswith(f"HTTP/1.1 {status} ".encode()) or contains not in answer:
        raise UnexpectedAnswerError(answer.decode(errors="replace"))


def seconds_to_converse(port: int, conversations: Sequence[Conversation]) -> float:
    """Hold all conversations, each connection its next one as soon as it is free, and return how long it took.

    Raises:
        UnexpectedAnswerError: what a conversation raises, or nobody answered.
    """
    waiting = iter(conversations)
    with selectors.DefaultSelector() as selector:
        connections = [Connection(port) for _ in range(min(CONNECTIONS, len(conversations)))]
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        began = time.perf_counter()
        talking = sum(connection.begin(waiting) for connection in connections)
        while talking:
            ready = selector.select(PATIENCE)
            if not ready:
                raise UnexpectedAnswerError(f"no answer within {PATIENCE} seconds")
            for key, _events in ready:
                answer = key.data.receive()
                if answer is not None and not key.data.go_on(answer):
                    talking -= not key.data.begin(waiting)
        seconds = time.perf_counter() - began
        for connection in connections:
            connection.socket.close()
    return seconds
