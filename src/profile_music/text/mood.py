"""The mood of a text: four calibrated probabilities."""

from __future__ import annotations

from profile_music.text.embedded import EmbeddedEncoder
from profile_music.text.encoder import TextEncoder
from profile_music.types import EmotionScores


class TextMood:
    """Reads happy, angry, sad and neutral from Korean texts with the embedded encoder's mood head. Thread-safe."""

    def __init__(self, encoder: EmbeddedEncoder) -> None:
        """Keep the encoder that holds the head."""
        self._encoder = encoder

    @classmethod
    def load(cls, encoder: TextEncoder | None = None) -> TextMood:
        """Share the embedded encoder where that is the one passed; load it where it is another, or none.

        Raises:
            ModelError: The bundled file is missing or damaged.
        """
        return cls(encoder if isinstance(encoder, EmbeddedEncoder) else EmbeddedEncoder.load())

    def predict(self, texts: list[str]) -> list[EmotionScores]:
        """Return the probabilities of each text, in order; a text without words gives what is usual (the prior)."""
        return [EmotionScores.from_sequence(row) for row in self._encoder.emotions(texts)]
