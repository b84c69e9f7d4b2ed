"""Splits: the mission's plain stratified 8:2 and folds, and the same with every person on one side only."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from profile_music.errors import InputError
from profile_music.train.data_faces import LabelledFaces

Rows = NDArray[np.int64]


def _has_people(faces: LabelledFaces) -> bool:
    return len(set(faces.groups)) > 1


def stratified_folds(
    faces: LabelledFaces, folds: int, seed: int, *, by_person: bool = False
) -> list[tuple[Rows, Rows]]:
    """Return (training rows, validation rows) a fold, classes in equal shares; no person in both where asked.

    Raises:
        InputError: People are to be kept together and the set names none, or a class has fewer rows than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if by_person and not _has_people(faces):
        raise InputError(reason="the data names no people, so it cannot be split by person")
    counts = np.bincount(faces.majority, minlength=4)
    if counts[counts > 0].min(initial=len(faces)) < folds:
        raise InputError(reason=f"a class has fewer than {folds} pictures")
    kind = StratifiedGroupKFold if by_person else StratifiedKFold
    splitter = kind(n_splits=folds, shuffle=True, random_state=seed)
    groups = np.asarray(faces.groups) if by_person else None
    parts = splitter.split(np.zeros(len(faces)), faces.majority, groups)
    return [(np.asarray(train, dtype=np.int64), np.asarray(held, dtype=np.int64)) for train, held in parts]


def hold_out(
    faces: LabelledFaces, share: float, seed: int, kind: Literal["plain", "person"] = "plain"
) -> tuple[LabelledFaces, LabelledFaces]:
    """Return (training, test) with about `share` of the rows in the test part, stratified.

    Raises:
        InputError: See `stratified_folds`.
    """
    train, held = stratified_folds(faces, max(2, round(1 / share)), seed, by_person=kind == "person")[0]
    return faces.take(train), faces.take(held)
