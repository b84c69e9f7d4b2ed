"""A set of ids that stays small: eight bytes an id, so that a million songs take eight megabytes."""

from __future__ import annotations

import hashlib

import numpy as np

_RECENT = 1 << 15


class SeenIds:
    """Remembers strings by a 64-bit digest; two of a million songs collide with a chance of one in 37 million."""

    def __init__(self) -> None:
        """Start empty."""
        self._recent: set[int] = set()
        self._sorted = np.empty(0, dtype=np.uint64)

    def __contains__(self, text: str) -> bool:
        """Return whether `add` was called with the same string."""
        number = _digest(text)
        if number in self._recent:
            return True
        place = int(np.searchsorted(self._sorted, np.uint64(number)))
        return place < len(self._sorted) and int(self._sorted[place]) == number

    def __len__(self) -> int:
        """Return the number of different strings."""
        return len(self._recent) + len(self._sorted)

    def add(self, text: str) -> bool:
        """Remember a string; return whether it is new."""
        if text in self:
            return False
        self._recent.add(_digest(text))
        if len(self._recent) >= _RECENT:
            recent = np.fromiter(self._recent, dtype=np.uint64, count=len(self._recent))
            self._sorted = np.sort(np.concatenate([self._sorted, recent]))
            self._recent.clear()
        return True


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
