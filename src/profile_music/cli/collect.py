"""`profile-music collect`: songs of playlists, as far as their sites allow."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profile_music.cli.common import console, json_option, load_settings, print_json
from profile_music.types import EMOTIONS

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from profile_music.catalog.fetch import PoliteClient


@click.group()
def collect() -> None:
    """Collect songs of playlists, as far as their sites allow. 플레이리스트의 곡을 모읍니다."""


@collect.command()
@click.option("--playlist", "playlists", multiple=True, metavar="SEQ|URL",
              help="Playlist number (plylstSeq) or its page's address; give several.")  # fmt: skip
@click.option("--emotion", required=True, type=click.Choice([e.value for e in EMOTIONS]),
              help="The emotion that these playlists stand for.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Rows go here (JSONL).")
@click.option("--from-html", type=click.Path(path_type=Path, file_okay=False),
              help="Read saved playlist and song pages from this folder; fetches nothing.")  # fmt: skip
@click.option("--delay-s", default=3.0, show_default=True, type=click.FloatRange(0.5, 600),
              help="Seconds between requests; up to half as much is added at random.")  # fmt: skip
@click.option("--cache-dir", type=click.Path(path_type=Path, file_okay=False), help="Where fetched pages are kept.")
@click.option("--cache-days", default=30.0, show_default=True, help="How long fetched pages are used again.")
@click.option("--contact", default="", help="Your mail or web address, told to the site in the User-Agent.")
@click.option("--limit", type=click.IntRange(1), help="At most so many new songs.")
@click.option("--resume", is_flag=True, help="Go on with an existing OUT.")
@click.option("--base-url", hidden=True, default="https://www.melon.com")
@json_option
def melon(
    playlists: tuple[str, ...],
    emotion: str,
    out: Path,
    from_html: Path | None,
    delay_s: float,
    cache_dir: Path | None,
    cache_days: float,
    contact: str,
    limit: int | None,
    resume: bool,
    base_url: str,
    as_json: bool,
) -> None:
    """Collect the songs of Melon playlists, with lyrics where the page has them.

    robots.txt is read first and always honoured; a refusal (403, 429) stops at once. Melon's robots.txt keeps most
    programs out, so pages that you saved (--from-html) are the usual way. Lyrics are under copyright: keep what you
    collect to yourself. 멜론의 robots.txt와 이용약관, 가사 저작권을 지켜 주세요.
    """
    if bool(playlists) == bool(from_html):
        raise click.UsageError("give --playlist or --from-html (one of the two)")
    from itertools import islice

    from profile_music.catalog.collect import collect_saved, done_keys
    from profile_music.catalog.rowlog import RowLog

    counts: Counter[str] = Counter()
    with RowLog(out, resume=resume) as log, _progress() as progress:
        done = done_keys(log.rows()) if resume else set()
        if from_html:
            rows = collect_saved(from_html, emotion, done)
            _write(islice(rows, limit), log.write, counts, progress)
        else:
            with _client(cache_dir, cache_days, delay_s, contact) as client:
                rows = _playlist_rows(client, base_url.rstrip("/"), playlists, emotion, done, progress)
                _write(islice(rows, limit), log.write, counts, progress)
    result = {"out": str(out), "already_there": len(done), **_totals(counts)}
    if as_json:
        print_json(result)
    else:
        console().print(_summary(result), markup=False, soft_wrap=True)


def _playlist_rows(
    client: PoliteClient, base_url: str, playlists: tuple[str, ...], emotion: str, done: set[str], progress: Progress
) -> Iterator[dict[str, Any]]:
    from profile_music.catalog.collect import MelonCollector
    from profile_music.catalog.melon import playlist_seq

    collector = MelonCollector(client, base_url)
    known = set(done)
    for seq in [playlist_seq(text) for text in playlists]:
        for row in collector.collect(seq, emotion, known, _Bar(progress, seq)):
            known.add(str(row["melon_id"]))
            yield row


def _client(cache_dir: Path | None, cache_days: float, delay_s: float, contact: str) -> PoliteClient:
    from profile_music.catalog.collect import ADVICE
    from profile_music.catalog.fetch import PoliteClient, Politeness

    return PoliteClient(
        Politeness(delay_s=delay_s), contact=contact, advice=ADVICE, cache=page_cache(cache_dir, cache_days)
    )


def page_cache(cache_dir: Path | None, cache_days: float) -> Any:
    """Return the cache of pages in the given folder, in the settings' one, or in the user's cache folder."""
    from platformdirs import user_cache_path

    from profile_music.catalog.cache import PageCache

    folder = cache_dir or load_settings().cache_dir or user_cache_path("profile-music")
    return PageCache(folder / "pages", max_age_s=cache_days * 86_400)


def _write(rows: Iterator[dict[str, Any]], write: Any, counts: Counter[str], progress: Progress) -> None:
    for row in rows:
        write(row)
        counts[row.get("note", "with_lyrics")] += 1
        for task in progress.task_ids[-1:]:
            progress.advance(task)


def _totals(counts: Counter[str]) -> dict[str, int]:
    names = ("with_lyrics", "adult_only", "no_lyrics", "page_missing")
    return {"songs": counts.total(), **{name: counts[name] for name in names}}


def _summary(result: dict[str, Any]) -> str:
    text = f"{result['songs']:,}곡을 모았어요: {result['out']}"
    if result["already_there"]:
        text += f"  (이미 있던 {result['already_there']:,}곡은 건너뛰었어요)"
    without = [
        f"{label} {result[name]:,}곡"
        for name, label in (("adult_only", "성인 인증"), ("no_lyrics", "가사 없음"), ("page_missing", "곡 페이지 없음"))
        if result[name]
    ]
    if without:
        text += f"\n  가사가 빠진 곡: {', '.join(without)} → catalog enrich --lyrics 로 채워 볼 수 있어요."
    return text + f"\n  다음: profile-music catalog build --songs {shlex.quote(result['out'])} --out 폴더"


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


class _Bar:
    """One bar a playlist."""

    def __init__(self, progress: Progress, seq: str) -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task(f"플레이리스트 {seq}", total=None)

    def playlist(self, title: str, song_count: int | None) -> None:
        self._progress.update(self._task, description=title or None, total=song_count)

    def skipped(self) -> None:
        self._progress.advance(self._task)
