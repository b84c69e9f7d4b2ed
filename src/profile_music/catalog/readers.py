"""Files of songs to songs: CSV, TSV, JSONL; rows that cannot be used go into a report."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from profile_music.catalog.records import RowProblem, song_from_record
from profile_music.errors import FileMissingError, InputError
from profile_music.types import Song

_ENCODINGS = ("utf-8-sig", "cp949")
_MAX_ROW_CHARACTERS = 1 << 20


@dataclass(slots=True)
class RowReport:
    """What became of the rows.

    Attributes:
        rows: Rows read so far.
        rejected: One mapping a rejected row: file, row number (from 1), code, reason, and the row itself.
        fraction_read: How far the sources are read, 0..1.
    """

    rows: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    fraction_read: float = 0.0

    def reject(self, path: Path, number: int, problem: RowProblem, row: Any) -> None:
        """Record a row that was not taken."""
        self.rejected.append(
            {"file": path.name, "row": number, "code": problem.code, "reason": problem.reason, "record": row}
        )


def read_songs(paths: Iterable[Path], report: RowReport) -> Iterator[Song]:
    """Read songs from files, in order; of songs with the same id the first is kept and the others reported.

    Raises:
        FileMissingError: A file is not there.
        InputError: A file is of an unknown kind or encoding.
    """
    seen: set[str] = set()
    sources = list(paths)
    for source in sources:
        if not source.is_file():
            raise FileMissingError(path=str(source))
    total = sum(source.stat().st_size for source in sources) or 1
    done = 0
    for source in sources:
        for number, row, position in _rows(source):
            report.rows += 1
            report.fraction_read = min(1.0, (done + position) / total)
            try:
                song = _song(row, seen)
            except RowProblem as problem:
                report.reject(source, number, problem, row)
                continue
            yield song
        done += source.stat().st_size


def _song(row: Mapping[str, Any] | RowProblem, seen: set[str]) -> Song:
    if isinstance(row, RowProblem):
        raise row
    song = song_from_record(row)
    if song.song_id in seen:
        raise RowProblem("duplicate", f"the song stands twice: {song.title} - {song.artist}")
    seen.add(song.song_id)
    return song


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | RowProblem, int]]:
    """Yield (row number, row or why it cannot be read, position in bytes)."""
    kind = path.suffix.lower()
    if kind in (".jsonl", ".ndjson"):
        return _jsonl_rows(path)
    if kind in (".csv", ".tsv"):
        return _csv_rows(path, "\t" if kind == ".tsv" else ",")
    raise InputError(reason=f"{path.name}: .csv, .tsv, .jsonl")


def _jsonl_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | RowProblem, int]]:
    with path.open("rb") as stream:
        position = 0
        for number, raw in enumerate(stream, start=1):
            position += len(raw)
            if raw.strip():
                yield number, _parse_json(raw), position


def _parse_json(raw: bytes) -> Mapping[str, Any] | RowProblem:
    try:
        row = json.loads(raw.decode("utf-8-sig"))
    except ValueError as error:
        return RowProblem("json_invalid", str(error)[:200])
    return row if isinstance(row, dict) else RowProblem("json_invalid", "not an object")


def _csv_rows(path: Path, delimiter: str) -> Iterator[tuple[int, Mapping[str, Any] | RowProblem, int]]:
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding=_encoding_of(path), newline="") as stream:
        reader = csv.DictReader(stream, delimiter=delimiter, strict=False)
        for number, row in enumerate(reader, start=2):
            yield number, {str(name).strip().casefold(): value for name, value in row.items() if name}, raw.tell()


def _encoding_of(path: Path) -> str:
    for encoding in _ENCODINGS:
        try:
            with path.open(encoding=encoding) as stream:
                while stream.read(1 << 20):
                    pass
            return encoding
        except UnicodeDecodeError:
            continue
    raise InputError(reason=f"{path.name}: utf-8 / cp949")
