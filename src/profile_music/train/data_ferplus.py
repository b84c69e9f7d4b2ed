"""FER+ (Barsoum et al., 2016) restricted to four classes: pictures as one uint8 array, votes as soft labels."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from profile_music.types import EMOTIONS

SPLITS = ("train", "valid", "test")


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
        return np.argmax(self.labels, axis=1).astype(np.int64)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> LabelledFaces:
        """Return the chosen rows."""
        groups = tuple(np.asarray(self.groups)[rows]) if self.groups else ()
        return LabelledFaces(self.images[rows], self.labels[rows], self.duplicate[rows], groups)


def votes_to_labels(votes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Turn votes (N, 4) into shares that sum to one a row."""
    return (votes / votes.sum(axis=1, keepdims=True)).astype(np.float32)


def _read_archive(path: Path) -> dict[str, LabelledFaces]:
    with zipfile.ZipFile(path) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode("utf-8"))))
        result = {}
        for split in SPLITS:
            part = [row for row in rows if row["split"] == split]
            pictures = [np.asarray(Image.open(io.BytesIO(archive.read(row["file"]))).convert("L")) for row in part]
            votes = np.array([[float(row[emotion]) for emotion in EMOTIONS] for row in part])
            duplicate = np.array([row["duplicate"] == "1" for row in part])
            result[split] = LabelledFaces(np.stack(pictures), votes_to_labels(votes), duplicate)
    return result


def read_ferplus(path: Path, cache: Path | None = None) -> dict[str, LabelledFaces]:
    """Read the archive's three splits; `cache` (an .npz file) is written once and read afterwards.

    Args:
        path: `ferplus4.zip`: `train/ valid/ test/` pictures and `labels.csv` with the raters' votes.
        cache: Where the decoded arrays are kept.
    """
    if cache is None or not cache.is_file():
        splits = _read_archive(path)
        if cache is not None:
            cache.parent.mkdir(parents=True, exist_ok=True)
            arrays = {f"{split}_{name}": getattr(faces, name) for split, faces in splits.items() for name in _ARRAYS}
            np.savez(cache, **arrays)
        return splits
    with np.load(cache) as stored:
        return {split: LabelledFaces(*(stored[f"{split}_{name}"] for name in _ARRAYS)) for split in SPLITS}


_ARRAYS = ("images", "labels", "duplicate")
