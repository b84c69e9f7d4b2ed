"""The mood of a text: four calibrated probabilities from a linear head on the embedded encoder's vector."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from profile_music.errors import ModelError
from profile_music.runtime.models import resolve_model
from profile_music.text.embedded import EmbeddedEncoder
from profile_music.text.encoder import TextEncoder
from profile_music.types import EmotionScores, Vectors

MODEL_NAME = "text-mood"


class TextMood:
    """Reads happy, angry, sad and neutral from Korean texts. Thread-safe."""

    def __init__(
        self, encoder: TextEncoder, coefficients: NDArray[np.float32], intercepts: NDArray[np.float32]
    ) -> None:
        """Keep a linear head: coefficients of shape (4, D), intercepts of shape (4,), in the order of `EMOTIONS`."""
        self._encoder = encoder
        self._coefficients = coefficients
        self._intercepts = intercepts

    @classmethod
    def load(cls, encoder: TextEncoder | None = None, *, path: Path | None = None) -> TextMood:
        """Load the bundled head. It rests on the embedded encoder: pass that one to share it, any other is not used.

        Raises:
            ModelError: A file is missing or damaged, or the head was trained on another version of the encoder.
        """
        embedded = encoder if isinstance(encoder, EmbeddedEncoder) else EmbeddedEncoder.load()
        try:
            with np.load(path or resolve_model(MODEL_NAME), allow_pickle=False) as archive:
                meta = json.loads(bytes(archive["meta"]).decode())
                coefficients, intercepts = archive["coef"], archive["intercept"]
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(name=MODEL_NAME, reason=type(error).__name__) from error
        if meta["encoder"] != embedded.fingerprint:
            raise ModelError(name=MODEL_NAME, reason="trained on another version of text-embedded")
        return cls(embedded, coefficients, intercepts)

    def predict(self, texts: list[str]) -> list[EmotionScores]:
        """Return the probabilities of each text, in order; a text without words is neutral as far as is known."""
        if not texts:
            return []
        return [EmotionScores.from_sequence(row) for row in self.probabilities(self._encoder.encode_queries(texts))]

    @property
    def encoder_fingerprint(self) -> str:
        """Whose vectors `probabilities` takes."""
        return self._encoder.fingerprint

    def probabilities(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return the probabilities of texts that its encoder has encoded, shape (N, 4), in the order of `EMOTIONS`."""
        logits = vectors @ self._coefficients.T + self._intercepts
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: NDArray[np.float32] = exponentials / exponentials.sum(axis=1, keepdims=True)
        return result
