"""Small real catalogues: songs with seeded unit vectors and word tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from profile_music.index import CatalogWriter, LyricIndex, about_text
from profile_music.types import EmotionScores, Song, Vectors

SEEDED_ENCODER_NAME = "seeded"
ENCODER = {"name": SEEDED_ENCODER_NAME, "dimensions": 16, "fingerprint": "test"}

_FEELINGS = ((0.5, 0.125, 0.25, 0.125), (0.25, 0.5, 0.125, 0.125), (0.125, 0.125, 0.5, 0.25), (0.125, 0.25, 0.125, 0.5))


def vector_of(text: str) -> np.ndarray:
    """A unit vector that hangs on the text alone."""
    seed = int.from_bytes(text.encode()[:8].ljust(8, b"."), "big") ^ len(text)
    vector = np.random.default_rng(seed).normal(size=ENCODER["dimensions"])
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def vectors_of(texts: list[str]) -> Vectors:
    return np.stack([vector_of(text) for text in texts])


def make_song(number: int, lines: int = 3, **changes: object) -> Song:
    values: dict[str, object] = {
        "song_id": f"s{number}",
        "title": f"노래 {number}",
        "artist": f"가수 {number % 7}",
        "year": 1980 + number % 45,
        "genre": ("발라드", "댄스", "록")[number % 3],
        "lines": tuple(f"{number}번째 노래의 {row}번째 문장" for row in range(lines)),
        "emotions": EmotionScores(*_FEELINGS[number % 4]),
        "emotion_source": "source",
    }
    return Song(**{**values, **changes})


def write_catalog(folder: Path, songs: list[Song], batch: int = 5, **options: object) -> LyricIndex:
    with CatalogWriter(folder, ENCODER, **options) as writer:
        for begin in range(0, len(songs), batch):
            part = songs[begin : begin + batch]
            lines = [line for song in part for line in song.lines]
            about = [about_text(song) for song in part]
            tokens = [line.split() for line in lines]
            writer.add(part, vectors_of(lines), tokens, vectors_of(about), [text.split() for text in about])
        writer.publish(built_by="test")
    return LyricIndex.open(folder)
