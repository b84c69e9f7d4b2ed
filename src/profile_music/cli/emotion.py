"""`profile-music emotion`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profile_music.cli.common import console, json_option, load_settings, print_json
from profile_music.errors import ProfileMusicError

if TYPE_CHECKING:
    from profile_music.reading import PhotoReader


@click.command()
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--emotion-model", type=click.Path(path_type=Path), help="An emotion model (.onnx) of your own.")
@click.option("--explain", "explain_path", type=click.Path(path_type=Path, dir_okay=False),
              help="Write a PNG of what in the first photo's most prominent face spoke for the answer.")  # fmt: skip
@json_option
def emotion(photos: tuple[Path, ...], emotion_model: Path | None, explain_path: Path | None, as_json: bool) -> None:
    """Find the faces of PHOTOS and read their emotions.

    A photo that cannot be read is reported and the others are still answered; the exit status is then 1.
    """
    from profile_music.reading import PhotoReader

    reader = PhotoReader(load_settings(emotion_model=emotion_model))
    rows = [_read(reader, photo) for photo in photos]
    if as_json:
        print_json(rows)
    else:
        _print(rows)
    if explain_path is not None:
        _explain(reader, photos[0], explain_path)
    if any("error" in row for row in rows):
        raise click.exceptions.Exit(1)


def _read(reader: PhotoReader, photo: Path) -> dict[str, Any]:
    try:
        reading = reader.read(photo)
    except ProfileMusicError as error:
        return {"path": str(photo), "faces": [], **error.to_dict()}
    return {
        "path": str(photo),
        "size": list(reading.size),
        "faces": [face.to_dict() for face in reading.faces],
        "emotion": reading.emotion.to_dict(),
    }


def _explain(reader: PhotoReader, photo: Path, target: Path) -> None:
    from PIL import Image

    from profile_music.emotion import overlay_heat

    crop, heat = reader.explain(photo)
    Image.fromarray(overlay_heat(crop, heat)).save(target, format="PNG")
    click.echo(f"설명 그림: {target}", err=True)


def _print(rows: list[dict[str, Any]]) -> None:
    out = console()
    for row in rows:
        out.print(f"[bold]{row['path']}[/]")
        if "error" in row:
            out.print(f"  [red][{row['error']['code']}][/] {row['error']['message']['ko']}", markup=True)
        for number, face in enumerate(row["faces"]):
            box = face["box"]
            place = f"({box['x1']:.0f}, {box['y1']:.0f})-({box['x2']:.0f}, {box['y2']:.0f})"
            scores = "  ".join(f"{name} {value:.2f}" for name, value in face["emotion"].items())
            out.print(f"  {number}  {place}  {face['score']:.2f}  {scores}")
        if not row["faces"] and "error" not in row:
            scores = "  ".join(f"{name} {value:.2f}" for name, value in row["emotion"]["probabilities"].items())
            out.print(f"  얼굴을 찾지 못했어요 (색감으로 본 분위기: {scores})")
