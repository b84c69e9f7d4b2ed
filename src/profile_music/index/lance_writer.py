"""Writing a LanceDB catalogue: songs are added or replaced in pieces, and published in one step."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.checksums import sha256_file
from profile_music.errors import CatalogError, CatalogMissingError, EncoderMismatchError
from profile_music.index.catalog import CatalogFiles
from profile_music.index.lance import MAX_LINES, connect
from profile_music.index.lexical import BUCKETS, bucket_counts
from profile_music.index.manifest import FILES_DIR, FileEntry, Manifest
from profile_music.index.source import store_for
from profile_music.index.writer import DECADE_YEARS, about_text, artist_key
from profile_music.types import EMOTIONS, Song, Vectors

_BATCH_SONGS = 512
INDEX_FROM_LINES = 100_000
"""From this many lines on a vector index is built; below, a scan is as fast and exact."""


def song_key(song_id: str) -> int:
    """Return a song's number in the tables: 50 bits of a hash, so that a line's number fits 63."""
    return int.from_bytes(hashlib.blake2b(song_id.encode("utf-8"), digest_size=8).digest(), "big") >> 14


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
        self._frequency = {name: np.zeros(BUCKETS, dtype=np.int64) for name in ("lexical", "about")}
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
            schemas = {"songs": _songs_schema(width), "lines": _lines_schema(width)}
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
        import io

        array: NDArray[np.int64] = np.load(io.BytesIO(b"".join(self._store.chunks(entry.path))), allow_pickle=False)
        return array

    def add(
        self,
        songs: Sequence[Song],
        vectors: Vectors,
        tokens: Sequence[Iterable[str]],
        about_vectors: Vectors,
        about_tokens: Sequence[Iterable[str]],
    ) -> None:
        """Add songs, or replace those of the same song_id (arguments as for `CatalogWriter.add`).

        Raises:
            CatalogError: The counts do not fit, or a song has no line or no emotions.
        """
        if not len(vectors) == len(tokens) == sum(len(song.lines) for song in songs):
            raise CatalogError(reason="vectors and lines differ in number")
        if any(not song.lines or song.emotions is None for song in songs):
            raise CatalogError(reason="a song has no lines or no emotions")
        if any(len(song.lines) > MAX_LINES for song in songs):
            raise CatalogError(reason=f"a song has more than {MAX_LINES} lines")
        self.remove([song.song_id for song in songs])
        about = [_counts(words) for words in about_tokens]
        lines = [_counts(words) for words in tokens]
        self._count("about", about, 1)
        self._count("lexical", lines, 1)
        rows = [
            {**_facts(song), "record": json.dumps(song.to_dict(), ensure_ascii=False),
             "feeling": np.sqrt(song.emotions.as_array()).astype(np.float32), "about_vector": vector,
             "about_buckets": buckets, "about_counts": counts}
            for song, vector, (buckets, counts) in zip(songs, about_vectors, about, strict=True) if song.emotions
        ]  # fmt: skip
        owners = [(song, row, text) for song in songs for row, text in enumerate(song.lines)]
        self._tables["songs"].add(rows)
        self._tables["lines"].add([
            {**_facts(song), "row": row, "text": text, "vector": vector, "buckets": buckets, "counts": counts}
            for (song, row, text), vector, (buckets, counts) in zip(owners, vectors, lines, strict=True)
        ])  # fmt: skip

    def remove(self, song_ids: Sequence[str]) -> None:
        """Take songs out; ids that are not there are no error."""
        keys = ", ".join(str(song_key(song_id)) for song_id in song_ids)
        clause = f"song_key IN ({keys})"
        if not song_ids or not self._tables["songs"].count_rows(clause):
            return
        for name, table, columns in (
            ("about", self._tables["songs"], ["about_buckets", "about_counts"]),
            ("lexical", self._tables["lines"], ["buckets", "counts"]),
        ):
            old = table.search().where(clause).select(columns).to_list()
            self._count(name, [(row[columns[0]], row[columns[1]]) for row in old], -1)
            table.delete(clause)

    def _count(self, name: str, rows: Iterable[tuple[Sequence[int], Sequence[int]]], sign: int) -> None:
        for buckets, _ in rows:
            self._frequency[name][np.asarray(buckets, dtype=np.int64)] += sign

    def publish(self, *, built_by: str = "") -> Manifest:
        """Make what was written the catalogue's version in one step.

        Raises:
            CatalogError: There are no songs, or another writer published meanwhile.
        """
        songs, lines = self._tables["songs"], self._tables["lines"]
        if not songs.count_rows():
            raise CatalogError(reason="no songs")
        if lines.count_rows() >= INDEX_FROM_LINES and not lines.list_indices():
            lines.create_index(metric="cosine", vector_column_name="vector", index_type="IVF_PQ")
            lines.create_scalar_index("emotion", index_type="BITMAP")
            songs.create_scalar_index("song_key", index_type="BTREE")
        with tempfile.TemporaryDirectory(prefix="profile-music-lance-") as work:
            files = {f"{name}_frequency.npy": self._upload(Path(work), name) for name in self._frequency}
        manifest = Manifest(
            encoder=self._encoder,
            songs=songs.count_rows(),
            lines=lines.count_rows(),
            emotions={emotion.value: songs.count_rows(f"emotion = '{emotion.value}'") for emotion in EMOTIONS},
            files=files,
            built_by=built_by,
            built_at=datetime.now(UTC).isoformat(timespec="seconds"),
            notes={"engine": "lance", "tables": {name: table.version for name, table in self._tables.items()}},
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


def _counts(words: Iterable[str]) -> tuple[list[int], list[int]]:
    counts = bucket_counts(words)
    return list(counts), list(counts.values())


def _facts(song: Song) -> dict[str, Any]:
    """Return the columns that both tables have, to filter on."""
    return {
        "song_key": song_key(song.song_id),
        "decade": (song.year or 0) // DECADE_YEARS * DECADE_YEARS,
        "genre": song.genre,
        "artist_key": artist_key(song.artist),
        "emotion": song.emotions.top.value if song.emotions else "",
    }


def _facts_schema() -> list[Any]:
    import pyarrow as pa

    numbers = [(name, pa.int64()) for name in ("song_key", "decade", "artist_key")]
    return [*numbers, ("genre", pa.string()), ("emotion", pa.string())]


def _songs_schema(width: int) -> Any:
    import pyarrow as pa

    return pa.schema([
        *_facts_schema(), ("record", pa.string()), ("feeling", pa.list_(pa.float32(), len(EMOTIONS))),
        ("about_vector", pa.list_(pa.float32(), width)),
        ("about_buckets", pa.list_(pa.int32())), ("about_counts", pa.list_(pa.int32())),
    ])  # fmt: skip


def _lines_schema(width: int) -> Any:
    import pyarrow as pa

    return pa.schema([
        *_facts_schema(), ("row", pa.int32()), ("text", pa.string()), ("vector", pa.list_(pa.float32(), width)),
        ("buckets", pa.list_(pa.int32())), ("counts", pa.list_(pa.int32())),
    ])  # fmt: skip


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
