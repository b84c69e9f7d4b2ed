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
from profile_music.text.normalize import plain_words
from profile_music.text.segment import Dictionary, Segmenter
from profile_music.types import Vectors

MODEL_NAME = "text-embedded"
FORMAT = 2
PREPROCESSING = "plain-words-3"
"""Part of the fingerprint: raise it when `plain_words` or the segmenter changes what they return."""

CODE_BITS = 64
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


class EmbeddedEncoder:
    """A sentence's vector has four parts, each of unit length and weighted by the root of its share.

    - meaning: the sum of the pieces' trained rows; each row carries its own weight in its length;
    - topics: the same of rows that tell which words stand in the same texts;
    - mood: the roots of the four emotions' probabilities, so that a text also finds lines of its own feeling;
    - words: a random code of the very pieces. Queries and passages carry it in different places: it counts where
      queries are compared with queries (which words, not only which meaning), and is left to the lexical channel
      where a query searches passages.

    After Arora et al. 2017 and Tulkens & van Dongen 2024 (model2vec); how the rows were trained is told in the model
    card. Thread-safe: nothing but a cache of words changes after loading.
    """

    name = "embedded"

    def __init__(
        self,
        segmenter: Segmenter,
        meaning: PackedTable,
        topics: PackedTable,
        mood: tuple[NDArray[np.float32], NDArray[np.float32]],
        shares: dict[str, float],
        fingerprint: str,
    ) -> None:
        """Keep the tables (same rows), the mood head (coefficients (4, F), intercepts (4,)) and the parts' shares."""
        self._segmenter = segmenter
        self._meaning = meaning
        self._topics = topics
        self._mood_coefficients, self._mood_intercepts = mood
        total = 1.0 + sum(shares.values())
        self._weights = {name: (share / total) ** 0.5 for name, share in {"meaning": 1.0, **shares}.items()}
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
            segmenter = Segmenter(_read_dictionary(arrays, meta))
            meaning = PackedTable(arrays["table"], arrays["scales"].astype(np.float32))
            topics = PackedTable(arrays["topic_table"], arrays["topic_scales"].astype(np.float32))
            mood = (arrays["mood_coefficients"], arrays["mood_intercepts"])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ModelError(name=MODEL_NAME, reason=type(error).__name__) from error
        digest = hashlib.sha256(f"{sha256_file(file)}:{PREPROCESSING}".encode()).hexdigest()
        return cls(segmenter, meaning, topics, mood, meta["shares"], f"embedded-{digest[:16]}")

    def encode_queries(self, texts: list[str]) -> Vectors:
        """Encode what users type: float32, shape (N, D), unit rows."""
        return self._encode(texts, 0)

    def encode_passages(self, texts: list[str]) -> Vectors:
        """Encode lines that are searched: float32, shape (N, D), unit rows."""
        return self._encode(texts, CODE_BITS)

    def features(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the parts that the mood is read from, meaning and topics: float32, shape (N, F)."""
        found = np.zeros((len(texts), self._meaning.dimensions + self._topics.dimensions), dtype=np.float32)
        for index, text in enumerate(texts):
            rows = self._rows(text)
            if rows:
                found[index] = self._features(rows)
        return found

    def emotions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return calibrated probabilities of the four emotions, shape (N, 4), in the order of `EMOTIONS`."""
        return self._emotions(self.features(texts))

    def pieces(self, text: str) -> list[str]:
        """Return the pieces that a text is read as, for looking into an answer."""
        return list(chain.from_iterable(map(self._segmenter.pieces, plain_words(text))))

    def _encode(self, texts: list[str], code_place: int) -> Vectors:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for index, text in enumerate(texts):
            self._write(vectors[index], self._rows(text), code_place)
        return vectors

    def _write(self, vector: NDArray[np.float32], rows: list[int], code_place: int) -> None:
        if not rows:
            vector[:] = self.dimensions**-0.5
            return
        weights, split = self._weights, self._meaning.dimensions
        features = self._features(rows)
        end = len(features)
        vector[:split] = weights["meaning"] * features[:split]
        vector[split:end] = weights["topics"] * features[split:]
        vector[end : end + 4] = weights["mood"] * np.sqrt(self._emotions(features[None])[0])
        start = end + 4 + code_place
        codes = self._meaning.lengths(rows) @ _codes(rows)
        vector[start : start + CODE_BITS] = weights["words"] * _unit(codes)
        vector /= np.linalg.norm(vector)

    def _rows(self, text: str) -> list[int]:
        return list(chain.from_iterable(map(self._segmenter.rows, plain_words(text))))

    def _features(self, rows: list[int]) -> NDArray[np.float32]:
        return np.concatenate([_unit(self._meaning.sum(rows)), _unit(self._topics.sum(rows))])

    def _emotions(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        logits = features @ self._mood_coefficients.T + self._mood_intercepts
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float32] = exponentials / exponentials.sum(axis=1, keepdims=True)
        return probabilities


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.sqrt(vector @ vector))
    return vector / length if length > 0 else vector


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
