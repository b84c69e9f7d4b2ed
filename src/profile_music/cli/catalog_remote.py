"""`profile-music catalog push` and `catalog pull`: catalogues to and from a bucket (or another folder)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profile_music.cli.common import console, json_option, load_settings, print_json

if TYPE_CHECKING:
    from rich.progress import Progress

    from profile_music.index.transfer import Moved, OnFile


@click.command()
@click.argument("target", metavar="s3://BUCKET/PREFIX")
@click.option("--catalog", "folder", metavar="DIR", help="Catalogue folder; the bundled one where absent.")
@click.option("--split-by-emotion", is_flag=True, help="Also publish each emotion's songs as a part of its own.")
@click.option("--make-bucket", is_flag=True, help="Make the bucket where it is absent (for local stores).")
@click.option("--keep-hours", type=click.FloatRange(0), default=24.0, show_default=True,
              help="Files of older versions are removed after this time.")  # fmt: skip
@json_option
def push(
    target: str, folder: str | None, split_by_emotion: bool, make_bucket: bool, keep_hours: float, as_json: bool
) -> None:
    """Publish a catalogue in a bucket: only what is absent is uploaded, and readers see it in one step.

    곡 목록을 저장소에 올립니다. 읽는 쪽은 옛 목록이나 새 목록 중 하나만 봅니다.
    """
    from profile_music.index.source import store_for
    from profile_music.index.transfer import push as push_catalog
    from profile_music.recommender import bundled_catalog_dir

    source = Path(folder or load_settings().catalog or bundled_catalog_dir())
    if make_bucket and target.startswith("s3://"):
        from profile_music.index.s3 import make_bucket as make

        make(target)
    with tempfile.TemporaryDirectory(prefix="profile-music-parts-") as work, _progress() as progress:
        parts = _split(source, Path(work)) if split_by_emotion else {}
        moved = push_catalog(
            source, store_for(target), parts=parts, keep_s=keep_hours * 3600, on_file=_shown(progress, "올리는 중")
        )
    _report(moved, target, "올렸어요", as_json)


@click.command()
@click.argument("source", metavar="s3://BUCKET/PREFIX[#EMOTION]")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Catalogue folder.")
@json_option
def pull(source: str, out: Path, as_json: bool) -> None:
    """Fetch a catalogue, or one emotion's part (s3://songs/main#sad), into a folder; every file is checked.

    곡 목록을 저장소에서 받아 옵니다.
    """
    from profile_music.index.source import split_location, store_for
    from profile_music.index.transfer import pull as pull_catalog

    _, part = split_location(source)
    with _progress() as progress:
        moved = pull_catalog(store_for(source), out, part=part, on_file=_shown(progress, "받는 중"))
    if moved is not None:
        _report(moved, str(out), "받았어요", as_json)


def _split(source: Path, work: Path) -> dict[str, Path]:
    from profile_music.index import CatalogFiles
    from profile_music.index.parts import split_by_emotion
    from profile_music.text.lexical import tokens

    return split_by_emotion(CatalogFiles(source), work, tokens)


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=Console(stderr=True))


def _shown(progress: Progress, text: str) -> OnFile:
    task = progress.add_task(text, total=None)
    return lambda _path, size: progress.advance(task, size)


def _report(moved: Moved, place: str, verb: str, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "location": place,
        "songs": moved.manifest.songs,
        "lines": moved.manifest.lines,
        "files": moved.files,
        "moved": moved.moved,
        "moved_bytes": moved.moved_bytes,
        "removed": moved.removed,
    }
    if as_json:
        print_json(facts)
        return
    removed = f", 지운 옛 파일 {moved.removed}개" if moved.removed else ""
    console().print(
        f"{verb}: {place}\n  노래 {moved.manifest.songs:,}곡, 파일 {moved.files}개 중 {moved.moved}개"
        f" ({moved.moved_bytes / 1e6:,.1f} MB){removed}",
        markup=False,
        soft_wrap=True,
    )


@click.command("to-lance")
@click.argument("target", metavar="DIR|s3://BUCKET/PREFIX")
@click.option("--catalog", "folder", metavar="DIR", help="Catalogue folder; the bundled one where absent.")
@click.option("--add", is_flag=True, help="Add to the songs that are there instead of replacing them.")
@json_option
def to_lance(target: str, folder: str | None, add: bool, as_json: bool) -> None:
    """Write a catalogue as LanceDB tables, for catalogues larger than one machine (extra: scale).

    곡 목록을 LanceDB 표로 옮깁니다. --catalog 자리에 그 위치를 그대로 쓸 수 있습니다.
    """
    from profile_music.index import CatalogFiles
    from profile_music.index.lance_writer import import_catalog
    from profile_music.recommender import bundled_catalog_dir
    from profile_music.text.lexical import tokens

    files = CatalogFiles(Path(folder or load_settings().catalog or bundled_catalog_dir()))
    with _progress() as progress:
        task = progress.add_task("옮기는 중", total=len(files))
        manifest = import_catalog(
            files, target, tokens, fresh=not add, on_progress=lambda count: progress.update(task, completed=count)
        )
    facts = {"location": target, "songs": manifest.songs, "lines": manifest.lines}
    if as_json:
        print_json(facts)
    else:
        console().print(f"옮겼어요: {target}\n  노래 {manifest.songs:,}곡, {manifest.lines:,}줄", markup=False)
