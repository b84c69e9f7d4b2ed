"""프뮤 (profile-music): five songs for a profile photo and a status message.

The public names load lazily, so that ``import profile_music`` does no work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from profile_music._version import __version__

if TYPE_CHECKING:
    from profile_music.emotion import EmotionClassifier
    from profile_music.face import FaceDetector
    from profile_music.recommender import Recommender
    from profile_music.settings import Settings
    from profile_music.text import load_encoder
    from profile_music.types import Emotion, EmotionScores, Face, Recommendation, Song

__all__ = [
    "Emotion",
    "EmotionClassifier",
    "EmotionScores",
    "Face",
    "FaceDetector",
    "Recommendation",
    "Recommender",
    "Settings",
    "Song",
    "__version__",
    "load_encoder",
]

_HOMES = {
    "EmotionClassifier": "emotion",
    "FaceDetector": "face",
    "Recommender": "recommender",
    "Settings": "settings",
    "load_encoder": "text",
    "Emotion": "types",
    "EmotionScores": "types",
    "Face": "types",
    "Recommendation": "types",
    "Song": "types",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its room on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
