"""What the recommender needs of a catalogue, whatever engine searches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from profile_music.index.manifest import Manifest
from profile_music.types import LineHit, Song

if TYPE_CHECKING:
    from profile_music.index.search import IndexQuery


class SongIndex(Protocol):
    """One version of a catalogue, open for searching. Immutable and thread-safe.

    `LyricIndex` (exact, memory-mapped) and `LanceIndex` (larger than one machine) are the two engines.
    """

    @property
    def manifest(self) -> Manifest:
        """What this version holds and what built it."""
        ...

    def __len__(self) -> int:
        """Return the number of songs."""
        ...

    def search(self, query: IndexQuery, limit: int) -> list[LineHit]:
        """Return the best songs, each with its best line and its affinity to the wanted feeling, best first."""
        ...

    def song(self, song_index: int) -> Song:
        """Return the song of a hit, without its lines."""
        ...

    def line(self, line_id: int) -> str:
        """Return the text of a hit's line."""
        ...
