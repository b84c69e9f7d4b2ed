"""The form every face data set is read into, and how picture files become it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from profile_music.emotion.preprocess import resize_crop
from profile_music.types import EMOTIONS, Emotion

MEMORY_LIMIT_BYTES = 2 << 30
"""Larger sets are kept in a file that the system pages in."""
PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


@dataclass(frozen=True)
class LabelledFaces:
    """Face crops of one split.

    Attributes:
        images: uint8, (N, H, W) grey or (N, H, W, 3) RGB.
        labels: float32, (N, 4): the share of each of `EMOTIONS` among the raters' votes for the four; rows sum to one.
        duplicate: bool, (N,): a near-identical picture stands in an earlier split.
        groups: What must not be split apart (a person's hash), one a picture; empty where unknown.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.float32]
    duplicate: NDArray[np.bool_]
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of pictures."""
        return len(self.images)

    @property
    def majority(self) -> NDArray[np.int64]:
        """The class with most votes, (N,); the earlier of `EMOTIONS` on a tie."""
        classes: NDArray[np.int64] = np.argmax(self.labels, axis=1).astype(np.int64)
        return classes

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> LabelledFaces:
        """Return the chosen rows."""
        groups = tuple(np.asarray(self.groups)[rows].tolist()) if self.groups else ()
        return LabelledFaces(self.images[rows], self.labels[rows], self.duplicate[rows], groups)


def votes_to_labels(votes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Turn votes (N, 4) into shares that sum to one a row."""
    labels: NDArray[np.float32] = (votes / votes.sum(axis=1, keepdims=True)).astype(np.float32)
    return labels


def one_hot(emotions: Sequence[Emotion]) -> NDArray[np.float32]:
    """Return labels (N, 4) of known emotions."""
    order = list(EMOTIONS)
    labels: NDArray[np.float32] = np.eye(len(order), dtype=np.float32)[[order.index(e) for e in emotions]]
    return labels


def load_pictures(
    paths: Sequence[Path],
    side_px: int,
    *,
    cache: Path | None = None,
    tick: Callable[[], None] | None = None,
) -> tuple[NDArray[np.uint8], list[int]]:
    """Decode picture files into one array at `side_px`, leaving out those that cannot be read.

    Args:
        paths: The files.
        side_px: Side of the square; pictures are resized to it.
        cache: A .npy file that holds the pixels where they exceed `MEMORY_LIMIT_BYTES`.
        tick: Called after each file.

    Returns:
        uint8 (N, side, side, 3), and which of `paths` its rows are.
    """
    shape = (len(paths), side_px, side_px, 3)
    if cache is not None and math.prod(shape) > MEMORY_LIMIT_BYTES:
        images: NDArray[np.uint8] = np.lib.format.open_memmap(cache, mode="w+", dtype=np.uint8, shape=shape)
    else:
        images = np.empty(shape, dtype=np.uint8)
    kept: list[int] = []
    for index, path in enumerate(paths):
        try:
            with Image.open(path) as picture:
                images[len(kept)] = resize_crop(np.asarray(picture.convert("RGB")), side_px)
            kept.append(index)
        except (OSError, UnidentifiedImageError, ValueError):
            pass
        if tick:
            tick()
    return images[: len(kept)], kept


def faces_from_files(
    paths: Sequence[Path],
    emotions: Sequence[Emotion],
    groups: Sequence[str],
    side_px: int,
    *,
    cache: Path | None = None,
    tick: Callable[[], None] | None = None,
) -> LabelledFaces:
    """Read picture files with one known emotion each; unreadable ones are left out."""
    images, kept = load_pictures(paths, side_px, cache=cache, tick=tick)
    labels = one_hot([emotions[index] for index in kept]).reshape(-1, len(EMOTIONS))
    people = tuple(groups[index] for index in kept) if groups else ()
    return LabelledFaces(images, labels, np.zeros(len(kept), dtype=bool), people)
