"""The evaluation data name songs of the catalogue's source, are balanced and stand apart from the mood lines."""

import json
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[2] / "catalog-source" / "songs.jsonl"


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def data(name: str) -> list[dict[str, Any]]:
    return rows((files("profile_music.evaluate") / "data" / name).read_text(encoding="utf-8"))


def test_every_fitting_song_is_in_the_catalogue() -> None:
    songs = {(song["title"], song["artist"]) for song in rows(SOURCE.read_text(encoding="utf-8"))}
    for message in data("status_messages.jsonl"):
        fits = [tuple(fit) for fit in message["fits"]]
        assert set(fits) <= songs, message["text"]
        assert 5 <= len(fits) == len(set(fits)) <= 20, message["text"]


def test_status_messages_are_distinct_and_halved() -> None:
    messages = data("status_messages.jsonl")
    assert len({message["text"] for message in messages}) == len(messages) >= 130
    by_kind = Counter((message["kind"], message["split"]) for message in messages)
    for kind in {message["kind"] for message in messages}:
        assert by_kind[kind, "dev"] == by_kind[kind, "test"] >= 7


def test_no_text_is_a_mood_line() -> None:
    lines = {line for song in rows(SOURCE.read_text(encoding="utf-8")) for line in song["lines"]}
    names = ("status_messages.jsonl", "emotional_texts.jsonl", "mood_texts.jsonl", "misleading_texts.jsonl")
    texts = {row["text"] for name in names for row in data(name)}
    assert not texts & lines


def test_emotional_texts_cover_the_emotions_without_naming_them() -> None:
    texts = data("emotional_texts.jsonl")
    assert min(Counter(row["emotion"] for row in texts).values()) >= 10
    assert {row["emotion"] for row in texts} == {"happy", "angry", "sad", "neutral"}
    words = ("행복", "기쁘", "기쁨", "즐거", "분노", "화나", "화난", "짜증", "슬프", "슬픔", "우울", "평온", "편안")
    assert not [row["text"] for row in texts if any(word in row["text"] for word in words)]


def test_mood_texts_are_distinct_balanced_and_halved() -> None:
    texts = data("mood_texts.jsonl")
    assert len({row["text"] for row in texts}) == len(texts) == 280
    by_split = Counter((row["split"], row["emotion"]) for row in texts)
    assert len(set(Counter(row["emotion"] for row in texts).values())) == 1
    for split in ("dev", "test", "later"):
        assert len({count for (name, _), count in by_split.items() if name == split}) == 1
    assert {row["kind"] for row in texts} >= {"status", "colloquial", "indirect", "slang", "negation"}


def test_misleading_texts_are_distinct_and_nearly_balanced() -> None:
    texts = data("misleading_texts.jsonl")
    assert len({row["text"] for row in texts}) == len(texts) >= 400
    counts = Counter(row["emotion"] for row in texts)
    assert set(counts) == {"happy", "angry", "sad", "neutral"}
    assert min(counts.values()) >= 0.9 * max(counts.values())


def grams(text: str) -> set[str]:
    letters = "".join(filter(str.isalnum, text))
    return {letters[start : start + 3] for start in range(len(letters) - 2)} or {letters}


def test_no_emotional_text_is_nearly_a_training_sentence() -> None:
    seeds = (files("profile_music.train") / "data" / "mood_seeds.tsv").read_text(encoding="utf-8").splitlines()[1:]
    trained = [grams(line.split("\t")[1]) for line in seeds]
    for row in (*data("mood_texts.jsonl"), *data("emotional_texts.jsonl"), *data("misleading_texts.jsonl")):
        own = grams(row["text"])
        assert max(len(own & seed) / len(own | seed) for seed in trained) < 0.35, row["text"]
