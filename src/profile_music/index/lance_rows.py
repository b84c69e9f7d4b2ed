"""Songs as rows of the LanceDB tables `songs` and `lines`: Arrow, built column by column from arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.errors import CatalogError, DependencyMissingError
from profile_music.index.lance import MAX_LINES
from profile_music.index.lexical import BUCKETS, Postings, postings_of
from profile_music.index.writer import DECADE_YEARS, Tokens, artist_key
from profile_music.types import EMOTIONS, Song, Vectors

COUNTED = {"lexical": ("lines", ""), "about": ("songs", "about_"), "topics": ("songs", "topic_")}
"""Each lexical channel's table and the prefix of its two columns there, `buckets` and `counts`."""


@dataclass(frozen=True, slots=True)
class SongRows:
    """Rows of both tables (`pyarrow.Table`) for the same songs."""

    songs: Any
    lines: Any

    def frequencies(self) -> dict[str, NDArray[np.int64]]:
        """Return in how many rows each token bucket stands, by channel."""
        tables = {"songs": self.songs, "lines": self.lines}
        return {name: count_buckets(tables[table][f"{prefix}buckets"]) for name, (table, prefix) in COUNTED.items()}

    def save(self, path: Path) -> None:
        """Write both tables into one file, in one step."""
        pa = _pyarrow()
        temporary = path.with_name(f".{path.name}")
        with pa.OSFile(str(temporary), "wb") as stream:
            for table in (self.songs, self.lines):
                with pa.ipc.new_stream(stream, table.schema) as writer:
                    writer.write_table(table)
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> SongRows:
        """Read what `save` wrote."""
        pa = _pyarrow()
        with pa.OSFile(str(path), "rb") as stream:
            return cls(*(pa.ipc.open_stream(stream).read_all() for _ in range(2)))


def song_key(song_id: str) -> int:
    """Return a song's number in the tables: 50 bits of a hash, so that a line's number fits 63."""
    return int.from_bytes(hashlib.blake2b(song_id.encode("utf-8"), digest_size=8).digest(), "big") >> 14


def song_rows(
    songs: Sequence[Song], vectors: Vectors, tokens: Tokens, about_vectors: Vectors, about_tokens: Tokens
) -> SongRows:
    """Return the rows of songs (arguments as for `CatalogWriter.add`).

    Raises:
        CatalogError: The counts do not fit, or a song has no line, too many, or no emotions.
        DependencyMissingError: The extra is not installed.
    """
    _check(songs, vectors, tokens, about_vectors, about_tokens)
    pa = _pyarrow()
    width = vectors.shape[1]
    facts = {name: np.array([fact(song) for song in songs]) for name, (_, fact) in _FACTS.items()}
    counts = [len(song.lines) for song in songs]
    topics = [[name for name, count in song.topics.items() for _ in range(count)] for song in songs]
    records = [json.dumps(song.to_dict() | {"topics": dict(song.topics)}, ensure_ascii=False) for song in songs]
    topic_lists = _bucket_lists(topics)
    feelings = np.sqrt([song.emotions.as_array() for song in songs if song.emotions]).astype(np.float32)
    return SongRows(
        pa.table([*facts.values(), records, _fixed(feelings), _fixed(about_vectors), *_bucket_lists(about_tokens),
                  *topic_lists, [topic_words(found.as_py()) for found in topic_lists[0]]], schema=songs_schema(width)),
        pa.table([*(np.repeat(values, counts) for values in facts.values()),
                  np.concatenate([np.arange(count) for count in counts]),
                  [line for song in songs for line in song.lines], _fixed(vectors), *_bucket_lists(tokens)],
                 schema=lines_schema(width)),
    )  # fmt: skip


def topic_words(buckets: Iterable[int]) -> str:
    """Return token buckets as words, for the full-text index of the songs' topics."""
    return " ".join(f"t{bucket:x}" for bucket in buckets)


def count_buckets(lists: Any) -> NDArray[np.int64]:
    """Return how many of an Arrow column's lists hold each token bucket."""
    values = lists.combine_chunks().flatten() if lists.num_chunks != 1 else lists.chunk(0).flatten()
    return np.bincount(np.asarray(values), minlength=BUCKETS).astype(np.int64)


def songs_schema(width: int) -> Any:
    """Return the schema of the table `songs` for vectors of so many dimensions."""
    pa = _pyarrow()
    numbers = pa.list_(pa.int32())
    return pa.schema([
        *_facts_schema(), ("record", pa.string()), ("feeling", pa.list_(pa.float32(), len(EMOTIONS))),
        ("about_vector", pa.list_(pa.float32(), width)), ("about_buckets", numbers), ("about_counts", numbers),
        ("topic_buckets", numbers), ("topic_counts", numbers), ("topics", pa.string()),
    ])  # fmt: skip


def lines_schema(width: int) -> Any:
    """Return the schema of the table `lines`."""
    pa = _pyarrow()
    numbers = pa.list_(pa.int32())
    return pa.schema([
        *_facts_schema(), ("row", pa.int32()), ("text", pa.string()), ("vector", pa.list_(pa.float32(), width)),
        ("buckets", numbers), ("counts", numbers),
    ])  # fmt: skip


_FACTS: dict[str, tuple[str, Callable[[Song], object]]] = {
    "song_key": ("int64", lambda song: song_key(song.song_id)),
    "decade": ("int64", lambda song: (song.year or 0) // DECADE_YEARS * DECADE_YEARS),
    "artist_key": ("int64", lambda song: artist_key(song.artist)),
    "genre": ("string", lambda song: song.genre),
    "emotion": ("string", lambda song: song.emotions.top.value if song.emotions else ""),
}
"""The columns that both tables have, to filter on."""


def _facts_schema() -> list[Any]:
    pa = _pyarrow()
    return [(name, pa.type_for_alias(kind)) for name, (kind, _) in _FACTS.items()]


def _check(
    songs: Sequence[Song], vectors: Vectors, tokens: Tokens, about_vectors: Vectors, about_tokens: Tokens
) -> None:
    if not len(vectors) == len(tokens) == sum(len(song.lines) for song in songs):
        raise CatalogError(reason="vectors and lines differ in number")
    if not len(about_vectors) == len(about_tokens) == len(songs):
        raise CatalogError(reason="about vectors and songs differ in number")
    if any(not song.lines or song.emotions is None for song in songs):
        raise CatalogError(reason="a song has no lines or no emotions")
    if any(len(song.lines) > MAX_LINES for song in songs):
        raise CatalogError(reason=f"a song has more than {MAX_LINES} lines")


def _fixed(vectors: NDArray[np.float32]) -> Any:
    flat = np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1)
    return _pyarrow().FixedSizeListArray.from_arrays(flat, vectors.shape[1])


def _bucket_lists(tokens: Tokens) -> tuple[Any, Any]:
    """Return each line's token buckets and their counts, as two columns of lists."""
    postings = tokens if isinstance(tokens, Postings) else postings_of(tokens)
    order = np.argsort(postings.block[1], kind="stable")
    buckets, rows, counts = postings.block[:, order]
    ends = np.cumsum(np.bincount(rows, minlength=len(postings)))
    starts = np.concatenate([[0], ends]).astype(np.int32)
    lists = _pyarrow().ListArray
    return lists.from_arrays(starts, buckets), lists.from_arrays(starts, counts)


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise DependencyMissingError(extra="scale") from error
    return pyarrow
