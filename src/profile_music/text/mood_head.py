"""What the mood of a text is read from, and the linear head that reads it."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from profile_music.text.segment import CACHED_CHARACTERS

BUCKETS = 1 << 16
_LOOK_BACK = 6
_NEGATED_BEFORE = 2
_LOOK_AHEAD = 3
_NGRAM_LENGTHS = (2, 3)


@dataclass(frozen=True, slots=True)
class Particles:
    """Rows of a table that negate, and rows that carry a meaning of their own (shape (R,), bool; the rest is grammar).

    `leading` negators (안, 못) stand before what they negate; all of them (않, 없, 아니 ...) can stand behind it.
    """

    leading: frozenset[int]
    negators: frozenset[int]
    content: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MoodHead:
    """Weights of the four emotions: dense features (4, F), intercepts (4,), hashed signs int8 (B, 4) times `step`.

    Training divides all of them by the calibrating temperature.
    """

    coefficients: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    signs: NDArray[np.int8]
    step: float

    def probabilities(self, dense: NDArray[np.float32], buckets: Sequence[int]) -> NDArray[np.float32]:
        """Return the four probabilities, shape (4,), of a text's dense features and the buckets of its signs."""
        logits = self.coefficients @ dense + self.intercepts
        if buckets:
            logits = logits + self.signs[buckets].sum(axis=0) * (self.step / len(buckets) ** 0.5)
        exponentials = np.exp(logits - logits.max())
        probabilities: NDArray[np.float32] = (exponentials / exponentials.sum()).astype(np.float32)
        return probabilities


def negated(rows: Sequence[int], particles: Particles) -> list[int]:
    """Return the rows of a text that a negation reaches: 행복 in "안 행복해" and in "행복하지 않아".

    Reached are the two content rows before a negator, and the first one behind a leading negator.
    """
    reached: set[int] = set()
    for place, row in enumerate(rows):
        if row not in particles.negators:
            continue
        before = range(place - 1, max(-1, place - 1 - _LOOK_BACK), -1)
        reached.update([at for at in before if particles.content[rows[at]]][:_NEGATED_BEFORE])
        if row in particles.leading:
            behind = range(place + 1, min(len(rows), place + 1 + _LOOK_AHEAD))
            reached.update([at for at in behind if particles.content[rows[at]]][:1])
    return [rows[at] for at in sorted(reached)]


def sign_buckets(
    words: Sequence[str], rows: Sequence[int], concepts: Collection[str], particles: Particles
) -> list[int]:
    """Return the buckets of a text's signs, sorted.

    Signs are its rows, neighbouring content rows and negators, its concepts, and two and three characters of its words
    in a row: these know the endings (-잖아, -더라, -나 봐) and the words that the dictionary cuts to pieces.
    """
    telling = [row for row in rows if particles.content[row] or row in particles.negators]
    signs = {f"u{row}" for row in rows}
    signs.update(f"s{first}_{second}" for first, second in pairwise(telling))
    signs.update(f"k{name}" for name in concepts)
    buckets = {_bucket(sign) for sign in signs}
    return sorted(buckets.union(*(ngram_buckets(word, length) for word in words for length in _NGRAM_LENGTHS)))


def ngram_buckets(word: str, length: int) -> tuple[int, ...]:
    """Return the buckets of every `length` characters in a row of a word, whose ends are marked."""
    return _known_ngrams(word, length) if len(word) <= CACHED_CHARACTERS else _ngrams(word, length)


def _ngrams(word: str, length: int) -> tuple[int, ...]:
    marked = f"^{word}$"
    grams = (f"c{marked[at : at + length]}" for at in range(len(marked) - length + 1))
    return tuple([_bucket(gram) for gram in grams])


_known_ngrams = lru_cache(maxsize=1 << 13)(_ngrams)


def _bucket(sign: str) -> int:
    return zlib.crc32(sign.encode()) % BUCKETS
