"""`profile-music catalog build` and `merge`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from profile_music._version import __version__
from profile_music.cli.common import console, json_option, load_settings, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from profile_music.builder import BuildResult, EmotionMode
    from profile_music.catalog.problems import RowReport
    from profile_music.index import CatalogFiles
    from profile_music.types import Song

_ENCODER_HELP = "Text encoder: embedded (default) or ko-sroberta."


@click.command()
@click.option("--songs", "sources", required=True, multiple=True, type=click.Path(path_type=Path),
              help="A file of songs (.csv, .tsv, .xlsx, .jsonl); give several to merge.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(file_okay=False),
              help="Catalogue folder; with --backend lance also s3://BUCKET/PREFIX.")  # fmt: skip
@click.option("--update", is_flag=True, help="Add to the songs of OUT; a song with the same id replaces the old one.")
@click.option("--column", "columns", multiple=True, metavar="NAME=FIELD",
              help="Say which column holds which field (제목=title); 'NAME=' leaves a column out.")  # fmt: skip
@click.option("--sheet", help="Sheet of .xlsx files; the first where absent.")
@click.option("--emotions", type=click.Choice(["source", "lines", "both"]), default="source", show_default=True,
              help="source: labels as given, else from the lines; lines: from the lines; both: the mean.")  # fmt: skip
@click.option("--encoder", help=_ENCODER_HELP)
@click.option("--vectors", "vector_dtype", type=click.Choice(["float32", "float16"]), default="float32",
              show_default=True, help="float16 halves the folder.")  # fmt: skip
@click.option("--processes", type=click.IntRange(1), help="Processes that embed; as many as cores where absent.")
@click.option("--rejects", type=click.Path(path_type=Path, dir_okay=False),
              help="Where rows that were not taken are written (JSONL); OUT/rejected.jsonl where absent.")  # fmt: skip
@click.option("--backend", type=click.Choice(["folder", "lance"]), default="folder", show_default=True,
              help="lance: LanceDB tables, for catalogues larger than one machine (extra: scale).")  # fmt: skip
@click.option("--workers", type=click.Choice(["local", "ray"]), default="local", show_default=True,
              help="ray: embed and index as Ray jobs (extra: ray; --backend lance).")  # fmt: skip
@click.option("--ray-address", metavar="ADDRESS", help="A running Ray cluster; one is started here where absent.")
@click.option("--dry-run", is_flag=True, help="Read and check the rows, build nothing.")
@json_option
def build(
    sources: tuple[Path, ...],
    out: str,
    update: bool,
    columns: tuple[str, ...],
    sheet: str | None,
    emotions: str,
    encoder: str | None,
    vector_dtype: str,
    processes: int | None,
    rejects: Path | None,
    backend: str,
    workers: str,
    ray_address: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Build a catalogue from your own songs, or add songs to one (--update).

    Each row needs a title (제목), an artist (가수) and lyrics (가사) or lines; emotion, album, year, genre, cover_url
    and melon_id are optional. Which column was taken for what is shown, and --column corrects it. Rows that cannot
    be used are reported, never lost. While it runs, and if it is killed, the old catalogue stays usable; a killed
    --backend lance goes on where it was.
    """
    from profile_music.catalog.readers import RowReport, read_songs
    from profile_music.catalog.seen import SeenIds

    if backend == "folder" and (workers == "ray" or ray_address or out.startswith("s3://")):
        raise click.UsageError("--workers ray, --ray-address and an s3:// address need --backend lance")
    report, seen = RowReport(), SeenIds()
    songs = read_songs(sources, report, columns=columns, sheet=sheet, seen=seen)
    folder = Path() if out.startswith("s3://") else Path(out)
    with ExitStack() as held:
        place = rejects or folder / "rejected.jsonl"
        report.sink = held.enter_context(_rejects(place, dry_run and rejects is None))
        if dry_run:
            built = _counted(songs)
        elif backend == "lance":
            from profile_music.cli.catalog_lance import build_tables

            built = _result(build_tables(
                songs, out, encoder=encoder, emotions=cast("EmotionMode", emotions), workers=workers,
                ray_address=ray_address, update=update,
                on_progress=held.enter_context(_progress(lambda: report.fraction_read)),
            ))  # fmt: skip
        else:
            old = held.enter_context(_updating(folder)) if update else None
            kept = (song for song in old.songs() if song.song_id not in seen) if old else iter(())
            made = _build(
                chain(songs, kept), folder, encoder=encoder or _encoder_of(old), vector_dtype=vector_dtype,
                emotions=emotions, processes=processes, fraction=lambda: report.fraction_read,
            )  # fmt: skip
            built = _result(made)
    written = str(place) if report.rejected_count and not (dry_run and rejects is None) else None
    result = {**built, **_report_facts(report), "rejects_file": written}
    if as_json:
        print_json(result)
    else:
        console().print(_summary(result, out, dry_run), markup=False, soft_wrap=True)


@click.command()
@click.argument("catalogs", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Catalogue folder.")
@click.option("--encoder", help=_ENCODER_HELP)
@click.option("--processes", type=click.IntRange(1), help="Processes that embed; as many as cores where absent.")
@json_option
def merge(catalogs: tuple[str, ...], out: Path, encoder: str | None, processes: int | None, as_json: bool) -> None:
    """Put CATALOGS together into one; of songs with the same id the first catalogue's stays.

    Vectors made with the same encoder are taken over, the others are made anew.
    """
    from profile_music.catalog.seen import SeenIds
    from profile_music.index import CatalogFiles
    from profile_music.index.source import local_catalog

    parts = [CatalogFiles(local_catalog(place, load_settings().cache_dir)) for place in catalogs]
    seen, total, left_out = SeenIds(), sum(len(part) for part in parts), 0

    def songs() -> Iterator[Song]:
        nonlocal left_out
        for song in chain.from_iterable(part.songs() for part in parts):
            if seen.add(song.song_id):
                yield song
            else:
                left_out += 1

    made = _build(
        songs(), out, encoder=encoder or _encoder_of(parts[0]), known=parts, processes=processes,
        fraction=lambda: (len(seen) + left_out) / max(1, total),
    )  # fmt: skip
    result = {**_result(made), "duplicates": left_out}
    if as_json:
        print_json(result)
        return
    text = f"곡 목록 {len(parts)}개를 합쳤어요: {out}\n  노래 {result['songs']:,}곡, {result['lines']:,}줄"
    console().print(text + (f"  (겹친 {left_out:,}곡은 한 번만)" if left_out else ""), markup=False, soft_wrap=True)


def _encoder_of(files: CatalogFiles | None) -> str | None:
    return str(files.manifest.encoder["name"]) if files else None


def _counted(songs: Iterator[Song]) -> dict[str, Any]:
    counts = lines = labelled = 0
    for song in songs:
        counts, lines, labelled = counts + 1, lines + len(song.lines), labelled + (song.emotions is not None)
    return {"songs": counts, "lines": lines, "songs_with_emotions": labelled}


@contextmanager
def _updating(out: Path) -> Iterator[CatalogFiles | None]:
    """Open the catalogue that is added to; two updates at once go one after the other, or the first would be lost."""
    from filelock import FileLock

    from profile_music.errors import CatalogMissingError
    from profile_music.index import CatalogFiles

    out.mkdir(parents=True, exist_ok=True)
    with FileLock(str(out / ".update.lock")):
        try:
            old = CatalogFiles(out)
        except CatalogMissingError:
            old = None
        yield old


@contextmanager
def _rejects(path: Path, skip: bool) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Give a writer of rejected rows; the file is made with the first of them, and an old one goes."""
    stream: TextIO | None = None

    def write(row: Mapping[str, Any]) -> None:
        nonlocal stream
        if skip:
            return
        if stream is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            stream = path.open("w", encoding="utf-8", errors="backslashreplace")
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")

    if not skip:
        path.unlink(missing_ok=True)
    try:
        yield write
    finally:
        if stream:
            stream.close()


def _build(
    songs: Iterable[Song],
    out: Path,
    *,
    fraction: Callable[[], float],
    encoder: str | None = None,
    vector_dtype: str = "float32",
    emotions: str = "source",
    processes: int | None = None,
    known: list[CatalogFiles] | None = None,
) -> BuildResult:
    from profile_music.builder import CatalogBuilder, available_processes
    from profile_music.text import load_encoder
    from profile_music.text.mood import TextMood

    settings = load_settings(encoder=encoder)
    model = load_encoder(settings.encoder, model_dir=settings.model_dir, threads=settings.threads)
    builder = CatalogBuilder(
        model,
        TextMood.load(model),
        vector_dtype=vector_dtype,
        emotions=cast("EmotionMode", emotions),
        processes=processes or available_processes(),
    )
    with _progress(fraction) as show:
        return builder.build(songs, out, known=known or (), built_by=f"profile-music {__version__}", on_progress=show)


@contextmanager
def _progress(fraction: Callable[[], float]) -> Iterator[Callable[[int, int], None]]:
    """Show on stderr how far a build is, how fast, and how long it will take."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TextColumn("{task.fields[lines]:,}줄"), TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("곡 목록 만들기", total=1.0, lines=0, rate="")

        def show(_songs: int, lines: int) -> None:
            elapsed_s = progress.tasks[0].elapsed or 0
            rate = f"{lines / elapsed_s * 60:,.0f}줄/분" if elapsed_s > 0.5 else ""
            progress.update(task, completed=fraction(), lines=lines, rate=rate)

        yield show
        progress.update(task, completed=1.0)


def _result(made: BuildResult) -> dict[str, Any]:
    return {
        "songs": made.manifest.songs,
        "lines": made.manifest.lines,
        "lines_embedded": made.lines_embedded,
        "lines_reused": made.lines_reused,
        "emotions_predicted": made.emotions_predicted,
        "emotions": dict(made.manifest.emotions),
        "emotion_sources": made.emotion_sources,
    }


def _report_facts(report: RowReport) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "rejected": report.rejected_count,
        "columns": {name: dict(fields) for name, fields in report.columns.items()},
        "unused_columns": {name: list(names) for name, names in report.unused.items() if names},
    }


def _summary(result: dict[str, Any], out: str, dry_run: bool) -> str:
    head = "확인만 했어요" if dry_run else f"곡 목록을 만들었어요: {out}"
    lines = [f"{head}\n  노래 {result['songs']:,}곡, {result['lines']:,}줄"]
    for name, fields in result["columns"].items():
        renamed = [f"{column} → {field}" for column, field in fields.items() if column != field]
        alike = [column for column, field in fields.items() if column == field]
        lines.append(f"  {name}의 열: " + ", ".join(renamed + alike))
        if unused := result["unused_columns"].get(name):
            lines.append(f"    쓰지 않은 열: {', '.join(unused)}")
    if result.get("lines_reused"):
        lines.append(f"  다시 쓴 줄 {result['lines_reused']:,}")
    if result.get("emotions_predicted"):
        lines.append(f"  감정을 가사에서 읽은 노래 {result['emotions_predicted']:,}곡")
    if result["rejected"]:
        place = result["rejects_file"] or "--rejects 파일을 주면 적어 둬요"
        lines.append(f"  받지 못한 행 {result['rejected']:,} / {result['rows']:,} → {place}")
    return "\n".join(lines)
