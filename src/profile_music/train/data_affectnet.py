"""AffectNet (Mollahosseini et al., 2017) in its Kaggle layout: labels.csv with pth, label, relFCs; 96x96 RGB."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from profile_music.errors import InputError
from profile_music.train.data_faces import LabelledFaces, faces_from_files
from profile_music.train.data_folder import emotion_of


def read_affectnet(root: Path, side_px: int, *, tick: Callable[[], None] | None = None) -> dict[str, LabelledFaces]:
    """Read the four emotions as one split named all. The CSV's label counts, whatever folder a file is in.

    Raises:
        InputError: labels.csv is missing, has other columns, or names no picture of the four emotions.
    """
    table = root / "labels.csv"
    if not table.is_file():
        raise InputError(reason=f"no labels.csv in {root}")
    with table.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if not {"pth", "label"} <= set(reader.fieldnames or ()):
            raise InputError(reason="labels.csv needs the columns pth and label")
        named = [(root / row["pth"].replace("\\", "/"), emotion_of(row["label"])) for row in reader]
    rows = [(path, emotion) for path, emotion in named if emotion is not None]
    faces = faces_from_files(
        [path for path, _ in rows],
        [emotion for _, emotion in rows],
        [],
        side_px,
        cache=root / f"all-{side_px}.npy",
        tick=tick,
    )
    if not len(faces):
        raise InputError(reason=f"no picture that labels.csv names could be read below {root}")
    return {"all": faces}
