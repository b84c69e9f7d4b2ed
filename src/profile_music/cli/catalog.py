"""`profile-music catalog`: build, info, search."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profile_music import __version__
from profile_music.cli.common import (
    catalog_option,
    console,
    json_option,
    load_recommender,
    load_settings,
    print_json,
)

if TYPE_CHECKING:
    from profile_music.catalog.readers import RowReport
    from profile_music.types import Song


@click.group()
def catalog() -> None:
    """Build, inspect and search catalogues. 곡 목록을 만들고 살펴봅니다."""


@catalog.command()
@click.option("--songs", "sources", required=True, multiple=True, type=click.Path(path_type=Path),
              help="A file of songs (.csv, .tsv, .jsonl, .xlsx); give several to merge.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Catalogue folder.")
@click.option("--encoder", help="Text encoder: embedded (default) or ko-sroberta.")
@click.option("--rejects", type=click.Path(path_type=Path, dir_okay=False),
              help="Where rows that were not taken are written (JSONL); OUT/rejected.jsonl where absent.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Read and check the rows, build nothing.")
@json_option
def build(
    sources: tuple[Path, ...], out: Path, encoder: str | None, rejects: Path | None, dry_run: bool, as_json: bool
) -> None:
    """Build a catalogue from your own songs.

    Each row needs a title (제목), an artist (가수) and lyrics (가사) or lines; emotion, album, year, genre, cover_url
    and melon_id are optional. Rows that cannot be used are reported, never lost.
    """
    from profile_music.catalog.readers import RowReport, read_songs

    report = RowReport()
    songs = read_songs(sources, report)
    built = _dry_run(songs) if dry_run else _build(songs, out, encoder, report)
    place = _write_rejects(report, rejects or out / "rejected.jsonl", dry_run)
    result = {**built, "rows": report.rows, "rejected": len(report.rejected), "rejects_file": place}
    if as_json:
        print_json(result)
        return
    console().print(_summary(result, out, dry_run), soft_wrap=True)


def _dry_run(songs: Iterator[Song]) -> dict[str, Any]:
    counts = [len(song.lines) for song in songs]
    return {"songs": len(counts), "lines": sum(counts)}


def _build(songs: Iterator[Song], out: Path, encoder_name: str | None, report: RowReport) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from profile_music.builder import CatalogBuilder
    from profile_music.text import load_encoder
    from profile_music.text.mood import TextMood

    settings = load_settings(encoder=encoder_name)
    encoder = load_encoder(settings.encoder, model_dir=settings.model_dir, threads=settings.threads)
    builder = CatalogBuilder(encoder, TextMood.load(encoder if settings.encoder == "embedded" else None))
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TextColumn("{task.fields[lines]:,}줄"), TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("곡 목록 만들기", total=1.0, lines=0, rate="")

        def show(_songs: int, lines: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0
            rate = f"{lines / elapsed * 60:,.0f}줄/분" if elapsed > 0.5 else ""
            progress.update(task, completed=report.fraction_read, lines=lines, rate=rate)

        result = builder.build(songs, out, built_by=f"profile-music {__version__}", on_progress=show)
        progress.update(task, completed=1.0)
    return {
        "songs": result.manifest.songs,
        "lines": result.manifest.lines,
        "lines_embedded": result.lines_embedded,
        "lines_reused": result.lines_reused,
        "emotions_predicted": result.emotions_predicted,
        "emotions": dict(result.manifest.emotions),
    }


def _write_rejects(report: RowReport, path: Path, dry_run: bool) -> str | None:
    if not report.rejected or (dry_run and not path.parent.is_dir()):
        return None
    with path.open("w", encoding="utf-8") as stream:
        for row in report.rejected:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return str(path)


def _summary(result: dict[str, Any], out: Path, dry_run: bool) -> str:
    head = "확인만 했어요" if dry_run else f"곡 목록을 만들었어요: {out}"
    lines = [f"{head}\n  노래 {result['songs']:,}곡, {result['lines']:,}줄"]
    if result.get("lines_reused"):
        lines.append(f"  다시 쓴 줄 {result['lines_reused']:,}")
    if result.get("emotions_predicted"):
        lines.append(f"  감정을 가사에서 읽은 노래 {result['emotions_predicted']:,}곡")
    if result["rejected"]:
        lines.append(
            f"  받지 못한 행 {result['rejected']:,} / {result['rows']:,} → {result['rejects_file'] or '(기록 안 함)'}"
        )
    return "\n".join(lines)


@catalog.command()
@catalog_option
@json_option
def info(catalog: str | None, as_json: bool) -> None:
    """Show what a catalogue holds."""
    from profile_music.index import CatalogFiles
    from profile_music.recommender import bundled_catalog_dir

    folder = Path(catalog or load_settings().catalog or bundled_catalog_dir())
    manifest = CatalogFiles(folder).manifest
    facts = {
        "songs": manifest.songs,
        "lines": manifest.lines,
        "emotions": dict(manifest.emotions),
        "encoder": dict(manifest.encoder),
        "built_by": manifest.built_by,
        "built_at": manifest.built_at,
        "bytes": sum(entry.size_bytes for entry in manifest.files.values()),
        "path": str(folder),
    }
    if as_json:
        print_json(facts)
        return
    out = console()
    for name, value in facts.items():
        shown = "  ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else value
        out.print(f"{name:>9}  {shown}", markup=False, soft_wrap=True)


@catalog.command()
@click.argument("line")
@click.option("--top-k", "-k", default=10, show_default=True, type=click.IntRange(1, 1000))
@catalog_option
@json_option
def search(line: str, top_k: int, catalog: str | None, as_json: bool) -> None:
    """Search the catalogue's lines: no photo, no mood, no variety, only the match."""
    recommender = load_recommender(catalog)
    rows = [
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
