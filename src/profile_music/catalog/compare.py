"""What differs between two sets of songs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from profile_music.types import Song


@dataclass(frozen=True, slots=True)
class Difference:
    """Songs by id: only in the second set, only in the first, and in both but changed (with the fields)."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    same: int = 0


def compare(first: Iterable[Song], second: Iterable[Song], first_song: Callable[[int], Song]) -> Difference:
    """Compare by song id; of each set only ids and digests are kept in memory.

    Args:
        first: The first set, in the order that `first_song` counts in.
        second: The second set.
        first_song: Returns a song of the first set with its lines, for telling what changed.
    """
    digests = {song.song_id: (place, _digest(song)) for place, song in enumerate(first)}
    added: list[str] = []
    changed: dict[str, tuple[str, ...]] = {}
    same = 0
    for song in second:
        place, digest = digests.pop(song.song_id, (-1, b""))
        if place < 0:
            added.append(song.song_id)
        elif digest == _digest(song):
            same += 1
        else:
            changed[song.song_id] = changed_fields(first_song(place), song)
    return Difference(tuple(added), tuple(digests), changed, same)


def changed_fields(old: Song, new: Song) -> tuple[str, ...]:
    """Return the names of the fields in which two songs differ."""
    before, after = _facts(old), _facts(new)
    return tuple(name for name in before if before[name] != after.get(name))


def _facts(song: Song) -> dict[str, Any]:
    facts = song.to_dict(with_lines=True)
    del facts["topics"]  # they follow from the lines
    return facts


def _digest(song: Song) -> bytes:
    return hashlib.blake2b(json.dumps(_facts(song), sort_keys=True).encode(), digest_size=12).digest()
