"""The encoder in the package: no network, no morphological analyser, a table of four-bit rows."""

from __future__ import annotations

import hashlib
import json
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.errors import ModelError
from profile_music.runtime.models import resolve_model, sha256_file
from profile_music.text.normalize import plain_words
from profile_music.text.segment import START, Dictionary, Segmenter
from profile_music.types import Vectors

MODEL_NAME = "text-embedded"
FORMAT = 1
PREPROCESSING = "plain-words-1"
"""Part of the fingerprint: raise it when `plain_words` or the segmenter changes what they return."""


class EmbeddedEncoder:
    """A sentence's vector is the unit sum of its pieces' rows; each row carries its own weight in its length.

    After Tulkens & van Dongen 2024 (model2vec) and Arora et al. 2017 (weighted sums of word vectors); how the rows
    were trained is told in the model card. Thread-safe: nothing but a cache of words changes after loading.
    """

    name = "embedded"

    def __init__(
        self, segmenter: Segmenter, table: NDArray[np.uint8], scales: NDArray[np.float32], fingerprint: str
    ) -> None:
        """Keep a table of two four-bit numbers a byte, shape (R, D / 2), and the rows' scales, shape (R,)."""
        self._segmenter = segmenter
        self._table = table
        self._scales = scales
        self.fingerprint = fingerprint
        self.dimensions = table.shape[1] * 2
        self._nothing = np.full(self.dimensions, self.dimensions**-0.5, dtype=np.float32)

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
            dictionary = _read_dictionary(arrays, meta)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(name=MODEL_NAME, reason=type(error).__name__) from error
        digest = hashlib.sha256(f"{sha256_file(file)}:{PREPROCESSING}".encode()).hexdigest()
        scales = arrays["scales"].astype(np.float32)
        return cls(Segmenter(dictionary), arrays["table"], scales, f"embedded-{digest[:16]}")

    def encode_queries(self, texts: list[str]) -> Vectors:
        """Encode what users type: float32, shape (N, D), unit rows."""
        return self._encode(texts)

    def encode_passages(self, texts: list[str]) -> Vectors:
        """Encode lines that are searched: float32, shape (N, D), unit rows; the same as `encode_queries` here."""
        return self._encode(texts)

    def pieces(self, text: str) -> list[str]:
        """Return the pieces that a text is read as, for looking into an answer."""
        return list(chain.from_iterable(map(self._segmenter.pieces, plain_words(text))))

    def _encode(self, texts: list[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for index, text in enumerate(texts):
            vectors[index] = self._encode_one(text)
        return vectors

    def _encode_one(self, text: str) -> NDArray[np.float32]:
        rows = list(chain.from_iterable(map(self._segmenter.rows, plain_words(text))))
        if not rows:
            return self._nothing
        packed = self._table[rows]
        scales = self._scales[rows]
        vector = np.empty((self.dimensions // 2, 2), dtype=np.float32)
        vector[:, 0] = scales @ (packed & 15).astype(np.float32)
        vector[:, 1] = scales @ (packed >> 4).astype(np.float32)
        flat: NDArray[np.float32] = vector.ravel() - 8 * scales.sum()
        length = float(np.linalg.norm(flat))
        return flat / length if length > 0 else self._nothing


def _read_dictionary(arrays: dict[str, NDArray[Any]], meta: dict[str, Any]) -> Dictionary:
    chunks = bytes(arrays["chunks"]).decode().split("\n")
    offsets = np.zeros(len(chunks) + 1, dtype=np.int64)
    np.cumsum(arrays["counts"], out=offsets[1:])
    return Dictionary(
        index=dict(zip(chunks, range(len(chunks)), strict=True)),
        costs=arrays["costs"].astype(np.float64).tolist(),
        offsets=offsets.tolist(),
        rows=arrays["rows"].tolist(),
        longest=max(len(chunk.removeprefix(START)) for chunk in chunks),
        first_bucket=int(meta["first_bucket"]),
        buckets=int(meta["buckets"]),
    )
