"""LRCLIB, the open collection of lyrics. Pure functions from its answers to lyrics."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

BASE_URL = "https://lrclib.net"
DELAY_S = 1.0
_TIME = re.compile(r"^[ \t]*(?:\[\d+:\d+(?:[.:]\d+)?\][ \t]*)+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LyricTrack:
    """One entry; `lyrics` is empty for instrumentals."""

    entry_id: str
    title: str
    artist: str
    album: str = ""
    lyrics: str = ""


def get_url(base_url: str, title: str, artist: str) -> str:
    """Return the address of the entry with exactly this title and artist."""
    return f"{base_url}/api/get?{urlencode({'track_name': title, 'artist_name': artist})}"


def search_url(base_url: str, title: str, artist: str) -> str:
    """Return the address that searches entries like this title and artist."""
    return f"{base_url}/api/search?{urlencode({'track_name': title, 'artist_name': artist})}"


def parse_tracks(body: bytes) -> list[LyricTrack]:
    """Return the entries of an answer of either address; what is not one is left out."""
    try:
        answer = json.loads(body.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return []
    rows = answer if isinstance(answer, list) else [answer]
    return [_track(row) for row in rows if isinstance(row, dict) and isinstance(row.get("trackName"), str)]


def _track(row: dict[str, Any]) -> LyricTrack:
    plain, synced = _text(row, "plainLyrics"), _text(row, "syncedLyrics")
    lyrics = "" if row.get("instrumental") is True else plain or _TIME.sub("", synced)
    return LyricTrack(
        entry_id=str(row.get("id", "")),
        title=_text(row, "trackName"),
        artist=_text(row, "artistName"),
        album=_text(row, "albumName"),
        lyrics=lyrics.strip(),
    )


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
