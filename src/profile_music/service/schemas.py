"""The JSON of the service, for the OpenAPI document and for validating requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

EmotionName = Literal["happy", "angry", "sad", "neutral"]


class Probabilities(BaseModel):
    """Probabilities of the four emotions."""

    happy: float
    angry: float
    sad: float
    neutral: float


class Box(BaseModel):
    """A rectangle in pixels of the upright photo."""

    x1: float
    y1: float
    x2: float
    y2: float


class FaceBody(BaseModel):
    """One face."""

    box: Box
    score: float
    landmarks: list[tuple[float, float]]
    emotion: Probabilities | None


class PhotoEmotionBody(BaseModel):
    """What a photo is taken for; `label` is null where the model abstains."""

    probabilities: Probabilities
    label: EmotionName | None
    confidence: float
    abstained: bool
    source: str


class EmotionBody(BaseModel):
    """The answer of /v1/emotion."""

    size: tuple[int, int]
    faces: list[FaceBody]
    emotion: PhotoEmotionBody


class SongBody(BaseModel):
    """A song's facts."""

    song_id: str
    title: str
    artist: str
    featured: str
    album: str
    year: int | None
    genre: str
    melon_id: str
    cover_url: str
    preview_url: str
    store_url: str
    emotions: Probabilities | None
    emotion_source: str
    moods: list[str]
    themes: list[str]


class ReasonBody(BaseModel):
    """A sentence in Korean and in English."""

    ko: str
    en: str


class RankedSongBody(BaseModel):
    """One recommended song."""

    rank: int
    song: SongBody
    score: float
    matched_line: str | None
    reason: ReasonBody
    links: dict[str, str]
    parts: dict[str, float]


class BasisBody(BaseModel):
    """What the answer rests on."""

    photo: str
    text: str
    weights: dict[str, float]
    notes: list[ReasonBody]


class RecommendationBody(BaseModel):
    """The answer of /v1/recommendations and /v1/songs."""

    songs: list[RankedSongBody]
    emotion: PhotoEmotionBody | None
    faces: list[FaceBody]
    text_mood: Probabilities | None
    basis: BasisBody
    photo_size: tuple[int, int] | None


class SeenPhoto(BaseModel):
    """What an earlier answer read from a photo, so that the photo need not be sent again."""

    model_config = ConfigDict(extra="forbid")

    probabilities: dict[EmotionName, Annotated[float, Field(ge=0, le=1)]]
    source: Literal["face", "colors"] = "face"


class SongsRequest(BaseModel):
    """The body of /v1/songs: at least one of emotion, text, and what a photo said."""

    model_config = ConfigDict(extra="forbid")

    emotion: EmotionName | None = None
    photo: SeenPhoto | None = None
    text: str | None = None
    top_k: int = Field(5, ge=1, le=50)
    mood: Literal["match", "lift"] = "match"
    fresh: int | None = None
    decades: list[int] = Field(default_factory=list, max_length=20)
    genres: list[str] = Field(default_factory=list, max_length=50)
    artists: list[str] = Field(default_factory=list, max_length=50)
    exclude: list[str] = Field(default_factory=list, max_length=1000)


class LimitsBody(BaseModel):
    """What may be sent."""

    photo_bytes: int
    text_characters: int


class ConfigBody(BaseModel):
    """What a client may ask for here."""

    version: str
    songs: int
    genres: list[str]
    decades: list[int]
    limits: LimitsBody
    kakao_login: bool
    photo_url: bool


class ErrorDetail(BaseModel):
    """A stable code and a message in Korean and English."""

    code: str
    message: ReasonBody


class ErrorBody(BaseModel):
    """The body of every answer that is not 2xx."""

    error: ErrorDetail
