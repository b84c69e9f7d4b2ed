"""A folder of prepared face crops with a journal, so that hours of cutting resume where they stopped."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from profile_music.errors import InputError
from profile_music.train.data_aihub import AihubEntry, LabelSource, cut_face, picture_sources, read_entries
from profile_music.train.data_faces import LabelledFaces, faces_from_files
from profile_music.types import Emotion

JOURNAL = "crops.csv"
COLUMNS = ("file", "source", "emotion", "person", "problem")
CROP_PX = 160


@dataclass(frozen=True)
class CropReport:
    """What a preparation did: crops written now, crops that were there, pictures skipped, pictures not found."""

    written: int
    already: int
    skipped: int
    missing: int


def read_journal(folder: Path) -> list[dict[str, str]]:
    """Return the journal's rows; none where there is no journal."""
    path = folder / JOURNAL
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        # The last line can be half written after an interruption.
        return [row for row in csv.DictReader(stream) if all(row.get(column) is not None for column in COLUMNS)]


def _crop_name(entry: AihubEntry) -> str:
    digest = hashlib.sha256(entry.filename.encode()).hexdigest()[:20]
    return f"{entry.emotion.value}/{digest}.jpg"


def prepare_aihub(
    root: Path,
    out: Path,
    *,
    scale: float = 1.0,
    source: LabelSource = "majority",
    progress: Callable[[int, int], None] | None = None,
) -> CropReport:
    """Cut every labelled face below `root` into `out/<emotion>/*.jpg` with a journal `out/crops.csv`; resumable.

    Args:
        root: The set as downloaded: folders or zips.
        out: Where crops go.
        scale: Side of the square over the longer side of the annotators' box.
        source: Whose label counts.
        progress: Called with (done, total) after each picture.

    Raises:
        InputError: There are no labels.
    """
    entries = read_entries(root, source)
    before = {row["source"] for row in read_journal(out)}
    wanted = {name: entry for name, entry in entries.items() if name not in before}
    out.mkdir(parents=True, exist_ok=True)
    fresh = not (out / JOURNAL).is_file()
    counts = {"written": 0, "skipped": 0}
    with (out / JOURNAL).open("a", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        if fresh:
            writer.writerow(COLUMNS)
        for entry, raw in picture_sources(root, wanted):
            problem = _write_crop(entry, raw, out, scale)
            counts["skipped" if problem else "written"] += 1
            writer.writerow([_crop_name(entry), entry.filename, entry.emotion.value, entry.person, problem])
            stream.flush()
            if progress:
                progress(len(before) + counts["written"] + counts["skipped"], len(entries))
    done = counts["written"] + counts["skipped"]
    return CropReport(counts["written"], len(before & entries.keys()), counts["skipped"], len(wanted) - done)


def _write_crop(entry: AihubEntry, raw: bytes, out: Path, scale: float) -> str:
    target = out / _crop_name(entry)
    try:
        face = cut_face(raw, entry.box, scale, CROP_PX)
    except ValueError as error:
        return str(error)
    target.parent.mkdir(parents=True, exist_ok=True)
    face.save(target, quality=95, subsampling=0)
    return ""


def read_crops(folder: Path, side_px: int, *, tick: Callable[[], None] | None = None) -> dict[str, LabelledFaces]:
    """Read prepared crops as one split named all, with people as groups.

    Raises:
        InputError: There are none.
    """
    rows = [row for row in read_journal(folder) if not row["problem"]]
    if not rows:
        raise InputError(reason=f"no prepared crops in {folder}")
    faces = faces_from_files(
        [folder / row["file"] for row in rows],
        [Emotion(row["emotion"]) for row in rows],
        [row["person"] for row in rows],
        side_px,
        cache=folder / f"all-{side_px}.npy",
        tick=tick,
    )
    return {"all": faces}
