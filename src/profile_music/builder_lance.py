"""Songs to LanceDB tables in two steps: shards of finished rows, made anywhere and kept, then tables and indexes.

A shard's file is named after its songs and the encoder. A build that was killed finds the shards that are done and
makes the others; it is thrown away only when the version is published.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from profile_music.builder import BOTH, BuildResult, CatalogBuilder, EmotionMode, batches
from profile_music.errors import CatalogError, CatalogNotWrittenError
from profile_music.index.lance_rows import SongRows, song_rows
from profile_music.index.lance_writer import LanceWriter
from profile_music.text import load_encoder
from profile_music.text.mood import TextMood
from profile_music.types import Song

SHARD_LINES = 16_384
Shard = tuple[str, list[Song]]
ShardRunner = Callable[[Iterable[Shard]], Iterator[tuple[str, SongRows]]]
"""Makes the rows of named shards, in any order, with few shards in memory at a time."""


@dataclass(frozen=True, slots=True)
class ShardMaker:
    """What makes a shard's rows; it travels to other machines and loads its models there, once a process.

    Attributes:
        encoder: Name of the text encoder.
        fingerprint: Its fingerprint, which must be the same everywhere.
        emotions: Which emotions songs get (see `CatalogBuilder`).
    """

    encoder: str
    fingerprint: str
    emotions: EmotionMode = "source"

    def name(self, songs: list[Song]) -> str:
        """Return the name of a shard: the same for the same songs and models."""
        digest = hashlib.blake2b(f"{self.fingerprint} {self.emotions}".encode(), digest_size=16)
        for song in songs:
            facts = song.to_dict() | {"lines": song.lines, "topics": dict(song.topics)}
            digest.update(json.dumps(facts, ensure_ascii=False, sort_keys=True).encode())
        return f"{digest.hexdigest()}.arrow"

    def rows(self, songs: list[Song]) -> SongRows:
        """Make a shard.

        Raises:
            CatalogError: This machine's encoder is another one.
        """
        done = _builder(self).prepare(songs)
        return song_rows(done.songs, done.vectors, done.tokens, done.about_vectors, done.about_tokens)

    def run(self, shards: Iterable[Shard]) -> Iterator[tuple[str, SongRows]]:
        """Make shards one after the other in this process (a `ShardRunner`)."""
        return ((name, self.rows(songs)) for name, songs in shards)


@lru_cache(maxsize=1)
def _builder(maker: ShardMaker) -> CatalogBuilder:
    encoder = load_encoder(maker.encoder)
    if encoder.fingerprint != maker.fingerprint:
        raise CatalogError(reason=f"the encoder {maker.encoder} is another one on this machine")
    return CatalogBuilder(encoder, TextMood.load(encoder), emotions=maker.emotions)


def build_lance(
    songs: Iterable[Song],
    location: str,
    maker: ShardMaker,
    staging: Path,
    *,
    run: ShardRunner | None = None,
    index: Callable[[str], object] | None = None,
    update: bool = False,
    built_by: str = "",
    on_progress: Callable[[int, int], None] | None = None,
) -> BuildResult:
    """Build and publish a version of a LanceDB catalogue.

    Args:
        songs: Read once, in pieces.
        location: A folder or `s3://bucket/prefix`.
        maker: What makes rows.
        staging: A folder on this machine for finished shards; removed when the version is published.
        run: What runs the maker (`profile_music.builder_ray`); this process where None.
        index: What builds the tables' indexes; this process where None.
        update: Add to the songs that are there, or replace those of the same id.
        built_by: Recorded in the manifest.
        on_progress: Called with (songs, lines) made so far, those of an earlier, killed build included.

    Raises:
        CatalogError: No songs, or another writer published meanwhile; what was there stays in place.
    """
    try:
        staging.mkdir(parents=True, exist_ok=True)
        names, embedded = _make_shards(songs, maker, staging, run or maker.run, on_progress)
        dimensions = load_encoder(maker.encoder).dimensions
        record = {"name": maker.encoder, "dimensions": dimensions, "fingerprint": maker.fingerprint}
        writer = LanceWriter(location, record, fresh=not update)
        sources: Counter[str] = Counter()
        for name in names:
            rows = SongRows.load(staging / name)
            sources.update(json.loads(text)["emotion_source"] for text in rows.songs["record"].to_pylist())
            writer.add_rows(rows)
        notes = {"emotions": {"mode": maker.emotions, **sources}}
        manifest = writer.publish(built_by=built_by, notes=notes, index=index)
    except OSError as error:
        raise CatalogNotWrittenError(reason=error.strerror or type(error).__name__) from error
    shutil.rmtree(staging, ignore_errors=True)
    reused = manifest.lines - embedded if not update else 0
    return BuildResult(manifest, embedded, reused, sources["lines"] + sources[BOTH], dict(sources))


def _make_shards(
    songs: Iterable[Song],
    maker: ShardMaker,
    staging: Path,
    run: ShardRunner,
    on_progress: Callable[[int, int], None] | None,
) -> tuple[list[str], int]:
    """Make the shards that are not there; return the names of all in order, and how many lines were embedded."""
    names: list[str] = []
    sizes: dict[str, tuple[int, int]] = {}
    done = [0, 0]

    def report(name: str) -> None:
        done[0] += sizes[name][0]
        done[1] += sizes[name][1]
        if on_progress:
            on_progress(*done)

    def absent() -> Iterator[Shard]:
        for shard in batches(songs, SHARD_LINES):
            name = maker.name(shard)
            names.append(name)
            sizes[name] = len(shard), sum(len(song.lines) for song in shard)
            if (staging / name).is_file():
                report(name)
            else:
                yield name, shard

    embedded = 0
    for name, rows in run(absent()):
        rows.save(staging / name)
        embedded += sizes[name][1]
        report(name)
    return names, embedded
