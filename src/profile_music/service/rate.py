"""A rate for each address or key, in bounded memory.

The `limits` library was looked at: it has no token bucket, its memory store keeps every key until a timer runs, and it
takes 0.27 s to import. This is the generic cell rate algorithm, a token bucket that needs one number a key.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

_MOST_KEYS = 100_000
_NETWORK_OF_ONE_CUSTOMER = ~((1 << 64) - 1)


class RateLimit:
    """At most `burst` requests at once and `per_minute` in the long run, for each key. Not for several threads."""

    def __init__(
        self,
        per_minute: int,
        burst: int,
        *,
        most_keys: int = _MOST_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Count nothing yet; `per_minute` 0 means no limit, `most_keys` bounds the memory."""
        self._interval_s = 60 / per_minute if per_minute else 0.0
        self._slack_s = self._interval_s * (burst - 1)
        self._most_keys = most_keys
        self._clock = clock
        # When each key's bucket is full again, in order of last use.
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._full_at)

    def take(self, key: str) -> float:
        """Count one request and return 0, or return for how many seconds there is none left."""
        if not self._interval_s:
            return 0.0
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now)
        wait_s = full_at - self._slack_s - now
        if wait_s > 1e-9:
            return wait_s
        self._full_at.pop(key, None)
        self._full_at[key] = full_at + self._interval_s
        if len(self._full_at) > self._most_keys:
            del self._full_at[next(iter(self._full_at))]
        return 0.0


def address_key(host: str | None) -> str:
    """Return what stands for a client's address: an IPv6 customer has a whole /64, so that counts as one."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) & _NETWORK_OF_ONE_CUSTOMER))
    return str(address)
