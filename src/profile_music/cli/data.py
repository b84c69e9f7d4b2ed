"""`profile-music data`: prepare training data."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def data() -> None:
    """Prepare training data. 학습 데이터를 준비합니다."""


@data.command()
@click.option("--root", required=True, type=click.Path(path_type=Path, file_okay=False, exists=True),
              help="The AI Hub set as downloaded: Training/ and Validation/ with folders or zips.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the crops.")
@click.option("--scale", default=1.0, show_default=True, type=click.FloatRange(0.5, 3),
              help="Side of the square crop over the longer side of the annotators' box.")  # fmt: skip
@click.option("--label", "source", default="majority", show_default=True, type=click.Choice(["majority", "uploader"]),
              help="Whose label counts: the majority of the three annotators, or the uploader.")  # fmt: skip
def aihub(root: Path, out: Path, scale: float, source: str) -> None:
    """Cut the faces of AI Hub's 한국인 감정인식을 위한 복합 영상 for training.

    Stop it at any time: the next call goes on where it stopped. Pictures that cannot be used are left out and
    listed with the reason in OUT/crops.csv.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from profile_music.train.data_crops import prepare_aihub

    with Progress(
        "faces", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    ) as bar:
        task = bar.add_task("faces", total=None)
        report = prepare_aihub(
            root,
            out,
            scale=scale,
            source="uploader" if source == "uploader" else "majority",
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    click.echo(
        f"crops written {report.written}, there before {report.already}, left out {report.skipped}, "
        f"labelled but not found {report.missing}: {out}"
    )
