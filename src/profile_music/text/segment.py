"""Words to pieces of meaning: a best-path segmenter over a compiled dictionary of surface chunks.

A morphological analyser (Kiwi) was run once, offline, over the training sentences and over inflections of its own
dictionary. What it found is compiled into a table from surface chunks ("했", "어요") to rows of the embedding table;
at run time the cheapest path through a word (unigram costs, Viterbi) stands in for the analyser.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

START = "^"
"""Marks the dictionary keys of chunks at the start of a word."""

UNKNOWN_COST = 16.0
"""Cost (negative log probability) of a letter that no chunk covers."""

MISPLACED_COST = 2.5
"""Added where a chunk seen only at the start of words stands inside one, or the other way about."""

BROKEN_COST = 5.0
"""Added where Korean grammar does not join two chunks: a verb's stem takes an ending, and an ending a stem."""

OPENS_AS_ENDING = 1
CLOSES_AS_STEM = 2
"""Flags of a chunk: it begins with a verbal ending; it ends in a stem (or 었, 겠) that wants an ending."""

_CACHE_WORDS = 20_000
CACHED_CHARACTERS = 16
"""Longer words are hardly seen again, and would make a cache of words large."""
_INFINITY = float("inf")


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The compiled dictionary: chunk i costs `costs[i]` and means rows `rows[offsets[i]:offsets[i + 1]]`.

    `flags[i]` holds `OPENS_AS_ENDING` and `CLOSES_AS_STEM`; rows from `first_bucket` on are shared ones for what
    the dictionary lacks.
    """

    index: Mapping[str, int]
    costs: Sequence[float]
    flags: Sequence[int]
    offsets: Sequence[int]
    rows: Sequence[int]
    longest: int
    first_bucket: int
    buckets: int

    def bucket(self, text: str) -> int:
        """Return the shared row of a letter or foreign word that the dictionary lacks."""
        return self.first_bucket + zlib.crc32(text.encode()) % self.buckets

    def rows_of(self, chunk: int) -> Sequence[int]:
        """Return the rows of one chunk."""
        return self.rows[self.offsets[chunk] : self.offsets[chunk + 1]]


class Segmenter:
    """Segments words into rows; results are kept for words seen before (bounded)."""

    def __init__(self, dictionary: Dictionary) -> None:
        """Keep the dictionary."""
        self._dictionary = dictionary
        self._cache: dict[str, tuple[int, ...]] = {}

    def rows(self, word: str) -> tuple[int, ...]:
        """Return the rows of one word (no spaces); empty only for an empty word."""
        found = self._cache.get(word)
        if found is None:
            found = self._segment(word)
            if len(word) <= CACHED_CHARACTERS:
                if len(self._cache) >= _CACHE_WORDS:
                    self._cache.clear()
                self._cache[word] = found
        return found

    def pieces(self, word: str) -> list[str]:
        """Return the surface chunks of the cheapest path through a word."""
        if word.isascii():
            return [word] if word else []
        return [word[start:end] for start, end, _ in self._path(word)]

    def _segment(self, word: str) -> tuple[int, ...]:
        dictionary = self._dictionary
        if not word:
            return ()
        if word.isascii():
            known = dictionary.index.get(word)
            return (dictionary.bucket(word),) if known is None else tuple(dictionary.rows_of(known))
        rows: list[int] = []
        for start, end, chunk in self._path(word):
            rows.extend(dictionary.rows_of(chunk) if chunk >= 0 else (dictionary.bucket(word[start:end]),))
        return tuple(rows)

    def _path(self, word: str) -> list[tuple[int, int, int]]:
        """Viterbi: the cheapest cover of the word as (start, end, chunk or -1) from left to right.

        Of all ways to reach a letter only the cheapest is kept, whatever its last chunk: not quite the optimum
        under `BROKEN_COST`, and as good in practice.
        """
        dictionary = self._dictionary
        size = len(word)
        costs = [0.0] + [_INFINITY] * size
        steps = [(0, -1)] * (size + 1)
        stems = [False] * (size + 1)
        for end in range(1, size + 1):
            for start in range(max(0, end - dictionary.longest), end):
                cost, chunk = self._look_up(word[start:end], start == 0)
                if costs[start] + cost >= costs[end]:
                    continue
                flags = dictionary.flags[chunk] if chunk >= 0 else 0
                broken = stems[start] != bool(flags & OPENS_AS_ENDING)
                unfinished = end == size and flags & CLOSES_AS_STEM
                total = costs[start] + cost + BROKEN_COST * (broken + bool(unfinished))
                if total < costs[end]:
                    costs[end], steps[end] = total, (start, chunk)
                    stems[end] = bool(flags & CLOSES_AS_STEM)
        return _walk_back(steps)

    def _look_up(self, text: str, at_start: bool) -> tuple[float, int]:
        dictionary = self._dictionary
        right, wrong = (START + text, text) if at_start else (text, START + text)
        chunk = dictionary.index.get(right)
        if chunk is not None:
            return dictionary.costs[chunk], chunk
        chunk = dictionary.index.get(wrong)
        if chunk is not None:
            return dictionary.costs[chunk] + MISPLACED_COST, chunk
        return (UNKNOWN_COST, -1) if len(text) == 1 else (_INFINITY, -1)


def _walk_back(steps: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    path: list[tuple[int, int, int]] = []
    end = len(steps) - 1
    while end > 0:
        start, chunk = steps[end]
        path.append((start, end, chunk))
        end = start
    return path[::-1]
