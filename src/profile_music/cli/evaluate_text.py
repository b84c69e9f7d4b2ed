"""`profile-music evaluate text`."""

from __future__ import annotations

from pathlib import Path

import click

from profile_music.cli.common import json_option, load_settings, print_json
from profile_music.errors import DependencyMissingError


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Folder with KorSTS and KOTE; without it only our own sets and the speed are measured.")  # fmt: skip
@click.option("--encoder", "name", default="embedded", show_default=True, help="embedded or ko-sroberta.")
@click.option("--split", "splits", multiple=True, type=click.Choice(["train", "dev", "test"]), default=("dev", "test"),
              show_default=True, help="KorSTS splits.")  # fmt: skip
@click.option("--songs/--no-songs", default=True, show_default=True, help="Measure answers from the bundled songs.")
@json_option
def evaluate_text(data: Path | None, name: str, splits: tuple[str, ...], songs: bool, as_json: bool) -> None:
    """Measure a text encoder: KorSTS, mood, hit@5 and MRR of our own messages by words, meaning and both, speed."""
    from profile_music.evaluate.text import evaluate_text as measure
    from profile_music.text import load_encoder

    settings = load_settings()
    encoder = load_encoder(name, model_dir=settings.model_dir, threads=1)
    try:
        evaluation = measure(encoder, data, splits=splits, songs=songs)
    except ModuleNotFoundError as error:
        raise DependencyMissingError(extra="train") from error
    if as_json:
        print_json(evaluation.to_dict())
    else:
        click.echo(evaluation.to_markdown())
