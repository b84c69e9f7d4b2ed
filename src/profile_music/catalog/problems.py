"""Why a row of a user's file was not taken, and the report of such rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEPT_ROWS = 1000


class RowProblem(ValueError):
    """Why a row was not taken: a stable code and a sentence."""

    def __init__(self, code: str, reason: str) -> None:
        """Keep both for the report of rejected rows."""
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


@dataclass(slots=True)
class RowReport:
    """What became of the rows.

    Attributes:
        rows: Rows read so far.
        rejected_count: Rows not taken.
        rejected: The first of them (`KEPT_ROWS`): file, row number (from 1), code, reason, and the row itself.
        fraction_read: How far the sources are read, 0..1.
        columns: Of each table, which column was taken for which field.
        unused: Of each table, the columns that were read past.
        sink: Gets every rejected row, so that memory does not grow with a bad file.
    """

    rows: int = 0
    rejected_count: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    fraction_read: float = 0.0
    columns: dict[str, Mapping[str, str]] = field(default_factory=dict)
    unused: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sink: Callable[[Mapping[str, Any]], None] | None = None

    def reject(self, path: Path, number: int, problem: RowProblem, row: Any) -> None:
        """Record a row that was not taken."""
        entry = {"file": path.name, "row": number, "code": problem.code, "reason": problem.reason, "record": row}
        self.rejected_count += 1
        if len(self.rejected) < KEPT_ROWS:
            self.rejected.append(entry)
        if self.sink:
            self.sink(entry)
