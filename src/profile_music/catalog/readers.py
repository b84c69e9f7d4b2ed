"""Files of songs to songs: CSV, TSV, XLSX, JSONL; rows that cannot be used go into a report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from profile_music.catalog.columns import Columns, guess_columns, parse_overrides
from profile_music.catalog.problems import RowProblem, RowReport
from profile_music.catalog.records import song_from_record
from profile_music.catalog.seen import SeenIds
from profile_music.catalog.tables import Cells, check_text, csv_rows, text_form, xlsx_rows
from profile_music.errors import FileMissingError, InputError
from profile_music.types import Song

__all__ = ["RowProblem", "RowReport", "read_songs"]

KINDS = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".jsonl", ".ndjson")
_JSON_KINDS = (".jsonl", ".ndjson")
_MAX_ROW_CHARACTERS = 1 << 20
_HEADER_ROWS = 10


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    record: Mapping[str, Any]
    problem: RowProblem | None
    fraction: float


def read_songs(
    paths: Iterable[Path],
    report: RowReport,
    *,
    columns: Iterable[str] = (),
    sheet: str | None = None,
    seen: SeenIds | None = None,
) -> Iterator[Song]:
    """Read songs from files, in order; of songs with the same id the first is kept and the others reported.

    Args:
        paths: Files of the kinds in `KINDS`.
        report: Filled while reading.
        columns: ``열이름=field`` for columns whose name was guessed wrongly.
        sheet: The sheet of .xlsx files; the first where absent.
        seen: Filled with the ids of the songs that were taken.

    Raises:
        FileMissingError: A file is not there.
        InputError: A file is of an unknown kind or encoding, or no column holds the titles or artists.
    """
    seen = SeenIds() if seen is None else seen
    overrides = parse_overrides(columns)
    sources = list(paths)
    for source in sources:
        _check_kind(source)
    # What is wrong with the files themselves is said now, not when the first song is asked for.
    return _songs(sources, report, overrides, sheet, seen)


def _songs(
    sources: Sequence[Path],
    report: RowReport,
    overrides: Mapping[str, str],
    sheet: str | None,
    seen: SeenIds,
) -> Iterator[Song]:
    total = sum(source.stat().st_size for source in sources) or 1
    done = 0
    for source in sources:
        size = source.stat().st_size
        for row in _rows(source, overrides, sheet, report):
            report.rows += 1
            report.fraction_read = min(1.0, (done + row.fraction * size) / total)
            try:
                song = _song(row, seen)
            except RowProblem as problem:
                report.reject(source, row.number, problem, row.record)
                continue
            yield song
        done += size


def _check_kind(path: Path) -> None:
    if not path.is_file():
        raise FileMissingError(path=str(path))
    if path.suffix.lower() not in KINDS:
        raise InputError(reason=f"{path.name}: {', '.join(KINDS)}")


def _song(row: _Row, seen: SeenIds) -> Song:
    if row.problem is not None:
        raise row.problem
    song = song_from_record(row.record)
    if not seen.add(song.song_id):
        raise RowProblem("duplicate", f"the song stands twice: {song.title} - {song.artist}")
    return song


def _rows(path: Path, overrides: Mapping[str, str], sheet: str | None, report: RowReport) -> Iterator[_Row]:
    kind = path.suffix.lower()
    if kind in _JSON_KINDS:
        return _json_rows(path, overrides, report)
    cells = xlsx_rows(path, sheet) if kind in (".xlsx", ".xlsm") else csv_rows(path)
    return _table_rows(path, cells, overrides, report)


def _table_rows(path: Path, rows: Iterator[Cells], overrides: Mapping[str, str], report: RowReport) -> Iterator[_Row]:
    head = list(islice(rows, _HEADER_ROWS))
    place, headers, columns = _find_header(path, head, overrides)
    report.columns[path.name], report.unused[path.name] = columns.fields, columns.unused
    for row in chain(head[place + 1 :], rows):
        yield _table_row(row, headers, columns)


def _find_header(
    path: Path, head: Sequence[Cells], overrides: Mapping[str, str]
) -> tuple[int, tuple[str, ...], Columns]:
    """Return where the header is among the first rows (titles may stand above it), its names and their meaning."""
    readable = [(place, row.values) for place, row in enumerate(head) if not isinstance(row.values, RowProblem)]
    if not readable:
        raise InputError(reason=f"{path.name}: 읽을 행이 없어요. / no rows")
    guesses = [(place, names, guess_columns(names, overrides)) for place, names in readable]
    place, names, columns = max(guesses, key=lambda guess: (guess[2].score(), -guess[0]))
    missing = [name for name in ("title", "artist") if name not in columns]
    if missing:
        shown = ", ".join(name.strip() for name in names if name.strip())[:300]
        raise InputError(
            reason=f"{path.name}: {', '.join(missing)} 열을 찾지 못했어요. 열: {shown}. "
            f"--column '열이름={missing[0]}' 로 알려 주세요. / name the column with --column 'COLUMN={missing[0]}'"
        )
    return place, names, columns


def _table_row(row: Cells, headers: Sequence[str], columns: Columns) -> _Row:
    if isinstance(row.values, RowProblem):
        return _Row(row.number, {}, row.values, row.fraction)
    values = row.values
    if any(value.strip() for value in values[len(headers) :]):
        problem = RowProblem("cells_too_many", f"{len(values)} cells under {len(headers)} columns")
        return _Row(row.number, {"cells": list(values)}, problem, row.fraction)
    record = {
        columns.fields[header]: value
        for header, value in zip(headers, values, strict=False)
        if header in columns.fields
    }
    return _Row(row.number, record, None, row.fraction)


def _json_rows(path: Path, overrides: Mapping[str, str], report: RowReport) -> Iterator[_Row]:
    form, size = text_form(path), path.stat().st_size or 1
    raw, stream = form.open(path)
    guesses: dict[tuple[str, ...], Columns] = {}
    with stream:
        for number, line in enumerate(_lines(stream), start=1):
            if not line.strip("\ufeff \t\r\n"):
                continue
            try:
                record = _parse_json(line)
                names = tuple(record)
                if names not in guesses:
                    guesses[names] = guess_columns(names, overrides)
                    report.columns.setdefault(path.name, guesses[names].fields)
                fields = guesses[names].fields
                known = {fields[name]: value for name, value in record.items() if name in fields}
                yield _Row(number, known, None, raw.tell() / size)
            except RowProblem as problem:
                yield _Row(number, {"text": line[:2000]}, problem, raw.tell() / size)


def _lines(stream: TextIO) -> Iterator[str]:
    """Yield lines; of one that is far too long only the beginning is kept in memory."""
    while line := stream.readline(_MAX_ROW_CHARACTERS):
        rest = line
        while len(rest) == _MAX_ROW_CHARACTERS and not rest.endswith("\n"):
            rest = stream.readline(_MAX_ROW_CHARACTERS)
        yield line


def _parse_json(line: str) -> Mapping[str, Any]:
    if len(line) >= _MAX_ROW_CHARACTERS:
        raise RowProblem("row_too_long", f"longer than {_MAX_ROW_CHARACTERS} characters")
    check_text(line)
    try:
        row = json.loads(line.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise RowProblem("json_invalid", str(error)[:200]) from error
    if not isinstance(row, dict):
        raise RowProblem("json_invalid", "not an object")
    return row
