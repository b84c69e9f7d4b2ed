"""FER+ (Barsoum et al., 2016) restricted to four classes: pictures as one uint8 array, votes as soft labels."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from profile_music.train.data_faces import LabelledFaces, votes_to_labels
from profile_music.types import EMOTIONS

SPLITS = ("train", "valid", "test")
_ARRAYS = ("images", "labels", "duplicate")


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
    with np.load(cache, allow_pickle=False) as stored:
        return {split: LabelledFaces(*(stored[f"{split}_{name}"] for name in _ARRAYS)) for split in SPLITS}
