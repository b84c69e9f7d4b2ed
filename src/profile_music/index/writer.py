"""Building a catalogue folder: streaming, in constant memory, atomic, reusing vectors of unchanged lines."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np

from profile_music.errors import CatalogError
from profile_music.index import codes
from profile_music.index.lexical import LexicalWriter, Postings
from profile_music.index.manifest import Manifest, adopt_file, publish, publishing
from profile_music.index.work import working_folder
from profile_music.types import EMOTIONS, EmotionScores, Song, Vectors

DECADE_YEARS = 10
_MOST_GENRES = 32_000
Tokens = Sequence[Iterable[str]] | Postings


def line_key(text: str | bytes) -> bytes:
    """Return the key by which an unchanged line is recognised."""
    raw = text.encode("utf-8") if isinstance(text, str) else text
    return hashlib.blake2b(raw, digest_size=16).digest()


def about_text(song: Song) -> str:
    """Return what a song is about, as one text: its title without brackets, themes and moods."""
    title = song.title.split("(")[0].strip() or song.title
    return " ".join([title, *song.themes, *song.moods])


def artist_key(artist: str) -> int:
    """Return a stable 63-bit number for an artist's name without case, spaces and punctuation."""
    plain = "".join(character for character in artist.casefold() if character.isalnum())
    return int.from_bytes(hashlib.blake2b(plain.encode("utf-8"), digest_size=8).digest(), "big") >> 1


class _Column:
    """A .npy file that grows by appending, so that memory does not grow with the catalogue."""

    def __init__(self, folder: Path, name: str, dtype: str, width: int = 0) -> None:
        self._path = folder / f"{name}.npy"
        self.dtype = np.dtype(dtype)
        self._width = width
        self._rows = 0
        self._stream: BinaryIO = self._path.open("wb")
        self._write_header()

    def _write_header(self) -> None:
        shape = (self._rows, self._width) if self._width else (self._rows,)
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._stream, header)

    def append(self, values: Any) -> None:
        array = np.ascontiguousarray(values, dtype=self.dtype)
        self._stream.write(array.tobytes())
        self._rows += len(array)

    def finish(self) -> Path:
        # numpy leaves room in a header for the first axis to grow, so the final one fits in its place.
        self._stream.seek(0)
        self._write_header()
        self._stream.close()
        return self._path

    def close(self) -> None:
        with suppress(OSError):
            self._stream.close()


class CatalogWriter:
    """Writes one version of a catalogue; nothing is visible until `publish`.

    Use as a context manager: leaving it removes what was not published.
    """

    def __init__(self, folder: Path, encoder: Mapping[str, Any], *, vector_dtype: str = "float32") -> None:
        """Start a version in `folder` (made where absent).

        Args:
            folder: The catalogue folder.
            encoder: ``{"name", "dimensions", "fingerprint"}`` of the encoder of the vectors.
            vector_dtype: ``float32`` (searched straight from disk) or ``float16`` (half the size).
        """
        self._folder = folder
        self._encoder = dict(encoder)
        folder.mkdir(parents=True, exist_ok=True)
        self._held = ExitStack()
        self._work = self._held.enter_context(working_folder(folder))
        (self._work / "lexical").mkdir()
        self._lexical = LexicalWriter(self._work / "lexical")
        self._about = LexicalWriter(self._work / "lexical", "about")
        self._topics = LexicalWriter(self._work / "lexical", "topics")
        self._songs = (self._work / "songs.jsonl").open("wb")
        self._lines = (self._work / "lines.txt").open("wb")
        width = int(encoder["dimensions"])
        self._columns = {
            name: _Column(self._work, name, dtype, size)
            for name, dtype, size in (
                ("vectors", vector_dtype, width),
                ("about_vectors", vector_dtype, width),
                ("codes", "int8", width),
                ("code_scales", "float32", 0),
                ("code_errors", "float32", 0),
                ("song_offsets", "int64", 0),
                ("line_offsets", "int64", 0),
                ("first_lines", "int64", 0),
                ("emotions", "float32", len(EMOTIONS)),
                ("years", "int16", 0),
                ("genre_ids", "int16", 0),
                ("artist_ids", "int64", 0),
            )
        }
        for name in ("song_offsets", "line_offsets", "first_lines"):
            self._columns[name].append([0])
        self._genres: dict[str, int] = {}
        self._emotions: Counter[str] = Counter()
        self._song_count = 0
        self._line_count = 0

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the working folder."""
        for column in self._columns.values():
            column.close()
        # What could not be written is reported by the error that is on its way, not by closing.
        with suppress(OSError):
            self._songs.close()
        with suppress(OSError):
            self._lines.close()
        self._held.close()

    def add(
        self,
        songs: Sequence[Song],
        vectors: Vectors,
        tokens: Tokens,
        about_vectors: Vectors,
        about_tokens: Tokens,
    ) -> None:
        """Add songs with the vectors and tokens of all their lines, in order, and of what they are about.

        Args:
            songs: Songs with at least one line and known emotion weights.
            vectors: float32 (lines of all these songs, dimensions).
            tokens: The lexical tokens of the same lines, or their postings.
            about_vectors: float32 (songs, dimensions), of each song's `about_text`.
            about_tokens: The lexical tokens of the same texts (and of the artist's name).

        Raises:
            CatalogError: The counts do not fit, or a song has no line or no emotions.
        """
        if not len(vectors) == len(tokens) == sum(len(song.lines) for song in songs):
            raise CatalogError(reason="vectors and lines differ in number")
        if not len(about_vectors) == len(about_tokens) == len(songs):
            raise CatalogError(reason="about vectors and songs differ in number")
        for song in songs:
            if not song.lines or song.emotions is None:
                raise CatalogError(reason=f"song {song.song_id} has no lines or no emotions")
            self._add_song(song, song.emotions)
        self._add_vectors(vectors)
        self._lexical.add(tokens)
        self._columns["about_vectors"].append(about_vectors)
        self._about.add(about_tokens)
        self._topics.add([Counter(song.topics).elements() for song in songs])

    def _add_vectors(self, vectors: Vectors) -> None:
        # Codes are made of what is stored, so that their error is told exactly for float16 too.
        stored = np.asarray(vectors, dtype=self._columns["vectors"].dtype)
        self._columns["vectors"].append(stored)
        for name, values in zip(codes.COLUMNS, codes.encode(stored.astype(np.float32, copy=False)), strict=True):
            self._columns[name].append(values)

    def _add_song(self, song: Song, emotions: EmotionScores) -> None:
        record = song.to_dict() | {"topics": dict(song.topics)}
        self._songs.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        ends = []
        for line in song.lines:
            self._lines.write(line.replace("\n", " ").encode() + b"\n")
            ends.append(self._lines.tell())
        self._columns["line_offsets"].append(ends)
        self._columns["song_offsets"].append([self._songs.tell()])
        self._line_count += len(song.lines)
        self._song_count += 1
        self._columns["first_lines"].append([self._line_count])
        self._columns["emotions"].append(emotions.as_array()[None, :])
        self._columns["years"].append([song.year or 0])
        self._columns["genre_ids"].append([self._genre_id(song.genre)])
        self._columns["artist_ids"].append([artist_key(song.artist)])
        self._emotions[emotions.top.value] += 1

    def _genre_id(self, genre: str) -> int:
        # Genre ids are 16 bits wide; a column of free text must not break the build.
        if genre not in self._genres and len(self._genres) >= _MOST_GENRES:
            genre = ""
        return self._genres.setdefault(genre, len(self._genres))

    def publish(self, *, built_by: str = "", notes: Mapping[str, Any] | None = None) -> Manifest:
        """Finish all files and make this the folder's version in one atomic step.

        Raises:
            CatalogError: No song was added.
        """
        if not self._song_count:
            raise CatalogError(reason="no songs")
        for stream in (self._songs, self._lines):
            stream.close()
        left_out = codes.COLUMNS if self._line_count < codes.CODES_FROM_LINES else ()
        finished = {name: column.finish() for name, column in self._columns.items() if name not in left_out}
        finished |= self._lexical.finish() | self._about.finish() | self._topics.finish()
        names = {f"{name}.npy": path for name, path in finished.items()}
        names |= {name: self._work / name for name in ("songs.jsonl", "lines.txt")}
        with publishing(self._folder):
            manifest = Manifest(
                encoder=self._encoder,
                songs=self._song_count,
                lines=self._line_count,
                emotions={emotion.value: self._emotions[emotion.value] for emotion in EMOTIONS},
                files={name: adopt_file(self._folder, name, path) for name, path in names.items()},
                genres=tuple(self._genres),
                built_by=built_by,
                built_at=datetime.now(UTC).isoformat(timespec="seconds"),
                notes=notes or {},
            )
            publish(self._folder, manifest)
        return manifest
