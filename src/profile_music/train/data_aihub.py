"""AI Hub set 82 (한국인 감정인식을 위한 복합 영상): labels, pictures in folders or zips, and face crops of them.

Facts of the set that this reader minds: one JSON list an emotion, in UTF-8 or CP949; zip members named in CP949
without the UTF-8 flag; names that can be NFD; a third of the pictures turned by EXIF, with boxes in the upright
frame; three annotators whose verdicts and boxes differ; people who appear in many pictures.
"""

from __future__ import annotations

import io
import json
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from PIL import Image, ImageOps

from profile_music.errors import InputError
from profile_music.train.data_faces import PICTURE_SUFFIXES
from profile_music.types import Emotion

KOREAN_LABELS = {"기쁨": Emotion.HAPPY, "분노": Emotion.ANGRY, "슬픔": Emotion.SAD, "중립": Emotion.NEUTRAL}
ANNOTATORS = ("annot_A", "annot_B", "annot_C")
LABEL_SUFFIX = ".json"
LabelSource = Literal["majority", "uploader"]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class AihubEntry:
    """One labelled picture: its NFC file name, emotion, box (xyxy, upright frame) and the person's hash."""

    filename: str
    emotion: Emotion
    box: Box
    person: str


def nfc(name: str) -> str:
    """Return the base name in NFC, whatever the separators."""
    return PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/")).name


def decode_labels(raw: bytes) -> list[dict[str, Any]]:
    """Parse a label file in either of the set's encodings.

    Raises:
        InputError: It is neither, or not a list.
    """
    for encoding in ("utf-8-sig", "cp949"):
        try:
            entries = json.loads(raw.decode(encoding))
        except ValueError:  # a wrong encoding and broken JSON both are
            continue
        if isinstance(entries, list):
            return entries
    raise InputError(reason="a label file is neither UTF-8 nor CP949 JSON with a list")


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open a zip whose names without the UTF-8 flag are CP949."""
    return zipfile.ZipFile(path, metadata_encoding="cp949")


def _annotations(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [record[name] for name in ANNOTATORS if isinstance(record.get(name), dict)]


def decide_label(record: dict[str, Any], source: LabelSource = "majority") -> str | None:
    """Return the Korean label that most annotators gave; the uploader's where no two agree or it is asked for."""
    votes = Counter(unicodedata.normalize("NFC", str(one.get("faceExp", ""))) for one in _annotations(record))
    if source == "majority" and votes:
        label, count = votes.most_common(1)[0]
        if count >= 2:
            return label
    uploader = record.get("faceExp_uploader")
    return unicodedata.normalize("NFC", uploader) if isinstance(uploader, str) else None


def decide_box(record: dict[str, Any]) -> Box | None:
    """Return the middle one of the annotators' boxes, side by side; None where nobody drew one."""
    drawn = [one["boxes"] for one in _annotations(record) if isinstance(one.get("boxes"), dict)]
    try:
        sides = [sorted(float(box[key]) for box in drawn) for key in ("minX", "minY", "maxX", "maxY")]
        x1, y1, x2, y2 = (values[len(values) // 2] for values in sides)
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


def read_entry(record: dict[str, Any], source: LabelSource = "majority") -> AihubEntry | None:
    """Return the entry of one record, None where its emotion is not one of the four or it has no box."""
    emotion = KOREAN_LABELS.get(decide_label(record, source) or "")
    box = decide_box(record)
    if emotion is None or box is None or not isinstance(record.get("filename"), str):
        return None
    name = nfc(record["filename"])
    return AihubEntry(name, emotion, box, name.split("_", 1)[0])


def _label_files(root: Path) -> Iterator[bytes]:
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() == LABEL_SUFFIX and path.is_file():
            yield path.read_bytes()
        elif path.suffix.lower() == ".zip":
            with open_archive(path) as archive:
                for info in archive.infolist():
                    if info.filename.lower().endswith(LABEL_SUFFIX):
                        yield archive.read(info)


def read_entries(root: Path, source: LabelSource = "majority") -> dict[str, AihubEntry]:
    """Read every label file below `root`, in folders and zips, into entries by file name.

    Raises:
        InputError: There is no label of the four emotions.
    """
    entries: dict[str, AihubEntry] = {}
    for raw in _label_files(root):
        for record in decode_labels(raw):
            if isinstance(record, dict) and (entry := read_entry(record, source)):
                entries[entry.filename] = entry
    if not entries:
        raise InputError(reason=f"no AI Hub labels of the four emotions below {root}")
    return entries


def picture_sources(root: Path, wanted: dict[str, AihubEntry]) -> Iterator[tuple[AihubEntry, bytes]]:
    """Yield each wanted picture's bytes once, from folders and zips, in sorted order; unreadable ones as b""."""
    seen: set[str] = set()

    def is_new(name: str) -> bool:
        fresh = name in wanted and name not in seen
        seen.add(name)
        return fresh

    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in PICTURE_SUFFIXES and is_new(nfc(path.name)):
            yield wanted[nfc(path.name)], path.read_bytes()
        elif path.suffix.lower() == ".zip":
            with open_archive(path) as archive:
                for info in archive.infolist():
                    if is_new(nfc(info.filename)):
                        yield wanted[nfc(info.filename)], _read_member(archive, info)


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return b""


def square_around(box: Box, scale: float, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the square on the box's centre, `scale` times its longer side, clipped to the picture."""
    side = scale * max(box[2] - box[0], box[3] - box[1])
    centre_x, centre_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    left, top = max(0, round(centre_x - side / 2)), max(0, round(centre_y - side / 2))
    return left, top, min(width, round(centre_x + side / 2)), min(height, round(centre_y + side / 2))


def cut_face(raw: bytes, box: Box, scale: float, side_px: int) -> Image.Image:
    """Decode a picture, turn it upright, cut the face and resize it to at most `side_px`.

    Raises:
        ValueError: The picture is broken, or the box lies outside it.
    """
    try:
        with Image.open(io.BytesIO(raw)) as picture:
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except Exception as error:  # decoders raise many kinds for broken files
        raise ValueError(f"broken picture ({type(error).__name__})") from error
    corners = square_around(box, scale, upright.width, upright.height)
    if corners[2] - corners[0] < 8 or corners[3] - corners[1] < 8:
        raise ValueError("box outside the picture")
    face = upright.crop(corners)
    face.thumbnail((side_px, side_px), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return face
