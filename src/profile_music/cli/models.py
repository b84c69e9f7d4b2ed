"""`profile-music models`: list, verify and fetch the models."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from profile_music.cli.common import console, json_option, load_settings, print_json
from profile_music.errors import DependencyMissingError

if TYPE_CHECKING:
    from profile_music.runtime.models import ModelSpec
    from profile_music.text.sroberta_pull import PullResult

_MEBIBYTE = 1 << 20


@click.group()
def models() -> None:
    """List, verify and fetch models. 모델을 살펴보고 확인하고 받습니다."""


@models.command("list")
@json_option
def list_models(as_json: bool) -> None:
    """Show the models in the package and whether ko-sroberta has been fetched."""
    from profile_music.runtime.models import load_manifest

    specs = list(load_manifest().values())
    fetched = _fetched()
    if as_json:
        print_json({"bundled": [spec.to_dict() for spec in specs], "fetched": fetched})
        return
    _show(specs, {})
    state = fetched["ko-sroberta"] or "없음 (profile-music models pull ko-sroberta) / not fetched"
    console().print(f"ko-sroberta: {state}", soft_wrap=True)


@models.command("verify")
@json_option
@click.pass_context
def verify(context: click.Context, as_json: bool) -> None:
    """Check every bundled model against its checksum; exit status 1 where one differs."""
    from profile_music.runtime.models import verify_models

    rows = verify_models()
    wrong = {spec.name: problem for spec, problem in rows if problem}
    if as_json:
        print_json({"ok": not wrong, "problems": wrong})
    else:
        _show([spec for spec, _ in rows], wrong)
    if wrong:
        context.exit(1)


@models.command("pull")
@click.argument("name", type=click.Choice(["ko-sroberta"]))
@click.option("--from", "source", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="A sentence-transformers folder on this machine instead of the hub.")  # fmt: skip
@click.option("--revision", help="A commit or tag of the hub; its newest where absent.")
@click.option("--int8", is_flag=True, help="Quantize to eight bits: a quarter of the size, a little less exact.")
@click.option("--model-dir", type=click.Path(path_type=Path, file_okay=False), help="Where to keep it.")
@json_option
def pull(
    name: str, source: Path | None, revision: str | None, int8: bool, model_dir: Path | None, as_json: bool
) -> None:
    """Fetch ko-sroberta from the Hugging Face hub (resumable, checksummed), or take it from a folder.

    Then select it with PROFILE_MUSIC_ENCODER=ko-sroberta and rebuild the catalogue with `catalog build`.
    """
    from profile_music.text.sroberta_pull import pull_sroberta

    home = model_dir or load_settings().model_dir
    say = functools.partial(click.echo, err=True)
    result = pull_sroberta(home, convert=_convert, source=source, revision=revision, int8=int8, say=say)
    _report(name, result, as_json)


def _convert(source: Path, graph: Path) -> None:
    from profile_music.train.text_sroberta import export_sroberta

    try:
        export_sroberta(source, graph)
    except ModuleNotFoundError as error:
        raise DependencyMissingError(extra="sroberta") from error


def _report(name: str, result: PullResult, as_json: bool) -> None:
    if as_json:
        print_json(result.to_dict())
        return
    size = sum(file.size_bytes for file in result.files) / _MEBIBYTE
    click.echo(f"{name}: {result.folder} ({size:.0f} MiB, {len(result.files)} files)")


def _fetched() -> dict[str, str | None]:
    from profile_music.text.sroberta import find_folder

    folder = find_folder(load_settings().model_dir)
    return {"ko-sroberta": str(folder) if folder else None}


def _show(specs: list[ModelSpec], problems: dict[str, str]) -> None:
    from rich.table import Table

    table = Table("model", "MiB", "licence", "state")
    for spec in specs:
        state = problems.get(spec.name, "ok") if problems else ""
        table.add_row(spec.name, f"{spec.size_bytes / _MEBIBYTE:.1f}", spec.licence, state)
    console().print(table)
