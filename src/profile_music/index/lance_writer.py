"""Writing a LanceDB catalogue: songs are added or replaced in pieces, and published in one step."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.checksums import sha256_file
from profile_music.errors import CatalogError, CatalogMissingError, EncoderMismatchError
from profile_music.index.arrays import read_array
from profile_music.index.catalog import CatalogFiles
from profile_music.index.lance import connect
from profile_music.index.lance_rows import (
    COUNTED,
    SongRows,
    count_buckets,
    lines_schema,
    song_key,
    song_rows,
    songs_schema,
)
from profile_music.index.lexical import BUCKETS
from profile_music.index.manifest import FILES_DIR, FileEntry, Manifest
from profile_music.index.source import store_for
from profile_music.index.writer import Tokens, about_text
from profile_music.types import EMOTIONS, Song, Vectors

_BATCH_SONGS = 512
INDEX_FROM_LINES = 100_000
"""From this many lines on a vector index is built; below, a scan is as fast and exact."""
_SUB_WIDTHS = (8, 6, 4, 3, 2, 1)


class LanceWriter:
    """Adds songs to a LanceDB catalogue, or replaces them; readers see nothing until `publish`.

    One writer at a time: a second one's `publish` is refused (CatalogChangedError). What a writer that died had
    written is rolled back by the next.
    """

    def __init__(self, location: str, encoder: Mapping[str, Any], *, fresh: bool = False) -> None:
        """Start from the published version, or (`fresh`) from nothing.

        Raises:
            EncoderMismatchError: The published version was built with another encoder.
        """
        self._location = location
        self._encoder = dict(encoder)
        self._store = store_for(location)
        self._database = connect(location)
        self._etag: str | None = None
        self._frequency = {name: np.zeros(BUCKETS, dtype=np.int64) for name in COUNTED}
        published = self._published()
        self._tables = self._restored(published, fresh=fresh)

    def _published(self) -> Manifest | None:
        try:
            stored = self._store.read_manifest()
        except CatalogMissingError:
            return None
        if stored is None:
            return None
        self._etag = stored.etag
        return Manifest.from_json(stored.text)

    def _restored(self, published: Manifest | None, *, fresh: bool) -> dict[str, Any]:
        """Return the tables as they were published: changes that nobody published are undone."""
        if published is None:
            width = int(self._encoder["dimensions"])
            schemas = {"songs": songs_schema(width), "lines": lines_schema(width)}
            return {name: self._database.create_table(name, schema=s, mode="overwrite") for name, s in schemas.items()}
        if dict(published.encoder) != self._encoder:
            raise EncoderMismatchError(built_with=published.encoder["name"], selected=self._encoder["name"])
        tables = {name: self._database.open_table(name) for name in ("songs", "lines")}
        for name, table in tables.items():
            if table.version != int(published.notes["tables"][name]):
                table.checkout(int(published.notes["tables"][name]))
                table.restore()
            if fresh:
                table.delete("true")
        if not fresh:
            for name, counts in self._frequency.items():
                counts += self._stored_array(published.files[f"{name}_frequency.npy"])
        return tables

    def _stored_array(self, entry: FileEntry) -> NDArray[np.int64]:
        content = io.BytesIO(b"".join(self._store.chunks(entry.path)))
        return read_array(content)

    def add(
        self, songs: Sequence[Song], vectors: Vectors, tokens: Tokens, about_vectors: Vectors, about_tokens: Tokens
    ) -> None:
        """Add songs, or replace those of the same song_id (arguments as for `CatalogWriter.add`).

        Raises:
            CatalogError: The counts do not fit, or a song has no line or no emotions.
        """
        self.add_rows(song_rows(songs, vectors, tokens, about_vectors, about_tokens))

    def add_rows(self, rows: SongRows) -> None:
        """Add songs, or replace those of the same song_id."""
        self._remove(rows.songs["song_key"].to_pylist())
        for name, counts in rows.frequencies().items():
            self._frequency[name] += counts
        self._tables["songs"].add(rows.songs)
        self._tables["lines"].add(rows.lines)

    def remove(self, song_ids: Sequence[str]) -> None:
        """Take songs out; ids that are not there are no error."""
        self._remove([song_key(song_id) for song_id in song_ids])

    def _remove(self, keys: Sequence[int]) -> None:
        clause = f"song_key IN ({', '.join(map(str, keys))})"
        if not keys or not self._tables["songs"].count_rows(clause):
            return
        for name, (table, prefix) in COUNTED.items():
            column = f"{prefix}buckets"
            self._frequency[name] -= count_buckets(
                self._tables[table].search().where(clause).select([column]).to_arrow()[column]
            )
        for table in self._tables.values():
            table.delete(clause)

    def publish(
        self,
        *,
        built_by: str = "",
        notes: Mapping[str, Any] | None = None,
        index: Callable[[str], object] | None = None,
    ) -> Manifest:
        """Make what was written the catalogue's version in one step.

        Args:
            built_by: Recorded in the manifest.
            notes: Recorded in the manifest.
            index: What calls `build_indexes` with the location, where that is to happen on another machine.

        Raises:
            CatalogError: There are no songs, or another writer published meanwhile.
        """
        songs, lines = self._tables["songs"], self._tables["lines"]
        if not songs.count_rows():
            raise CatalogError(reason="no songs")
        if lines.count_rows() >= INDEX_FROM_LINES:
            (index or build_indexes)(self._location)
            for table in self._tables.values():
                table.checkout_latest()
        with tempfile.TemporaryDirectory(prefix="profile-music-lance-") as work:
            files = {f"{name}_frequency.npy": self._upload(Path(work), name) for name in self._frequency}
        versions = {name: table.version for name, table in self._tables.items()}
        manifest = Manifest(
            encoder=self._encoder,
            songs=songs.count_rows(),
            lines=lines.count_rows(),
            emotions={emotion.value: songs.count_rows(f"emotion = '{emotion.value}'") for emotion in EMOTIONS},
            files=files,
            built_by=built_by,
            built_at=datetime.now(UTC).isoformat(timespec="seconds"),
            notes={**(notes or {}), "engine": "lance", "tables": versions},
        )
        self._etag = self._store.write_manifest(manifest.to_json(), self._etag)
        return manifest

    def _upload(self, work: Path, name: str) -> FileEntry:
        path = work / f"{name}_frequency.npy"
        np.save(path, self._frequency[name])
        digest = sha256_file(path)
        entry = FileEntry(f"{FILES_DIR}/{digest[:16]}-{path.name}", digest, path.stat().st_size)
        self._store.upload(path, entry.path)
        return entry


def build_indexes(location: str) -> None:
    """Make the tables' indexes, or take new rows into those that are there.

    `lines`: IVF with product quantisation over the vectors, and the emotion as a filter. `songs`: the key, and the
    topics as full text.
    """
    from lancedb.index import FTS, Bitmap, BTree, IvfPq

    database = connect(location)
    songs, lines = database.open_table("songs"), database.open_table("lines")
    if lines.list_indices():
        songs.optimize()
        lines.optimize()
        return
    width = lines.schema.field("vector").type.list_size
    sub_width = next(size for size in _SUB_WIDTHS if width % size == 0)
    vectors = IvfPq(distance_type="cosine", num_sub_vectors=width // sub_width)
    words = FTS(base_tokenizer="whitespace", stem=False, remove_stop_words=False, with_position=False)
    lines.create_index("vector", config=vectors)
    lines.create_index("emotion", config=Bitmap())
    lines.create_index("song_key", config=BTree())
    songs.create_index("song_key", config=BTree())
    songs.create_index("topics", config=words)


def import_catalog(
    files: CatalogFiles,
    location: str,
    tokenize: Callable[[str], Iterable[str]],
    *,
    fresh: bool = True,
    on_progress: Callable[[int], None] | None = None,
) -> Manifest:
    """Move a catalogue folder into LanceDB tables, from its stored vectors: nothing is embedded again.

    Args:
        files: The opened folder.
        location: Where the tables go, a folder or `s3://bucket/prefix`.
        tokenize: What made the catalogue's lexical tokens (`profile_music.text.lexical.tokens`).
        fresh: Replace what is there; otherwise add to it.
        on_progress: Called with the number of songs written so far.
    """
    writer = LanceWriter(location, files.manifest.encoder, fresh=fresh)
    for begin in range(0, len(files), _BATCH_SONGS):
        numbers = list(range(begin, min(begin + _BATCH_SONGS, len(files))))
        songs = [files.song(number, with_lines=True) for number in numbers]
        first, last = files.line_ids(numbers[0]).start, files.line_ids(numbers[-1]).stop
        writer.add(
            songs,
            np.asarray(files.vectors[first:last], dtype=np.float32),
            [tokenize(line) for song in songs for line in song.lines],
            np.asarray(files.about_vectors[numbers], dtype=np.float32),
            [tokenize(f"{song.artist} {about_text(song)}") for song in songs],
        )
        if on_progress:
            on_progress(numbers[-1] + 1)
    return writer.publish(built_by=files.manifest.built_by)
