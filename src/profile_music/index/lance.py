"""A catalogue larger than one machine: LanceDB tables in a folder or a bucket (extra: scale).

Two tables, `songs` and `lines`, and the same `manifest.json` as every catalogue, which names the version of each
table: a reader opens exactly those, so a writer that is half-way is never seen, and readers need no state of their
own. Candidates come from the vector index (IVF with refinement, or a scan where there is none); their scores are then
computed exactly, from full vectors and full tokens, as `LyricIndex` computes them. Songs that share a topic with the
query are candidates too. The lexical channel only re-orders candidates; it does not find lines by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.errors import CatalogDamagedError, DependencyMissingError
from profile_music.index.arrays import read_array
from profile_music.index.lance_scores import BestLines, TokenRows, concatenated, vectors_of
from profile_music.index.lexical import bucket_counts
from profile_music.index.manifest import Manifest
from profile_music.index.search import IndexQuery, SongFilter
from profile_music.index.writer import DECADE_YEARS, artist_key
from profile_music.types import EmotionScores, LineHit, Song

_LINES_PER_SONG = 8
# Words, topics and feelings re-order what vectors find, so few songs are chosen out of more.
_LEAST_SONGS = 100
_SONG_COLUMNS = (
    "song_key", "record", "feeling", "about_vector", "about_buckets", "about_counts", "topic_buckets", "topic_counts",
)  # fmt: skip
_TOPIC_SONGS = 50
_PROBES = 32
_REFINE = 8
_REFINED_ROWS = 6400
_KEPT_ROWS = 20_000
_ROW_BITS = 12
MAX_LINES = 1 << _ROW_BITS
"""Most lines of one song: a line's number is its song's key, shifted, plus its row in the song."""


def connect(location: str) -> Any:
    """Return a LanceDB connection; region and endpoint of a bucket are those that boto3 would use.

    Raises:
        DependencyMissingError: The extra is not installed.
    """
    try:
        import lancedb
    except ImportError as error:
        raise DependencyMissingError(extra="scale") from error
    if not location.startswith("s3://"):
        return lancedb.connect(location)
    from profile_music.index.s3 import S3Store

    facts = S3Store(location).client.meta
    options = {"region": facts.region_name, "endpoint": facts.endpoint_url}
    if facts.endpoint_url.startswith("http://"):
        options["allow_http"] = "true"
    return lancedb.connect(location.rstrip("/"), storage_options=options)


class LanceIndex:
    """One version of a LanceDB catalogue. Immutable and thread-safe; holds only what answers needed lately."""

    def __init__(self, location: str, folder: Path, manifest: Manifest) -> None:
        """Open the tables at the versions that the manifest names.

        Args:
            location: The tables' folder or bucket.
            folder: Where the manifest's files lie (token frequencies).
            manifest: The version to open.

        Raises:
            CatalogDamagedError: A table or its version is gone.
            DependencyMissingError: The extra is not installed.
        """
        self._manifest = manifest
        database = connect(location)
        self._songs, self._lines = (_opened(database, name, manifest) for name in ("songs", "lines"))
        rows = {"lexical": manifest.lines, "about": manifest.songs, "topics": manifest.songs}
        self._idf = {
            name: idf(_array(folder, manifest, f"{name}_frequency.npy"), count) for name, count in rows.items()
        }
        self._has_index = bool(self._lines.list_indices())
        self._records: dict[int, Song] = {}
        self._texts: dict[int, str] = {}
        self._lock = threading.Lock()

    @property
    def manifest(self) -> Manifest:
        """What the catalogue holds and what built it."""
        return self._manifest

    def __len__(self) -> int:
        """Return the number of songs."""
        return self._manifest.songs

    def song(self, song_index: int) -> Song:
        """Return the song of a hit, without its lines."""
        if song_index not in self._records:
            self._keep(self._records, self._song_rows([song_index]))
        return self._records[song_index]

    def line(self, line_id: int) -> str:
        """Return the text of a hit's line."""
        if line_id not in self._texts:
            key, row = line_id >> _ROW_BITS, line_id & ((1 << _ROW_BITS) - 1)
            found = self._lines.search().where(f"song_key = {key} AND row = {row}").select(["text"]).limit(1).to_list()
            self._keep(self._texts, {line_id: found[0]["text"]})
        return self._texts[line_id]

    def search(self, query: IndexQuery, limit: int) -> list[LineHit]:
        """Return the best songs, each with its best line, best first (see `LyricIndex.search`)."""
        clause = where(query.filter)
        if len(query.vectors) == 0:
            return self._by_feeling(query, clause, limit)
        lines = self._candidates(query, clause, limit)
        if not len(lines):
            return []
        best = BestLines.of(lines, query, self._idf["lexical"])
        songs, others, topics, affinity = self._song_scores(query, best.keys)
        scores = best.scores + others
        chosen = np.lexsort((best.keys, -scores))[:limit]
        line_ids = best.keys << _ROW_BITS | best.rows
        self._keep(self._records, {int(best.keys[at]): _song_of(songs["record"][int(at)].as_py()) for at in chosen})
        self._keep(self._texts, {int(line_ids[at]): best.texts[at] for at in chosen})
        parts = zip(best.keys, line_ids, scores, best.semantic, best.lexical, affinity, topics, strict=True)
        rows = [tuple(value.item() for value in row) for row in parts]
        return [LineHit(*rows[at]) for at in chosen]

    def _by_feeling(self, query: IndexQuery, clause: str, limit: int) -> list[LineHit]:
        wanted = query.emotion or EmotionScores.uniform()
        root = np.sqrt(wanted.as_array()).astype(np.float32)
        search = self._songs.search(root, vector_column_name="feeling").distance_type("dot")
        rows = _filtered(search, clause).limit(limit).select(["song_key", "feeling"]).to_list()
        known = 0.0 if query.emotion is None else 1.0
        closeness = {row["song_key"]: known * float(np.dot(row["feeling"], root)) for row in rows}
        order = sorted(closeness, key=lambda key: (-closeness[key], key))
        return [LineHit(key, -1, query.emotion_weight * closeness[key], 0.0, 0.0, closeness[key]) for key in order]

    def _candidates(self, query: IndexQuery, clause: str, limit: int) -> Any:
        """Return the rows of lines near any sentence, and of songs with the query's topics, as one table."""
        columns = ["song_key", "row", "text", "vector", "buckets", "counts"]
        wanted = max(limit, _LEAST_SONGS) * _LINES_PER_SONG
        found = []
        for vector in query.vectors:
            search = self._lines.search(vector, vector_column_name="vector").distance_type("cosine")
            search = search.nprobes(_PROBES).refine_factor(min(_REFINE, max(1, _REFINED_ROWS // wanted)))
            found.append(_filtered(search, clause).limit(wanted).select([*columns, "_distance"]).to_arrow())
        if keys := self._with_topics(query, clause):
            search = self._lines.search().where(_among("song_key", keys))
            found.append(search.limit(len(keys) * MAX_LINES).select(columns).to_arrow())
        return concatenated([table.select(columns) for table in found])

    def _with_topics(self, query: IndexQuery, clause: str) -> list[int]:
        """Return the songs whose topics fit the query best: their lines may be far from it in words and meaning."""
        buckets = sorted({bucket for topics in query.topics for bucket in bucket_counts(topics)})
        if not (query.topic_weight and buckets and self._has_index):
            return []
        words = " ".join(f"t{bucket:x}" for bucket in buckets)
        search = self._songs.search(words, query_type="fts", fts_columns="topics")
        rows = _filtered(search, clause).limit(_TOPIC_SONGS).select(["song_key", "_score"]).to_list()
        return [row["song_key"] for row in rows]

    def _song_scores(
        self, query: IndexQuery, keys: NDArray[np.int64]
    ) -> tuple[Any, NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return the rows of songs in the order of ascending `keys`, and three figures of each.

        These are what it scores apart from its lines, how close its topics are to the query's, and its feeling.
        """
        found = self._songs.search().where(_among("song_key", keys)).limit(len(keys))
        rows = found.select(list(_SONG_COLUMNS)).to_arrow()
        rows = rows.take(np.argsort(np.asarray(rows["song_key"])))
        scores, topics, affinity = (np.zeros(len(rows), dtype=np.float32) for _ in range(3))
        if query.about_weight:
            semantic = query.vectors @ vectors_of(rows["about_vector"]).T
            lexical = TokenRows.of(rows, "about_").cosines(query.tokens, self._idf["about"])
            both = query.semantic_weight * semantic + query.lexical_weight * lexical
            scores += query.about_weight * both.max(axis=0)
        if query.topic_weight and query.topics:
            topics = TokenRows.of(rows, "topic_").cosines(query.topics, self._idf["topics"]).max(axis=0)
        if query.emotion:
            affinity = vectors_of(rows["feeling"]) @ np.sqrt(query.emotion.as_array()).astype(np.float32)
        return rows, scores + query.topic_weight * topics + query.emotion_weight * affinity, topics, affinity

    def _song_rows(self, keys: Sequence[int]) -> dict[int, Song]:
        rows = self._songs.search().where(_among("song_key", keys)).select(["song_key", "record"]).limit(len(keys))
        return {row["song_key"]: _song_of(row["record"]) for row in rows.to_list()}

    def _keep(self, kept: dict[int, Any], rows: dict[int, Any]) -> None:
        with self._lock:
            kept.update(rows)
            while len(kept) > _KEPT_ROWS:
                del kept[next(iter(kept))]


def _opened(database: Any, name: str, manifest: Manifest) -> Any:
    try:
        table = database.open_table(name)
        table.checkout(int(manifest.notes["tables"][name]))
    except Exception as error:  # lancedb raises untyped errors of its own and of the store
        raise CatalogDamagedError(file=name) from error
    return table


def _song_of(record: str) -> Song:
    import json

    return Song.from_dict(json.loads(record))


def idf(frequency: NDArray[np.int64], rows: int) -> NDArray[np.float32]:
    """Return the inverse document frequency of each token bucket, as `LexicalWriter` computes it."""
    return np.log((1 + rows) / (1 + frequency)).astype(np.float32) + 1


def _array(folder: Path, manifest: Manifest, name: str) -> NDArray[np.int64]:
    return read_array(folder / manifest.files[name].path)


def where(wanted: SongFilter) -> str:
    """Return a filter as SQL; '' where all songs may answer."""
    parts = []
    if wanted.decades:
        parts.append(_among("decade", [int(decade) // DECADE_YEARS * DECADE_YEARS for decade in wanted.decades]))
    if wanted.genres:
        quoted = ["'" + genre.replace("'", "''") + "'" for genre in wanted.genres]
        parts.append(_among("genre", quoted))
    if wanted.artists:
        parts.append(_among("artist_key", [artist_key(name) for name in wanted.artists]))
    if wanted.exclude_artists:
        parts.append("NOT " + _among("artist_key", [artist_key(name) for name in wanted.exclude_artists]))
    if wanted.emotion is not None:
        parts.append(f"emotion = '{wanted.emotion.value}'")
    return " AND ".join(parts)


def _among(column: str, values: Iterable[object]) -> str:
    return f"({column} IN ({', '.join(map(str, values))}))"


def _filtered(search: Any, clause: str) -> Any:
    return search.where(clause, prefilter=True) if clause else search
