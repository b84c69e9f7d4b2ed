"""How fast catalogues are built: lines a minute, fresh and again, with one process and with all cores.

Usage: python benchmarks/build_rate.py [--lines N] [--processes 1 2] [--out FILE.json]
The lines are recombined words of the bundled catalogue's lines (seeded), 30 a song, all different. Times are wall
time of `CatalogBuilder.build` (models loaded before), reading the songs included; `cpu_s` counts this process and its
children, so that a busy machine can be told from slow code.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from profile_music.builder import CatalogBuilder
from profile_music.index import CatalogFiles
from profile_music.recommender import bundled_catalog_dir
from profile_music.text import load_encoder
from profile_music.text.mood import TextMood
from profile_music.types import Song

LINES_A_SONG = 30


def made_songs(line_count: int, words: list[str]) -> Iterator[Song]:
    """Yield songs without emotions, so that these are read from the lines too."""
    chance = random.Random(5)
    for number in range(line_count // LINES_A_SONG):
        lines = tuple(" ".join(chance.choices(words, k=chance.randint(3, 7))) for _ in range(LINES_A_SONG))
        yield Song(f"bench:{number}", f"노래 {number}", f"가수 {number % 500}", lines)


def cpu_s() -> float:
    """Return processor seconds of this process and of its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def timed_build(builder: CatalogBuilder, songs: Iterator[Song], out: Path) -> dict[str, float | int]:
    """Build once and return the figures."""
    begin, cpu_begin = time.perf_counter(), cpu_s()
    result = builder.build(songs, out)
    duration_s = time.perf_counter() - begin
    return {
        "lines": result.manifest.lines,
        "lines_embedded": result.lines_embedded,
        "duration_s": round(duration_s, 2),
        "lines_per_minute": round(result.manifest.lines / duration_s * 60),
        "cpu_s": round(cpu_s() - cpu_begin, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    bundled = CatalogFiles(bundled_catalog_dir())
    words = sorted({word for song in bundled.songs() for line in song.lines for word in line.split()})
    encoder = load_encoder()
    mood = TextMood.load(encoder)
    report: dict[str, object] = {"cores": os.cpu_count(), "load_average": os.getloadavg()[0], "words": len(words)}
    with tempfile.TemporaryDirectory() as folder:
        for processes in args.processes:
            builder = CatalogBuilder(encoder, mood, processes=processes)
            out = Path(folder) / str(processes)
            report[f"fresh, processes {processes}"] = timed_build(builder, made_songs(args.lines, words), out)
        report["again, nothing changed"] = timed_build(builder, made_songs(args.lines, words), out)
    text = json.dumps(report, indent=2, ensure_ascii=False)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
