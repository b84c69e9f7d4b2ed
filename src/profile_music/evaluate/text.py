"""Measures text encoders: likeness of sentences (KorSTS), mood (KOTE and our own texts), finding songs."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from profile_music.builder import CatalogBuilder
from profile_music.errors import EncoderMismatchError
from profile_music.evaluate.matching import (
    ROUTES,
    EmotionalTexts,
    Matching,
    measure_emotional,
    measure_matching,
    read_rows,
)
from profile_music.evaluate.text_metrics import Retrieval, pearson, retrieval, spearman
from profile_music.index import IndexQuery, LyricIndex
from profile_music.recommender import Recommender, bundled_catalog_dir
from profile_music.settings import Settings
from profile_music.text import TextEncoder
from profile_music.text.concepts import affirmed_concepts
from profile_music.text.lexical import tokens
from profile_music.text.mood import TextMood
from profile_music.types import EMOTIONS, Emotion, EmotionScores, Song

PUBLISHED_KO_SROBERTA = 0.856
"""KorSTS test Spearman that jhgan/ko-sroberta-multitask's page states."""

WEIGHTS = {
    "lexical": (0.0, 1.0, 0.0),
    "semantic": (1.0, 0.0, 0.0),
    "hybrid": (0.5, 0.5, 0.0),
    "hybrid, topics": (0.5, 0.5, 1.0),
}
"""Weights of meaning, words and topics."""
KINDS = ("easy", "hard")
MOOD_SPLITS = ("dev", "test", "later")
"""Two parts of our first emotional texts, and 120 that another writer wrote later; none was trained on."""
_SPEED_TEXTS = 2000


@dataclass(frozen=True)
class TextEvaluation:
    """All figures of one encoder; parts that were not asked for are empty."""

    encoder: str
    dimensions: int
    likeness: dict[str, dict[str, float]]
    mood: dict[str, float]
    finding: dict[str, dict[str, Retrieval]]
    matching: dict[str, Matching]
    emotional: dict[str, EmotionalTexts]
    milliseconds_a_sentence: float

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        finding = {kind: {way: found.to_dict() for way, found in ways.items()} for kind, ways in self.finding.items()}
        return {
            "encoder": self.encoder,
            "dimensions": self.dimensions,
            "korsts": self.likeness,
            "mood": self.mood,
            "finding": finding,
            "matching": {name: found.to_dict() for name, found in self.matching.items()},
            "emotional": {name: found.to_dict() for name, found in self.emotional.items()},
            "ms_a_sentence": round(self.milliseconds_a_sentence, 3),
        }

    def to_markdown(self) -> str:
        """Return the figures as tables."""
        lines = [f"**{self.encoder}**, {self.dimensions} dimensions", "", "| what | figure |", "|---|---|"]
        for split, row in self.likeness.items():
            lines.append(f"| KorSTS {split}, Spearman / Pearson | {row['spearman']:.4f} / {row['pearson']:.4f} |")
        if self.likeness:
            lines.append(f"| KorSTS test, Spearman, ko-sroberta-multitask (published) | {PUBLISHED_KO_SROBERTA:.3f} |")
        lines += [f"| mood, {name} | {value:.3f} |" for name, value in self.mood.items()]
        for kind, ways in self.finding.items():
            for way, found in ways.items():
                text = f"{found.hit_at_5:.3f} / {found.mrr:.3f}"
                lines.append(f"| songs for {kind} messages ({found.queries}), {way}: hit@5 / MRR | {text} |")
        for name, matched in self.matching.items():
            text = f"{matched.hit_at_5:.3f} / {matched.mrr:.3f}"
            lines.append(f"| bundled songs for status messages ({matched.messages}), {name}: hit@5 / MRR | {text} |")
        for name, felt in self.emotional.items():
            text = f"{felt.mood:.3f} / {felt.first_song:.3f}"
            lines.append(f"| emotional texts, {name} ({felt.texts}): mood / first song's emotion right | {text} |")
        lines.append(f"| milliseconds a sentence | {self.milliseconds_a_sentence:.3f} |")
        return "\n".join(lines)


def evaluate_text(
    encoder: TextEncoder, data: Path | None, *, splits: Sequence[str] = ("dev", "test"), songs: bool = True
) -> TextEvaluation:
    """Measure an encoder.

    Args:
        encoder: Any encoder.
        data: Folder with KorSTS and KOTE (`shared/data/text`); what needs them is left out where None. What needs the
            bundled songs is left out where another encoder built their index.
        splits: Which KorSTS splits.
        songs: Whether to measure the answers from the bundled songs too.

    Raises:
        FileMissingError: A set is missing from `data`.
    """
    mood = TextMood.load(encoder)
    likeness = {split: _likeness(encoder, data, split) for split in splits} if data else {}
    speed = _speed(encoder)
    product = _product(encoder) if songs else None
    status, felt = read_rows("status_messages", "test"), {"52 older": read_rows("emotional_texts")}
    felt |= {split: read_rows("mood_texts", split) for split in MOOD_SPLITS}
    felt["misleading"] = read_rows("misleading_texts")
    return TextEvaluation(
        encoder.fingerprint,
        encoder.dimensions,
        likeness,
        _mood(mood, data),
        _finding(encoder, mood),
        {name: measure_matching(_with(product, changes), status) for name, changes in ROUTES.items() if product},
        {name: measure_emotional(product, rows) for name, rows in felt.items() if product},
        speed,
    )


def _product(encoder: TextEncoder) -> Recommender | None:
    """Return a recommender over the bundled songs, or None where another encoder built their index."""
    try:
        return Recommender.load(bundled_catalog_dir(), Settings(encoder=encoder.name))
    except EncoderMismatchError:
        return None


def _with(product: Recommender, changes: dict[str, Any]) -> Recommender:
    return Recommender(product.index, Settings(encoder=product.settings.encoder, **changes))


def _likeness(encoder: TextEncoder, data: Path, split: str) -> dict[str, float]:
    from profile_music.train.text_data import read_rated

    pairs = read_rated(data, split)
    first = encoder.encode_queries([pair.first for pair in pairs])
    second = encoder.encode_queries([pair.second for pair in pairs])
    cosines, scores = (first * second).sum(1), np.array([pair.score for pair in pairs])
    figures = {"spearman": spearman(cosines, scores), "pearson": pearson(cosines, scores)}
    return {name: round(value, 4) for name, value in figures.items()}


def _mood(mood: TextMood, data: Path | None) -> dict[str, float]:
    """Measure on our own texts but for the dev half, and on the fifth of KOTE that the head was not trained on."""
    figures = {}
    for split in MOOD_SPLITS[1:]:
        own = read_rows("mood_texts", split)
        felt = np.stack([scores.as_array() for scores in mood.predict([row["text"] for row in own])])
        right = felt.argmax(1) == np.array([EMOTIONS.index(Emotion(row["emotion"])) for row in own])
        figures[f"accuracy, own texts ({split})"] = float(right.mean())
        figures[f"mean confidence, own texts ({split})"] = float(felt.max(1).mean())
    if data is not None:
        figures |= _mood_of_comments(mood, data)
    return {name: round(value, 4) for name, value in figures.items()}


def _mood_of_comments(mood: TextMood, data: Path) -> dict[str, float]:
    from profile_music.train.text_data import HELD_OUT_EVERY, read_comments

    comments = read_comments(data)[::HELD_OUT_EVERY]
    guesses = [EMOTIONS.index(scores.top) for scores in mood.predict([comment.text for comment in comments])]
    shares = np.stack([comment.emotions for comment in comments])
    right = shares.argmax(1) == np.array(guesses)
    clear = shares.max(1) >= 0.6
    return {
        "accuracy, KOTE, held-out fifth": float(right.mean()),
        "accuracy, KOTE, held-out fifth, one emotion clearly": float(right[clear].mean()),
    }


def _finding(encoder: TextEncoder, mood: TextMood) -> dict[str, dict[str, Retrieval]]:
    """Look for the development set's songs among themselves: other catalogues hold songs that fit as well."""
    wanted = read_development()
    songs = [Song(song["id"], song["id"], song["id"], tuple(song["lines"]), emotions=_FLAT) for song in wanted]
    with tempfile.TemporaryDirectory() as folder:
        CatalogBuilder(encoder, mood).build(songs, Path(folder))
        index = LyricIndex.open(Path(folder))
        places = {index.song(number).song_id: number for number in range(len(index))}
        answers = np.array([places[song["id"]] for song in wanted])
        return {
            kind: {
                way: retrieval(_scores(index, encoder, [song[kind] for song in wanted], *weights), answers)
                for way, weights in WEIGHTS.items()
            }
            for kind in KINDS
        }


_FLAT = EmotionScores.uniform()


def read_development() -> list[dict[str, Any]]:
    """Return our own development set: songs' lines, a message that shares words with them, and one that does not."""
    text = (files("profile_music.evaluate") / "data" / "text_development.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _scores(
    index: LyricIndex, encoder: TextEncoder, messages: Sequence[str], semantic: float, lexical: float, topics: float
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return every song's score for every message, shape (Q, S)."""
    scores = np.zeros((len(messages), len(index)), dtype=np.float32)
    for row, message in enumerate(messages):
        vectors = encoder.encode_queries([message])
        query = IndexQuery(
            vectors, [tokens(message)], semantic, lexical, topics=[affirmed_concepts(message)], topic_weight=topics
        )
        for hit in index.search(query, len(index)):
            scores[row, hit.song_index] = hit.score
    return scores


def _speed(encoder: TextEncoder) -> float:
    """Milliseconds of processor time a sentence, over our own lines, one after another."""
    texts = [line for song in read_development() for line in (*song["lines"], song["easy"], song["hard"])]
    texts = (texts * (_SPEED_TEXTS // len(texts) + 1))[:_SPEED_TEXTS]
    encoder.encode_queries(texts[:10])
    start = time.process_time()
    for text in texts:
        encoder.encode_queries([text])
    return (time.process_time() - start) / len(texts) * 1000
