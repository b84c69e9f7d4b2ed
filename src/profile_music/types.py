"""The vocabulary every room shares: emotions, boxes, faces, songs, hits and the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

RgbImage = NDArray[np.uint8]
"""An upright picture: uint8, shape (H, W, 3), RGB."""

Vectors = NDArray[np.float32]
"""Embeddings: float32, shape (N, D), rows of unit length."""


class Emotion(StrEnum):
    """The four emotions, in the class order of every model and file in this project."""

    HAPPY = "happy"
    ANGRY = "angry"
    SAD = "sad"
    NEUTRAL = "neutral"


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)

EMOTION_NAMES_KO = {
    Emotion.HAPPY: "기쁨",
    Emotion.ANGRY: "분노",
    Emotion.SAD: "슬픔",
    Emotion.NEUTRAL: "평온",
}
"""What people read: in the CLI, the chatbot and the page alike."""


@dataclass(frozen=True, slots=True)
class EmotionScores:
    """Probabilities of the four emotions; they sum to one."""

    happy: float
    angry: float
    sad: float
    neutral: float

    @classmethod
    def from_sequence(cls, values: Sequence[float] | NDArray[np.floating[Any]]) -> EmotionScores:
        """Make scores from four numbers in the order of `EMOTIONS`, scaled to sum to one."""
        numbers = np.asarray(values, dtype=np.float64)
        if numbers.shape != (len(EMOTIONS),) or not np.all(np.isfinite(numbers)) or numbers.min() < 0:
            raise ValueError(f"expected {len(EMOTIONS)} finite numbers >= 0, got {values!r}")
        total = float(numbers.sum())
        if total <= 0:
            return cls.uniform()
        return cls(*(float(number / total) for number in numbers))

    @classmethod
    def from_mapping(cls, weights: Mapping[str, float]) -> EmotionScores:
        """Make scores from a mapping of emotion names to weights; absent names count as zero."""
        unknown = set(weights) - set(EMOTIONS)
        if unknown:
            raise ValueError(f"unknown emotions: {sorted(unknown)}")
        return cls.from_sequence([float(weights.get(emotion, 0.0)) for emotion in EMOTIONS])

    @classmethod
    def uniform(cls) -> EmotionScores:
        """Return equal probabilities: nothing is known."""
        return cls(0.25, 0.25, 0.25, 0.25)

    @property
    def top(self) -> Emotion:
        """The most probable emotion; the earlier one of `EMOTIONS` on a tie."""
        return max(EMOTIONS, key=self.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability of `top`."""
        return self[self.top]

    def __getitem__(self, emotion: Emotion | str) -> float:
        """Return the probability of one emotion."""
        return float(getattr(self, Emotion(emotion).value))

    def as_array(self) -> NDArray[np.float64]:
        """Return the probabilities, shape (4,), in the order of `EMOTIONS`."""
        return np.array([self.happy, self.angry, self.sad, self.neutral])

    def to_dict(self) -> dict[str, float]:
        """Return a JSON-ready mapping, rounded to four digits."""
        return {emotion.value: round(self[emotion], 4) for emotion in EMOTIONS}


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A rectangle in pixels of the upright, full-resolution photo (xyxy; x2 and y2 exclusive)."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def center(self) -> tuple[float, float]:
        """The centre (x, y) in pixels."""
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def __iter__(self) -> Iterator[float]:
        """Iterate over x1, y1, x2, y2."""
        return iter((self.x1, self.y1, self.x2, self.y2))

    def to_dict(self) -> dict[str, float]:
        """Return a JSON-ready mapping, rounded to a tenth of a pixel."""
        return {"x1": round(self.x1, 1), "y1": round(self.y1, 1), "x2": round(self.x2, 1), "y2": round(self.y2, 1)}


@dataclass(frozen=True, slots=True)
class Face:
    """One detected face: box, detector's score (0..1), five landmarks (x, y) in pixels, and its emotion if read."""

    box: BoundingBox
    score: float
    landmarks: tuple[tuple[float, float], ...] = ()
    emotion: EmotionScores | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return {
            "box": self.box.to_dict(),
            "score": round(self.score, 4),
            "landmarks": [[round(x, 1), round(y, 1)] for x, y in self.landmarks],
            "emotion": self.emotion.to_dict() if self.emotion else None,
        }


@dataclass(frozen=True, slots=True)
class Song:
    """A song's facts, its emotion weights (None where unknown) and the lines it is found by.

    `topics` are the concepts its lines name or hint at, with how many lines do; a build fills them.
    """

    song_id: str
    title: str
    artist: str
    lines: tuple[str, ...] = ()
    featured: str = ""
    album: str = ""
    year: int | None = None
    genre: str = ""
    melon_id: str = ""
    cover_url: str = ""
    preview_url: str = ""
    store_url: str = ""
    emotions: EmotionScores | None = None
    emotion_source: str = ""
    moods: tuple[str, ...] = ()
    themes: tuple[str, ...] = ()
    topics: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self, *, with_lines: bool = False) -> dict[str, Any]:
        """Return a JSON-ready mapping; lines and what was read from them only where asked: they can be lyrics."""
        record = asdict(self)
        record["emotions"] = self.emotions.to_dict() if self.emotions else None
        for name in ("moods", "themes", "lines"):
            record[name] = list(record[name])
        if not with_lines:
            del record["lines"], record["topics"]
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Song:
        """Make a song from `to_dict(with_lines=True)`'s shape; unknown keys raise TypeError."""
        values = dict(record)
        emotions = values.get("emotions")
        values["emotions"] = EmotionScores.from_mapping(emotions) if emotions else None
        for name in ("moods", "themes", "lines"):
            values[name] = tuple(values.get(name) or ())
        return cls(**values)


@dataclass(frozen=True, slots=True)
class LineHit:
    """The best line of one song for a query, with the parts of its score (each 0..1 or a cosine).

    `affinity` is how close the song's feeling is to the wanted one, 0..1; 0 where none was wanted. `topic` is how close
    its topics are to the query's, 0..1. `named` tells that the text names the song or its artist.
    """

    song_index: int
    line_id: int
    score: float
    semantic: float
    lexical: float
    affinity: float = 0.0
    topic: float = 0.0
    named: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why this song, in Korean and English."""

    ko: str
    en: str

    def to_dict(self) -> dict[str, str]:
        """Return a JSON-ready mapping."""
        return {"ko": self.ko, "en": self.en}


@dataclass(frozen=True, slots=True)
class RankedSong:
    """One recommended song with the reason for it."""

    rank: int
    song: Song
    score: float
    matched_line: str | None
    reason: Reason
    links: Mapping[str, str]
    parts: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return {
            "rank": self.rank,
            "song": self.song.to_dict(),
            "score": round(self.score, 4),
            "matched_line": self.matched_line,
            "reason": self.reason.to_dict(),
            "links": dict(self.links),
            "parts": {name: round(value, 4) for name, value in self.parts.items()},
        }


@dataclass(frozen=True, slots=True)
class Basis:
    """What an answer rests on: the inputs used, the weight of each, and notes on what could not be used."""

    photo: str
    text: str
    weights: Mapping[str, float]
    notes: tuple[Reason, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return {
            "photo": self.photo,
            "text": self.text,
            "weights": {name: round(value, 3) for name, value in self.weights.items()},
            "notes": [note.to_dict() for note in self.notes],
        }


@dataclass(frozen=True, slots=True)
class PhotoEmotion:
    """What the photo said: probabilities, where they came from, and whether the model abstains."""

    scores: EmotionScores
    source: str
    abstained: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping: the label is None where the model abstains."""
        return {
            "probabilities": self.scores.to_dict(),
            "label": None if self.abstained else self.scores.top.value,
            "confidence": round(self.scores.confidence, 4),
            "abstained": self.abstained,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The whole answer. `emotion` is the photo's (None without a photo); `text_mood` the text's."""

    songs: tuple[RankedSong, ...]
    emotion: PhotoEmotion | None
    faces: tuple[Face, ...]
    text_mood: EmotionScores | None
    basis: Basis
    photo_size: tuple[int, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping, the same for the CLI, HTTP and Lambda."""
        return {
            "songs": [song.to_dict() for song in self.songs],
            "emotion": self.emotion.to_dict() if self.emotion else None,
            "faces": [face.to_dict() for face in self.faces],
            "text_mood": self.text_mood.to_dict() if self.text_mood else None,
            "basis": self.basis.to_dict(),
            "photo_size": list(self.photo_size) if self.photo_size else None,
        }
