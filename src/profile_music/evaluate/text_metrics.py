"""Figures for text encoders: rank and linear correlation, retrieval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating[Any]]


def ranks(values: Numbers) -> NDArray[np.float64]:
    """Return ranks from 1, ties sharing their mean rank, shape (N,)."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    shared: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return shared


def pearson(first: Numbers, second: Numbers) -> float:
    """Return the linear correlation of two rows of numbers."""
    return float(np.corrcoef(first, second)[0, 1])


def spearman(first: Numbers, second: Numbers) -> float:
    """Return the rank correlation of two rows of numbers."""
    return pearson(ranks(first), ranks(second))


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How well the wanted songs are found: share in the first five, mean reciprocal rank, queries."""

    hit_at_5: float
    mrr: float
    queries: int

    def to_dict(self) -> dict[str, float]:
        """Return a JSON-ready mapping."""
        return {"hit@5": round(self.hit_at_5, 4), "mrr": round(self.mrr, 4), "queries": self.queries}


def retrieval(scores: Numbers, wanted: NDArray[np.int64]) -> Retrieval:
    """Measure scores (Q, S) where row q's right answer is column `wanted[q]`; ties count against it."""
    own = scores[np.arange(len(wanted)), wanted][:, None]
    places = (scores >= own).sum(axis=1)
    return Retrieval(float((places <= 5).mean()), float((1 / places).mean()), len(wanted))
