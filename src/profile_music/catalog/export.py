"""Songs to a file that `catalog build` reads back to the same songs: JSONL or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from profile_music.errors import InputError
from profile_music.types import Song

CSV_FIELDS = (*(slot for slot in Song.__slots__ if slot != "lines"), "lines")


def export_songs(songs: Iterable[Song], path: Path, *, with_lines: bool = True) -> int:
    """Write songs to a .jsonl or .csv file (CSV with a mark, so that Excel shows Korean); return how many.

    Raises:
        InputError: Another kind of file.
    """
    kind = path.suffix.lower()
    if kind not in (".jsonl", ".csv"):
        raise InputError(reason=f"{path.name}: .jsonl, .csv")
    temporary = path.with_name(f".{path.name}.part")
    write = _write_csv if kind == ".csv" else _write_jsonl
    try:
        count = write((song.to_dict(with_lines=with_lines) for song in songs), temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _write_jsonl(records: Iterable[dict[str, Any]], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as stream:
        for record in records:
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
    return count


def _write_csv(records: Iterable[dict[str, Any]], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, CSV_FIELDS, restval="")
        writer.writeheader()
        for record in records:
            writer.writerow({name: _cell(name, value) for name, value in record.items()})
            count += 1
    return count


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "emotions":
        return json.dumps(value)
    if name == "lines":
        # Ends with a line end: a single line with a | in it is then not split when it is read back.
        return "".join(f"{line}\n" for line in value)
    return ", ".join(value) if isinstance(value, list) else str(value)
