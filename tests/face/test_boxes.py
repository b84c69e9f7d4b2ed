"""Box arithmetic against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_music.face.boxes import logit, pixel_corners, refine, sigmoid, square, suppress, suppress_contained


def random_boxes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    start = rng.integers(0, 60, (count, 2))
    size = rng.integers(5, 40, (count, 2))
    return np.concatenate([start, start + size], axis=1).astype(np.float32), rng.random(count).astype(np.float32).round(
        2
    )


def slow_suppress(boxes, scores, threshold, *, edge, smaller):
    """Greedy suppression, written as the papers describe it."""
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        for j in kept:
            width = min(boxes[i, 2], boxes[j, 2]) - max(boxes[i, 0], boxes[j, 0]) + edge
            height = min(boxes[i, 3], boxes[j, 3]) - max(boxes[i, 1], boxes[j, 1]) + edge
            shared = max(0.0, width) * max(0.0, height)
            areas = [(b[2] - b[0] + edge) * (b[3] - b[1] + edge) for b in (boxes[i], boxes[j])]
            if shared / (min(areas) if smaller else sum(areas) - shared) > threshold:
                break
        else:
            kept.append(i)
    return kept


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 120), st.integers(0, 10_000), st.sampled_from([0.3, 0.5, 0.7]))
def test_suppression_is_greedy(count, seed, threshold):
    boxes, scores = random_boxes(count, seed)
    assert suppress(boxes, scores, threshold).tolist() == slow_suppress(boxes, scores, threshold, edge=0, smaller=False)
    expected = slow_suppress(boxes, scores, threshold, edge=1, smaller=True)
    assert suppress_contained(boxes, scores, threshold).tolist() == expected


def test_suppression_in_blocks_is_the_same():
    boxes, scores = random_boxes(700, 1)
    boxes += np.repeat(np.arange(700, dtype=np.float32)[:, None] % 40 * 100, 4, axis=1)
    assert suppress(boxes, scores, 0.5).tolist() == slow_suppress(boxes, scores, 0.5, edge=0, smaller=False)


def test_square_keeps_the_centre():
    boxes = np.array([[10, 10, 30, 20], [0, 0, 8, 8]], np.float32)
    assert square(boxes).tolist() == [[10, 5, 30, 25], [0, 0, 8, 8]]


def test_refine_moves_edges_in_box_sizes():
    box = np.array([[10, 10, 19, 29]], np.float32)
    assert refine(box, np.array([[0.1, 0, -0.1, 0.5]], np.float32)).tolist() == [[11, 10, 18, 39]]


def test_pixel_corners_stay_inside():
    boxes = np.array([[-5.7, 0.2, 700.9, 9.9], [3.9, 4.1, 8.8, 9.2]], np.float32)
    assert pixel_corners(boxes, 640, 480).tolist() == [[0, 0, 640, 9], [2, 3, 8, 9]]


def test_logit_and_sigmoid_are_inverse():
    assert sigmoid(np.array([logit(0.7), logit(0.0), logit(1.0)])) == pytest.approx([0.7, 0, 1], abs=1e-6)
