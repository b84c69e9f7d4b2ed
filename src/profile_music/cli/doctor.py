"""`profile-music doctor`."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from typing import Any

import click

from profile_music._version import __version__
from profile_music.cli.common import catalog_option, json_option, load_recommender, print_json


@click.command()
@catalog_option
@json_option
def doctor(catalog: str | None, as_json: bool) -> None:
    """Check the installation: models, catalogue, and one real answer. Exit status 1 where something is wrong."""
    rows = [
        _check("program", lambda: f"profile-music {__version__}, Python {platform.python_version()}"),
        _check("models", _models),
        _check("catalog", lambda: _catalog(catalog)),
        _check("photo", _photo),
        _check("answer", lambda: _answer(catalog)),
    ]
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            mark = click.style("좋음", fg="green") if row["ok"] else click.style("문제", fg="red")
            click.echo(f"{mark}  {row['check']:<8} {row['detail']}  ({row['duration_ms']} ms)")
    if not all(row["ok"] for row in rows):
        raise click.exceptions.Exit(1)


def _check(name: str, work: Callable[[], str]) -> dict[str, Any]:
    begin = time.perf_counter()
    try:
        ok, detail = True, work()
    except Exception as error:  # a doctor reports every illness
        ok, detail = False, f"{type(error).__name__}: {error}"
    return {"check": name, "ok": ok, "detail": detail, "duration_ms": round((time.perf_counter() - begin) * 1e3)}


def _models() -> str:
    from profile_music.errors import ModelError
    from profile_music.runtime import verify_models

    rows = verify_models()
    wrong = [(spec.name, problem) for spec, problem in rows if problem]
    if wrong:
        raise ModelError(name=wrong[0][0], reason=wrong[0][1])
    return f"{len(rows)} files, {sum(spec.size_bytes for spec, _ in rows) / 1e6:.1f} MB, checksums right"


def _catalog(catalog: str | None) -> str:
    manifest = load_recommender(catalog).index.manifest
    return f"{manifest.songs} songs, {manifest.lines} lines, encoder {manifest.encoder['name']}"


def _photo() -> str:
    from PIL import Image

    from profile_music.reading import PhotoReader

    reading = PhotoReader().read(Image.new("RGB", (320, 240), "#88aacc"))
    return f"decoder, detector and emotion model run ({len(reading.faces)} faces in a blank picture)"


def _answer(catalog: str | None) -> str:
    answer = load_recommender(catalog).recommend(text="오늘 하루도 수고했어")
    first = answer.songs[0].song
    return f"{len(answer.songs)} songs, first: {first.title} - {first.artist}"
