"""Rate limits over the cache: how many times in a window, for whom, without a name in any key."""

from __future__ import annotations

import ipaddress
import os
import time
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.cache import cache

from privacy.encryption import keyed_hash

if TYPE_CHECKING:
    from django.http import HttpRequest

UNKNOWN: Final = "unknown"
MOST_UNREPORTED: Final = 8
MOST_TABS: Final = 100_000  # of one limit in one process; what comes beyond is counted in the cache alone
PROCESS_KEY: Final = os.urandom(16)  # so that what a process remembers of a value is worth nothing anywhere else


@dataclass(frozen=True)
class Limit:
    """At most ``times`` hits in each window of ``seconds``; the name keeps limits of one value apart."""

    name: str
    times: int
    seconds: int


@dataclass
class _Tab:
    """What this process has counted of one value in one window."""

    reported: int = 0
    unreported: int = 0


# One window per limit, by hashes: values are identifiers, and strangers choose their length.
_tabs: dict[str, tuple[int, dict[bytes, _Tab]]] = {}


def forget() -> None:
    """Begin counting anew in this process."""
    _tabs.clear()


def hit(limit: Limit, value: str) -> int | None:
    """Count one more, and return the seconds to wait where that was too many, else ``None``.

    Windows are fixed: they begin at multiples of their length since 1970. All processes count together in the cache,
    which sees a keyed hash of the value. A process reports several hits at once, a fifteenth of the limit but eight
    at most: nearly all values come once or twice in a window, and those cost no call to the cache at all. So with
    many processes a limit may be passed by a few hits of each.
    """
    now = time.time()
    window = int(now // limit.seconds)
    tab, is_kept = _tab(limit.name, window, value)
    tab.unreported += 1
    most_unreported = min(MOST_UNREPORTED, limit.times // 15) if is_kept else 1
    if tab.unreported >= most_unreported or tab.reported + tab.unreported > limit.times:
        key = f"limit:{limit.name}:{window}:{keyed_hash('limit', value).hex()}"
        tab.unreported, tab.reported = 0, _count(key, tab.unreported, limit.seconds)
    if tab.reported + tab.unreported <= limit.times:
        return None
    return max(1, int((window + 1) * limit.seconds - now))


def _tab(name: str, window: int, value: str) -> tuple[_Tab, bool]:
    """Return what was counted of a value here, and whether there is room to remember it until its next hit."""
    known_window, tabs = _tabs.get(name, (None, {}))
    if known_window != window:
        tabs = {}
        _tabs[name] = window, tabs
    digest = blake2b(value.encode(errors="surrogatepass"), digest_size=16, key=PROCESS_KEY).digest()
    tab = tabs.get(digest)
    if tab is not None:
        return tab, True
    if len(tabs) >= MOST_TABS:
        return _Tab(), False
    return tabs.setdefault(digest, _Tab()), True


def _count(key: str, hits: int, seconds: int) -> int:
    """Count more with one call to the cache, but for the first in a window; return how many there are."""
    try:
        return cache.incr(key, hits)
    except ValueError:  # not there yet, or dropped by a full cache
        if cache.add(key, hits, timeout=seconds):
            return hits
    try:
        return cache.incr(key, hits)
    except ValueError:  # added by somebody else and dropped at once: counting anew is all that is left
        return hits


def address_prefix(request: HttpRequest) -> str:
    """Return the network the request came from: the /24 of an IPv4 address, the /48 of an IPv6 address.

    Proxies append to X-Forwarded-For, so the address that the outermost trusted one saw is counted from the right;
    whatever stands further left was written by the client.
    """
    return _prefix(_client(request))


@lru_cache(maxsize=4096)  # addresses come back with every page view
def _prefix(text: str) -> str:
    address = _address(text)
    if address is None:
        return UNKNOWN
    length = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


def _client(request: HttpRequest) -> str:
    if settings.TRUSTED_PROXIES:
        header = request.META.get("HTTP_X_FORWARDED_FOR", "")
        seen = [entry.strip() for entry in header.split(",") if entry.strip()]
        if seen:
            return str(seen[-min(settings.TRUSTED_PROXIES, len(seen))])
    return str(request.META.get("REMOTE_ADDR", ""))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address, also with the port that some proxies append: 192.0.2.1:443, [2001:db8::1]:443."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
