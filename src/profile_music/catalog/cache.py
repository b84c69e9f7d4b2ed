"""Fetched pages on disk: asked once, kept for a while, written atomically."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

_MISS_AGE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Page:
    """What an address answered: the status (200 or 404) and the body's bytes."""

    url: str
    status: int
    body: bytes
    content_type: str = ""

    @property
    def found(self) -> bool:
        """Whether the address exists."""
        return self.status == 200


class PageCache:
    """A folder of pages by address. A kill at any moment leaves whole pages only."""

    def __init__(self, folder: Path, max_age_s: float, clock: Callable[[], float] = time.time) -> None:
        """Keep pages in `folder` for `max_age_s` seconds, and answers of "not found" for a quarter of that."""
        self._folder = folder
        self._max_age_s = max_age_s
        self._clock = clock

    def _path(self, key: str) -> Path:
        digest = hashlib.sha256(key.encode("utf-8")).hexdigest()
        return self._folder / digest[:2] / f"{digest[2:34]}.page"

    def get(self, key: str) -> Page | None:
        """Return the page kept for `key`, or None where there is none, it is too old, or the file is damaged."""
        path = self._path(key)
        try:
            head, _, body = path.read_bytes().partition(b"\n")
            facts = json.loads(head)
            age_s = self._clock() - float(facts.pop("fetched_at"))
            if facts.pop("bytes") != len(body):
                return None
            page = Page(body=body, **facts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        limit = self._max_age_s if page.found else self._max_age_s * _MISS_AGE_SHARE
        return page if 0 <= age_s <= limit else None

    def put(self, key: str, page: Page) -> None:
        """Keep a page."""
        facts = asdict(page)
        body: bytes = facts.pop("body")
        head = json.dumps({**facts, "bytes": len(body), "fetched_at": self._clock()})
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(head.encode("utf-8") + b"\n" + body)
        temporary.replace(path)
