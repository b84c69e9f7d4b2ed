"""`profile-music train text`."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import click

from profile_music.errors import DependencyMissingError


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Folder with the text sets (shared/data/text).")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False),
              help="Folder for the model, the report, and what Kiwi read.")  # fmt: skip
@click.option("--steps", type=click.IntRange(min=1), help="Training steps instead of the recipe's.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--mood-of", "model", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Only train the mood head anew, on the tables of this model.")  # fmt: skip
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of torch.")
def train_text(data: Path, out: Path, steps: int | None, seed: int, model: Path | None, threads: int) -> None:
    """Train the embedded text encoder and its mood head, and write OUT/text-embedded.npz.

    Kiwi reads the sentences first (about five minutes, once); then the tables of four seeds (SEED
    and the next three) are trained and averaged, some three minutes each on two cores.
    """
    try:
        import torch

        from profile_music.train.text import retrain_mood
        from profile_music.train.text import train_text as train
        from profile_music.train.text_net import TextRecipe

        torch.set_num_threads(threads)
        recipe = TextRecipe(seed=seed)
        recipe = replace(recipe, steps=steps) if steps else recipe
        say = functools.partial(click.echo, err=True)
        report = retrain_mood(model, data, out, say) if model else train(data, out, recipe, say)
    except ModuleNotFoundError as error:
        raise DependencyMissingError(extra="train") from error
    click.echo(f"{report.model}: KorSTS dev {report.korsts_dev_spearman:.4f}, {report.size_bytes} bytes")
