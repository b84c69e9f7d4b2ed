"""Vectors in eight bits, for the first look at many lines: scores with a proven error, a quarter of the memory read.

Each row is rounded to 127 steps of its own scale. By Cauchy and Schwarz a cosine from codes is off by at most the
length of what rounding took from the line plus the length of what it took from the query, so whoever scores again all
that lies within that bound of the best finds exactly what full vectors find. simsimd (extra: fast) reads the codes;
without it `LineCodes.usable` is False and full vectors are read as before.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.types import Vectors

CODES_FROM_LINES = 20_000
"""From so many lines on a catalogue holds codes; below, reading full vectors takes less than a few milliseconds."""
COLUMNS = ("codes", "code_scales", "code_errors")
"""The arrays' names in a catalogue, in the order of `encode`."""
_STEPS = 127
_BLOCK_BYTES = 1 << 21
_FLOAT_ERROR = 1e-5


def encode(vectors: Vectors) -> tuple[NDArray[np.int8], NDArray[np.float32], NDArray[np.float32]]:
    """Return codes (rows, dimensions), the scale of each row, and the length of what rounding took from it."""
    scales = np.abs(vectors).max(axis=1, initial=0).astype(np.float32) / _STEPS
    steps = np.rint(vectors / np.where(scales > 0, scales, 1)[:, None])
    lost = vectors - steps * scales[:, None]
    return steps.astype(np.int8), scales, np.sqrt(np.square(lost).sum(axis=1, dtype=np.float64)).astype(np.float32)


class LineCodes:
    """The codes of a catalogue's lines, memory-mapped. Immutable; safe to share between threads."""

    def __init__(self, codes: NDArray[np.int8], scales: NDArray[np.float32], errors: NDArray[np.float32]) -> None:
        """Take what `encode` made of all lines."""
        self._codes = codes
        self._scales = scales
        self._error = float(errors.max())

    @staticmethod
    def usable() -> bool:
        """Whether this machine has what reads codes quickly."""
        return _simsimd() is not None

    def scores(self, queries: Vectors) -> tuple[NDArray[np.float32], float]:
        """Return approximate dot products of unit rows, (queries, lines), and how far off one can be at most."""
        codes, scales, errors = encode(queries)
        result = np.empty((len(queries), len(self._codes)), dtype=np.float32)
        # A block stays in the processor's cache for all queries.
        rows = max(1, _BLOCK_BYTES // self._codes.shape[1])
        for begin in range(0, len(self._codes), rows):
            block = self._codes[begin : begin + rows]
            products = _simsimd().cdist(codes, block, "dot", out_dtype="float32")
            np.multiply(products, self._scales[begin : begin + rows], out=result[:, begin : begin + rows])
        result *= scales[:, None]
        return result, float(errors.max()) * (1 + self._error) + self._error + _FLOAT_ERROR


@cache
def _simsimd() -> Any:
    try:
        import simsimd
    except ImportError:
        return None
    return simsimd
