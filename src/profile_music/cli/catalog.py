"""`profile-music catalog info`, `search`, `diff` and `export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profile_music.cli.common import (
    catalog_option,
    console,
    json_option,
    load_recommender,
    load_settings,
    print_json,
)

if TYPE_CHECKING:
    from profile_music.catalog.compare import Difference
    from profile_music.index import CatalogFiles


def _open(catalog: str | None) -> CatalogFiles:
    from profile_music.index import CatalogFiles
    from profile_music.index.source import local_catalog
    from profile_music.recommender import bundled_catalog_dir

    settings = load_settings()
    return CatalogFiles(local_catalog(catalog or settings.catalog or bundled_catalog_dir(), settings.cache_dir))


@click.command()
@catalog_option
@json_option
def info(catalog: str | None, as_json: bool) -> None:
    """Show what a catalogue holds."""
    files = _open(catalog)
    manifest = files.manifest
    facts = {
        "songs": manifest.songs,
        "lines": manifest.lines,
        "emotions": dict(manifest.emotions),
        "emotion_sources": dict(manifest.notes.get("emotions", {})),
        "encoder": dict(manifest.encoder),
        "built_by": manifest.built_by,
        "built_at": manifest.built_at,
        "bytes": sum(entry.size_bytes for entry in manifest.files.values()),
        "path": str(files.folder),
    }
    if as_json:
        print_json(facts)
        return
    out = console()
    for name, value in facts.items():
        shown = "  ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else value
        out.print(f"{name:>15}  {shown}", markup=False, soft_wrap=True)


@click.command()
@click.argument("line")
@click.option("--top-k", "-k", default=10, show_default=True, type=click.IntRange(1, 1000))
@catalog_option
@json_option
def search(line: str, top_k: int, catalog: str | None, as_json: bool) -> None:
    """Search the catalogue's lines: no photo, no mood, no variety, only the match."""
    recommender = load_recommender(catalog)
    rows: list[dict[str, Any]] = [
        {
            "song": song.to_dict(),
            "line": recommender.index.line(hit.line_id),
            "score": round(hit.score, 4),
            "semantic": round(hit.semantic, 4),
            "lexical": round(hit.lexical, 4),
        }
        for hit, song in recommender.search_lines(line, top_k)
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        song = row["song"]
        console().print(
            f"{row['score']:.3f}  {song['title']} - {song['artist']}  “{row['line']}”", markup=False, soft_wrap=True
        )


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="Songs shown of each kind.")
@json_option
def diff(first: str, second: str, limit: int, as_json: bool) -> None:
    """Show which songs catalogue SECOND has, lacks, or has otherwise than FIRST."""
    from profile_music.catalog.compare import compare

    old, new = _open(first), _open(second)
    found = compare(old.songs(), new.songs(), lambda place: old.song(place, with_lines=True))
    if as_json:
        print_json(
            {
                "added": list(found.added),
                "removed": list(found.removed),
                "changed": {song_id: list(fields) for song_id, fields in found.changed.items()},
                "same": found.same,
            }
        )
        return
    names = _names([old, new], found, limit)
    out = console()
    out.print(
        f"추가 {len(found.added):,} · 삭제 {len(found.removed):,} · 변경 {len(found.changed):,} · 같음 {found.same:,}"
    )
    for sign, ids in (("+", found.added), ("-", found.removed)):
        for song_id in ids[:limit]:
            out.print(f"{sign} {names[song_id]}", markup=False, soft_wrap=True)
    for song_id, fields in list(found.changed.items())[:limit]:
        out.print(f"~ {names[song_id]}  ({', '.join(fields)})", markup=False, soft_wrap=True)


def _names(catalogs: list[CatalogFiles], found: Difference, limit: int) -> dict[str, str]:
    """Return the names of the songs that are shown."""
    wanted = {*found.added[:limit], *found.removed[:limit], *list(found.changed)[:limit]}
    names: dict[str, str] = {}
    for files in catalogs:
        for record in map(files.record, range(len(files)) if wanted - set(names) else ()):
            if record["song_id"] in wanted:
                names[record["song_id"]] = f"{record['title']} - {record['artist']}"
    return names


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A .jsonl or .csv file.")
@click.option(
    "--lines/--no-lines", "with_lines", default=True, help="With the lines (yours may be lyrics), or facts only."
)
@catalog_option
@json_option
def export(out: Path, with_lines: bool, catalog: str | None, as_json: bool) -> None:
    """Write a catalogue as a file of songs that `catalog build` reads back."""
    from profile_music.catalog.export import export_songs

    count = export_songs(_open(catalog).songs(with_lines=with_lines), out, with_lines=with_lines)
    result: dict[str, Any] = {"songs": count, "out": str(out)}
    if as_json:
        print_json(result)
    else:
        console().print(f"{count:,}곡을 적었어요: {out}", markup=False, soft_wrap=True)
