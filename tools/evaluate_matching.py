"""Measure the matching on status messages with the bundled songs that fit them.

Usage: evaluate_matching.py [--split dev|test|all] [--kinds]
For words alone, meaning alone, both, and with what songs are about and their topics: the share of messages with a
fitting song among the first five (hit@5), the mean reciprocal rank in the first twenty (MRR), and the share of the
first five that is in the list of fitting songs (precision@5; the lists are not complete, so it is a lower bound).
The weights were chosen with both splits in view, so neither is a held-back set.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from importlib.resources import files
from statistics import mean
from typing import Any

from profile_music import Recommender, Settings

SHOWN = 5
DEPTH = 20
ROUTES: dict[str, dict[str, Any]] = {
    "words": {"semantic_share": 0.0, "about_weight": 0.0, "topic_weight": 0.0, "emotion_weight": 0.0},
    "meaning": {"semantic_share": 1.0, "about_weight": 0.0, "topic_weight": 0.0, "emotion_weight": 0.0},
    "words + meaning": {"about_weight": 0.0, "topic_weight": 0.0, "emotion_weight": 0.0},
    "+ title, themes, moods": {"topic_weight": 0.0, "emotion_weight": 0.0},
    "+ topics": {"emotion_weight": 0.0},
    "+ feeling (the product)": {},
}


def measure(recommender: Recommender, rows: list[dict[str, Any]]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the three figures, and precision@5 by kind of message."""
    hits: list[bool] = []
    ranks: list[float] = []
    shares: list[float] = []
    kinds: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        fitting = {tuple(song) for song in row["fits"]}
        songs = [ranked.song for ranked in recommender.recommend(text=row["text"], top_k=DEPTH).songs]
        right = [(song.title, song.artist) in fitting for song in songs]
        hits.append(any(right[:SHOWN]))
        ranks.append(next((1 / place for place, good in enumerate(right, start=1) if good), 0.0))
        shares.append(sum(right[:SHOWN]) / SHOWN)
        kinds[row["kind"]].append(shares[-1])
    figures = {"hit@5": mean(map(float, hits)), "MRR": mean(ranks), "precision@5": mean(shares)}
    return figures, {kind: mean(values) for kind, values in sorted(kinds.items())}


def emotional(recommender: Recommender) -> tuple[float, float]:
    """Return how often the mood, and the first song's emotion, is right for emotional texts without shared words."""
    source = files("profile_music.evaluate") / "data" / "emotional_texts.jsonl"
    rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    right_mood, right_song = [], []
    for row in rows:
        answer = recommender.recommend(text=row["text"], top_k=1)
        felt = answer.songs[0].song.emotions
        right_mood.append(float(answer.text_mood is not None and answer.text_mood.top == row["emotion"]))
        right_song.append(float(felt is not None and felt.top == row["emotion"]))
    return mean(right_mood), mean(right_song)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=["dev", "test", "all"], default="test")
    parser.add_argument("--kinds", action="store_true", help="also print precision@5 by kind of message")
    args = parser.parse_args()
    source = files("profile_music.evaluate") / "data" / "status_messages.jsonl"
    rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if args.split in ("all", row["split"])]
    index = Recommender.load().index
    print(f"{len(rows)} messages, {index.manifest.songs} songs, split {args.split}")
    for name, changes in ROUTES.items():
        figures, kinds = measure(Recommender(index, Settings(**changes)), rows)
        print(f"{name:<26}" + "  ".join(f"{label} {value:.3f}" for label, value in figures.items()))
        if args.kinds:
            print("    " + "  ".join(f"{kind} {value:.2f}" for kind, value in kinds.items()))
    mood, song = emotional(Recommender.load())
    print(f"emotional texts: mood right {mood:.2f}, first song's emotion right {song:.2f}")


if __name__ == "__main__":
    main()
