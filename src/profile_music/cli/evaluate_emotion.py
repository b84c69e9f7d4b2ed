"""`profile-music evaluate emotion`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from profile_music.errors import InputError

if TYPE_CHECKING:
    from profile_music.train.data_faces import LabelledFaces

_FILE = click.Path(path_type=Path, exists=True)


@click.command()
@click.option("--data", "kind", default="ferplus", show_default=True,
              type=click.Choice(["ferplus", "aihub", "affectnet", "folder"]), help="Form of the data set.")  # fmt: skip
@click.option("--root", required=True, type=_FILE, help="The FER+ archive, prepared AI Hub crops, or a folder.")
@click.option("--split", default="test", show_default=True, help="Which split; all where the set has none.")
@click.option("--model", type=_FILE, help="An emotion model (.onnx); the bundled one where absent.")
@click.option("--peer", "peers", multiple=True, type=_FILE, help="Another model measured in the same run.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the report and pictures.")
@click.option("--robustness", type=click.IntRange(min=0), metavar="N",
              help="Measure harder versions of N pictures, evenly spread (0: none; all where absent).")  # fmt: skip
def evaluate_emotion(
    kind: str,
    root: Path,
    split: str,
    model: Path | None,
    peers: tuple[Path, ...],
    out: Path | None,
    robustness: int | None,
) -> None:
    """Measure the emotion model: accuracy, macro-F1, calibration, abstention, robustness, speed."""
    from profile_music.evaluate.emotion import evaluate_emotion as measure
    from profile_music.evaluate.emotion import report_markdown, write_report

    splits = _read(kind, root)
    faces = splits.get(split) or splits.get("all")
    if faces is None:
        raise InputError(reason=f"no split {split}; there are {sorted(splits)}")
    clean = faces.take(~faces.duplicate)
    evaluations = [
        measure(path, clean.images, clean.majority, robustness=robustness, say=lambda line: click.echo(line, err=True))
        for path in (model, *peers)
    ]
    title = f"{kind}, {split} split, {len(clean)} pictures without duplicates"
    click.echo(report_markdown(evaluations, title))
    if out is not None and not write_report(evaluations, title, out):
        click.echo(f"{out}: no confusion matrices as pictures, as matplotlib is absent (extra: train)", err=True)


def _read(kind: str, root: Path) -> dict[str, LabelledFaces]:
    from profile_music.train.data_affectnet import read_affectnet
    from profile_music.train.data_crops import read_crops
    from profile_music.train.data_ferplus import read_ferplus
    from profile_music.train.data_folder import read_folder

    if kind == "ferplus":
        return read_ferplus(root)
    readers = {"affectnet": read_affectnet, "folder": read_folder, "aihub": read_crops}
    return readers[kind](root, 128)
