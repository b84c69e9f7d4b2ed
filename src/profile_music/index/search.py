"""Exact hybrid search over a catalogue: every line is scored, every song keeps its best line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.errors import CatalogDamagedError
from profile_music.index.catalog import CatalogFiles
from profile_music.index.manifest import Manifest, read_manifest
from profile_music.index.writer import DECADE_YEARS, artist_key
from profile_music.types import EMOTIONS, Emotion, EmotionScores, LineHit, Song, Vectors

_CHUNK_LINES = 1 << 17
# Up to this size float16 vectors are widened once and kept; beyond it they are widened a chunk at a time.
_RESIDENT_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class SongFilter:
    """Which songs may answer; an empty field allows all."""

    decades: tuple[int, ...] = ()
    genres: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    emotion: Emotion | None = None
    exclude_artists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexQuery:
    """What is looked for.

    Attributes:
        vectors: float32 (sentences, dimensions), unit rows; empty for no text.
        tokens: The lexical tokens of the same sentences.
        semantic_weight: Weight of the cosine in a line's score.
        lexical_weight: Weight of the lexical cosine in a line's score.
        about_weight: Weight of a song's title, themes and moods, scored like a line, in its score.
        topics: The concepts of the same sentences.
        topic_weight: Weight of the closeness of a song's topics in its score.
        emotion: The wanted feeling, or None.
        emotion_weight: Weight of the feeling in a song's score.
        filter: Which songs may answer.
    """

    vectors: Vectors
    tokens: Sequence[Sequence[str]]
    semantic_weight: float = 0.5
    lexical_weight: float = 0.5
    about_weight: float = 0.0
    topics: Sequence[Sequence[str]] = ()
    topic_weight: float = 0.0
    emotion: EmotionScores | None = None
    emotion_weight: float = 0.0
    filter: SongFilter = field(default_factory=SongFilter)


class LyricIndex:
    """The searchable catalogue. Immutable; `search` is thread-safe."""

    def __init__(self, files: CatalogFiles) -> None:
        """Search over opened files."""
        self.files = files
        self._codes = files.codes if files.codes is not None and files.codes.usable() else None
        vectors = files.vectors
        if self._codes is None and vectors.dtype != np.float32 and vectors.size * 4 <= _RESIDENT_BYTES:
            vectors = vectors.astype(np.float32)
        self._vectors = vectors
        self._genres = [genre_names(text) for text in files.manifest.genres]

    @classmethod
    def open(cls, folder: Path, *, verify: bool = True) -> LyricIndex:
        """Open a catalogue folder (see `CatalogFiles` for its errors).

        Where versions are published while it opens, it tries again with the newer one.
        """
        manifest = read_manifest(folder)
        try:
            return cls(CatalogFiles(folder, verify=verify))
        except CatalogDamagedError:
            if read_manifest(folder) == manifest:
                raise
            return cls.open(folder, verify=verify)

    @property
    def manifest(self) -> Manifest:
        """What the catalogue holds and what built it."""
        return self.files.manifest

    def __len__(self) -> int:
        """Return the number of songs."""
        return len(self.files)

    def song(self, song_index: int) -> Song:
        """Return one song without its lines."""
        return self.files.song(song_index)

    def line(self, line_id: int) -> str:
        """Return one line's text."""
        return self.files.line(line_id)

    def search(self, query: IndexQuery, limit: int) -> list[LineHit]:
        """Return the best songs, each with its best line, best first; ties keep the catalogue's order.

        A song's score is its best line's score (over all sentences), plus the weighted score of what it is about,
        plus the weighted closeness of its feeling. A query without vectors scores by feeling alone, with line -1.
        """
        lines = self._line_scores(query) if len(query.vectors) else None
        topics = self._topic_closeness(query)
        affinity = self.affinity(query.emotion)
        scores = query.topic_weight * topics + query.emotion_weight * affinity
        if lines is not None:
            scores += self._about_scores(query)
        scores[~self._allowed(query.filter)] = -np.inf
        if lines is not None:
            scores = self._with_best_lines(scores, lines, query, limit)
        best = _top(scores, limit)
        parts = (*self._best_lines(best, lines), affinity[best], topics[best])
        columns = (best, parts[0], scores[best], *parts[1:])
        return [LineHit(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]

    def affinity(self, emotion: EmotionScores | None) -> NDArray[np.float32]:
        """Return how close each song's feeling is to `emotion`, 0..1, shape (songs,).

        The Bhattacharyya coefficient: 1 for the same distribution, 0 for songs that share no feeling with it.
        """
        if emotion is None:
            return np.zeros(len(self), dtype=np.float32)
        wanted = np.sqrt(emotion.as_array()).astype(np.float32)
        result: NDArray[np.float32] = np.sqrt(self.files.emotions) @ wanted
        return result

    def _line_scores(self, query: IndexQuery) -> _LineScores:
        """Return every line's scores: exact, or from codes and off by at most the error that is given with them."""
        lexical = np.stack([self.files.lexical.scores(tokens) for tokens in query.tokens])
        if self._codes is None:
            semantic, error = self._semantic(query.vectors), 0.0
        else:
            semantic, error = self._codes.scores(query.vectors)
        both = query.semantic_weight * semantic
        both += query.lexical_weight * lexical
        return _LineScores(semantic, lexical, both, query.semantic_weight * error)

    def _semantic(self, vectors: Vectors) -> NDArray[np.float32]:
        semantic = np.empty((len(vectors), self.manifest.lines), dtype=np.float32)
        for begin in range(0, self.manifest.lines, _CHUNK_LINES):
            chunk = np.asarray(self._vectors[begin : begin + _CHUNK_LINES], dtype=np.float32)
            np.matmul(vectors, chunk.T, out=semantic[:, begin : begin + len(chunk)])
        return semantic

    def _with_best_lines(
        self, others: NDArray[np.float32], lines: _LineScores, query: IndexQuery, limit: int
    ) -> NDArray[np.float32]:
        """Return the songs' scores: what they have apart from their lines, plus each one's best line.

        Where line scores are approximate, all lines that could be the best of a song that could be among the best are
        scored again from full vectors: what comes out first is what full vectors bring out first.
        """
        first = self.files.first_lines
        best = np.maximum.reduceat(lines.both.max(axis=0), first[:-1])
        scores = others + best
        songs = _within(scores, limit, 2 * lines.error) if lines.error else np.empty(0, dtype=np.intp)
        if not len(songs):
            return scores
        owned, begins, counts = _owned(first, songs)
        near = lines.both[:, owned].max(axis=0) >= np.repeat(best[songs] - 2 * lines.error, counts)
        rows = owned[near]
        lines.semantic[:, rows] = query.vectors @ np.asarray(self._vectors[rows], dtype=np.float32).T
        exact = query.semantic_weight * lines.semantic[:, rows] + query.lexical_weight * lines.lexical[:, rows]
        lines.both[:, rows] = exact
        scores[songs] = others[songs] + np.maximum.reduceat(lines.both[:, owned].max(axis=0), begins)
        return scores

    def _about_scores(self, query: IndexQuery) -> NDArray[np.float32]:
        """Return the weighted score of what each song is about, shape (songs,), best over the sentences."""
        if not query.about_weight:
            return np.zeros(len(self), dtype=np.float32)
        semantic = query.vectors @ np.asarray(self.files.about_vectors, dtype=np.float32).T
        lexical = np.stack([self.files.about.scores(tokens) for tokens in query.tokens])
        scores = query.semantic_weight * semantic + query.lexical_weight * lexical
        result: NDArray[np.float32] = query.about_weight * scores.max(axis=0)
        return result

    def _topic_closeness(self, query: IndexQuery) -> NDArray[np.float32]:
        """Return the closeness (0..1) of each song's topics, shape (songs,), best over the sentences."""
        scores = np.zeros(len(self), dtype=np.float32)
        for topics in query.topics if query.topic_weight else ():
            np.maximum(scores, self.files.topics.scores(topics), out=scores)
        return scores

    def _allowed(self, wanted: SongFilter) -> NDArray[np.bool_]:
        allowed = np.ones(len(self), dtype=bool)
        if wanted.decades:
            allowed &= np.isin(self.files.years // DECADE_YEARS * DECADE_YEARS, wanted.decades)
        if wanted.genres:
            names = frozenset().union(*map(genre_names, wanted.genres))
            allowed &= np.isin(self.files.genre_ids, [i for i, own in enumerate(self._genres) if own & names])
        if wanted.artists:
            allowed &= np.isin(self.files.artist_ids, [artist_key(name) for name in wanted.artists])
        if wanted.exclude_artists:
            allowed &= ~np.isin(self.files.artist_ids, [artist_key(name) for name in wanted.exclude_artists])
        if wanted.emotion is not None:
            allowed &= self.files.emotions.argmax(axis=1) == EMOTIONS.index(wanted.emotion)
        return allowed

    def _best_lines(
        self, songs: NDArray[np.intp], lines: _LineScores | None
    ) -> tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]:
        """Return each song's best line over all sentences (-1 without lines) and its semantic and lexical scores."""
        if lines is None or not len(songs):
            nothing = np.zeros(len(songs), dtype=np.float32)
            return np.full(len(songs), -1, dtype=np.intp), nothing, nothing
        owned, begins, counts = _owned(self.files.first_lines, songs)
        both = lines.both[:, owned]
        of_lines = both.max(axis=0)
        reached = np.flatnonzero(of_lines == np.repeat(np.maximum.reduceat(of_lines, begins), counts))
        firsts = reached[np.searchsorted(reached, begins)]
        sentences, rows = both[:, firsts].argmax(axis=0), owned[firsts]
        return rows, lines.semantic[sentences, rows], lines.lexical[sentences, rows]


@dataclass(frozen=True, slots=True)
class _LineScores:
    """Scores of every line for every sentence, each (sentences, lines); `both` is off by at most `error`."""

    semantic: NDArray[np.float32]
    lexical: NDArray[np.float32]
    both: NDArray[np.float32]
    error: float


def _owned(
    first_lines: NDArray[np.integer[Any]], songs: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the lines of some songs in their order, where each song's begin among them, and how many each has."""
    counts = (first_lines[songs + 1] - first_lines[songs]).astype(np.intp)
    ends = np.cumsum(counts)
    return np.arange(ends[-1]) + np.repeat(first_lines[songs] - (ends - counts), counts), ends - counts, counts


def genre_names(text: str) -> frozenset[str]:
    """Return the genres that a text names ("R&B/Soul, 인디음악" names three), for comparing; empty for none."""
    return frozenset(name for part in re.split(r"[,/;·|]", text.casefold()) if (name := "".join(part.split())))


def _within(scores: NDArray[np.float32], limit: int, slack: float) -> NDArray[np.intp]:
    """Return the positions, in order, of the finite scores that reach the `limit` best but for `slack`."""
    count = min(limit, int(np.isfinite(scores).sum()))
    if count == 0:
        return np.empty(0, dtype=np.intp)
    bound = np.partition(scores, len(scores) - count)[len(scores) - count]
    return np.flatnonzero(scores >= bound - slack)


def _top(scores: NDArray[np.float32], limit: int) -> NDArray[np.intp]:
    """Return the positions of the best finite scores, best first, equal scores in order of position."""
    candidates = _within(scores, limit, 0.0)
    return candidates[np.argsort(-scores[candidates], kind="stable")][:limit]
