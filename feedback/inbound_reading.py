"""Reading an e-mail that anybody may have sent: what it says, and what kind of mail it is. Nothing here trusts it."""

from __future__ import annotations

import contextlib
import email.errors
import hashlib
import re
from dataclasses import dataclass
from email.header import decode_header
from email.parser import BytesParser
from email.policy import compat32
from email.utils import getaddresses, parseaddr
from enum import StrEnum
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from email.message import Message

LONGEST_TEXT: Final = 10_000
LONGEST_SUBJECT: Final = 200
LONGEST_ADDRESS: Final = 254
LONGEST_MESSAGE_ID: Final = 255
# Of a part no more than this is decoded: a text far beyond what is kept.
MOST_BYTES: Final = 200_000
MOST_PARTS: Final = 100
MOST_ADDRESSES: Final = 100
# What Python's mail parser raises at some malformed mail.
MALFORMED: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError, email.errors.MessageError)
# Codecs that Python counts among the encodings of text, which no mail is written in.
NO_CHARSETS: Final = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})
RECIPIENT_HEADERS: Final = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
MESSAGE_ID = re.compile(r"<[^\s<>]{1,250}>")
# A line above quoted text: "On 3 May 2026 Anna wrote:". Only directly above it, and only with its colon.
ATTRIBUTION = re.compile(r"(?=.*\d).{1,300}:\s*\Z")
ORIGINAL_MESSAGE = re.compile(r"-{3,}\s*(original message|wiadomość oryginalna|oryginalna wiadomość)\s*-{3,}", re.I)


class UnreadableMail(ValueError):
    """A mail that Python's parser cannot take apart."""


class Nature(StrEnum):
    """What a mail is, as far as it says."""

    REPLY = "reply"
    AUTOMATIC = "automatic"  # a vacation notice, a read receipt
    BOUNCE = "bounce"  # it will never arrive: the address takes no mail
    REFUSED = "refused"  # it will never arrive, for another reason
    DELAY = "delay"  # it has not arrived yet


@dataclass(frozen=True)
class Mail:
    """What is taken from a mail.

    Args:
        message_id: in angle brackets as sent, else a digest of the mail.
        sender: the address in From, which anybody can forge.
        recipients: addresses in small letters.
        answers: the ids of the mails that it says it answers, or returns.
        text: at most 10,000 characters, without the quoted history at its end.
        is_cut: whether the text went on.
        has_attachments: whether there was more than text.
        status: of a bounce, as in RFC 3463: "5.1.1".
    """

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    answers: tuple[str, ...]
    subject: str
    text: str
    nature: Nature
    is_cut: bool = False
    has_attachments: bool = False
    status: str = ""


def parse(raw: bytes) -> Message:
    """Return the mail that a mailbox holds as bytes, also where it is cut off.

    Raises:
        UnreadableMail: the parser cannot take it apart.
    """
    try:
        return BytesParser(policy=compat32).parsebytes(raw)
    except MALFORMED as error:
        raise UnreadableMail(type(error).__name__) from error


def read(message: Message, *, recipients: Iterable[str] = ()) -> Mail:
    """Return what a parsed mail says.

    Args:
        recipients: addresses it was delivered to, where the one who received it knows them.

    Raises:
        UnreadableMail: the parser cannot take it apart.
    """
    try:
        return _read(message, recipients)
    except MALFORMED as error:
        raise UnreadableMail(type(error).__name__) from error


def without_history(text: str) -> str:
    """Return a reply without the quoted mail at its end; what stands between quotes, or below them, stays.

    Nothing but quotes is left as it is.
    """
    lines = text.rstrip().split("\n")
    end = next((at for at, line in enumerate(lines) if ORIGINAL_MESSAGE.search(line)), len(lines))
    last = end
    while last and (lines[last - 1].startswith(">") or not lines[last - 1].strip()):
        last -= 1
    if any(line.startswith(">") for line in lines[last:end]):
        end = last - _attribution(lines[:last])
    own = "\n".join(lines[:end]).strip()
    return own or text.strip()


def text_of_html(html: str) -> str:
    """Return the words of a page: paragraphs as lines, quotes marked with ">", scripts and styles left out."""
    reader = _Words()
    with contextlib.suppress(AssertionError):  # what Python's parser raises at "<![<": what was read so far is kept
        reader.feed(html)
        reader.close()
    return reader.text()


def clean(text: str) -> str:
    """Return text that PostgreSQL and a page can hold: no NUL, no other controls, one kind of line end."""
    text = re.sub(r"\r\n?", "\n", text).encode("utf-8", "replace").decode()
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", "", text)


def _read(message: Message, recipients: Iterable[str]) -> Mail:
    headers = _headers(message)
    parts = _parts(message)
    nature, status = _nature(message, headers, parts)
    words, has_attachments = _words(parts)
    text = without_history(clean(words))
    subject = " ".join(clean(headers.get("subject", [""])[0]).split())[:LONGEST_SUBJECT]
    named = [address for name in RECIPIENT_HEADERS for address in headers.get(name, [])]
    # A bounce carries the mail that came back, or its headers.
    returned = "\n".join(_returned(parts)) if nature in {Nature.BOUNCE, Nature.DELAY} else ""
    answered = clean(" ".join([*headers.get("in-reply-to", []), *headers.get("references", []), returned]))
    return Mail(
        message_id=_message_id(headers, subject, text),
        sender=clean(parseaddr(headers.get("from", [""])[0])[1])[:LONGEST_ADDRESS],
        recipients=tuple(_addresses([*recipients, *named])),
        answers=tuple(dict.fromkeys(MESSAGE_ID.findall(answered)))[-MOST_ADDRESSES:],
        subject=subject,
        text=text[:LONGEST_TEXT],
        nature=nature,
        is_cut=len(text) > LONGEST_TEXT,
        has_attachments=has_attachments,
        status=status,
    )


def _headers(message: Message) -> dict[str, list[str]]:
    """Return the decoded headers by name in small letters. Parsing them by their meaning fails at malformed ones."""
    headers: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        headers.setdefault(name.lower(), []).append(_decoded(str(value)))
    return headers


def _decoded(value: str) -> str:
    value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:10_000]
    try:
        pieces = decode_header(value)
    except (ValueError, email.errors.MessageError):
        return value
    return "".join(
        piece
        if isinstance(piece, str)
        else _text(piece, charset)
        if charset
        else piece.decode("raw_unicode_escape", "replace")  # how that function gives back what was not encoded
        for piece, charset in pieces
    )


def _text(content: bytes, charset: str) -> str:
    """Decode bytes as they say they are written, else as UTF-8, and never fail."""
    name = charset.lower().replace("-", "_").strip("\"' ")
    if name and name not in NO_CHARSETS:
        try:
            return content.decode(name, "replace")
        except (LookupError, ValueError):
            pass  # no such charset, or one that cannot replace what it does not know
    return content.decode("utf-8", "replace")


def _parts(message: Message) -> list[Message]:
    return [part for _number, part in zip(range(MOST_PARTS), message.walk(), strict=False)]


def _words(parts: list[Message]) -> tuple[str, bool]:
    """Return the text of a mail, and whether it had attachments: the plain version, else the words of the page."""
    found: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    has_attachments = False
    for part in parts:
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if kind not in found or part.get_filename() or part.get_content_disposition() == "attachment":
            has_attachments = has_attachments or part.get_content_disposition() != "inline"
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            found[kind].append(_text(content[:MOST_BYTES], str(part.get_content_charset() or "")))
    plain = "\n\n".join(found["text/plain"]).strip()
    return plain or "\n\n".join(text_of_html(page) for page in found["text/html"]), has_attachments


def _nature(message: Message, headers: dict[str, list[str]], parts: list[Message]) -> tuple[Nature, str]:
    if any(part.get_content_type() == "message/delivery-status" for part in parts):
        return _delivery(parts)
    if "x-failed-recipients" in headers:
        return Nature.BOUNCE, ""
    first = {name: values[0].strip().lower() for name, values in headers.items()}
    if (
        message.get_content_type() == "multipart/report"
        or first.get("auto-submitted", "no").partition(";")[0].strip() != "no"
        or first.get("precedence", "") in {"auto_reply", "bulk", "junk"}
        or first.get("return-path", "") == "<>"
        or {"x-autoreply", "x-autorespond", "x-autoresponder"} & set(first)
        or parseaddr(first.get("from", ""))[1].partition("@")[0] in {"mailer-daemon", "postmaster"}
    ):
        return Nature.AUTOMATIC, ""
    return Nature.REPLY, ""


def _delivery(parts: list[Message]) -> tuple[Nature, str]:
    """Return what a delivery status says (RFC 3464): it fails for good only where it says so."""
    said = "\n".join(
        str(block) for part in parts if part.get_content_type() == "message/delivery-status" for block in _blocks(part)
    )[:MOST_BYTES]
    action = re.search(r"^action:\s*([a-z]+)", said, re.I | re.M)
    status = re.search(r"^status:\s*([245]\.\d{1,3}\.\d{1,3})", said, re.I | re.M)
    code = status[1] if status else ""
    kind = action[1].lower() if action else ""
    if kind == "failed" and not code.startswith("4"):
        return Nature.BOUNCE, code
    return (Nature.DELAY if kind in {"failed", "delayed"} else Nature.AUTOMATIC), code


def _blocks(part: Message) -> Iterator[object]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from payload
    else:
        content = part.get_payload(decode=True)
        yield _text(content, "") if isinstance(content, bytes) else ""


def _returned(parts: list[Message]) -> Iterator[str]:
    for part in parts[1:]:
        yield from _headers(part).get("message-id", [])
        if part.get_content_type() == "text/rfc822-headers":
            content = part.get_payload(decode=True)
            ids = (
                re.search(r"^message-id:\s*(<[^\s<>]{1,250}>)", str(_text(content[:MOST_BYTES], "")), re.I | re.M)
                if (isinstance(content, bytes))
                else None
            )
            yield ids[1] if ids else ""


def _message_id(headers: dict[str, list[str]], subject: str, text: str) -> str:
    sent = MESSAGE_ID.search(headers.get("message-id", [""])[0])
    if sent and len(sent[0]) <= LONGEST_MESSAGE_ID and sent[0].isprintable():
        return sent[0]
    named = "\x00".join([*headers.get("message-id", []), *headers.get("date", []), subject, text])
    return f"sha256:{hashlib.sha256(named.encode('utf-8', 'replace')).hexdigest()}"


def _addresses(values: list[str]) -> list[str]:
    pairs = getaddresses([clean(value) for value in values])
    return list(dict.fromkeys(address.lower() for _name, address in pairs if "@" in address))[:MOST_ADDRESSES]


def _attribution(lines: list[str]) -> int:
    """Return how many lines directly above a quote say whose it is: none, one or two."""
    for number in (1, 2):
        said = " ".join(line.strip() for line in lines[-number:])
        if len(lines) >= number and ATTRIBUTION.match(said):
            return number
    return 0


class _Words(HTMLParser):
    """Collects the words of a page line by line."""

    SILENT: Final = frozenset({"script", "style", "head", "title", "template"})
    BLOCKS: Final = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[tuple[int, list[str]]] = [(0, [])]
        self.quotes = 0
        self.silent = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.SILENT:
            self.silent = self.silent or tag
        if tag == "blockquote":
            self.quotes += 1
        if tag in self.BLOCKS or tag == "blockquote":
            self.lines.append((self.quotes, []))

    def handle_endtag(self, tag: str) -> None:
        if tag == self.silent:
            self.silent = ""
        if tag == "blockquote":
            self.quotes = max(0, self.quotes - 1)
        if tag in self.BLOCKS or tag == "blockquote":
            self.lines.append((self.quotes, []))

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.lines[-1][1].append(data)

    def text(self) -> str:
        lines = ((min(depth, 9), " ".join("".join(words).split())) for depth, words in self.lines)
        return "\n".join(f"{'>' * depth} {line}".strip() for depth, line in lines if line)
