"""Reads the public text sets of `shared/data/text` (see its README for sources and licences)."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from profile_music.errors import FileMissingError
from profile_music.types import EMOTIONS, Emotion

KOTE_LABELS = 44
HELD_OUT_EVERY = 5
"""Every fifth KOTE comment is left out of the mood's training and measured on."""
KOTE_EMOTIONS: dict[Emotion, tuple[int, ...]] = {
    Emotion.HAPPY: (1, 2, 4, 7, 8, 13, 14, 16, 28, 32, 40, 42, 43),
    Emotion.ANGRY: (0, 3, 6, 9, 20, 21, 22, 23, 31),
    Emotion.SAD: (5, 10, 18, 19, 25, 27, 30, 36, 38, 41),
    Emotion.NEUTRAL: (15, 24, 29),
}
"""KOTE's labels by emotion; those left out (11, 12, 17, 26, 33-35, 37, 39) say too little either way."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that mean the same, and perhaps a third that sounds alike and does not."""

    first: str
    second: str
    contrary: str | None = None


@dataclass(frozen=True, slots=True)
class RatedPair:
    """Two sentences and how alike they are, 0 to 5."""

    first: str
    second: str
    score: float


@dataclass(frozen=True, slots=True)
class Comment:
    """A KOTE comment and its labels."""

    text: str
    labels: tuple[int, ...]

    @property
    def emotions(self) -> NDArray[np.float64]:
        """The share of each emotion in the labels, shape (4,); neutral where no label counts."""
        counts = np.array([len({*self.labels} & {*KOTE_EMOTIONS[emotion]}) for emotion in EMOTIONS], dtype=np.float64)
        shares: NDArray[np.float64] = counts / counts.sum() if counts.sum() else np.eye(4)[3]
        return shares


@dataclass(frozen=True)
class TextSets:
    """Everything that the encoder and the mood are trained on. `pairs` maps a set's name to its pairs."""

    pairs: dict[str, list[Pair]]
    rated: list[RatedPair]
    rated_dev: list[RatedPair]
    comments: list[Comment]
    reviews: list[str]

    def sentences(self) -> list[str]:
        """Return every distinct sentence, in a stable order; the development sentences are left out."""
        found: dict[str, None] = {}
        for pairs in self.pairs.values():
            for pair in pairs:
                found.update(dict.fromkeys(text for text in (pair.first, pair.second, pair.contrary) if text))
        for rated in self.rated:
            found.update(dict.fromkeys((rated.first, rated.second)))
        found.update(dict.fromkeys(comment.text for comment in self.comments))
        found.update(dict.fromkeys(self.reviews))
        return list(found)


def read_table(folder: Path, name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of ``name.tsv.gz``.

    Raises:
        FileMissingError: It is not there.
    """
    path = folder / f"{name}.tsv.gz"
    if not path.is_file():
        raise FileMissingError(path=str(path))
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        yield from csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)


def read_rated(folder: Path, split: str) -> list[RatedPair]:
    """Read KorSTS: train, dev or test."""
    rows = read_table(folder, f"korsts_{split}")
    return [RatedPair(row["sentence1"], row["sentence2"], float(row["score"])) for row in rows]


def read_comments(folder: Path) -> list[Comment]:
    """Read KOTE."""
    rows = read_table(folder, "kote")
    return [Comment(row["text"], tuple(map(int, row["labels"].split(",")))) for row in rows]


def read_text_sets(folder: Path, seed: int) -> TextSets:
    """Read all sets; `seed` picks contraries and partners within groups."""
    rng = np.random.default_rng(seed)
    duplicates = (row for row in read_table(folder, "question_pair") if row["is_duplicate"] == "1")
    pairs = {
        "nli": _entailments(folder, rng),
        "parakqc": _paraphrases(folder, rng),
        "sae4k": [Pair(row["utterance"], row["argument"]) for row in read_table(folder, "sae4k")],
        "question_pair": [Pair(row["question1"], row["question2"]) for row in duplicates],
        "chatbot": [Pair(row["question"], row["answer"]) for row in read_table(folder, "chatbot")],
    }
    with gzip.open(folder / "sentences.txt.gz", "rt", encoding="utf-8") as stream:
        reviews = [line.rstrip("\n") for line in stream]
    rated, dev = read_rated(folder, "train"), read_rated(folder, "dev")
    return TextSets(pairs, rated, dev, read_comments(folder), reviews)


def read_written(name: str) -> list[tuple[str, Emotion]]:
    """Read one of our own labelled lists: ``mood_seeds`` (sentences) or ``mood_words`` (words)."""
    text = (files("profile_music.train") / "data" / f"{name}.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    found: list[tuple[str, Emotion]] = []
    for label, content in rows:
        texts = content.split() if name == "mood_words" else [content]
        found.extend((each, Emotion(label)) for each in texts)
    return found


def read_catalog_lines() -> tuple[list[str], NDArray[np.float64]]:
    """Return the bundled songs' mood lines, which are ours, and the emotions of their songs, shape (N, 4)."""
    from profile_music.index import CatalogFiles
    from profile_music.recommender import bundled_catalog_dir

    songs = [song for song in CatalogFiles(bundled_catalog_dir()).songs() if song.emotions is not None]
    shares = [song.emotions.as_array() for song in songs if song.emotions for _ in song.lines]
    return [line for song in songs for line in song.lines], np.stack(shares)


def _entailments(folder: Path, rng: np.random.Generator) -> list[Pair]:
    by_premise: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in read_table(folder, "nli"):
        by_premise[row["premise"]][row["label"]].append(row["hypothesis"])
    pairs: list[Pair] = []
    for premise, hypotheses in by_premise.items():
        contraries = hypotheses["contradiction"]
        for entailed in hypotheses["entailment"]:
            pairs.append(Pair(premise, entailed, contraries[rng.integers(len(contraries))] if contraries else None))
    return pairs


def _paraphrases(folder: Path, rng: np.random.Generator) -> list[Pair]:
    groups: dict[str, list[str]] = defaultdict(list)
    for row in read_table(folder, "parakqc_groups"):
        groups[row["group"]].append(row["sentence"])
    pairs: list[Pair] = []
    for group in groups.values():
        order = rng.permutation(len(group))
        pairs.extend(Pair(group[a], group[b]) for a, b in zip(order, np.roll(order, -1), strict=True))
    return pairs
