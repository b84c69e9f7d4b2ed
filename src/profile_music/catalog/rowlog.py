"""A file of rows that grows row by row and survives being cut off: the way to go on after an interruption."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from profile_music.errors import FileMissingError, InputError


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSONL file.

    Raises:
        FileMissingError: There is no such file.
        InputError: A line is not a JSON object; it is named.
    """
    if not path.is_file():
        raise FileMissingError(path=str(path))
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            if not raw.strip():
                continue
            row = _row(raw)
            if row is None:
                raise InputError(reason=f"{path.name}:{number}: JSONL")
            yield row


def _row(raw: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(raw.decode("utf-8-sig"))
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


class RowLog:
    """Appends rows to a JSONL file, each on disk as soon as it is written. Use as a context manager."""

    def __init__(self, path: Path, *, resume: bool) -> None:
        """Start a new file, or go on with one.

        Raises:
            InputError: The file has rows and `resume` was not asked for.
        """
        self.path = path
        if path.exists() and path.stat().st_size and not resume:
            raise InputError(reason=f"{path}: 이미 있는 파일이에요. 이어서 하려면 --resume / exists; use --resume")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Return the log."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._stream:
            self._stream.close()

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the whole rows that the file holds; a torn last one is cut off."""
        if not self.path.exists():
            return
        whole = 0
        with self.path.open("rb") as stream:
            for raw in stream:
                row = _row(raw) if raw.endswith(b"\n") else None
                if row is None:
                    break
                whole += len(raw)
                yield row
        if whole < self.path.stat().st_size:
            with self.path.open("r+b") as stream:
                stream.truncate(whole)

    def write(self, row: Mapping[str, Any]) -> None:
        """Append one row."""
        if self._stream is None:
            self._stream = self.path.open("ab")
        self._stream.write(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n")
        self._stream.flush()
