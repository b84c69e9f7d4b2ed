"""Opening a catalogue folder: songs, lines and columns, read from disk on demand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.errors import CatalogDamagedError
from profile_music.index.arrays import read_array
from profile_music.index.codes import COLUMNS, LineCodes
from profile_music.index.known import LineTable
from profile_music.index.lexical import LexicalIndex
from profile_music.index.manifest import Manifest, check_files, read_manifest
from profile_music.index.writer import line_key
from profile_music.types import Song

_LINES_AT_ONCE = 1 << 16


class CatalogFiles:
    """One version of a catalogue, memory-mapped. Immutable; safe to share between threads."""

    def __init__(self, folder: Path, *, verify: bool = True) -> None:
        """Open the folder's current version.

        Raises:
            CatalogMissingError: There is no catalogue.
            CatalogDamagedError: A file differs from its checksum, or its shape does not fit.
        """
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        if verify:
            check_files(folder, self.manifest)
        self.vectors = self._array("vectors")
        self.first_lines = np.asarray(self._array("first_lines"))
        self.emotions = np.asarray(self._array("emotions"))
        self.years = np.asarray(self._array("years"))
        self.genre_ids = np.asarray(self._array("genre_ids"))
        self.artist_ids = np.asarray(self._array("artist_ids"))
        self._song_offsets = self._array("song_offsets")
        self._line_offsets = self._array("line_offsets")
        self._songs = self._bytes("songs.jsonl")
        self._lines = self._bytes("lines.txt")
        self.about_vectors = self._array("about_vectors")
        self.codes = self._line_codes()
        self.lexical = self._lexical("lexical", self.manifest.lines)
        self.about = self._lexical("about", self.manifest.songs)
        self.topics = self._lexical("topics", self.manifest.songs)
        self._check_shapes()

    def _lexical(self, prefix: str, rows: int) -> LexicalIndex:
        starts, idf = (np.asarray(self._array(f"{prefix}_{name}")) for name in ("starts", "idf"))
        return LexicalIndex(starts, idf, self._array(f"{prefix}_lines"), self._array(f"{prefix}_weights"), rows)

    def _line_codes(self) -> LineCodes | None:
        """Return the codes of the lines; None where the catalogue is small or of an older version."""
        if f"{COLUMNS[0]}.npy" not in self.manifest.files:
            return None
        arrays = [self._array(name) for name in COLUMNS]
        lines = self.manifest.lines
        for name, array, shape in zip(COLUMNS, arrays, (self.vectors.shape, (lines,), (lines,)), strict=True):
            if array.shape != shape:
                raise CatalogDamagedError(file=f"{name}.npy")
        return LineCodes(*arrays)

    def _path(self, name: str) -> Path:
        entry = self.manifest.files.get(name)
        if entry is None:
            raise CatalogDamagedError(file=name)
        return self.folder / entry.path

    def _array(self, name: str) -> NDArray[Any]:
        try:
            return read_array(self._path(f"{name}.npy"), "r")
        except (OSError, ValueError) as error:
            raise CatalogDamagedError(file=f"{name}.npy") from error

    def _bytes(self, name: str) -> NDArray[np.uint8]:
        try:
            # An empty file cannot be mapped (ValueError); one may also vanish when a newer version replaces this one.
            return np.memmap(self._path(name), dtype=np.uint8, mode="r")
        except (OSError, ValueError) as error:
            raise CatalogDamagedError(file=name) from error

    def _check_shapes(self) -> None:
        songs, lines = self.manifest.songs, self.manifest.lines
        expected = {
            "vectors": (self.vectors, (lines, int(self.manifest.encoder["dimensions"]))),
            "about_vectors": (self.about_vectors, (songs, int(self.manifest.encoder["dimensions"]))),
            "first_lines": (self.first_lines, (songs + 1,)),
            "emotions": (self.emotions, (songs, 4)),
            "years": (self.years, (songs,)),
            "genre_ids": (self.genre_ids, (songs,)),
            "artist_ids": (self.artist_ids, (songs,)),
            "song_offsets": (self._song_offsets, (songs + 1,)),
            "line_offsets": (self._line_offsets, (lines + 1,)),
        }
        for name, (array, shape) in expected.items():
            if array.shape != shape:
                raise CatalogDamagedError(file=f"{name}.npy")

    def __len__(self) -> int:
        """Return the number of songs."""
        return self.manifest.songs

    def line(self, line_id: int) -> str:
        """Return the text of one line."""
        begin, end = int(self._line_offsets[line_id]), int(self._line_offsets[line_id + 1])
        return self._lines[begin : end - 1].tobytes().decode("utf-8")

    def line_ids(self, song_index: int) -> range:
        """Return the line numbers of one song."""
        return range(int(self.first_lines[song_index]), int(self.first_lines[song_index + 1]))

    def record(self, song_index: int) -> dict[str, Any]:
        """Return one song's stored facts, without its lines."""
        begin, end = int(self._song_offsets[song_index]), int(self._song_offsets[song_index + 1])
        record: dict[str, Any] = json.loads(self._songs[begin:end].tobytes())
        return record

    def song(self, song_index: int, *, with_lines: bool = False) -> Song:
        """Return one song; its lines only where asked."""
        record = self.record(song_index)
        if with_lines:
            record["lines"] = [self.line(line_id) for line_id in self.line_ids(song_index)]
        return Song.from_dict(record)

    def songs(self, *, with_lines: bool = True) -> Iterator[Song]:
        """Iterate over all songs in stored order."""
        return (self.song(number, with_lines=with_lines) for number in range(len(self)))

    def find_lines(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return the line number of each text that this version holds, -1 for the others."""
        found = self._line_table.find([line_key(text) for text in texts])
        for place in np.flatnonzero(found >= 0).tolist():
            if self.line(int(found[place])) != texts[place]:
                found[place] = -1
        return found

    def known_vectors(self, keys: Sequence[bytes]) -> Mapping[bytes, NDArray[np.float32]]:
        """Return the vectors of those lines (by `line_key`) that this version holds."""
        rows = zip(keys, self._line_table.find(keys), strict=True)
        return {key: np.asarray(self.vectors[row], dtype=np.float32) for key, row in rows if row >= 0}

    @cached_property
    def _line_table(self) -> LineTable:
        return LineTable(self._line_keys(), self.manifest.lines)

    def _line_keys(self) -> Iterator[bytes]:
        for begin in range(0, self.manifest.lines, _LINES_AT_ONCE):
            end = min(begin + _LINES_AT_ONCE, self.manifest.lines)
            block = self._lines[int(self._line_offsets[begin]) : int(self._line_offsets[end])].tobytes()
            for line in block[:-1].split(b"\n"):
                yield line_key(line)
