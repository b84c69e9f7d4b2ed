"""Plain folders: one folder an emotion, in Korean or English, optionally under train/ valid/ test/."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from profile_music.errors import InputError
from profile_music.train.data_faces import PICTURE_SUFFIXES, LabelledFaces, faces_from_files
from profile_music.types import Emotion

EMOTION_WORDS: dict[str, Emotion] = {
    **dict.fromkeys(("happy", "happiness", "joy", "기쁨", "행복"), Emotion.HAPPY),
    **dict.fromkeys(("angry", "anger", "분노", "화남"), Emotion.ANGRY),
    **dict.fromkeys(("sad", "sadness", "슬픔"), Emotion.SAD),
    **dict.fromkeys(("neutral", "중립", "무표정"), Emotion.NEUTRAL),
}
SPLIT_WORDS = {"train": "train", "training": "train", "valid": "valid", "val": "valid", "validation": "valid"} | {
    "test": "test",
    "testing": "test",
}


def emotion_of(word: str) -> Emotion | None:
    """Return the emotion that a folder or label names, None for any other."""
    return EMOTION_WORDS.get(unicodedata.normalize("NFC", word).strip().lower())


def pictures_below(folder: Path) -> Iterator[Path]:
    """Yield picture files in sorted order."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file():
            yield path


def _read_split(
    root: Path, side_px: int, person_of: Callable[[Path], str] | None, tick: Callable[[], None] | None, cache: Path
) -> LabelledFaces | None:
    named = [(path, emotion_of(path.relative_to(root).parts[0])) for path in pictures_below(root)]
    rows = [(path, emotion) for path, emotion in named if emotion is not None]
    if not rows:
        return None
    paths = [path for path, _ in rows]
    groups = [person_of(path) for path in paths] if person_of else []
    return faces_from_files(paths, [emotion for _, emotion in rows], groups, side_px, cache=cache, tick=tick)


def read_folder(
    root: Path,
    side_px: int,
    *,
    person_of: Callable[[Path], str] | None = None,
    tick: Callable[[], None] | None = None,
) -> dict[str, LabelledFaces]:
    """Read `root/<emotion>/...` as one split named all, or `root/<split>/<emotion>/...` as its splits.

    Args:
        root: The folder.
        side_px: Side that pictures are resized to.
        person_of: Gives the person (or other group) of a file, for splits that keep people together.
        tick: Called after each picture.

    Raises:
        InputError: No picture of the four emotions is there.
    """
    splits = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []:
        split = SPLIT_WORDS.get(folder.name.lower())
        if split and (faces := _read_split(folder, side_px, person_of, tick, root / f"{split}-{side_px}.npy")):
            splits[split] = faces
    if not splits and (faces := _read_split(root, side_px, person_of, tick, root / f"all-{side_px}.npy")):
        splits["all"] = faces
    if not splits:
        raise InputError(reason=f"no pictures of the four emotions below {root}")
    return splits
