"""Training of the mood head: on KOTE, on sentences and words of our own and on the catalogue's lines; calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from profile_music.text.embedded import EmbeddedEncoder
from profile_music.text.mood_head import BUCKETS, MoodHead
from profile_music.train.text_data import HELD_OUT_EVERY, Comment, read_catalog_lines, read_written
from profile_music.types import EMOTIONS, Emotion

COMMENT_WEIGHT, SENTENCE_WEIGHT, WORD_WEIGHT, LINE_WEIGHT, NEGATED_WEIGHT = 1.0, 40.0, 20.0, 5.0, 10.0
DENSE_PENALTY, SIGN_PENALTY = 1e-5, 2e-6
STEPS = 60
_NEGATED: dict[Emotion, tuple[float, float, float, float]] = {
    Emotion.HAPPY: (0.0, 0.15, 0.55, 0.3),
    Emotion.ANGRY: (0.2, 0.0, 0.0, 0.8),
    Emotion.SAD: (0.35, 0.0, 0.0, 0.65),
}
"""What a text feels that says it does not feel so: not happy is mostly sad, not angry mostly neutral."""
_NEGATIONS = ("{}지 않다", "{}지 않아", "안 {}다", "하나도 {}지 않네", "별로 {}지가 않다", "전혀 안 {}다")


@dataclass(frozen=True)
class TrainedMood:
    """The head, its temperature, and its accuracy on what it was not fitted on."""

    head: MoodHead
    temperature: float
    comment_accuracy: float
    sentence_accuracy: float


@dataclass(frozen=True)
class _Part:
    """Texts to fit on: dense features (N, F), buckets of signs, wanted shares (N, 4), weights (N,)."""

    dense: NDArray[np.float32]
    signs: list[list[int]]
    wanted: NDArray[np.float64]
    weights: NDArray[np.float64]

    def only(self, kept: NDArray[np.bool_]) -> _Part:
        signs = [signs for signs, keep in zip(self.signs, kept, strict=True) if keep]
        return _Part(self.dense[kept], signs, self.wanted[kept], self.weights[kept])


@dataclass(frozen=True)
class _Fit:
    """Weights of dense features (F, 4), intercepts (4,), weights of signs (B, 4)."""

    dense: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    signs: NDArray[np.float32]

    def accuracy(self, part: _Part) -> float:
        return float((self.logits(part).argmax(1) == part.wanted.argmax(1)).mean())

    def logits(self, part: _Part) -> NDArray[np.float64]:
        signs = [self.signs[row].sum(0) / max(1, len(row)) ** 0.5 for row in part.signs]
        found: NDArray[np.float64] = part.dense @ self.dense + self.intercepts + np.stack(signs)
        return found


def fit_mood(encoder: EmbeddedEncoder, comments: Sequence[Comment]) -> TrainedMood:
    """Fit on four fifths of the comments and all of our own texts; measure on what a fit has not seen.

    The temperature is the one that makes a held-out fifth of our sentences most probable (Guo et al. 2017).
    """
    shares = np.stack([comment.emotions for comment in comments])
    balance = 1 / np.bincount(shares.argmax(1), minlength=4)[shares.argmax(1)]
    said = _part(encoder, [comment.text for comment in comments], shares, balance / balance.mean() * COMMENT_WEIGHT)
    seen = np.arange(len(comments)) % HELD_OUT_EVERY != 0
    words = read_written("mood_words")
    base = [
        said.only(seen),
        _part(encoder, *_texts(words), WORD_WEIGHT),
        _part(encoder, *_texts_negated(words), NEGATED_WEIGHT),
        _part(encoder, *read_catalog_lines(), LINE_WEIGHT),
    ]
    own = _part(encoder, *_texts(read_written("mood_seeds")), SENTENCE_WEIGHT)
    kept = np.random.default_rng(0).permutation(len(own.signs)) % HELD_OUT_EVERY != 0
    trial = _fit([*base, own.only(kept)])
    temperature = _temperature(trial.logits(own.only(~kept)), own.only(~kept).wanted)
    final = _fit([*base, own])
    return TrainedMood(
        _head(final, temperature), temperature, final.accuracy(said.only(~seen)), trial.accuracy(own.only(~kept))
    )


def _part(
    encoder: EmbeddedEncoder, texts: Sequence[str], wanted: NDArray[np.float64], weight: float | NDArray[np.float64]
) -> _Part:
    features = [encoder.mood_features(text) for text in texts]
    weights = np.broadcast_to(np.asarray(weight, np.float64), len(texts))
    return _Part(np.stack([dense for dense, _ in features]), [signs for _, signs in features], wanted, weights)


def _texts(labelled: Sequence[tuple[str, Emotion]]) -> tuple[list[str], NDArray[np.float64]]:
    wanted: NDArray[np.float64] = np.eye(4)[[EMOTIONS.index(emotion) for _, emotion in labelled]]
    return [text for text, _ in labelled], wanted


def _texts_negated(labelled: Sequence[tuple[str, Emotion]]) -> tuple[list[str], NDArray[np.float64]]:
    """Return the verbs and adjectives among words of emotion ("슬프다"), negated in the usual ways."""
    verbs = [(word[:-1], _NEGATED[emotion]) for word, emotion in labelled if _is_verb(word) and emotion in _NEGATED]
    negated = [(form.format(stem), shares) for stem, shares in verbs for form in _NEGATIONS]
    return [text for text, _ in negated], np.array([shares for _, shares in negated])


def _is_verb(word: str) -> bool:
    return word.endswith("다") and len(word) > len("하다")


def _fit(parts: Sequence[_Part]) -> _Fit:
    """Multinomial logistic regression on both kinds of features, each with its own penalty (L-BFGS)."""
    dense = torch.from_numpy(np.concatenate([part.dense for part in parts]))
    wanted = torch.from_numpy(np.concatenate([part.wanted for part in parts]).astype(np.float32))
    weights = torch.from_numpy(np.concatenate([part.weights for part in parts]).astype(np.float32))
    weights = weights / weights.sum()
    signs, places, shares = _flat([row for part in parts for row in part.signs])
    matrix = torch.zeros(dense.shape[1], 4, requires_grad=True)
    offsets = torch.zeros(4, requires_grad=True)
    table = torch.zeros(BUCKETS, 4, requires_grad=True)
    optimizer = torch.optim.LBFGS([matrix, offsets, table], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        hashed = functional.embedding_bag(signs, table, places, mode="sum", per_sample_weights=shares)
        logs = torch.log_softmax(dense @ matrix + offsets + hashed, 1)
        penalty = DENSE_PENALTY * (matrix**2).sum() + SIGN_PENALTY * (table**2).sum()
        total: Tensor = penalty - (weights[:, None] * wanted * logs).sum()
        total.backward()
        return total

    optimizer.step(loss)
    return _Fit(matrix.detach().numpy(), offsets.detach().numpy(), table.detach().numpy())


def _flat(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Return all buckets in one row, where each text's begin, and the share of each: texts weigh alike."""
    sizes = np.array([len(row) for row in rows])
    flat = np.fromiter((bucket for row in rows for bucket in row), np.int64)
    starts = np.cumsum(sizes) - sizes
    shares = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes).astype(np.float32)
    return torch.from_numpy(flat), torch.from_numpy(starts), torch.from_numpy(shares)


def _head(fit: _Fit, temperature: float) -> MoodHead:
    signs = fit.signs / temperature
    step = float(np.abs(signs).max()) / 127 or 1.0
    head = MoodHead(
        fit.dense.T / temperature, fit.intercepts / temperature, np.round(signs / step).astype(np.int8), step
    )
    return replace(head, coefficients=np.ascontiguousarray(head.coefficients, dtype=np.float32))


def _temperature(logits: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    def surprise(temperature: float) -> float:
        scaled = logits / temperature
        scaled = scaled - scaled.max(1, keepdims=True)
        logs = scaled - np.log(np.exp(scaled).sum(1, keepdims=True))
        return -float((logs * wanted).sum())

    return float(min(np.arange(0.3, 4.0, 0.05), key=surprise))
