"""The lexical channel: TF-IDF cosine over hashed tokens, built in constant memory and searched memory-mapped.

Postings are stored by token bucket (compressed sparse columns). A vocabulary is not needed: tokens (character n-grams
from `profile_music.text.lexical`) are hashed into a fixed number of buckets, so a file of any size opens at once.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.index.arrays import read_array

BUCKETS = 1 << 17


def bucket_counts(tokens: Iterable[str]) -> dict[int, int]:
    """Return token counts by bucket."""
    counts: dict[int, int] = {}
    for token in tokens:
        bucket = zlib.crc32(token.encode("utf-8")) % BUCKETS
        counts[bucket] = counts.get(bucket, 0) + 1
    return counts


@dataclass(frozen=True, slots=True)
class Postings:
    """A block of tokenised lines: int32 (3, P) of bucket, line (from 0) and count, in order of bucket."""

    block: NDArray[np.int32]
    lines: int

    def __len__(self) -> int:
        """Return the number of lines."""
        return self.lines


def postings_of(lines: Sequence[Iterable[str]]) -> Postings:
    """Return the postings of tokenised lines."""
    buckets: list[int] = []
    rows: list[int] = []
    counts: list[int] = []
    for number, tokens in enumerate(lines):
        found = bucket_counts(tokens)
        buckets.extend(found.keys())
        counts.extend(found.values())
        rows.extend([number] * len(found))
    block = np.array([buckets, rows, counts], dtype=np.int32).reshape(3, -1)
    return Postings(block[:, np.argsort(block[0], kind="stable")], len(lines))


class LexicalWriter:
    """Collects postings block by block on disk and merges them by counting sort."""

    def __init__(self, folder: Path, prefix: str = "lexical") -> None:
        """Spool into `folder`, which must exist; `prefix` starts the names of the arrays."""
        self._folder = folder
        self._prefix = prefix
        self._blocks: list[Path] = []
        self._frequency = np.zeros(BUCKETS, dtype=np.int64)
        self._lines = 0

    def add(self, lines: Sequence[Iterable[str]] | Postings) -> None:
        """Add a block of lines, in order: tokenised, or their postings."""
        block = (lines if isinstance(lines, Postings) else postings_of(lines)).block.copy()
        block[1] += self._lines
        self._frequency += np.bincount(block[0], minlength=BUCKETS)
        path = self._folder / f"{self._prefix}-block-{len(self._blocks)}.npy"
        np.save(path, block)
        self._blocks.append(path)
        self._lines += len(lines)

    def finish(self) -> dict[str, Path]:
        """Write the four arrays (prefix_starts, _idf, _lines, _weights) and return their paths by name."""
        starts = np.concatenate([[0], np.cumsum(self._frequency)])
        idf = np.log((1 + self._lines) / (1 + self._frequency)).astype(np.float32) + 1
        paths = {name: self._folder / f"{name}.npy" for name in self._names("lines", "weights")}
        lines_path, weights_path = paths.values()
        shape = (max(1, int(starts[-1])),)
        lines = _reserved_memmap(lines_path, np.dtype(np.int32), shape)
        weights = _reserved_memmap(weights_path, np.dtype(np.float16), shape)
        cursor = starts[:-1].copy()
        for path in self._blocks:
            buckets, rows, counts = read_array(path, "r")
            values = (1 + np.log(counts)).astype(np.float32) * idf[buckets]
            norms = np.sqrt(np.bincount(rows - rows.min(), values.astype(np.float64) ** 2)) if len(rows) else None
            sizes = np.bincount(buckets, minlength=BUCKETS)
            first = np.concatenate([[0], np.cumsum(sizes)])[:-1]
            target = cursor[buckets] + (np.arange(len(buckets)) - first[buckets])
            if norms is not None:
                lines[target] = rows
                weights[target] = values / norms[rows - rows.min()]
            cursor += sizes
            path.unlink()
        lines.flush()
        weights.flush()
        # Most catalogues have far fewer postings than int32 counts: half the size of the largest fixed table.
        small = starts.astype(np.int32) if starts[-1] <= np.iinfo(np.int32).max else starts
        for name, array in zip(self._names("starts", "idf"), (small, idf), strict=True):
            paths[name] = self._folder / f"{name}.npy"
            np.save(paths[name], array)
        return paths

    def _names(self, *arrays: str) -> list[str]:
        return [f"{self._prefix}_{array}" for array in arrays]


def _reserved_memmap(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """Make a .npy file on disk and map it.

    Raises:
        OSError: The disk has no room. A sparse file would only find out while it is mapped, as a bus error.
    """
    array: np.memmap[Any, Any] = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)
    return array


class LexicalIndex:
    """Scores every line against a tokenised query."""

    def __init__(
        self,
        starts: NDArray[np.int64] | NDArray[np.int32],
        idf: NDArray[np.float32],
        lines: NDArray[np.int32],
        weights: NDArray[np.float16],
        line_count: int,
    ) -> None:
        """Take the four arrays that `LexicalWriter.finish` wrote (memory-mapped where large)."""
        self._starts = starts
        self._idf = idf
        self._lines = lines
        self._weights = weights
        self._line_count = line_count

    def scores(self, tokens: Iterable[str]) -> NDArray[np.float32]:
        """Return the cosine (0..1) of a query's tokens with each line, shape (lines,)."""
        result = np.zeros(self._line_count, dtype=np.float32)
        counts = bucket_counts(tokens)
        if not counts:
            return result
        weights = {bucket: (1 + np.log(count)) * float(self._idf[bucket]) for bucket, count in counts.items()}
        norm = float(np.sqrt(sum(weight * weight for weight in weights.values())))
        for bucket, weight in weights.items():
            begin, end = int(self._starts[bucket]), int(self._starts[bucket + 1])
            # A line stands at most once in a bucket's postings, so plain indexed addition is exact.
            result[self._lines[begin:end]] += self._weights[begin:end].astype(np.float32) * np.float32(weight / norm)
        return result
