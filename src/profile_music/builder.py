"""Songs to a catalogue folder: embed the lines, read missing emotions from them, write and publish."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from profile_music.errors import CatalogError
from profile_music.index import CatalogFiles, CatalogWriter, Manifest, about_text, line_key, remove_stale_builds
from profile_music.text import TextEncoder
from profile_music.text.lexical import tokens
from profile_music.text.mood import TextMood
from profile_music.types import EmotionScores, Song, Vectors

_BATCH_SONGS = 256


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build did."""

    manifest: Manifest
    lines_embedded: int
    lines_reused: int
    emotions_predicted: int


@dataclass(slots=True)
class CatalogBuilder:
    """Builds catalogue folders with one encoder and one text mood."""

    encoder: TextEncoder
    mood: TextMood
    vector_dtype: str = "float32"

    def build(
        self,
        songs: Iterable[Song],
        out: Path,
        *,
        built_by: str = "",
        on_progress: Callable[[int, int], None] | None = None,
    ) -> BuildResult:
        """Build and publish a version in `out`; until the end, the folder's old version stays in place.

        Args:
            songs: Read once, in pieces; songs may lack emotions, which are then read from their lines.
            out: The catalogue folder.
            built_by: Recorded in the manifest.
            on_progress: Called with (songs, lines) written so far.

        Raises:
            CatalogError: No songs.
        """
        out.mkdir(parents=True, exist_ok=True)
        list(remove_stale_builds(out))
        known = self._previous(out)
        reused = embedded = predicted = song_count = 0
        with CatalogWriter(out, encoder_record(self.encoder), vector_dtype=self.vector_dtype) as writer:
            for batch in _batches(songs, _BATCH_SONGS):
                complete = self._with_emotions(batch)
                predicted += sum(old.emotions is None for old in batch)
                lines = [line for song in complete for line in song.lines]
                vectors, fresh = self._vectors(lines, known)
                about = [about_text(song) for song in complete]
                writer.add(
                    complete,
                    vectors,
                    [tokens(line) for line in lines],
                    self.encoder.encode_passages(about),
                    [tokens(f"{song.artist} {text}") for song, text in zip(complete, about, strict=True)],
                )
                embedded, reused = embedded + fresh, reused + len(lines) - fresh
                song_count += len(batch)
                if on_progress:
                    on_progress(song_count, embedded + reused)
            manifest = writer.publish(built_by=built_by)
        return BuildResult(manifest, embedded, reused, predicted)

    def _previous(self, out: Path) -> CatalogFiles | None:
        try:
            files = CatalogFiles(out)
        except CatalogError:
            return None
        return files if dict(files.manifest.encoder) == encoder_record(self.encoder) else None

    def _with_emotions(self, songs: Sequence[Song]) -> list[Song]:
        missing = [song for song in songs if song.emotions is None]
        predictions = iter(self.mood.predict([line for song in missing for line in song.lines]))
        read = {
            song.song_id: EmotionScores.from_sequence(
                np.mean([scores.as_array() for scores in islice(predictions, len(song.lines))], axis=0)
            )
            for song in missing
        }
        return [
            song if song.emotions else replace(song, emotions=read[song.song_id], emotion_source="lines")
            for song in songs
        ]

    def _vectors(self, lines: Sequence[str], known: CatalogFiles | None) -> tuple[Vectors, int]:
        """Return all lines' vectors and how many of them had to be embedded."""
        keys = [line_key(line) for line in lines]
        have = known.known_vectors(keys) if known else {}
        fresh = [number for number, key in enumerate(keys) if key not in have]
        vectors = np.empty((len(lines), self.encoder.dimensions), dtype=np.float32)
        for number, key in enumerate(keys):
            if key in have:
                vectors[number] = have[key]
        if fresh:
            vectors[fresh] = self.encoder.encode_passages([lines[number] for number in fresh])
        return vectors, len(fresh)


def encoder_record(encoder: TextEncoder) -> dict[str, str | int]:
    """Return what a manifest records of an encoder."""
    return {"name": encoder.name, "dimensions": encoder.dimensions, "fingerprint": encoder.fingerprint}


def _batches(songs: Iterable[Song], size: int) -> Iterator[list[Song]]:
    iterator = iter(songs)
    while batch := list(islice(iterator, size)):
        yield batch
