"""Songs that a text names, by their artist or by their title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from profile_music.index import IndexQuery
from profile_music.ranking import plain_name, title_key
from profile_music.text.lexical import tokens
from profile_music.types import LineHit

if TYPE_CHECKING:
    from profile_music.index.protocol import SongIndex

ARTIST_SONGS = 3
"""So many songs of named artists come first; the others answer what else the text says."""
_TITLES_LOOKED_AT = 30
_FEELING = 2.0
_SHORT_TITLE = 2
"""A title of so few letters ("오늘", "비") is meant only where the text marks it as a name."""


def named_first(
    index: SongIndex, query: IndexQuery, hits: list[LineHit], mentioned: Mapping[str, bool]
) -> list[LineHit]:
    """Return hits with the songs that a text names (by title, then by artist) ahead of the rest, marked as named.

    Songs of an artist stand as `query` scores them, with more weight on the feeling. Names cost two more searches.

    Args:
        index: The catalogue.
        query: What `hits` answer.
        hits: Best first.
        mentioned: Names and whether they are marked as such, as `text.mentions` returns them.
    """
    names = [name for name in mentioned if plain_name(name)]
    titles = [name for name in names if mentioned[name] or len(plain_name(name)) > _SHORT_TITLE]
    if not names:
        return hits
    usual = {hit.song_index: hit for hit in hits}
    found: dict[int, LineHit] = {}
    for hit in (*_titled(index, query, titles), *_by_artists(index, query, names)):
        found.setdefault(hit.song_index, replace(usual.get(hit.song_index, hit), score=hit.score, named=True))
    ahead = hits[0].score if hits else 0.0
    named = [replace(hit, score=hit.score + ahead) for hit in found.values()]
    return named + [hit for hit in hits if hit.song_index not in found]


def _by_artists(index: SongIndex, query: IndexQuery, names: Sequence[str]) -> list[LineHit]:
    if query.filter.artists:
        return []
    chosen = replace(query.filter, artists=tuple(names))
    # With the artist given, the feeling tells more than lines that happen to hold the word "노래".
    return index.search(replace(query, filter=chosen, emotion_weight=query.emotion_weight * _FEELING), ARTIST_SONGS)


def _titled(index: SongIndex, query: IndexQuery, names: Sequence[str]) -> list[LineHit]:
    """Return the songs whose title is exactly one of `names`: found by their words, then compared."""
    if not names:
        return []
    wanted = {plain_name(name) for name in names}
    vectors = np.zeros((len(names), query.vectors.shape[1]), dtype=np.float32)
    about = replace(
        query, vectors=vectors, tokens=[tokens(name) for name in names], topics=(), emotion=None,
        semantic_weight=0.0, lexical_weight=1.0, about_weight=1.0,
    )  # fmt: skip
    hits = index.search(about, _TITLES_LOOKED_AT)
    return [hit for hit in hits if title_key(index.song(hit.song_index))[0] in wanted]
