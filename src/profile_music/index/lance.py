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
from profile_music.index.lexical import bucket_counts
from profile_music.index.manifest import Manifest
from profile_music.index.search import IndexQuery, SongFilter
from profile_music.index.writer import DECADE_YEARS, artist_key
from profile_music.types import EmotionScores, LineHit, Song

_LINES_PER_SONG = 8
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
        if not lines["song_key"]:
            return []
        best = _best_lines(lines, query, self._idf["lexical"])
        songs = self._song_scores(query, list(best))
        hits = []
        for key, (score, semantic, lexical, row) in best.items():
            about, topic, affinity = songs[key]
            total = score + query.about_weight * about + query.topic_weight * topic + query.emotion_weight * affinity
            hits.append(LineHit(key, key << _ROW_BITS | row, total, semantic, lexical, affinity, topic))
        hits.sort(key=lambda hit: (-hit.score, hit.song_index))
        texts = {
            key << _ROW_BITS | row: text
            for key, row, text in zip(lines["song_key"], lines["row"], lines["text"], strict=True)
        }
        self._keep(self._texts, {hit.line_id: texts[hit.line_id] for hit in hits[:limit]})
        return hits[:limit]

    def _by_feeling(self, query: IndexQuery, clause: str, limit: int) -> list[LineHit]:
        wanted = query.emotion or EmotionScores.uniform()
        root = np.sqrt(wanted.as_array()).astype(np.float32)
        search = self._songs.search(root, vector_column_name="feeling").distance_type("dot")
        rows = _filtered(search, clause).limit(limit).select(["song_key", "feeling"]).to_list()
        known = 0.0 if query.emotion is None else 1.0
        closeness = {row["song_key"]: known * float(np.dot(row["feeling"], root)) for row in rows}
        order = sorted(closeness, key=lambda key: (-closeness[key], key))
        return [LineHit(key, -1, query.emotion_weight * closeness[key], 0.0, 0.0, closeness[key]) for key in order]

    def _candidates(self, query: IndexQuery, clause: str, limit: int) -> dict[str, Any]:
        """Return the rows of lines near any sentence, and of songs with the query's topics, as columns."""
        columns = ["song_key", "row", "text", "vector", "buckets", "counts"]
        wanted = limit * _LINES_PER_SONG
        found: dict[tuple[int, int], dict[str, Any]] = {}
        for vector in query.vectors:
            search = self._lines.search(vector, vector_column_name="vector").distance_type("cosine")
            search = search.nprobes(_PROBES).refine_factor(min(_REFINE, max(1, _REFINED_ROWS // wanted)))
            rows = _filtered(search, clause).limit(wanted).select([*columns, "_distance"]).to_list()
            found.update({(row["song_key"], row["row"]): row for row in rows})
        if keys := self._with_topics(query, clause):
            rows = self._lines.search().where(_among("song_key", keys)).limit(len(keys) * MAX_LINES)
            found.update({(row["song_key"], row["row"]): row for row in rows.select(columns).to_list()})
        return {name: [row[name] for row in found.values()] for name in columns}

    def _with_topics(self, query: IndexQuery, clause: str) -> list[int]:
        """Return the songs whose topics fit the query best: their lines may be far from it in words and meaning."""
        buckets = sorted({bucket for topics in query.topics for bucket in bucket_counts(topics)})
        if not (query.topic_weight and buckets and self._has_index):
            return []
        words = " ".join(f"t{bucket:x}" for bucket in buckets)
        search = self._songs.search(words, query_type="fts", fts_columns="topics")
        rows = _filtered(search, clause).limit(_TOPIC_SONGS).select(["song_key", "_score"]).to_list()
        return [row["song_key"] for row in rows]

    def _song_scores(self, query: IndexQuery, keys: Sequence[int]) -> dict[int, tuple[float, float, float]]:
        """Return what each song is about against the query, its topics', and its affinity to the wanted feeling."""
        rows = self._songs.search().where(_among("song_key", keys)).limit(len(keys)).to_list()
        self._keep(self._records, {row["song_key"]: _song_of(row) for row in rows})
        about = np.zeros(len(rows))
        if query.about_weight:
            semantic = query.vectors @ np.asarray([row["about_vector"] for row in rows], dtype=np.float32).T
            lexical = self._cosines("about", "about_", query.tokens, rows)
            about = (query.semantic_weight * semantic + query.lexical_weight * lexical).max(axis=0)
        shared = np.zeros(len(rows))
        if query.topic_weight and query.topics:
            shared = self._cosines("topics", "topic_", query.topics, rows).max(axis=0)
        root = np.sqrt(query.emotion.as_array()) if query.emotion else np.zeros(4)
        return {
            row["song_key"]: (float(score), float(topic), float(np.dot(row["feeling"], root)))
            for row, score, topic in zip(rows, about, shared, strict=True)
        }

    def _cosines(
        self, channel: str, prefix: str, queries: Sequence[Sequence[str]], rows: Sequence[dict[str, Any]]
    ) -> NDArray[np.float32]:
        pairs = [(row[f"{prefix}buckets"], row[f"{prefix}counts"]) for row in rows]
        return np.stack([cosines(tokens, pairs, self._idf[channel]) for tokens in queries])

    def _song_rows(self, keys: Sequence[int]) -> dict[int, Song]:
        rows = self._songs.search().where(_among("song_key", keys)).select(["song_key", "record"]).limit(len(keys))
        return {row["song_key"]: _song_of(row) for row in rows.to_list()}

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


def _song_of(row: dict[str, Any]) -> Song:
    import json

    return Song.from_dict(json.loads(row["record"]))


def idf(frequency: NDArray[np.int64], rows: int) -> NDArray[np.float32]:
    """Return the inverse document frequency of each token bucket, as `LexicalWriter` computes it."""
    return np.log((1 + rows) / (1 + frequency)).astype(np.float32) + 1


def cosines(
    tokens: Iterable[str], rows: Sequence[tuple[Sequence[int], Sequence[int]]], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the TF-IDF cosine of a query's tokens with each row's (buckets, counts), shape (rows,)."""
    counts = bucket_counts(tokens)
    wanted = {bucket: (1 + np.log(count)) * float(weights[bucket]) for bucket, count in counts.items()}
    norm = float(np.sqrt(sum(weight * weight for weight in wanted.values()))) or 1.0
    result = np.zeros(len(rows), dtype=np.float32)
    for number, (buckets, row_counts) in enumerate(rows):
        if len(buckets):
            values = (1 + np.log(np.asarray(row_counts, dtype=np.float32))) * weights[np.asarray(buckets)]
            shared = sum(wanted.get(bucket, 0.0) * value for bucket, value in zip(buckets, values, strict=True))
            result[number] = shared / (norm * float(np.sqrt(np.square(values).sum())))
    return result


def _best_lines(
    lines: dict[str, Any], query: IndexQuery, weights: NDArray[np.float32]
) -> dict[int, tuple[float, float, float, int]]:
    """Return each song's best line: (score, cosine, lexical cosine, row in the song)."""
    semantic = query.vectors @ np.asarray(lines["vector"], dtype=np.float32).T
    pairs = list(zip(lines["buckets"], lines["counts"], strict=True))
    lexical = np.stack([cosines(tokens, pairs, weights) for tokens in query.tokens])
    scores = query.semantic_weight * semantic + query.lexical_weight * lexical
    sentence = scores.argmax(axis=0)
    best: dict[int, tuple[float, float, float, int]] = {}
    for number, key in enumerate(lines["song_key"]):
        at = (int(sentence[number]), number)
        row = (float(scores[at]), float(semantic[at]), float(lexical[at]), int(lines["row"][number]))
        if key not in best or row[0] > best[key][0]:
            best[key] = row
    return best


def _array(folder: Path, manifest: Manifest, name: str) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.load(folder / manifest.files[name].path, allow_pickle=False)
    return found


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


def _among(column: str, values: Sequence[object]) -> str:
    return f"({column} IN ({', '.join(map(str, values))}))"


def _filtered(search: Any, clause: str) -> Any:
    return search.where(clause, prefilter=True) if clause else search
