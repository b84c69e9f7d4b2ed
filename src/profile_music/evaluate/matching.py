"""Measures the answers to texts: fitting songs for status messages, and songs of the right emotion."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from statistics import mean
from typing import Any

from profile_music.recommender import Recommender
from profile_music.types import EmotionScores

SHOWN = 5
DEPTH = 20
ROUTES: dict[str, dict[str, Any]] = {
    "lexical": {"semantic_share": 0.0, "about_weight": 0.0, "topic_weight": 0.0, "emotion_weight": 0.0},
    "semantic": {"semantic_share": 1.0, "about_weight": 0.0, "topic_weight": 0.0, "emotion_weight": 0.0},
    "hybrid": {"about_weight": 0.0, "topic_weight": 0.0, "emotion_weight": 0.0},
    "hybrid, title, themes": {"topic_weight": 0.0, "emotion_weight": 0.0},
    "the same, topics": {"emotion_weight": 0.0},
    "the product": {},
}
"""Settings that leave parts of the score out, by name."""


@dataclass(frozen=True, slots=True)
class Matching:
    """How well fitting songs are found: a fitting one in the first five, its mean reciprocal rank, and precision.

    The lists of fitting songs are not complete, so precision (the share of the first five that is listed) is a lower
    bound; `by_kind` has it by kind of message.
    """

    messages: int
    hit_at_5: float
    mrr: float
    precision_at_5: float
    by_kind: Mapping[str, float]

    def to_dict(self) -> dict[str, float]:
        """Return a JSON-ready mapping."""
        figures = {"hit@5": self.hit_at_5, "mrr": self.mrr, "precision@5": self.precision_at_5}
        return {"messages": self.messages} | {name: round(value, 4) for name, value in figures.items()}


@dataclass(frozen=True, slots=True)
class EmotionalTexts:
    """How often, for texts that carry an emotion: the mood is right, and the first song's emotion is."""

    texts: int
    mood: float
    first_song: float

    def to_dict(self) -> dict[str, float]:
        """Return a JSON-ready mapping."""
        return {"texts": self.texts, "mood": round(self.mood, 4), "first_song": round(self.first_song, 4)}


def read_rows(name: str, split: str = "all") -> list[dict[str, Any]]:
    """Return the rows of one of our own sets in ``evaluate/data``, of one split or all."""
    text = (files("profile_music.evaluate") / "data" / f"{name}.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return [row for row in rows if split == "all" or row["split"] == split]


def measure_matching(recommender: Recommender, rows: Sequence[Mapping[str, Any]]) -> Matching:
    """Ask for songs for status messages (text, kind, fits) and compare them with those that fit."""
    ranks: list[float] = []
    hits: list[float] = []
    kinds: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        fitting = {tuple(song) for song in row["fits"]}
        songs = [ranked.song for ranked in recommender.recommend(text=row["text"], top_k=DEPTH).songs]
        right = [(song.title, song.artist) in fitting for song in songs]
        hits.append(float(any(right[:SHOWN])))
        ranks.append(next((1 / place for place, good in enumerate(right, start=1) if good), 0.0))
        kinds[row["kind"]].append(sum(right[:SHOWN]) / SHOWN)
    by_kind = {kind: mean(shares) for kind, shares in sorted(kinds.items())}
    precision = mean(share for shares in kinds.values() for share in shares)
    return Matching(len(rows), mean(hits), mean(ranks), precision, by_kind)


def measure_emotional(recommender: Recommender, rows: Sequence[Mapping[str, Any]]) -> EmotionalTexts:
    """Ask for a song for texts (text, emotion) and compare emotions."""
    moods: list[float] = []
    songs: list[float] = []
    for row in rows:
        answer = recommender.recommend(text=row["text"], top_k=1)
        moods.append(_is(answer.text_mood, row["emotion"]))
        songs.append(_is(answer.songs[0].song.emotions, row["emotion"]))
    return EmotionalTexts(len(rows), mean(moods), mean(songs))


def _is(scores: EmotionScores | None, emotion: str) -> float:
    return float(scores is not None and scores.top == emotion)
