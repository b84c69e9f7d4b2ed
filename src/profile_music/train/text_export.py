"""Writes the file that `profile_music.text.embedded` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.text.embedded import FORMAT
from profile_music.text.mood_head import BUCKETS, MoodHead
from profile_music.text.segment import Dictionary

_CLIPS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)


def pack_rows(rows: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Quantize rows (R, D) to four bits: two numbers a byte, shape (R, D / 2), and a scale a row, shape (R,).

    Each row takes the clipping that loses least; a number n stands for (n - 8) times its row's scale.
    """
    largest = np.abs(rows).max(1) / 7 + 1e-9
    best = np.full(len(rows), np.inf)
    scales = largest.copy()
    numbers = np.zeros_like(rows)
    for clip in _CLIPS:
        tried = largest * clip
        rounded = np.clip(np.round(rows / tried[:, None]), -8, 7)
        error = ((rounded * tried[:, None] - rows) ** 2).sum(1)
        better = error < best
        best, scales = np.where(better, error, best), np.where(better, tried, scales)
        numbers = np.where(better[:, None], rounded, numbers)
    unsigned = (numbers + 8).astype(np.uint8)
    packed: NDArray[np.uint8] = unsigned[:, 0::2] | (unsigned[:, 1::2] << np.uint8(4))
    return packed, scales.astype(np.float32)


def used_rows(dictionary: Dictionary) -> tuple[Dictionary, NDArray[np.int64]]:
    """Drop the rows that no chunk uses; return the renumbered dictionary and the old numbers of the rows kept."""
    shared = range(dictionary.first_bucket, dictionary.first_bucket + dictionary.buckets)
    kept = sorted({*dictionary.rows, *shared})
    renumbered = {old: new for new, old in enumerate(kept)}
    rows = [renumbered[row] for row in dictionary.rows]
    slim = replace(dictionary, rows=rows, first_bucket=renumbered[dictionary.first_bucket])
    return slim, np.array(kept, dtype=np.int64)


def write_model(
    path: Path,
    dictionary: Dictionary,
    meaning: NDArray[np.float32],
    topics: NDArray[np.float32],
    mood: MoodHead | None,
    shares: Mapping[str, float],
    about: Mapping[str, Any],
) -> None:
    """Write the model.

    Args:
        path: The .npz file.
        dictionary: The segmenter's dictionary; its rows are those of the two tables.
        meaning: Shape (R, D).
        topics: Shape (R, T).
        mood: The head, or None while it is being trained.
        shares: The shares of the parts of a vector; see `EmbeddedEncoder`.
        about: Provenance, kept in the file.
    """
    table, scales = pack_rows(meaning)
    topic_table, topic_scales = pack_rows(topics)
    meta = {
        "format": FORMAT,
        "first_bucket": dictionary.first_bucket,
        "buckets": dictionary.buckets,
        "shares": dict(shares),
        "mood_step": mood.step if mood else 1.0,
        "about": dict(about),
    }
    arrays: dict[str, NDArray[Any]] = {
        "chunks": np.frombuffer("\n".join(dictionary.index).encode(), np.uint8),
        "costs": np.array(dictionary.costs, np.float16),
        "flags": np.array(dictionary.flags, np.uint8),
        "counts": np.diff(dictionary.offsets).astype(np.uint8),
        "rows": np.array(dictionary.rows, np.int32),
        "table": table,
        "scales": scales.astype(np.float16),
        "topic_table": topic_table,
        "topic_scales": topic_scales.astype(np.float16),
        "meta": np.frombuffer(json.dumps(meta, ensure_ascii=False).encode(), np.uint8),
    }
    _save(path, arrays | _mood_arrays(mood, 2 * (meaning.shape[1] + topics.shape[1])))


def write_with_mood(path: Path, source: Path, mood: MoodHead | None, shares: Mapping[str, float]) -> None:
    """Write the model `source` again with another mood head and other shares; its tables stay as they are."""
    with np.load(source, allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    meta = json.loads(bytes(arrays["meta"])) | {"format": FORMAT, "shares": dict(shares)}
    meta["mood_step"] = mood.step if mood else 1.0
    arrays["meta"] = np.frombuffer(json.dumps(meta, ensure_ascii=False).encode(), np.uint8)
    # Two numbers a byte, and each feature twice: of the whole text, and of what is negated in it.
    width = 2 * 2 * (arrays["table"].shape[1] + arrays["topic_table"].shape[1])
    _save(path, arrays | _mood_arrays(mood, width))


def _mood_arrays(mood: MoodHead | None, width: int) -> dict[str, NDArray[Any]]:
    """Return the head's arrays by name; without a head, one of `width` dense features that knows nothing."""
    zeros = MoodHead(np.zeros((4, width), np.float32), np.zeros(4, np.float32), np.zeros((BUCKETS, 4), np.int8), 1.0)
    head = mood or zeros
    return {
        "mood_coefficients": head.coefficients.astype(np.float32),
        "mood_intercepts": head.intercepts.astype(np.float32),
        "mood_signs": head.signs,
    }


def _save(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    # The stub of savez takes the names for its own flag.
    np.savez(path, **arrays)  # type: ignore[arg-type]
