"""iTunes Search: covers and 30-second previews. Pure functions; lent only beside a link to the store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

BASE_URL = "https://itunes.apple.com"
DELAY_S = 3.2
"""About 20 calls a minute are allowed."""
_SMALL, _LARGE = "100x100bb", "600x600bb"


@dataclass(frozen=True, slots=True)
class StoreTrack:
    """One song of the store."""

    title: str
    artist: str
    album: str = ""
    store_url: str = ""
    preview_url: str = ""
    cover_url: str = ""


def search_url(base_url: str, title: str, artist: str, limit: int = 25) -> str:
    """Return the address that searches the Korean store for a song."""
    query = {"term": f"{artist} {title}", "country": "KR", "media": "music", "entity": "song", "limit": limit}
    return f"{base_url}/search?{urlencode(query)}"


def parse_results(body: bytes) -> list[StoreTrack]:
    """Return the songs of an answer; what is not one is left out."""
    try:
        rows = json.loads(body.decode("utf-8", errors="replace")).get("results")
    except (ValueError, AttributeError, RecursionError):
        return []
    tracks = (_track(row) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()
    return [track for track in tracks if track.title and track.artist]


def _track(row: dict[str, Any]) -> StoreTrack:
    return StoreTrack(
        title=_text(row, "trackName"),
        artist=_text(row, "artistName"),
        album=_text(row, "collectionName"),
        store_url=_address(row, "trackViewUrl"),
        preview_url=_address(row, "previewUrl"),
        cover_url=_address(row, "artworkUrl100").replace(_SMALL, _LARGE),
    )


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _address(row: dict[str, Any], name: str) -> str:
    text = _text(row, name)
    return text if text.startswith("https://") else ""
