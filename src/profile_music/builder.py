"""Songs to a catalogue folder: embed the lines, read emotions from them where wanted, write and publish."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np

from profile_music.builder_pool import LineJob, LineReader, LineResult, run_jobs
from profile_music.errors import CatalogError, CatalogNotWrittenError
from profile_music.index import CatalogFiles, CatalogWriter, Manifest, about_text, remove_stale_builds
from profile_music.index.lexical import Postings
from profile_music.text import TextEncoder
from profile_music.text.concepts import concepts_of
from profile_music.text.mood import TextMood
from profile_music.types import EmotionScores, Song, Vectors

_BATCH_LINES = 2048

EmotionMode = Literal["source", "lines", "both"]
SOURCE_SHARE = 0.5
"""Share of the source's label, against what the lines say, where both count; playlists' labels are noisy."""
BOTH = "source+lines"


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build did."""

    manifest: Manifest
    lines_embedded: int
    lines_reused: int
    emotions_predicted: int
    emotion_sources: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Songs whose lines are worked on together: `rows` and `known` tell where vectors of known lines are."""

    songs: list[Song]
    lines: list[str]
    sources: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True, slots=True)
class PreparedSongs:
    """What a catalogue's writer takes: the arguments of `CatalogWriter.add`."""

    songs: list[Song]
    vectors: Vectors
    tokens: Postings
    about_vectors: Vectors
    about_tokens: Postings


@dataclass(slots=True)
class CatalogBuilder:
    """Builds catalogue folders with one encoder and one text mood.

    Attributes:
        encoder: Makes the vectors.
        mood: Reads emotions from lines.
        vector_dtype: ``float32``, or ``float16`` for half the size.
        emotions: Which emotions songs get: ``source``, the given ones, and from the lines where none are given;
            ``lines``, always from the lines; ``both``, the mean of the two. Each song's `emotion_source` says which.
        processes: Processes that embed; more than one needs a main module that can be imported (see multiprocessing).
    """

    encoder: TextEncoder
    mood: TextMood
    vector_dtype: str = "float32"
    emotions: EmotionMode = "source"
    processes: int = 1
    _counts: Counter[str] = field(default_factory=Counter, init=False)

    def build(
        self,
        songs: Iterable[Song],
        out: Path,
        *,
        known: Sequence[CatalogFiles] = (),
        built_by: str = "",
        on_progress: Callable[[int, int], None] | None = None,
    ) -> BuildResult:
        """Build and publish a version in `out`; until the end, the folder's old version stays in place.

        Args:
            songs: Read once, in pieces.
            out: The catalogue folder. Lines that its present version holds are not embedded again.
            known: More catalogues whose lines need not be embedded again.
            built_by: Recorded in the manifest.
            on_progress: Called with (songs, lines) written so far.

        Raises:
            CatalogError: No songs.
            CatalogNotWrittenError: The disk is full or refuses.
        """
        try:
            out.mkdir(parents=True, exist_ok=True)
            remove_stale_builds(out)
            return self._build(songs, out, self._usable([*_previous(out), *known]), built_by, on_progress)
        except OSError as error:
            raise CatalogNotWrittenError(reason=error.strerror or type(error).__name__) from error
        except BrokenProcessPool as error:
            raise CatalogNotWrittenError(reason="a worker process was killed, perhaps for memory") from error

    def _usable(self, catalogs: Iterable[CatalogFiles]) -> list[CatalogFiles]:
        mine = encoder_record(self.encoder)
        return [files for files in catalogs if dict(files.manifest.encoder) == mine]

    def _build(
        self,
        songs: Iterable[Song],
        out: Path,
        known: Sequence[CatalogFiles],
        built_by: str,
        on_progress: Callable[[int, int], None] | None,
    ) -> BuildResult:
        self._counts.clear()
        jobs = (self._job(batch, known) for batch in batches(songs, _BATCH_LINES))
        with CatalogWriter(out, encoder_record(self.encoder), vector_dtype=self.vector_dtype) as writer:
            for batch, result in run_jobs(LineReader(self.encoder, self.mood), jobs, self.processes):
                self._write(writer, batch, result, known)
                if on_progress:
                    on_progress(self._counts["songs"], self._counts["lines"])
            sources = {name.removeprefix("from "): n for name, n in self._counts.items() if name.startswith("from ")}
            notes = {"emotions": {"mode": self.emotions, **sources}}
            manifest = writer.publish(built_by=built_by, notes=notes)
        counts = self._counts
        embedded = counts["embedded"]
        return BuildResult(manifest, embedded, counts["lines"] - embedded, counts["predicted"], sources)

    def _job(self, songs: list[Song], known: Sequence[CatalogFiles]) -> tuple[_Batch, LineJob]:
        """Return a batch and what there is to do for it."""
        lines = [line for song in songs for line in song.lines]
        sources, rows = np.full(len(lines), -1), np.full(len(lines), -1, dtype=np.int64)
        for number, files in enumerate(known):
            fresh = np.flatnonzero(sources < 0).tolist()
            found = files.find_lines([lines[place] for place in fresh])
            rows[fresh] = found
            sources[fresh] = np.where(found >= 0, number, -1)
        about = [about_text(song) for song in songs]
        to_embed = [line for line, source in zip(lines, sources, strict=True) if source < 0]
        words = [f"{song.artist} {text}" for song, text in zip(songs, about, strict=True)]
        to_feel = [line for song in songs if self._reads_lines(song) for line in song.lines]
        return _Batch(songs, lines, sources, rows), LineJob(lines, words, [*to_embed, *about], to_feel)

    def _write(self, writer: CatalogWriter, batch: _Batch, result: LineResult, known: Sequence[CatalogFiles]) -> None:
        done = self._finished(batch, result, known)
        writer.add(done.songs, done.vectors, done.tokens, done.about_vectors, done.about_tokens)
        self._counts.update(embedded=int((batch.sources < 0).sum()))
        self._counts.update({"songs": len(done.songs), "lines": len(batch.lines)})
        self._counts.update(f"from {song.emotion_source or 'source'}" for song in done.songs)

    def prepare(self, songs: list[Song]) -> PreparedSongs:
        """Do all work on songs but writing them, in this process."""
        batch, job = self._job(songs, ())
        return self._finished(batch, LineReader(self.encoder, self.mood).run(job), ())

    def _finished(self, batch: _Batch, result: LineResult, known: Sequence[CatalogFiles]) -> PreparedSongs:
        fresh = np.flatnonzero(batch.sources < 0)
        vectors = np.empty((len(batch.lines), self.encoder.dimensions), dtype=np.float32)
        vectors[fresh] = result.vectors[: len(fresh)]
        for number, files in enumerate(known):
            places = np.flatnonzero(batch.sources == number)
            vectors[places] = files.vectors[batch.rows[places]]
        songs = _with_topics(self._with_emotions(batch, result), result.concepts)
        return PreparedSongs(songs, vectors, result.lines, result.vectors[len(fresh) :], result.about)

    def _with_emotions(self, batch: _Batch, result: LineResult) -> list[Song]:
        """Return the songs with emotions and where they come from."""
        songs: list[Song] = []
        begin = 0
        for song in batch.songs:
            if self._reads_lines(song):
                said = result.emotions[begin : begin + len(song.lines)].mean(axis=0)
                begin += len(song.lines)
                self._counts["predicted"] += 1
                song = _blended(song, said, self.emotions)
            songs.append(song)
        return songs

    def _reads_lines(self, song: Song) -> bool:
        """Whether the lines have a say; songs of an older version that they had a say in are not read twice."""
        if song.emotions is None or self.emotions == "lines":
            return True
        return self.emotions == "both" and song.emotion_source not in ("lines", BOTH)


def _with_topics(songs: Sequence[Song], concepts: Sequence[Sequence[str]]) -> list[Song]:
    """Return the songs with the concepts of their lines and, counted twice, of their titles, themes and moods."""
    of_lines = iter(concepts)
    counted = []
    for song in songs:
        topics = Counter(name for names in islice(of_lines, len(song.lines)) for name in names)
        topics.update(concepts_of(about_text(song)) * 2)
        counted.append(replace(song, topics=dict(topics)))
    return counted


def _blended(song: Song, said: np.ndarray, mode: EmotionMode) -> Song:
    if song.emotions is None or mode == "lines":
        return replace(song, emotions=EmotionScores.from_sequence(said), emotion_source="lines")
    both = SOURCE_SHARE * song.emotions.as_array() + (1 - SOURCE_SHARE) * said
    return replace(song, emotions=EmotionScores.from_sequence(both), emotion_source=BOTH)


def encoder_record(encoder: TextEncoder) -> dict[str, str | int]:
    """Return what a manifest records of an encoder."""
    return {"name": encoder.name, "dimensions": encoder.dimensions, "fingerprint": encoder.fingerprint}


def available_processes() -> int:
    """Return how many processes this machine runs at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _previous(out: Path) -> list[CatalogFiles]:
    try:
        return [CatalogFiles(out)]
    except CatalogError:
        return []


def batches(songs: Iterable[Song], lines: int) -> Iterator[list[Song]]:
    """Yield songs in lists of about so many lines."""
    batch: list[Song] = []
    count = 0
    for song in songs:
        batch.append(song)
        count += len(song.lines)
        if count >= lines:
            yield batch
            batch, count = [], 0
    if batch:
        yield batch
