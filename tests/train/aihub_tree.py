"""A small tree in exactly AI Hub's layout: zips and folders, CP949 and NFD names, EXIF turns, a broken picture."""

from __future__ import annotations

import io
import json
import unicodedata
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

LABELS = {"기쁨": 0, "분노": 1, "슬픔": 2, "중립": 3}
OTHERS = ("당황", "불안", "상처")
WIDTH, HEIGHT = 120, 90
BOX = {"minX": 30.0, "minY": 20.0, "maxX": 80.0, "maxY": 70.0}
PLACE = "숙박 및 거주공간"


@dataclass
class Tree:
    """What was written, and what a reader must find."""

    root: Path
    usable: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)


def face_photo(emotion: int, seed: int, exif_turn: bool = False) -> bytes:
    """Return a JPEG whose face box has one bright quadrant, told by `emotion`; optionally stored lying."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(40, 70, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    top, left = divmod(emotion, 2)
    picture[20 + top * 25 : 45 + top * 25, 30 + left * 25 : 55 + left * 25] = 230
    image = Image.fromarray(picture)
    stream = io.BytesIO()
    if exif_turn:
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned by 90 degrees clockwise for viewing
        image.transpose(Image.Transpose.ROTATE_90).save(stream, "JPEG", quality=95, exif=exif)
    else:
        image.save(stream, "JPEG", quality=95)
    return stream.getvalue()


def record(filename: str, uploader: str, annotators: tuple[str, str, str]) -> dict:
    """Return one entry of a label file."""
    boxes = [{key: value + jitter for key, value in BOX.items()} for jitter in (-6.0, 0.0, 2.0)]
    return {
        "filename": filename,
        "gender": "여",
        "age": 20,
        "isProf": "일반인",
        "faceExp_uploader": uploader,
        "bg_uploader": PLACE,
        **{
            f"annot_{name}": {"boxes": box, "faceExp": word, "bg": PLACE}
            for name, box, word in zip("ABC", boxes, annotators, strict=True)
        },
    }


def picture_name(person: int, label: str, number: int, suffix: str = ".jpg") -> str:
    """Return a file name as the set has them."""
    return f"{person:08x}c0ffee_여_20_{label}_{PLACE}_2021012616553{number}-010-01{number}{suffix}"


def write_cp949_zip(path: Path, members: dict[str, bytes]) -> None:
    """Write a zip whose names are CP949 bytes without the UTF-8 flag, as the set's zips are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stand_ins = {f"m{index:04d}{'x' * (len(name.encode('cp949')) - 5)}": name for index, name in enumerate(members)}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for stand_in, name in stand_ins.items():
            archive.writestr(stand_in, members[name])
    raw = stream.getvalue()
    for stand_in, name in stand_ins.items():
        raw = raw.replace(stand_in.encode(), name.encode("cp949"))
    path.write_bytes(raw)


def _write_folder(path: Path, members: dict[str, bytes]) -> None:
    path.mkdir(parents=True, exist_ok=True)
    for name, raw in members.items():
        (path / unicodedata.normalize("NFD", name)).write_bytes(raw)


def build_tree(root: Path, people: int = 6, pictures: int = 2) -> Tree:
    """Write the tree: `people` x `pictures` usable pictures an emotion, and what must be left out."""
    tree = Tree(root)
    for label, emotion in LABELS.items():
        records, members = [], {}
        for person in range(people):
            for number in range(pictures):
                name = picture_name(person, label, number, ".jpeg" if number and not person else ".jpg")
                members[name] = face_photo(emotion, person * 10 + number, exif_turn=(person + number) % 3 == 0)
                records.append(record(name, label, (label, label, "알수없음")))
                tree.usable[name] = label
        records.append(record(picture_name(90, label, 1), label, (label, label, label)))  # labelled, no such picture
        if label == "분노":
            _add_oddities(tree, label, records, members)
        in_zips = emotion % 2 == 0
        labels = json.dumps(records, ensure_ascii=False).encode("utf-8-sig" if in_zips else "cp949")
        json_name = f"img_emotion_training_data({label}).json"
        training = root / "Training"
        if in_zips:
            write_cp949_zip(training / f"[라벨]EMOIMG_{label}_TRAIN.zip", {json_name: labels})
            write_cp949_zip(training / f"[원천]EMOIMG_{label}_TRAIN_01.zip", members)
        else:
            _write_folder(training / f"[라벨]EMOIMG_{label}_TRAIN", {json_name: labels})
            _write_folder(training / f"[원천]EMOIMG_{label}_TRAIN_01", members)
    _write_others(root)
    return tree


def _add_oddities(tree: Tree, label: str, records: list[dict], members: dict[str, bytes]) -> None:
    broken = picture_name(91, label, 1)
    members[broken] = face_photo(1, 5)[:400]
    records.append(record(broken, label, (label, label, label)))
    tree.broken.add(broken)
    for number, votes in enumerate([("알수없음", "알수없음", label), ("불안", "불안", label)]):
        name = picture_name(92, label, number)
        members[name] = face_photo(1, 6)
        records.append(record(name, label, votes))
    torn = picture_name(93, label, 1)  # three verdicts: the uploader's counts
    members[torn] = face_photo(1, 7)
    records.append(record(torn, label, ("슬픔", label, "중립")))
    tree.usable[torn] = label


def _write_others(root: Path) -> None:
    for label in OTHERS:
        name = picture_name(94, label, 1)
        labels = json.dumps([record(name, label, (label, label, label))], ensure_ascii=False).encode()
        _write_folder(root / "Validation" / f"[라벨]EMOIMG_{label}_VALID", {f"img({label}).json": labels})
        _write_folder(root / "Validation" / f"[원천]EMOIMG_{label}_VALID", {name: face_photo(0, 8)})
