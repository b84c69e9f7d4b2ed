"""Arithmetic on arrays of boxes: float32, shape (N, 4), x1 y1 x2 y2 in pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
Scores = NDArray[np.float32]

_BLOCK = 128


def suppress(boxes: Boxes, scores: Scores, threshold: float) -> NDArray[np.intp]:
    """Keep the best of boxes that overlap: indices of what stays, best first (ties: the earlier).

    A box goes when its intersection over union with a better, kept box exceeds `threshold` (torchvision's rule).
    """
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return _greedy(boxes, areas, scores, threshold, edge=0.0, smaller=False)


def suppress_contained(boxes: Boxes, scores: Scores, threshold: float) -> NDArray[np.intp]:
    """Keep the best of boxes as `suppress` does, but by the intersection over the smaller box (MTCNN's last stage)."""
    one = np.float32(1)
    areas = (boxes[:, 2] - boxes[:, 0] + one) * (boxes[:, 3] - boxes[:, 1] + one)
    return _greedy(boxes, areas, scores, threshold, edge=1.0, smaller=True)


def _greedy(
    boxes: Boxes, areas: Scores, scores: Scores, threshold: float, *, edge: float, smaller: bool
) -> NDArray[np.intp]:
    """Walk the boxes best first in blocks, so that the matrix of overlaps stays small."""
    order = np.argsort(-scores, kind="stable")
    kept: list[NDArray[np.intp]] = []
    while order.size:
        block, order = order[:_BLOCK], order[_BLOCK:]
        overlaps = _overlaps(boxes, areas, block, block, edge, smaller) > threshold
        alive = np.ones(block.size, bool)
        for position in range(block.size):
            if alive[position]:
                alive[position + 1 :] &= ~overlaps[position, position + 1 :]
        block = block[alive]
        kept.append(block)
        if order.size:
            order = order[~(_overlaps(boxes, areas, block, order, edge, smaller) > threshold).any(axis=0)]
    return np.concatenate(kept) if kept else order


def _overlaps(
    boxes: Boxes, areas: Scores, one: NDArray[np.intp], other: NDArray[np.intp], edge: float, smaller: bool
) -> NDArray[np.float32]:
    """Return the overlap of every box of `one` with every box of `other`."""
    a, b = boxes[one][:, None], boxes[other][None]
    extent = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]) + np.float32(edge)
    np.maximum(extent, np.float32(0), out=extent)
    shared = extent[..., 0] * extent[..., 1]
    area_a, area_b = areas[one][:, None], areas[other][None]
    whole = np.minimum(area_a, area_b) if smaller else area_a + area_b - shared
    result: NDArray[np.float32] = np.divide(shared, np.maximum(whole, np.float32(1e-9)), dtype=np.float32)
    return result


def refine(boxes: Boxes, offsets: NDArray[np.float32]) -> Boxes:
    """Move each edge by the net's offset, given in box sizes (counted with both edge pixels)."""
    size = boxes[:, 2:] - boxes[:, :2] + np.float32(1)
    moved: Boxes = boxes + offsets * np.concatenate([size, size], axis=1)
    return moved


def square(boxes: Boxes) -> Boxes:
    """Grow the shorter side about the centre until each box is square."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True)
    start = boxes[:, :2] + size * np.float32(0.5) - side * np.float32(0.5)
    return np.concatenate([start, start + side], axis=1)


def pixel_corners(boxes: Boxes, width: int, height: int) -> NDArray[np.intp]:
    """Return whole-pixel corners (x1, y1, x2, y2, exclusive) clipped to the picture as MTCNN counts them (from one)."""
    corners = np.trunc(boxes).astype(np.intp)
    corners[:, :2] = np.maximum(corners[:, :2], 1) - 1
    corners[:, 2] = np.minimum(corners[:, 2], width)
    corners[:, 3] = np.minimum(corners[:, 3], height)
    return corners


def logit(probability: float) -> float:
    """Return the logit of a probability (clipped away from 0 and 1)."""
    clipped = min(max(probability, 1e-12), 1 - 1e-12)
    return float(np.log(clipped / (1 - clipped)))


def sigmoid(values: NDArray[Any]) -> Scores:
    """Return the probabilities of logits."""
    return (1 / (1 + np.exp(-values.astype(np.float64)))).astype(np.float32)
