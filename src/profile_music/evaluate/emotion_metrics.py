"""Figures of merit for probabilities (N, 4) against true classes (N,), in plain numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.types import EMOTIONS

Probabilities = NDArray[np.float64]
Classes = NDArray[np.int64]
BOOTSTRAP_SAMPLES = 30


@dataclass(frozen=True)
class EmotionFigures:
    """What one model scored on one set.

    Attributes:
        count: Pictures.
        accuracy: Share of right answers.
        macro_f1: Mean F1 of the classes that occur.
        balanced_accuracy: Mean recall of the classes that occur.
        ece: Expected calibration error, 15 bins of equal width (Naeini et al., 2015).
        precision: By class, in the order of `EMOTIONS`.
        recall: By class.
        f1: By class.
        confusion: Counts, true class by row, answer by column.
    """

    count: int
    accuracy: float
    macro_f1: float
    balanced_accuracy: float
    ece: float
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f1: tuple[float, ...]
    confusion: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping with four digits."""
        by_class = {
            emotion.value: {
                "precision": round(self.precision[i], 4),
                "recall": round(self.recall[i], 4),
                "f1": round(self.f1[i], 4),
            }
            for i, emotion in enumerate(EMOTIONS)
        }
        whole = {name: round(getattr(self, name), 4) for name in ("accuracy", "macro_f1", "balanced_accuracy", "ece")}
        return {"count": self.count, **whole, "classes": by_class, "confusion": [list(row) for row in self.confusion]}


def confusion_matrix(truth: Classes, answer: Classes, classes: int = len(EMOTIONS)) -> NDArray[np.int64]:
    """Return counts (true class, answer)."""
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (truth, answer), 1)
    return table


def calibration_error(probabilities: Probabilities, truth: Classes, bins: int = 15) -> float:
    """Return the mean gap between confidence and accuracy over bins of equal width, weighted by their size."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bin_of = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = [
        abs(float(confidence[bin_of == index].sum() - right[bin_of == index].sum()))
        for index in range(bins)
        if (bin_of == index).any()
    ]
    return sum(gaps) / len(truth)


def score(probabilities: Probabilities, truth: Classes) -> EmotionFigures:
    """Return every figure of a set.

    Raises:
        ValueError: The set is empty.
    """
    if not len(truth):
        raise ValueError("nothing to score")
    table = confusion_matrix(truth, probabilities.argmax(axis=1).astype(np.int64))
    right, true_count, answered = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    precision = right / np.maximum(answered, 1)
    recall = right / np.maximum(true_count, 1)
    f1 = 2 * right / np.maximum(true_count + answered, 1)
    present = true_count > 0
    return EmotionFigures(
        count=len(truth),
        accuracy=float(right.sum() / len(truth)),
        macro_f1=float(f1[present].mean()),
        balanced_accuracy=float(recall[present].mean()),
        ece=calibration_error(probabilities, truth),
        precision=tuple(map(float, precision)),
        recall=tuple(map(float, recall)),
        f1=tuple(map(float, f1)),
        confusion=tuple(tuple(map(int, row)) for row in table),
    )


def soften(logits: NDArray[np.floating[Any]], temperature: float) -> Probabilities:
    """Return the softmax of logits at a temperature."""
    scaled = logits.astype(np.float64) / temperature
    shares: Probabilities = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def fit_temperature(logits: NDArray[np.floating[Any]], truth: Classes) -> float:
    """Return the temperature with the lowest log loss (Guo et al., 2017): a fine search between 0.2 and 5."""

    def log_loss(temperature: float) -> float:
        chosen = soften(logits, temperature)[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    grid = np.exp(np.linspace(np.log(0.2), np.log(5.0), 129))
    return float(min(grid, key=log_loss))


def fit_offsets(logits: NDArray[np.floating[Any]], truth: Classes) -> NDArray[np.float64]:
    """Return what to add to each class's logit (mean zero) for the best balance (Menon et al., 2021).

    Best is the sum of accuracy, macro-F1 and the mean recall: no class may pay for the others. Training draws rare
    classes more often than they occur and still learns them last. The worth jumps with single pictures, so the answer
    is the mean over bootstrap samples (Breiman, 1996), the same ones every time.
    """
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(truth), len(truth)) for _ in range(BOOTSTRAP_SAMPLES)]
    offsets: NDArray[np.float64] = np.mean([_best_offsets(logits[rows], truth[rows]) for rows in drawn], axis=0)
    return offsets


def _best_offsets(logits: NDArray[np.floating[Any]], truth: Classes) -> NDArray[np.float64]:
    """Search one coordinate after the other, three times, in steps of 0.05 within 1.5."""
    offsets = np.zeros(logits.shape[1])

    def worth(candidate: NDArray[np.float64]) -> float:
        table = confusion_matrix(truth, (logits + candidate).argmax(axis=1).astype(np.int64))
        f1 = 2 * np.diag(table) / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1)
        # The penalty keeps offsets small that win no more than what is noise in some thousand pictures.
        recalls = np.diag(table) / np.maximum(table.sum(axis=1), 1)
        return float(np.diag(table).sum() / len(truth) + f1.mean() + recalls.mean() - 1e-2 * np.abs(candidate).sum())

    for _ in range(3):
        for index in range(len(offsets)):
            trials = [offsets.copy() for _ in range(61)]
            for trial, step in zip(trials, np.linspace(-1.5, 1.5, 61), strict=True):
                trial[index] = step
            offsets = max([offsets, *trials], key=worth)
    centred: NDArray[np.float64] = offsets - offsets.mean()
    return centred


def coverage_curve(probabilities: Probabilities, truth: Classes) -> list[tuple[float, float, float]]:
    """Return (threshold, coverage, accuracy of the answers given) for thresholds from 0.25 to 0.95."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    rows = []
    for threshold in np.arange(0.25, 0.96, 0.05):
        given = confidence >= threshold
        accuracy = float(right[given].mean()) if given.any() else 1.0
        rows.append((round(float(threshold), 2), float(given.mean()), accuracy))
    return rows


def choose_abstention(probabilities: Probabilities, truth: Classes, *, least_accuracy: float = 0.6) -> float:
    """Return the threshold below which answers are right less often than `least_accuracy`.

    Answers are sorted by confidence; the threshold is the largest confidence up to which the ones below it, in
    windows of a twentieth of the set, stay worse than that. At most a fifth of the answers is given up.
    """
    confidence = probabilities.max(axis=1)
    order = np.argsort(confidence)
    right = (probabilities.argmax(axis=1) == truth)[order]
    window = max(10, len(truth) // 20)
    threshold = 0.0
    for start in range(0, len(truth) // 5, window):
        if right[start : start + window].mean() >= least_accuracy:
            break
        threshold = float(confidence[order[min(start + window, len(truth) - 1)]])
    return round(threshold, 3)
