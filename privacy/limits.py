"""Rate limits over the cache: how many times in a window, for whom, without a name in any key."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.cache import cache

from privacy.encryption import keyed_hash

if TYPE_CHECKING:
    from django.http import HttpRequest

UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class Limit:
    """At most ``times`` hits in each window of ``seconds``; the name keeps limits of one value apart."""

    name: str
    times: int
    seconds: int


def hit(limit: Limit, value: str) -> int | None:
    """Count one more, and return the seconds to wait where that was too many, else ``None``.

    Windows are fixed: they begin at multiples of their length since 1970. The cache sees a keyed hash of the value.
    """
    now = time.time()
    window = int(now // limit.seconds)
    key = f"limit:{limit.name}:{window}:{keyed_hash('limit', value).hex()}"
    count = _count(key, limit.seconds)
    if count <= limit.times:
        return None
    return max(1, int((window + 1) * limit.seconds - now))


def _count(key: str, seconds: int) -> int:
    """Count one more with one call to the cache, but for the first in a window."""
    try:
        return cache.incr(key)
    except ValueError:  # not there yet, or dropped by a full cache
        if cache.add(key, 1, timeout=seconds):
            return 1
    try:
        return cache.incr(key)
    except ValueError:  # added by somebody else and dropped at once: counting anew is all that is left
        return 1


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
