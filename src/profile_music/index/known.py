"""Which lines a catalogue holds already: a sorted table of 64-bit keys, 16 bytes a line in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

KEY_BYTES = 8


class LineTable:
    """Finds lines by the first eight bytes of their `line_key`."""

    def __init__(self, keys: Iterable[bytes], count: int) -> None:
        """Take the keys of `count` lines in their order."""
        table = np.fromiter((_number(key) for key in keys), dtype=np.uint64, count=count)
        self._order = np.argsort(table, kind="stable")
        self._sorted = table[self._order]

    def find(self, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """Return each key's line number, the first where a line stands several times, -1 where it is not known."""
        wanted = np.fromiter((_number(key) for key in keys), dtype=np.uint64, count=len(keys))
        if not len(self._sorted):
            return np.full(len(wanted), -1, dtype=np.int64)
        places = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        found: NDArray[np.int64] = np.where(self._sorted[places] == wanted, self._order[places], -1)
        return found


def _number(key: bytes) -> int:
    return int.from_bytes(key[:KEY_BYTES], "big")
