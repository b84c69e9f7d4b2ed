"""Training the embedded encoder end to end: Kiwi's reading, dictionary, table, mood head, one file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from profile_music.evaluate.text_metrics import spearman
from profile_music.text.clean import clean_text
from profile_music.text.embedded import EmbeddedEncoder
from profile_music.text.normalize import plain_words
from profile_music.text.segment import Segmenter
from profile_music.train.text_data import Comment, RatedPair, TextSets, read_comments, read_rated, read_text_sets
from profile_music.train.text_dictionary import Compiled, compile_dictionary
from profile_music.train.text_export import used_rows, write_model, write_with_mood
from profile_music.train.text_kiwi import (
    KiwiReading,
    association_vectors,
    count_chunks,
    inflect,
    load_morphemes,
    load_reading,
    save_reading,
)
from profile_music.train.text_mood import fit_mood
from profile_music.train.text_net import Rows, TextRecipe, TextTable, train_table

SENTENCE_CHARACTERS = 400
TOPIC_DIM = 128
MODEL_FILE = "text-embedded.npz"
SHARES = {"topics": 0.1, "mood": 0.15, "words": 0.35, "letters": 0.2, "passage_mood": 0.3}
DROPPED_RARE_NAMES = 42_000
Say = Callable[[str], None]


@dataclass(frozen=True)
class TextReport:
    """The file, and figures of the trained model as it is served."""

    model: Path
    size_bytes: int
    korsts_dev_spearman: float
    mood_comment_accuracy: float
    mood_sentence_accuracy: float
    temperature: float

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return {**asdict(self), "model": str(self.model)}


def train_text(data: Path, out: Path, recipe: TextRecipe | None = None, say: Say = lambda _: None) -> TextReport:
    """Train on the sets in `data` and write ``text-embedded.npz`` and ``report.json`` to `out`.

    What Kiwi read (some minutes) and the trained tables are kept in `out` and used again: start in an empty folder
    to redo everything. The tables of several seeds start alike and are averaged (Wortsman et al. 2022).

    Raises:
        ModuleNotFoundError: kiwipiepy is not installed (extra: train).
        FileMissingError: A set is missing.
    """
    recipe = recipe or TextRecipe()
    out.mkdir(parents=True, exist_ok=True)
    sets = read_text_sets(data, recipe.seed)
    morphemes, counts, inflected, associations = _read_with_kiwi(out, sets, say)
    compiled = compile_dictionary(counts, inflected, morphemes)
    say(f"{len(compiled.chunks)} chunks, {compiled.size} rows")
    tokenize = Tokenizer(compiled.segmenter())
    rated = sets.rated + (sets.rated_dev if recipe.with_dev else [])
    tables = [
        _trained(out, compiled, associations, replace(sets, rated=rated), tokenize, replace(recipe, seed=seed), say)
        for seed in range(recipe.seed, recipe.seed + recipe.averaged)
    ]
    mean: NDArray[np.float32] = np.mean(tables, axis=0, dtype=np.float32)
    return _export(out, compiled, mean, associations, sets, say)


def _trained(
    out: Path,
    compiled: Compiled,
    associations: NDArray[np.float32],
    sets: TextSets,
    tokenize: Tokenizer,
    recipe: TextRecipe,
    say: Say,
) -> NDArray[np.float32]:
    """Train a table of one seed, or take the one that an earlier call left in `out`."""
    path = out / f"table-{recipe.seed}-{recipe.steps}.npy"
    if path.is_file():
        found: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return found
    torch.manual_seed(recipe.seed)
    table = _new_table(compiled, associations, sets, tokenize, recipe)
    train_table(table, sets, tokenize, recipe, _progress(table, sets, tokenize, recipe, say))
    np.save(path, table.table())
    return table.table()


class Tokenizer:
    """Texts to row numbers, kept for texts seen before."""

    def __init__(self, segmenter: Segmenter) -> None:
        """Keep the segmenter."""
        self._segmenter = segmenter
        self._seen: dict[str, Rows] = {}

    def __call__(self, text: str) -> Rows:
        """Return the rows of a text, int64; row 0 for a text without words."""
        found = self._seen.get(text)
        if found is None:
            rows = [row for word in plain_words(text) for row in self._segmenter.rows(word)]
            found = self._seen[text] = np.array(rows or [0], dtype=np.int64)
        return found


def _read_with_kiwi(out: Path, sets: TextSets, say: Say) -> KiwiReading:
    """Run Kiwi over the sentences and its own dictionary, or take what an earlier run left in `out`."""
    cache = out / "kiwi.npz"
    if cache.is_file():
        return load_reading(cache)
    from kiwipiepy import Kiwi  # type: ignore[import-not-found,unused-ignore]

    kiwi = Kiwi(num_workers=1)
    say("Kiwi: morphemes and vectors")
    morphemes = load_morphemes(kiwi)
    associations = association_vectors(morphemes)
    cleaned = (clean_text(text, SENTENCE_CHARACTERS).replace("\n", " ") for text in sets.sentences())
    sentences = [sentence for sentence in cleaned if sentence]
    say(f"Kiwi: reading {len(sentences)} sentences")
    counts = count_chunks(kiwi, sentences)
    inflected = list(inflect(kiwi, morphemes))
    result = (morphemes, counts, inflected, associations)
    save_reading(cache, result)
    return result


def _new_table(
    compiled: Compiled, associations: NDArray[np.float32], sets: TextSets, tokenize: Tokenizer, recipe: TextRecipe
) -> TextTable:
    """Start rows from the associations, and their weights from how rare and how lexical they are (Arora 2017)."""
    rng = np.random.default_rng(0)
    known = len(compiled.morphemes)
    start = np.zeros((compiled.size, associations.shape[1]), np.float32)
    start[:known] = associations
    fresh = rng.normal(size=(compiled.size - known, start.shape[1]))
    start[known:] = 0.7 * fresh / np.linalg.norm(fresh, axis=1, keepdims=True)
    counts = np.ones(compiled.size)
    for text in _training_texts(sets):
        np.add.at(counts, tokenize(text), 1)
    weights = 1e-3 / (1e-3 + counts / counts.sum())
    for row, tag in enumerate(compiled.morphemes.tags):
        weights[row] *= 0.3 if tag[:1] in "JE" and tag else 0.5 if tag[:2] in ("XS", "VX", "VC") else 1.0
    return TextTable(start, np.clip(weights, 0.02, 2.0).astype(np.float32), recipe)


def _training_texts(sets: TextSets) -> list[str]:
    return replace(sets, reviews=[]).sentences()


def _progress(
    table: TextTable, sets: TextSets, tokenize: Tokenizer, recipe: TextRecipe, say: Say
) -> Callable[[int, float], None]:
    def on_step(step: int, loss: float) -> None:
        if step % 200 and step != recipe.steps:
            return
        with torch.no_grad():
            _, left = table([tokenize(pair.first) for pair in sets.rated_dev])
            _, right = table([tokenize(pair.second) for pair in sets.rated_dev])
        rank = spearman((left * right).sum(1).numpy(), np.array([pair.score for pair in sets.rated_dev]))
        say(f"step {step}: loss {loss:.3f}, KorSTS dev {rank:.4f}")

    return on_step


def _export(
    out: Path,
    compiled: Compiled,
    rows: NDArray[np.float32],
    associations: NDArray[np.float32],
    sets: TextSets,
    say: Say,
) -> TextReport:
    """Drop rare names, pack, write, add the mood head."""
    slim = replace(compiled, chunks=_without_rare_names(compiled))
    dictionary, kept = used_rows(slim.dictionary())
    topics = np.zeros((compiled.size, TOPIC_DIM), np.float32)
    topics[: len(associations)] = associations[:, :TOPIC_DIM]
    topics *= np.linalg.norm(rows, axis=1, keepdims=True)
    path = out / MODEL_FILE
    about = {"trained_on": "KorSTS, KLUE-NLI, XNLI, ParaKQC, SAE4K, Question_pair, Chatbot_data, KOTE, NSMC"}
    tables = (dictionary, rows[kept], topics[kept])
    write_model(path, *tables, None, SHARES, about)
    return _with_mood(path, sets.comments, sets.rated_dev, say)


def retrain_mood(model: Path, data: Path, out: Path, say: Say = lambda _: None) -> TextReport:
    """Train the mood head of an existing model anew, its tables kept; writes the same files as `train_text`.

    Raises:
        FileMissingError: A set is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / MODEL_FILE
    write_with_mood(path, model, None, SHARES)
    return _with_mood(path, read_comments(data), read_rated(data, "dev"), say)


def _with_mood(path: Path, comments: Sequence[Comment], rated: Sequence[RatedPair], say: Say) -> TextReport:
    """Fit the mood head on the packed model's own features, write it into the file, measure what was written."""
    say("mood head")
    mood = fit_mood(EmbeddedEncoder.load(path), comments)
    write_with_mood(path, path, mood.head, SHARES)
    report = TextReport(
        path,
        path.stat().st_size,
        _rank(EmbeddedEncoder.load(path), rated),
        mood.comment_accuracy,
        mood.sentence_accuracy,
        mood.temperature,
    )
    (path.parent / "report.json").write_text(json.dumps(report.to_dict(), indent=2) + "\n", encoding="utf-8")
    return report


def _without_rare_names(compiled: Compiled) -> dict[str, tuple[float, tuple[int, ...]]]:
    """Leave out Kiwi's rarest proper nouns, which cost more bytes than they win."""
    tags = compiled.morphemes.tags

    def rare(readings: Sequence[int]) -> bool:
        row = readings[0]
        return len(readings) == 1 and DROPPED_RARE_NAMES < row < len(tags) and tags[row] == "NNP"

    return {chunk: value for chunk, value in compiled.chunks.items() if not rare(value[1])}


def _rank(encoder: EmbeddedEncoder, rated: Sequence[RatedPair]) -> float:
    left = encoder.encode_queries([pair.first for pair in rated])
    right = encoder.encode_queries([pair.second for pair in rated])
    return spearman((left * right).sum(1), np.array([pair.score for pair in rated]))
