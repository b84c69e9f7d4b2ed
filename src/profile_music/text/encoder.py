"""One protocol for every text encoder, and the way to get one by name."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from profile_music.errors import ModelUnavailableError
from profile_music.types import Vectors

ENCODER_NAMES = ("embedded", "ko-sroberta")


@runtime_checkable
class TextEncoder(Protocol):
    """Turns texts into vectors whose dot product is their likeness in meaning.

    `fingerprint` names the weights and the preprocessing: vectors of two fingerprints must never be compared, so an
    index records it. A text without any word (empty, or only punctuation) gets one fixed unit vector, the same for
    every such text; ask for the words first where that matters.
    """

    @property
    def name(self) -> str:
        """The name that `load_encoder` takes."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    @property
    def fingerprint(self) -> str:
        """SHA-256-based id of weights and preprocessing."""

    def encode_queries(self, texts: list[str]) -> Vectors:
        """Encode what users type: float32, shape (N, D), unit rows."""

    def encode_passages(self, texts: list[str]) -> Vectors:
        """Encode lines that are searched: float32, shape (N, D), unit rows."""


def load_encoder(name: str = "embedded", *, model_dir: Path | None = None, threads: int = 0) -> TextEncoder:
    """Load a text encoder: ``embedded`` (in the package) or ``ko-sroberta`` (fetched by `models pull`).

    Args:
        name: One of `ENCODER_NAMES`.
        model_dir: Folder of fetched models; the user's data folder where absent. The embedded encoder needs none.
        threads: Inference threads; 0 means one a core.

    Raises:
        ModelUnavailableError: Unknown name, or the model has not been fetched.
        ModelError: A model file is damaged.
    """
    if name == "embedded":
        from profile_music.text.embedded import EmbeddedEncoder

        return EmbeddedEncoder.load()
    if name == "ko-sroberta":
        from profile_music.text.sroberta import KoSroberta

        return KoSroberta.load(model_dir=model_dir, threads=threads)
    raise ModelUnavailableError(
        name=name,
        hint_ko=f"쓸 수 있는 인코더: {', '.join(ENCODER_NAMES)}",
        hint_en=f"Choose from {', '.join(ENCODER_NAMES)}.",
    )
