"""Measuring an emotion model as it is served: figures, robustness, abstention, speed, beside a peer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.emotion import EmotionClassifier
from profile_music.evaluate.emotion_metrics import EmotionFigures, coverage_curve, score
from profile_music.evaluate.emotion_robust import PERTURBATIONS, perturb_all
from profile_music.types import EMOTIONS, RgbImage

SPEED_RUNS = 30


@dataclass(frozen=True)
class EmotionEvaluation:
    """One model on one set.

    Attributes:
        name: The model's file.
        figures: On the pictures as they are.
        robustness: Figures by perturbation.
        coverage: (threshold, share answered, accuracy of the answers).
        answered: Share of pictures at or above the model's own threshold, and their accuracy.
        speed: Milliseconds: load, one_face (batch 1, one thread, median), per_face_in_32.
        size_bytes: Of the file.
    """

    name: str
    figures: EmotionFigures
    robustness: Mapping[str, EmotionFigures]
    coverage: list[tuple[float, float, float]]
    answered: tuple[float, float]
    speed: Mapping[str, float]
    size_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return {
            "model": self.name,
            "size_bytes": self.size_bytes,
            "figures": self.figures.to_dict(),
            "robustness": {name: figures.to_dict() for name, figures in self.robustness.items()},
            "coverage": [[round(value, 4) for value in row] for row in self.coverage],
            "answered": [round(value, 4) for value in self.answered],
            "speed_ms": {name: round(value, 2) for name, value in self.speed.items()},
        }


def as_crops(images: NDArray[np.uint8]) -> list[RgbImage]:
    """Return grey (N, H, W) or RGB pictures as a list of RGB crops."""
    return list(images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=3))


def measure_speed(path: Path | None, crop: RgbImage) -> dict[str, float]:
    """Return milliseconds for loading, one face (batch 1, one thread) and one of 32 faces."""
    started = time.perf_counter()
    classifier = EmotionClassifier.load(path, threads=1)
    load = time.perf_counter() - started

    def timed(crops: list[RgbImage], runs: int) -> float:
        classifier.classify(crops)
        times = []
        for _ in range(runs):
            begin = time.perf_counter()
            classifier.classify(crops)
            times.append((time.perf_counter() - begin) / len(crops))
        return float(np.median(times))

    one, many = timed([crop], SPEED_RUNS), timed([crop] * 32, 3)
    return {"load": load * 1e3, "one_face": one * 1e3, "per_face_in_32": many * 1e3}


def evaluate_emotion(
    path: Path | None,
    images: NDArray[np.uint8],
    truth: NDArray[np.int64],
    *,
    robustness: int | None = None,
    say: Callable[[str], None] | None = None,
) -> EmotionEvaluation:
    """Measure the served model, or the file at `path`, on pictures (N, H, W[, 3]) with known classes.

    Args:
        path: An emotion model; the bundled one where None.
        images: Face crops, uint8.
        truth: Their classes (N,).
        robustness: How many pictures, evenly spread, are also measured in harder versions; None: all, 0: none.
        say: Receives a line of progress a version.
    """
    classifier = EmotionClassifier.load(path)
    crops = as_crops(images)
    probabilities = classifier.probabilities(crops)
    harder = {}
    step = max(1, -(-len(crops) // robustness)) if robustness else 1
    some, some_truth = crops[::step], truth[::step]
    for name in PERTURBATIONS if robustness != 0 else ():
        harder[name] = score(classifier.probabilities(perturb_all(some, name)), some_truth)
        if say:
            say(f"{classifier.name}: {name} {harder[name].accuracy:.4f}")
    given = probabilities.max(axis=1) >= classifier.abstain_below
    right = probabilities.argmax(axis=1) == truth
    return EmotionEvaluation(
        name=classifier.name,
        figures=score(probabilities, truth),
        robustness=harder,
        coverage=coverage_curve(probabilities, truth),
        answered=(float(given.mean()), float(right[given].mean()) if given.any() else 1.0),
        speed=measure_speed(path, crops[0]),
        size_bytes=classifier.size_bytes,
    )


def draw_confusion(figures: EmotionFigures, path: Path, title: str) -> None:
    """Write the confusion matrix as a PNG: shares by true class, counts in the cells.

    Raises:
        ModuleNotFoundError: matplotlib is not installed (extra: train).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    table = np.array(figures.confusion)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(4.6, 4.2), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [emotion.value for emotion in EMOTIONS]
    axes.set(xticks=range(4), yticks=range(4), xticklabels=names, yticklabels=names, xlabel="answer", ylabel="truth")
    axes.set_title(title, fontsize=9)
    for (row, column), count in np.ndenumerate(table):
        tone = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, f"{shares[row, column]:.2f}\n{count}", ha="center", va="center", color=tone, fontsize=8)
    figure.savefig(path)


def report_markdown(evaluations: list[EmotionEvaluation], data: str) -> str:
    """Return the figures of every model as Markdown tables."""
    lines = [f"# Emotion models on {data}", "", "| | " + " | ".join(e.name for e in evaluations) + " |"]
    lines.append("|---" * (len(evaluations) + 1) + "|")

    def row(label: str, values: list[str]) -> None:
        lines.append(f"| {label} | " + " | ".join(values) + " |")

    row("pictures", [str(e.figures.count) for e in evaluations])
    for label, key in (("accuracy", "accuracy"), ("macro-F1", "macro_f1"), ("balanced accuracy", "balanced_accuracy")):
        row(label, [f"{getattr(e.figures, key):.3f}" for e in evaluations])
    row("ECE", [f"{e.figures.ece:.3f}" for e in evaluations])
    for index, emotion in enumerate(EMOTIONS):
        row(f"recall {emotion.value}", [f"{e.figures.recall[index]:.3f}" for e in evaluations])
        row(f"F1 {emotion.value}", [f"{e.figures.f1[index]:.3f}" for e in evaluations])
    for name in evaluations[0].robustness:
        pictures = evaluations[0].robustness[name].count
        row(f"accuracy, {name} ({pictures} pictures)", [f"{e.robustness[name].accuracy:.3f}" for e in evaluations])
    row("answered / their accuracy", [f"{e.answered[0]:.3f} / {e.answered[1]:.3f}" for e in evaluations])
    row("file, MB", [f"{e.size_bytes / 1e6:.1f}" for e in evaluations])
    for name in ("load", "one_face", "per_face_in_32"):
        row(f"{name.replace('_', ' ')}, ms (one thread)", [f"{e.speed[name]:.1f}" for e in evaluations])
    return "\n".join(lines) + "\n"


def write_report(evaluations: list[EmotionEvaluation], data: str, out: Path) -> bool:
    """Write report.json, report.md and one confusion matrix a model; return whether matplotlib could draw these."""
    out.mkdir(parents=True, exist_ok=True)
    body = {"data": data, "models": [evaluation.to_dict() for evaluation in evaluations]}
    (out / "report.json").write_text(json.dumps(body, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    (out / "report.md").write_text(report_markdown(evaluations, data), encoding="utf-8")
    try:
        for evaluation in evaluations:
            draw_confusion(evaluation.figures, out / f"confusion-{Path(evaluation.name).stem}.png", evaluation.name)
    except ModuleNotFoundError:
        return False
    return True
