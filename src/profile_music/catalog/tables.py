"""Spreadsheets and text tables to rows of cells: CSV, TSV, XLSX, in the encodings that Korean files come in."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TextIO

from profile_music.catalog.problems import RowProblem
from profile_music.errors import DependencyMissingError, InputError

_SEPARATORS = (",", "\t", ";", "|")
_SAMPLE_BYTES = 1 << 16
_CELL_CHARACTERS = 1 << 17
_BAD_LINES_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Cells:
    """One row: its number as a spreadsheet counts (from 1), its cells or why it has none, and how far in it lies."""

    number: int
    values: tuple[str, ...] | RowProblem
    fraction: float


@dataclass(frozen=True, slots=True)
class TextForm:
    """How a text file is read: with `damaged`, its undecodable bytes come as lone surrogates."""

    encoding: str
    damaged: bool = False

    def open(self, path: Path) -> tuple[io.BufferedReader, TextIO]:
        """Return the raw stream, for its position, and the text over it."""
        raw = path.open("rb")
        errors = "surrogateescape" if self.damaged else "strict"
        return raw, io.TextIOWrapper(raw, encoding=self.encoding, errors=errors, newline="")


def text_form(path: Path) -> TextForm:
    """Find a file's encoding: UTF-8 with or without mark, UTF-16, or CP949 (Korean Windows).

    A file with a few undecodable lines is read in the encoding that fits best, so that only those lines are lost.

    Raises:
        InputError: None of them fits.
    """
    with path.open("rb") as stream:
        head = stream.read(_SAMPLE_BYTES)
    encodings = ("utf-8-sig", "cp949")
    for encoding in (*_utf16_names(head), *encodings):
        if _decodes(path, encoding):
            return TextForm(encoding)
    bad = {encoding: _bad_lines_share(path, encoding) for encoding in encodings}
    best = min(encodings, key=lambda encoding: bad[encoding])
    if bad[best] > _BAD_LINES_SHARE:
        raise InputError(
            reason=f"{path.name}: utf-8 / utf-16 / cp949 인코딩이 아니에요. / not in one of these encodings"
        )
    return TextForm(best, damaged=True)


def _utf16_names(head: bytes) -> tuple[str, ...]:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if b"\x00" not in head:
        return ()
    # Every second byte of Latin letters, separators and line ends is 0 in UTF-16.
    return ("utf-16-le",) if head[1::2].count(0) >= head[::2].count(0) else ("utf-16-be",)


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding) as stream:
            while stream.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _bad_lines_share(path: Path, encoding: str) -> float:
    bad = lines = 0
    with path.open("rb") as stream:
        for raw in stream:
            lines += 1
            try:
                raw.decode(encoding)
            except UnicodeDecodeError:
                bad += 1
    return bad / max(1, lines)


def check_text(text: str) -> None:
    """Raise `RowProblem` where a row holds bytes that could not be decoded."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RowProblem("encoding_invalid", "bytes that are not in the file's encoding") from error


def csv_rows(path: Path) -> Iterator[Cells]:
    """Yield the rows of a CSV or TSV file, the header among them; blank rows are left out."""
    form, size = text_form(path), path.stat().st_size or 1
    raw, stream = form.open(path)
    with stream:
        reader = csv.reader(stream, delimiter=_separator(path, form))
        number = 0
        while True:
            number += 1
            values: tuple[str, ...] | RowProblem
            try:
                values = tuple(next(reader))
                if form.damaged:
                    check_text("".join(values))
            except StopIteration:
                return
            except csv.Error as error:
                values = RowProblem("row_unreadable", str(error))
            except RowProblem as problem:
                values = problem
            if isinstance(values, RowProblem) or any(value.strip() for value in values):
                yield Cells(number, values, raw.tell() / size)


def _separator(path: Path, form: TextForm) -> str:
    """Return the separator that the first rows have most of; a tab for .tsv."""
    if path.suffix.lower() == ".tsv":
        return "\t"
    _, stream = form.open(path)
    with stream:
        sample = stream.readline(_CELL_CHARACTERS)
    return max(_SEPARATORS, key=sample.count)


def xlsx_rows(path: Path, sheet: str | None = None) -> Iterator[Cells]:
    """Yield the rows of one sheet (the first where not named), blank ones left out.

    Raises:
        DependencyMissingError: The extra ``collect`` is not installed.
        InputError: Not an .xlsx file, or no such sheet.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise DependencyMissingError(extra="collect") from error
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        names = book.sheetnames
        if sheet is not None and sheet not in names:
            raise InputError(reason=f"{path.name}: --sheet {sheet!r} ({', '.join(names)})")
        pages = book[sheet] if sheet else book.worksheets[0]
        last = pages.max_row or 0
        for number, row in enumerate(pages.iter_rows(values_only=True), start=1):
            values = tuple(_cell(value) for value in row)
            if any(values):
                yield Cells(number, values, min(1.0, number / last) if last else 0.0)
        book.close()
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError, SyntaxError) as error:
        # SyntaxError: what the standard library's XML parser raises (ParseError).
        raise InputError(reason=f"{path.name}: .xlsx 파일을 읽지 못했어요. / not a readable .xlsx file") from error


def _cell(value: Any) -> str:
    """Return a cell as it reads: whole numbers without a point, dates year first."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
