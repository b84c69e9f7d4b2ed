"""`profile-music catalog enrich`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from profile_music.cli.collect import page_cache
from profile_music.cli.common import console, json_option, print_json

if TYPE_CHECKING:
    from profile_music.catalog.enrich import Enricher
    from profile_music.catalog.fetch import PoliteClient
    from profile_music.catalog.rowlog import RowLog

_NAMES = {"cover": "커버", "preview": "미리듣기", "lyrics": "가사"}


@click.command()
@click.option("--songs", required=True, type=click.Path(path_type=Path, dir_okay=False),
              help="Rows of songs (JSONL, as `collect` and `catalog export` write them).")  # fmt: skip
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The rows, enriched (JSONL)."
)
@click.option("--covers", is_flag=True, help="Look for covers (iTunes Search).")
@click.option("--previews", is_flag=True, help="Look for 30-second previews (iTunes Search).")
@click.option("--lyrics", is_flag=True, help="Look for lyrics (LRCLIB) of songs that have none.")
@click.option("--threshold", default=88.0, show_default=True, type=click.FloatRange(50, 100),
              help="Least likeness of title and artist, so that covers by others are not taken.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Go on with an existing OUT.")
@click.option("--cache-dir", type=click.Path(path_type=Path, file_okay=False), help="Where answers are kept.")
@click.option("--cache-days", default=30.0, show_default=True, help="How long answers are used again.")
@click.option("--contact", default="", help="Your mail or web address, told to the sites in the User-Agent.")
@click.option("--itunes-url", hidden=True, default="https://itunes.apple.com")
@click.option("--lrclib-url", hidden=True, default="https://lrclib.net")
@click.option("--delay-s", hidden=True, type=click.FloatRange(0))
@json_option
def enrich(
    songs: Path,
    out: Path,
    covers: bool,
    previews: bool,
    lyrics: bool,
    threshold: float,
    resume: bool,
    cache_dir: Path | None,
    cache_days: float,
    contact: str,
    itunes_url: str,
    lrclib_url: str,
    delay_s: float | None,
    as_json: bool,
) -> None:
    """Look for covers, previews and lyrics of a file of songs.

    What a row has stays. A recording by somebody else, a live or instrumental version is not taken. iTunes allows
    about 20 questions a minute, so a thousand songs take an hour; --resume goes on after a stop. Covers and previews
    may only be shown beside the link to the store, which comes along as store_url.
    """
    if not (covers or previews or lyrics):
        raise click.UsageError("give at least one of --covers, --previews, --lyrics")
    from profile_music.catalog.enrich import Enricher
    from profile_music.catalog.rowlog import RowLog

    counts: Counter[str] = Counter()
    total = sum(1 for _ in _rows(songs))
    with _client([itunes_url, lrclib_url], delay_s, contact, page_cache(cache_dir, cache_days)) as client:
        enricher = Enricher(client, covers, previews, lyrics, threshold, itunes_url.rstrip("/"), lrclib_url.rstrip("/"))
        with RowLog(out, resume=resume) as log:
            done = _done(log, songs) if resume else 0
            _run(enricher, songs, log, done, total, counts)
    result = {"out": str(out), "songs": total, "already_there": done, **_table(counts)}
    if as_json:
        print_json(result)
        return
    lines = [f"{total:,}곡을 적었어요: {out}" + (f"  (이미 있던 {done:,}곡은 건너뛰었어요)" if done else "")]
    lines += [
        f"  {_NAMES[wish]}: 찾음 {row['found']:,} · 원래 있음 {row['had']:,} · 없음 {row['none']:,}"
        for wish, row in _table(counts).items()
    ]
    console().print("\n".join(lines), markup=False, soft_wrap=True)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    from profile_music.catalog.rowlog import read_rows

    return read_rows(path)


def _client(urls: list[str], delay_s: float | None, contact: str, cache: Any) -> PoliteClient:
    from profile_music.catalog import itunes, lrclib
    from profile_music.catalog.fetch import PoliteClient, Politeness

    own = {urls[0]: itunes.DELAY_S, urls[1]: lrclib.DELAY_S}
    delays = {urlsplit(url).netloc: own[url] if delay_s is None else delay_s for url in urls}
    return PoliteClient(Politeness(host_delays_s=delays, jitter=0.2), contact=contact, cache=cache)


def _done(log: RowLog, songs: Path) -> int:
    """Return how many rows are written already.

    Raises:
        UsageError: They are not the first rows of the same file.
    """
    done = 0
    for written, row in zip(log.rows(), _rows(songs), strict=False):
        if any(written.get(name) != row.get(name) for name in ("title", "artist")):
            raise click.UsageError(f"--resume: row {done + 1} of OUT is not row {done + 1} of --songs")
        done += 1
    return done


def _run(enricher: Enricher, songs: Path, log: RowLog, done: int, total: int, counts: Counter[str]) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("곡 정보 채우기", total=total, completed=done)
        for number, row in enumerate(_rows(songs)):
            if number < done:
                continue
            enriched = enricher.enrich(row)
            log.write(enriched.row)
            counts.update(f"{wish} {outcome}" for wish, outcome in enriched.outcomes.items())
            progress.advance(task)


def _table(counts: Counter[str]) -> dict[str, dict[str, int]]:
    wishes = dict.fromkeys(name.split()[0] for name in counts)
    return {wish: {outcome: counts[f"{wish} {outcome}"] for outcome in ("found", "had", "none")} for wish in wishes}
