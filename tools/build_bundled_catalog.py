"""Build the bundled catalogue (src/profile_music/catalog/bundled) from catalog-source/songs.jsonl.

Usage: build_bundled_catalog.py [--check]
--check builds nothing; it exits with 1 where the bundled catalogue is not what the source and the encoder give.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from profile_music.builder import CatalogBuilder, encoder_record
from profile_music.catalog.readers import RowReport, read_songs
from profile_music.index import CatalogFiles
from profile_music.text import load_encoder
from profile_music.text.mood import TextMood

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "catalog-source" / "songs.jsonl"
BUNDLED = ROOT / "src" / "profile_music" / "catalog" / "bundled"


def main() -> None:
    """Build or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    encoder = load_encoder("embedded")
    report = RowReport()
    songs = list(read_songs([SOURCE], report))
    if report.rejected:
        sys.exit(f"rejected rows: {report.rejected[:3]}")
    if args.check:
        files = CatalogFiles(BUNDLED)
        fresh = (
            dict(files.manifest.encoder) == encoder_record(encoder)
            and [replace(song, topics={}) for song in files.songs()] == songs
        )
        sys.exit(None if fresh else "the bundled catalogue is stale: run tools/build_bundled_catalog.py")
    with tempfile.TemporaryDirectory(dir=BUNDLED.parent) as work:
        built = Path(work) / "bundled"
        result = CatalogBuilder(encoder, TextMood.load(encoder), vector_dtype="float16").build(songs, built)
        (built / ".publish.lock").unlink(missing_ok=True)
        shutil.rmtree(BUNDLED, ignore_errors=True)
        built.replace(BUNDLED)
    print(f"{result.manifest.songs} songs, {result.manifest.lines} lines, {dict(result.manifest.emotions)}")


if __name__ == "__main__":
    main()
