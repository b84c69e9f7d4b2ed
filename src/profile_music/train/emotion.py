"""Training an emotion model end to end: data, split, runs of every fold and seed, calibration, the ONNX file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from profile_music.emotion.preprocess import prepare_crops
from profile_music.errors import InputError
from profile_music.evaluate.emotion_metrics import (
    EmotionFigures,
    choose_abstention,
    fit_offsets,
    fit_temperature,
    score,
    soften,
)
from profile_music.train.data_faces import LabelledFaces
from profile_music.train.emotion_export import Precision, ServedNet, Vote, build_net, fold_normalisation, write_model
from profile_music.train.emotion_loop import EmotionTrainer, RunOptions
from profile_music.train.emotion_recipe import EmotionRecipe, recipe_from_mapping
from profile_music.train.emotion_split import hold_out, stratified_folds

CALIBRATION_PICTURES = 600


@dataclass(frozen=True)
class Part:
    """One run's data: what it trains on, what it is validated on (None: nothing), and its seed."""

    train: LabelledFaces
    valid: LabelledFaces | None
    seed: int


@dataclass(frozen=True)
class Plan:
    """Every run of a recipe on a data set, and the part nobody trains on."""

    parts: tuple[Part, ...]
    valid: LabelledFaces
    test: LabelledFaces | None


@dataclass(frozen=True)
class TrainReport:
    """The result: the file, and the figures of the served form on validation and test data."""

    model: Path
    temperature: float
    offsets: tuple[float, ...]
    abstain_below: float
    valid: EmotionFigures
    test: EmotionFigures | None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return {
            "model": self.model.name,
            "temperature": round(self.temperature, 4),
            "offsets": [round(value, 4) for value in self.offsets],
            "abstain_below": self.abstain_below,
            "valid": self.valid.to_dict(),
            "test": self.test.to_dict() if self.test else None,
        }


def make_plan(recipe: EmotionRecipe, splits: Mapping[str, LabelledFaces], split: str | None = None) -> Plan:
    """Divide a data set as the recipe says (`split` overrides it): official, plain or person.

    Raises:
        InputError: The data set lacks what the split needs.
    """
    kind = split or recipe.split
    if kind == "official":
        if "train" not in splits:
            raise InputError(reason="the data has no split of its own: choose plain or person")
        rest, test = splits["train"], splits.get("test")
        valid = splits.get("valid")
    else:
        rest, test = hold_out(_merge(splits), recipe.test_share, 0, "person" if kind == "person" else "plain")
        valid = None
    if recipe.folds > 1:
        folds = stratified_folds(rest, recipe.folds, recipe.seeds[0], by_person=kind == "person")
        parts = tuple(Part(rest.take(rows), rest.take(held), seed) for seed, (rows, held) in enumerate(folds))
        return Plan(parts, valid or rest, test)
    if valid is None:
        rest, valid = hold_out(rest, 0.1, 1, "person" if kind == "person" else "plain")
    return Plan(tuple(Part(rest, valid, seed) for seed in recipe.seeds), valid, test)


def _merge(splits: Mapping[str, LabelledFaces]) -> LabelledFaces:
    parts = list(splits.values())
    if len(parts) == 1:
        return parts[0]
    return LabelledFaces(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.duplicate for part in parts]),
        tuple(group for part in parts for group in part.groups),
    )


def train_emotion(
    recipe: EmotionRecipe,
    splits: Mapping[str, LabelledFaces],
    options: RunOptions,
    *,
    split: str | None = None,
    precision: Precision = "fp32",
    words: Mapping[str, str] | None = None,
    voters: Sequence[Path] = (),
) -> TrainReport:
    """Train, calibrate and export. Interrupted runs resume from the checkpoints in `options.out`.

    Args:
        recipe: What is trained and how.
        splits: The data set.
        options: Where and for how long; `minutes` is shared among the runs.
        split: official, plain or person instead of the recipe's.
        precision: Of the ONNX file.
        words: More metadata (licence, data).
        voters: Checkpoints of other runs, of any recipe with the same input, whose networks vote with these.

    Raises:
        InputError: A voter is no checkpoint of ours, wants another input, or meets folds, whose held-out pictures it
            may have seen.

    Returns:
        The report; the file is `options.out / "emotion.onnx"`, the report also `report.json` beside it.
    """
    others = read_voters(voters, recipe)
    plan = make_plan(recipe, splits, split)
    share = None if options.minutes is None else options.minutes / len(plan.parts)
    weights = []
    for number, part in enumerate(plan.parts):
        options.say(f"run {number + 1} of {len(plan.parts)}: {len(part.train)} pictures, seed {part.seed}")
        folder = options.out / f"run{number}"
        run = EmotionTrainer(recipe, dataclasses.replace(options, out=folder, minutes=share), part.seed)
        train = part.train if options.teacher is None else taught(part.train, recipe, options.teacher, folder)
        trained = run.train(train, part.valid)
        weights.append({name: value.detach().cpu().clone() for name, value in trained.items()})
    return finish(recipe, weights, plan, options.out / "emotion.onnx", precision, words or {}, options.say, others)


def read_voters(paths: Sequence[Path], recipe: EmotionRecipe) -> list[tuple[EmotionRecipe, dict[str, Tensor]]]:
    """Return recipe and weights of checkpoints that are to vote with a network of `recipe`.

    Raises:
        InputError: As in `train_emotion`.
    """
    if paths and recipe.folds > 1:
        raise InputError(reason="other runs cannot vote with folds: they may have seen what these hold out")
    voters = []
    for path in paths:
        body = torch.load(path, map_location="cpu", weights_only=True) if zipfile.is_zipfile(path) else {}
        if not {"recipe", "ema"} <= set(body):
            raise InputError(reason=f"{path} is no checkpoint of a training")
        other = recipe_from_mapping(body["recipe"])
        if (other.input_px, other.colour) != (recipe.input_px, recipe.colour):
            raise InputError(reason=f"{path} wants another input: {other.input_px} px, {other.colour}")
        voters.append((other, body["ema"]))
    return voters


def taught(faces: LabelledFaces, recipe: EmotionRecipe, teacher: Path, folder: Path) -> LabelledFaces:
    """Mix a trained model's answers into the labels (distillation: Hinton et al., 2015): ten raters are noisy raters.

    Args:
        faces: What is trained on.
        recipe: Its `teacher_share` is the teacher's part.
        teacher: An emotion model of ours (.onnx); pictures are prepared as in serving, and its softmax is taken without
            offsets and temperature, which would make it surer than the raters are.
        folder: Keeps the teacher's answers, as an interrupted training asks for them again.

    Raises:
        ModelError: The teacher is not an emotion model of ours.
    """
    from profile_music.emotion.classifier import EmotionClassifier, softmax

    model = EmotionClassifier.load(teacher)
    digest = hashlib.sha256(teacher.read_bytes() + np.ascontiguousarray(faces.images).data).hexdigest()[:16]
    cache = folder / f"teacher-{digest}.npy"
    if not cache.is_file():
        as_teacher = dataclasses.replace(recipe, input_px=model.info.side_px, colour=model.info.colour)
        unfinished = cache.with_name(f"unfinished-{digest}.npy")
        np.save(unfinished, softmax(run_file(teacher, faces.images, as_teacher)).astype(np.float32))
        unfinished.replace(cache)
    share = recipe.teacher_share
    labels = (1 - share) * faces.labels + share * np.load(cache, allow_pickle=False)
    return dataclasses.replace(faces, labels=labels.astype(np.float32))


def finish(
    recipe: EmotionRecipe,
    weights: list[dict[str, Tensor]],
    plan: Plan,
    path: Path,
    precision: Precision,
    words: Mapping[str, str],
    say: Callable[[str], None] = print,
    voters: Sequence[tuple[EmotionRecipe, Mapping[str, Tensor]]] = (),
) -> TrainReport:
    """Export trained weights as one file whose probabilities are calibrated, and measure that file.

    With folds, each validation picture is judged by the one network that has not seen it; the temperature comes
    from those answers.
    """
    served = [served_net(recipe, weights), *(served_net(other, [one]) for other, one in voters)]
    recipes = [recipe.to_dict(), *(other.to_dict() for other, _ in voters)]
    metadata = {
        "recipe": json.dumps(recipes if voters else recipes[0]),
        "colour": recipe.colour,
        **describe_origin(),
        **words,
    }
    calibration = None
    if precision == "int8":
        images = plan.parts[0].train.images
        chosen = np.random.default_rng(0).permutation(len(images))[:CALIBRATION_PICTURES]
        calibration = prepare(images[np.sort(chosen)], recipe)
    write_model(Vote(served) if voters else served[0], recipe.input_px, path, metadata, precision, calibration)
    raw, truth = held_out_logits(recipe, weights, plan, path)
    offsets = fit_offsets(raw, truth)
    logits = raw + offsets
    temperature = fit_temperature(logits, truth)
    abstain = choose_abstention(soften(logits, temperature), truth)
    fitted = {"offsets": ",".join(f"{value:.4f}" for value in offsets), "temperature": repr(temperature)}
    add_metadata(path, {**fitted, "abstain_below": repr(abstain)})
    test = None
    if plan.test is not None and (clean := plan.test.take(~plan.test.duplicate)):
        test = score(soften(run_file(path, clean.images, recipe) + offsets, temperature), clean.majority)
    valid = score(soften(logits, temperature), truth)
    report = TrainReport(path, temperature, tuple(offsets.tolist()), abstain, valid, test)
    path.with_name("report.json").write_text(json.dumps(report.to_dict(), indent=2) + "\n", encoding="utf-8")
    say(json.dumps(report.to_dict()))
    return report


def served_net(recipe: EmotionRecipe, weights: Sequence[Mapping[str, Tensor]]) -> ServedNet:
    """Return what is exported of one recipe's networks."""
    nets = [fold_normalisation(build_net(recipe, one)) for one in weights]
    px, grey = (recipe.input_px, recipe.body_px), recipe.colour == "grey"
    net = ServedNet(nets, *px, mirror=recipe.mirror, mirror_zoom=recipe.mirror_zoom, grey=grey, lift=recipe.lift)
    net.eval()
    return net


def held_out_logits(
    recipe: EmotionRecipe, weights: list[dict[str, Tensor]], plan: Plan, path: Path
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return logits on pictures that the networks have not trained on, and their true classes."""
    if recipe.folds == 1:
        clean = plan.valid.take(~plan.valid.duplicate)
        return run_file(path, clean.images, recipe), clean.majority
    rows, truth = [], []
    for part, one in zip(plan.parts, weights, strict=True):
        assert part.valid is not None  # folds always hold rows out
        rows.append(run_torch(ServedNet([build_net(recipe, one)], recipe.input_px, recipe.body_px), part.valid, recipe))
        truth.append(part.valid.majority)
    return np.concatenate(rows), np.concatenate(truth)


def prepare(images: NDArray[np.uint8], recipe: EmotionRecipe) -> NDArray[np.float32]:
    """Return pictures as the served network gets them, (N, 3, S, S)."""
    return prepare_crops(list(images), side_px=recipe.input_px, colour=recipe.colour)


def run_torch(served: ServedNet, faces: LabelledFaces, recipe: EmotionRecipe) -> NDArray[np.float32]:
    """Return a network's logits on prepared pictures."""
    with torch.no_grad():
        parts = [
            served.eval()(torch.from_numpy(prepare(chunk, recipe))).numpy()
            for chunk in np.array_split(faces.images, max(1, len(faces) // 64))
        ]
    return np.concatenate(parts)


def run_file(path: Path, images: NDArray[np.uint8], recipe: EmotionRecipe) -> NDArray[np.float32]:
    """Return an exported file's logits on pictures, prepared as in serving."""
    from profile_music.runtime import OrtSession

    session = OrtSession(path)
    chunks = np.array_split(images, max(1, len(images) // 64))
    return np.concatenate([session.run(prepare(chunk, recipe))[0] for chunk in chunks])


def add_metadata(path: Path, words: Mapping[str, str]) -> None:
    """Set metadata of a written file."""
    import onnx

    graph = onnx.load(str(path))
    present = {entry.key: entry.value for entry in graph.metadata_props}
    onnx.helper.set_model_props(graph, {**present, **words})
    onnx.save_model(graph, str(path))


def describe_origin() -> dict[str, str]:
    """Return the git commit that trained, where there is one."""
    try:
        here = Path(__file__).parent
        done = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=here, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"git_commit": done.stdout.strip()}
