"""The linear mood head: trained on KOTE and on sentences and words of our own, then calibrated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from profile_music.train.text_data import HELD_OUT_EVERY, Comment, read_written
from profile_music.types import EMOTIONS, Emotion

Features = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to features, shape (N, F)."""

COMMENT_WEIGHT, SENTENCE_WEIGHT, WORD_WEIGHT = 1.0, 60.0, 20.0
PENALTY = 6e-4
FOLDS = 5


@dataclass(frozen=True)
class MoodHead:
    """Coefficients (4, F) and intercepts (4,), divided by the calibrating temperature, and how well they do."""

    coefficients: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    temperature: float
    comment_accuracy: float
    sentence_accuracy: float


def fit_mood(features: Features, comments: Sequence[Comment]) -> MoodHead:
    """Fit on four fifths of the comments and all of our own texts; measure on what each fit has not seen.

    The temperature is the one that makes held-out sentences of ours most probable (Guo et al. 2017).
    """
    sentences, words = read_written("mood_seeds"), read_written("mood_words")
    kote = features([comment.text for comment in comments])
    shares = np.stack([comment.emotions for comment in comments])
    kept = np.arange(len(comments)) % HELD_OUT_EVERY != 0
    balance = 1 / np.bincount(shares.argmax(1), minlength=4)[shares.argmax(1)]
    base = (kote[kept], shares[kept], balance[kept] / balance.mean() * COMMENT_WEIGHT)
    worded = _own(features, words, WORD_WEIGHT)
    own = _own(features, sentences, SENTENCE_WEIGHT)
    held_out = _cross_fit(base, worded, own)
    right = np.argmax(held_out, 1) == own[1].argmax(1)
    temperature = _temperature(held_out, own[1])
    weights, intercepts = _fit(base, worded, own)
    guesses = (kote[~kept] @ weights + intercepts).argmax(1)
    return MoodHead(
        (weights.T / temperature).astype(np.float32),
        (intercepts / temperature).astype(np.float32),
        temperature,
        float((guesses == shares[~kept].argmax(1)).mean()),
        float(right.mean()),
    )


_Part = tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]
"""Features (N, F), wanted shares (N, 4), weights (N,)."""


def _own(features: Features, texts: Sequence[tuple[str, Emotion]], weight: float) -> _Part:
    wanted = np.eye(4)[[EMOTIONS.index(emotion) for _, emotion in texts]]
    return features([text for text, _ in texts]), wanted, np.full(len(texts), weight)


def _cross_fit(base: _Part, worded: _Part, own: _Part) -> NDArray[np.float64]:
    """Return each own sentence's logits from a fit that has not seen it, shape (N, 4)."""
    fold = np.random.default_rng(0).permutation(len(own[0])) % FOLDS
    logits = np.zeros((len(own[0]), 4))
    for number in range(FOLDS):
        out = fold == number
        weights, intercepts = _fit(base, worded, (own[0][~out], own[1][~out], own[2][~out]))
        logits[out] = own[0][out] @ weights + intercepts
    return logits


def _fit(*parts: _Part) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    inputs, wanted, weights = (
        torch.from_numpy(np.concatenate([part[n] for part in parts]).astype(np.float32)) for n in range(3)
    )
    weights = weights / weights.sum()
    matrix = torch.zeros(inputs.shape[1], 4, requires_grad=True)
    offsets = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.LBFGS([matrix, offsets], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        logs = torch.log_softmax(inputs @ matrix + offsets, 1)
        total = -(weights[:, None] * wanted * logs).sum() + PENALTY * (matrix**2).sum()
        total.backward()
        return total

    optimizer.step(loss)
    return matrix.detach().numpy(), offsets.detach().numpy()


def _temperature(logits: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    def surprise(temperature: float) -> float:
        scaled = logits / temperature
        logs = scaled - np.log(np.exp(scaled - scaled.max(1, keepdims=True)).sum(1, keepdims=True))
        return -float(((logs - scaled.max(1, keepdims=True)) * wanted).sum())

    return float(min(np.arange(0.3, 3.0, 0.05), key=surprise))
