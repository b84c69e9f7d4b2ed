"""Hits to songs: distinct titles, few songs an artist, and fresh picks where asked."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from profile_music.types import EMOTIONS, EmotionScores, LineHit, Song

FRESH_SPREAD = 0.06
"""Scale of the seeded noise that `fresh` adds to scores: about the distance between the first and the tenth song."""

LEAD_AMONG, LEAD_CERTAINTY, LEAD_MARGIN = 5, 0.7, 0.2
"""Who may go first for the feeling's sake: one of the first so many, where the feeling is this probable and the song
scores at most this much less. Chosen on the development halves of our status messages and emotional texts."""


@dataclass(frozen=True, slots=True)
class RankingOptions:
    """How an answer is put together.

    Attributes:
        mood: ``match`` looks for songs of the same feeling, ``lift`` for songs that lift or console.
        fresh_seed: A number shuffles songs of nearly equal score, the same way for the same number.
        exclude_ids: Songs that must not appear (skipped or already shown).
        songs_per_artist: Most songs of one artist.
    """

    mood: Literal["match", "lift"] = "match"
    fresh_seed: int | None = None
    exclude_ids: frozenset[str] = frozenset()
    songs_per_artist: int = 1


def title_key(song: Song) -> tuple[str, str]:
    """Return what makes two records the same song: title without brackets and artist, without case and spaces."""
    title = song.title.split("(")[0].strip() or song.title
    return plain_name(title), plain_name(song.artist)


def plain_name(text: str) -> str:
    """Return a name without case, spaces and punctuation, for comparing."""
    return "".join(character for character in text.casefold() if character.isalnum())


def rank(
    hits: Iterable[LineHit],
    song_of: Callable[[int], Song],
    options: RankingOptions,
    top_k: int,
    wanted: EmotionScores | None = None,
) -> list[tuple[LineHit, Song]]:
    """Choose the answer's songs from hits in order of score.

    Songs of one artist beyond `songs_per_artist` are only used where there are too few others, or the text names them.
    The first song is one of the `wanted` feeling where that is nearly certain and such a song scores nearly as high.
    """
    count = max(top_k, LEAD_AMONG)
    ordered = _freshened(hits, options.fresh_seed)
    chosen: list[tuple[LineHit, Song]] = []
    spare: list[tuple[LineHit, Song]] = []
    titles: set[tuple[str, str]] = set()
    artists: Counter[str] = Counter()
    for hit in ordered:
        if len(chosen) == count:
            break
        song = song_of(hit.song_index)
        if song.song_id in options.exclude_ids or title_key(song) in titles:
            continue
        titles.add(title_key(song))
        artist = plain_name(song.artist)
        artists[artist] += 1
        room = hit.named or artists[artist] <= options.songs_per_artist
        (chosen if room else spare).append((hit, song))
    return _led(chosen + spare, wanted)[:top_k]


def _led(ordered: list[tuple[LineHit, Song]], wanted: EmotionScores | None) -> list[tuple[LineHit, Song]]:
    if wanted is None or wanted.confidence < LEAD_CERTAINTY or not ordered or ordered[0][0].named:
        return ordered
    least = ordered[0][0].score - LEAD_MARGIN
    for place, (hit, song) in enumerate(ordered[:LEAD_AMONG]):
        if song.emotions and song.emotions.top == wanted.top and hit.score >= least:
            return [ordered[place], *ordered[:place], *ordered[place + 1 :]]
    return ordered


def _freshened(hits: Iterable[LineHit], seed: int | None) -> list[LineHit]:
    ordered = list(hits)
    if seed is None:
        return ordered
    # The noise hangs on seed and song alone, so that the order of equal requests is equal.
    noise = {hit.song_index: random.Random(f"{seed}:{hit.song_index}").gauss(0, FRESH_SPREAD) for hit in ordered}
    return sorted(ordered, key=lambda hit: -(hit.score + noise[hit.song_index]))


# What lifts or consoles: each row is a felt emotion, each number the weight of the songs' emotion
# (happy, angry, sad, neutral). Sadness is met with comfort first: mood repair by music works better after some
# matching (iso principle, Altshuler 1948).
_LIFT = {
    "happy": (0.9, 0.0, 0.0, 0.1),
    "angry": (0.45, 0.1, 0.0, 0.45),
    "sad": (0.5, 0.0, 0.05, 0.45),
    "neutral": (0.75, 0.0, 0.0, 0.25),
}


def lifted(emotion: EmotionScores) -> EmotionScores:
    """Return the feeling of songs that lift or console somebody who feels `emotion`."""
    rows = [[emotion[name] * weight for weight in weights] for name, weights in _LIFT.items()]
    return EmotionScores.from_sequence([sum(column) for column in zip(*rows, strict=True)])


def blended(parts: Collection[tuple[EmotionScores, float]]) -> EmotionScores | None:
    """Return the weighted mean of feelings, or None where nothing has weight."""
    if sum(weight for _, weight in parts) <= 0:
        return None
    columns = zip(*(scores.as_array() * weight for scores, weight in parts), strict=True)
    return EmotionScores.from_sequence([float(sum(column)) for column in columns])


def certainty(scores: EmotionScores) -> float:
    """Return how much probabilities say: 0 for uniform, 1 for certain (one minus the normalised entropy)."""
    entropy = -sum(float(p) * math.log(p) for p in scores.as_array() if p > 0)
    return 1 - entropy / math.log(len(EMOTIONS))
