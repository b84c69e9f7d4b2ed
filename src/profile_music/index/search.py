"""Exact hybrid search over a catalogue: every line is scored, every song keeps its best line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

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
        vectors = files.vectors
        if vectors.dtype != np.float32 and vectors.size * 4 <= _RESIDENT_BYTES:
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
        scores = np.zeros(len(self), dtype=np.float32)
        semantic, lexical = self._line_scores(query)
        lines = query.semantic_weight * semantic + query.lexical_weight * lexical if len(semantic) else None
        if lines is not None:
            scores += np.maximum.reduceat(lines.max(axis=0), self.files.first_lines[:-1])
            scores += self._about_scores(query)
        topics = self._topic_closeness(query)
        scores += query.topic_weight * topics
        affinity = self.affinity(query.emotion)
        scores += query.emotion_weight * affinity
        scores[~self._allowed(query.filter)] = -np.inf
        best = _top(scores, limit)
        return [
            replace(
                self._hit(int(number), float(scores[number]), lines, semantic, lexical),
                affinity=float(affinity[number]),
                topic=float(topics[number]),
            )
            for number in best
        ]

    def affinity(self, emotion: EmotionScores | None) -> NDArray[np.float32]:
        """Return how close each song's feeling is to `emotion`, 0..1, shape (songs,).

        The Bhattacharyya coefficient: 1 for the same distribution, 0 for songs that share no feeling with it.
        """
        if emotion is None:
            return np.zeros(len(self), dtype=np.float32)
        wanted = np.sqrt(emotion.as_array()).astype(np.float32)
        result: NDArray[np.float32] = np.sqrt(self.files.emotions) @ wanted
        return result

    def _line_scores(self, query: IndexQuery) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return semantic and lexical scores, each (sentences, lines); empty without sentences."""
        sentences = len(query.vectors)
        lines = self.manifest.lines
        semantic = np.empty((sentences, lines), dtype=np.float32)
        lexical = np.empty((sentences, lines), dtype=np.float32)
        for begin in range(0, lines if sentences else 0, _CHUNK_LINES):
            chunk = np.asarray(self._vectors[begin : begin + _CHUNK_LINES], dtype=np.float32)
            np.matmul(query.vectors, chunk.T, out=semantic[:, begin : begin + len(chunk)])
        for number, tokens in enumerate(query.tokens if sentences else ()):
            lexical[number] = self.files.lexical.scores(tokens)
        return semantic, lexical

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

    def _hit(
        self,
        song_index: int,
        score: float,
        lines: NDArray[np.float32] | None,
        semantic: NDArray[np.float32],
        lexical: NDArray[np.float32],
    ) -> LineHit:
        if lines is None:
            return LineHit(song_index, -1, score, 0.0, 0.0)
        owned = self.files.line_ids(song_index)
        block = lines[:, owned.start : owned.stop]
        sentence, offset = np.unravel_index(int(block.argmax()), block.shape)
        line_id = owned.start + int(offset)
        parts = float(semantic[sentence, line_id]), float(lexical[sentence, line_id])
        return LineHit(song_index, line_id, score, *parts)


def genre_names(text: str) -> frozenset[str]:
    """Return the genres that a text names ("R&B/Soul, 인디음악" names three), for comparing; empty for none."""
    return frozenset(name for part in re.split(r"[,/;·|]", text.casefold()) if (name := "".join(part.split())))


def _top(scores: NDArray[np.float32], limit: int) -> NDArray[np.intp]:
    """Return the positions of the best finite scores, best first, equal scores in order of position."""
    count = min(limit, int(np.isfinite(scores).sum()))
    if count == 0:
        return np.empty(0, dtype=np.intp)
    bound = np.partition(scores, len(scores) - count)[len(scores) - count]
    candidates = np.flatnonzero(scores >= bound)
    return candidates[np.argsort(-scores[candidates], kind="stable")][:count]
