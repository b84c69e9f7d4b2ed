"""The encoder in the package: no network, no morphological analyser, tables of four-bit rows."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.checksums import sha256_file
from profile_music.errors import ModelError
from profile_music.runtime.models import resolve_model
from profile_music.text.concepts import concepts_in
from profile_music.text.mood_head import MoodHead, Particles, negated, ngram_buckets, sign_buckets
from profile_music.text.normalize import plain_words, written_words
from profile_music.text.remembered import remembered
from profile_music.text.segment import Dictionary, Segmenter
from profile_music.types import Vectors

MODEL_NAME = "text-embedded"
FORMAT = 4
PREPROCESSING = "plain-words-4"
"""Part of the fingerprint: raise it when `plain_words`, the segmenter or the mood's features return something else."""

CODE_BITS = 64
SHARES = ("topics", "mood", "words", "letters", "passage_mood")
_LETTERS = 2
_LEADING = ("안", "못")
_NEGATORS = (*_LEADING, "않아", "없어", "아니야")
_LIGHT_VERBS = ("해", "된다")
_CONTENT_LENGTH = 0.25
"""A row at least so long, against the usual one, carries a meaning of its own; particles and endings are shorter."""
_USUAL_ROWS = 20_000
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True, slots=True)
class PackedTable:
    """Rows of four-bit numbers, two a byte: a number n stands for (n - 8) times its row's scale."""

    packed: NDArray[np.uint8]
    scales: NDArray[np.float32]

    @property
    def dimensions(self) -> int:
        """Length of a row."""
        return int(self.packed.shape[1]) * 2

    def sum(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Return the sum of rows, shape (D,)."""
        packed, scales = self.packed[rows], self.scales[rows]
        total = np.empty((packed.shape[1], 2), dtype=np.float32)
        total[:, 0] = scales @ (packed & 15).astype(np.float32)
        total[:, 1] = scales @ (packed >> 4).astype(np.float32)
        centred: NDArray[np.float32] = total.ravel() - 8 * scales.sum()
        return centred

    def lengths(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Return about how long each row is, by its scale, shape (N,)."""
        return self.scales[rows]


@dataclass(frozen=True, slots=True)
class _Reading:
    """Words and rows of a text (none: nothing was read), its mood's features (F,), buckets and probabilities (4,)."""

    words: list[str]
    rows: list[int]
    dense: NDArray[np.float32]
    buckets: list[int]
    mood: NDArray[np.float32]


class EmbeddedEncoder:
    """A sentence's vector has parts, each of unit length and weighted by the root of its share.

    - meaning: the sum of the pieces' trained rows; each row carries its own weight in its length;
    - topics: the same of rows that tell which words stand in the same texts;
    - mood: the roots of the four emotions' probabilities, so that a text also finds lines of its own feeling;
    - words and letters: random codes of the very pieces, and of every two characters in a row. Only queries carry
      them: they count where queries are compared with queries (which words, not only which meaning), and are left to
      the lexical channel where a query searches passages.

    The share of the mood is a larger one in passages (`passage_mood`): a song's feeling says more of whether it fits
    than of whether two sentences mean the same.

    After Arora et al. 2017 and Tulkens & van Dongen 2024 (model2vec); how the rows were trained is told in the model
    card. Thread-safe: nothing but a cache of words changes after loading.
    """

    name = "embedded"

    def __init__(
        self,
        segmenter: Segmenter,
        meaning: PackedTable,
        topics: PackedTable,
        mood: MoodHead,
        shares: dict[str, float],
        fingerprint: str,
    ) -> None:
        """Keep the tables (same rows), the mood head and the parts' shares."""
        self._segmenter = segmenter
        self._meaning = meaning
        self._topics = topics
        self._mood = mood
        self._particles = _particles(segmenter, meaning)
        whole = {"meaning": 1.0, **shares}
        passage_mood = whole.pop("passage_mood")
        self._query_weights = _roots(whole)
        self._passage_weights = _roots({**whole, "mood": passage_mood, "words": 0.0, "letters": 0.0})
        self.fingerprint = fingerprint
        self.dimensions = meaning.dimensions + topics.dimensions + 4 + 2 * CODE_BITS

    @classmethod
    def load(cls, path: Path | None = None) -> EmbeddedEncoder:
        """Load the bundled model, checked against the manifest, or the file at `path`.

        Raises:
            ModelError: The file is missing, damaged or of another format.
        """
        file = path or resolve_model(MODEL_NAME)
        try:
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            meta = json.loads(bytes(arrays["meta"]).decode())
            if meta["format"] != FORMAT:
                raise ModelError(name=MODEL_NAME, reason=f"format {meta['format']}, expected {FORMAT}")
            shares = {name: float(meta["shares"][name]) for name in SHARES}
            segmenter = Segmenter(_read_dictionary(arrays, meta))
            meaning = PackedTable(arrays["table"], arrays["scales"].astype(np.float32))
            topics = PackedTable(arrays["topic_table"], arrays["topic_scales"].astype(np.float32))
            mood = MoodHead(
                arrays["mood_coefficients"], arrays["mood_intercepts"], arrays["mood_signs"], float(meta["mood_step"])
            )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ModelError(name=MODEL_NAME, reason=type(error).__name__) from error
        parts = (sha256_file(file), PREPROCESSING, hashlib.sha256(written_words()).hexdigest())
        digest = hashlib.sha256(":".join(parts).encode()).hexdigest()
        return cls(segmenter, meaning, topics, mood, shares, f"embedded-{digest[:16]}")

    def encode_queries(self, texts: list[str]) -> Vectors:
        """Encode what users type: float32, shape (N, D), unit rows."""
        return self._encode(texts, self._query_weights)

    def encode_passages(self, texts: list[str]) -> Vectors:
        """Encode lines that are searched: float32, shape (N, D), unit rows."""
        return self._encode(texts, self._passage_weights)

    def mood_features(self, text: str) -> tuple[NDArray[np.float32], list[int]]:
        """Return what the mood is read from: dense features, float32, shape (F,), and the buckets of signs.

        The dense ones are the meaning and the topics of the text, and the same of what is negated in it.
        """
        reading = self._read(text)
        return reading.dense, reading.buckets

    @property
    def mood_width(self) -> int:
        """Number of dense features of the mood."""
        return 2 * (self._meaning.dimensions + self._topics.dimensions)

    def emotions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return calibrated probabilities of the four emotions, shape (N, 4), in the order of `EMOTIONS`."""
        found = np.empty((len(texts), 4), dtype=np.float32)
        for index, text in enumerate(texts):
            found[index] = self._read(text).mood
        return found

    def pieces(self, text: str) -> list[str]:
        """Return the pieces that a text is read as, for looking into an answer."""
        return list(chain.from_iterable(map(self._segmenter.pieces, plain_words(text))))

    def _encode(self, texts: list[str], weights: dict[str, float]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for index, text in enumerate(texts):
            self._write(vectors[index], self._read(text), weights)
        return vectors

    def _write(self, vector: NDArray[np.float32], reading: _Reading, weights: dict[str, float]) -> None:
        if not reading.rows:
            vector[:] = self.dimensions**-0.5
            return
        split = self._meaning.dimensions
        end = split + self._topics.dimensions
        vector[:split] = weights["meaning"] * reading.dense[:split]
        vector[split:end] = weights["topics"] * reading.dense[split:end]
        vector[end : end + 4] = weights["mood"] * np.sqrt(reading.mood)
        if weights["words"]:
            start = end + 4
            words = self._meaning.lengths(reading.rows) @ _codes(reading.rows)
            vector[start : start + CODE_BITS] = weights["words"] * _unit(words)
            letters = set(chain.from_iterable(ngram_buckets(word, _LETTERS) for word in reading.words))
            vector[start + CODE_BITS :] = weights["letters"] * _unit(_codes(sorted(letters)).sum(axis=0))
        vector /= np.linalg.norm(vector)

    def _read(self, text: str) -> _Reading:
        return remembered((id(self), text), lambda: self._read_anew(text))

    def _read_anew(self, text: str) -> _Reading:
        words = plain_words(text)
        rows = list(chain.from_iterable(map(self._segmenter.rows, words)))
        dense = np.zeros(self.mood_width, dtype=np.float32)
        unlike = negated(rows, self._particles)
        half, start = len(dense) // 2, 0
        for table in (self._meaning, self._topics):
            whole = table.sum(rows)
            length = float(np.sqrt(whole @ whole)) or 1.0
            end = start + len(whole)
            dense[start:end] = whole / length
            if unlike:
                dense[half + start : half + end] = table.sum(unlike) / length
            start = end
        buckets = sign_buckets(words, rows, concepts_in(words), self._particles)
        return _Reading(words, rows, dense, buckets, self._mood.probabilities(dense, buckets))


def _roots(shares: dict[str, float]) -> dict[str, float]:
    total = sum(shares.values())
    return {name: (share / total) ** 0.5 for name, share in shares.items()}


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.sqrt(vector @ vector))
    return vector / length if length > 0 else vector


def _particles(segmenter: Segmenter, meaning: PackedTable) -> Particles:
    """Tell grammar from content by the trained lengths of rows; the verbs 하 and 되 only carry what stands before."""
    lengths = meaning.scales
    content = lengths > _CONTENT_LENGTH * np.median(lengths[:_USUAL_ROWS])
    leading, negators, light = (
        frozenset(segmenter.rows(word)[0] for word in words) for words in (_LEADING, _NEGATORS, _LIGHT_VERBS)
    )
    content[list(negators | light)] = False
    return Particles(leading, negators, content)


def _codes(rows: list[int]) -> NDArray[np.float32]:
    """Return a fixed random code of +1 and -1 for each row number, shape (N, 64) (splitmix64)."""
    state = np.array(rows, dtype=np.uint64) * _GOLDEN + _GOLDEN
    state = (state ^ (state >> np.uint64(30))) * _MIX
    bits = np.unpackbits((state ^ (state >> np.uint64(31))).view(np.uint8)).reshape(len(rows), CODE_BITS)
    return bits.astype(np.float32) * 2 - 1


def _read_dictionary(arrays: dict[str, NDArray[Any]], meta: dict[str, Any]) -> Dictionary:
    chunks = bytes(arrays["chunks"]).decode().split("\n")
    offsets = np.zeros(len(chunks) + 1, dtype=np.int64)
    np.cumsum(arrays["counts"], out=offsets[1:])
    return Dictionary(
        index=dict(zip(chunks, range(len(chunks)), strict=True)),
        costs=arrays["costs"].astype(np.float64).tolist(),
        flags=bytes(arrays["flags"]),
        offsets=offsets.tolist(),
        rows=arrays["rows"].tolist(),
        # With a word's-start mark at most one too long, which changes no answer and saves 20 ms of every start.
        longest=max(map(len, chunks)),
        first_bucket=int(meta["first_bucket"]),
        buckets=int(meta["buckets"]),
    )
