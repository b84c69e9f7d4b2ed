"""The only reader of the environment (prefix ``PROFILE_MUSIC_``)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting, with its unit in its name; an environment variable is the upper-case name with the prefix."""

    model_config = SettingsConfigDict(env_prefix="PROFILE_MUSIC_", extra="ignore", frozen=True)

    catalog: str | None = Field(None, description="Catalogue folder; the bundled one where absent.")
    encoder: str = Field("embedded", description="Text encoder: embedded or ko-sroberta.")
    model_dir: Path | None = Field(None, description="Folder of fetched models; the user's cache folder where absent.")
    cache_dir: Path | None = Field(None, description="Folder for caches; the user's cache folder where absent.")
    emotion_model: Path | None = Field(None, description="An emotion model (.onnx) instead of the bundled one.")
    threads: int = Field(0, ge=0, description="Inference threads a session; 0 leaves it to the cores of the machine.")

    photo_max_bytes: int = Field(20 * 1024 * 1024, gt=0, description="Largest photo file.")
    photo_max_pixels: int = Field(50_000_000, gt=0, description="Most pixels a photo may have.")
    text_max_characters: int = Field(1000, gt=0, description="Longest text.")
    detection_max_side_px: int = Field(640, ge=64, description="Faces are looked for on a copy of at most this side.")
    face_min_score: float = Field(0.95, ge=0, le=1, description="Faces below this detector score are left out.")
    faces_max: int = Field(8, ge=1, description="Most faces read in one photo.")

    emotion_mode: Literal["soft", "hard"] = Field(
        "soft", description="soft: emotions weigh in the score; hard: only songs of the top emotion (the mission's)."
    )
    text_weight: float = Field(1.0, ge=0, description="Weight of the line match in a song's score.")
    semantic_share: float = Field(0.5, ge=0, le=1, description="Share of meaning, against words, in the line match.")
    emotion_weight: float = Field(0.35, ge=0, description="Weight of the emotion match in a song's score.")
    songs_per_artist: int = Field(1, ge=1, description="Most songs of one artist in an answer.")

    host: str = Field("127.0.0.1", description="Address that `serve` listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that `serve` listens on.")
    workers: int = Field(2, ge=1, description="Inference threads of the server.")
    queue_size: int = Field(16, ge=1, description="Requests waiting for a worker before 503 is answered.")
    deadline_s: float = Field(15.0, gt=0, description="A request is answered within this time or with 504.")
