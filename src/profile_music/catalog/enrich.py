"""Rows of songs to richer rows: covers and previews from iTunes Search, lyrics from LRCLIB; never for a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from profile_music.catalog import itunes, lrclib
from profile_music.catalog.fetch import PoliteClient
from profile_music.catalog.itunes import StoreTrack
from profile_music.catalog.lrclib import LyricTrack
from profile_music.catalog.matching import THRESHOLD, match

Track = TypeVar("Track", StoreTrack, LyricTrack)
FOUND, HAD, NONE = "found", "had", "none"


@dataclass(frozen=True, slots=True)
class Enriched:
    """A row with what was found; `outcomes` by wish (cover, preview, lyrics): found, had, or none."""

    row: dict[str, Any]
    outcomes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Enricher:
    """Looks for what rows lack.

    Attributes:
        client: The polite client; give it a cache.
        covers: Whether to look for covers.
        previews: Whether to look for previews.
        lyrics: Whether to look for lyrics.
        threshold: Least likeness of title and artist, 0..100.
        itunes_url: Where iTunes Search is.
        lrclib_url: Where LRCLIB is.
    """

    client: PoliteClient
    covers: bool = False
    previews: bool = False
    lyrics: bool = False
    threshold: float = THRESHOLD
    itunes_url: str = itunes.BASE_URL
    lrclib_url: str = lrclib.BASE_URL

    def enrich(self, row: Mapping[str, Any]) -> Enriched:
        """Look for what one row lacks; what it has stays as it is.

        Raises:
            CollectError: A site forbids, refuses, or does not answer (see `PoliteClient.get`).
        """
        title, artist = str(row.get("title") or "").strip(), str(row.get("artist") or "").strip()
        wanted = {"cover": self.covers, "preview": self.previews, "lyrics": self.lyrics}
        outcomes = {wish: HAD if _has(row, wish) else NONE for wish, asked in wanted.items() if asked}
        missing = [wish for wish, outcome in outcomes.items() if outcome == NONE] if title and artist else []
        new: dict[str, str] = {}
        if "cover" in missing or "preview" in missing:
            new |= self._from_store(title, artist, missing)
        if "lyrics" in missing:
            new |= self._lyrics(title, artist)
        outcomes |= {wish: FOUND for wish in missing if _has(new, wish)}
        return Enriched({**row, **new}, outcomes)

    def _from_store(self, title: str, artist: str, missing: Sequence[str]) -> dict[str, str]:
        answer = self.client.get(itunes.search_url(self.itunes_url, title, artist))
        track = self._best(itunes.parse_results(answer.body), title, artist, lambda track: bool(track.store_url))
        if track is None:
            return {}
        new = {f"{wish}_url": getattr(track, f"{wish}_url") for wish in missing if wish != "lyrics"}
        found = {name: value for name, value in new.items() if value}
        # The store lends pictures and previews only beside its link.
        return {**found, "store_url": track.store_url} if found else {}

    def _lyrics(self, title: str, artist: str) -> dict[str, str]:
        for address in (lrclib.get_url, lrclib.search_url):
            answer = self.client.get(address(self.lrclib_url, title, artist))
            tracks = lrclib.parse_tracks(answer.body) if answer.found else []
            track = self._best(tracks, title, artist, lambda track: bool(track.lyrics))
            if track is not None:
                return {"lyrics": track.lyrics, "lyrics_source": f"lrclib:{track.entry_id}"}
        return {}

    def _best(self, tracks: Iterable[Track], title: str, artist: str, usable: Callable[[Track], bool]) -> Track | None:
        """Return the track most like the wanted one, the first of equals; None where none is like it enough."""
        scored = [
            (match(title, artist, track.title, track.artist, track.album).score, track)
            for track in tracks
            if usable(track)
        ]
        score, best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
        return best if score >= self.threshold else None


def _has(row: Mapping[str, Any], wish: str) -> bool:
    return bool(row.get("lyrics") or row.get("lines")) if wish == "lyrics" else bool(row.get(f"{wish}_url"))
