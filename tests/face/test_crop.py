"""Choosing and cropping faces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_music.face import crop_square, most_prominent, scaled
from profile_music.types import BoundingBox, Face


@pytest.fixture
def image() -> np.ndarray:
    y, x = np.mgrid[:100, :200]
    return np.stack([x, y, np.zeros_like(x)], axis=2).astype(np.uint8)


def face(x: float, y: float, side: float, score: float = 1.0) -> Face:
    return Face(BoundingBox(x - side / 2, y - side / 2, x + side / 2, y + side / 2), score)


def test_the_larger_face_then_the_central_then_the_surer():
    shape = (100, 200, 3)
    assert most_prominent([face(100, 50, 20), face(20, 20, 60)], shape) == 1
    assert most_prominent([face(20, 20, 30), face(100, 50, 30)], shape) == 1
    assert most_prominent([face(100, 50, 30), face(100, 50, 30, 0.7)], shape) == 0
    assert most_prominent([], shape) is None


def test_a_face_is_scaled_with_its_landmarks():
    small = Face(BoundingBox(1, 2, 3, 4), 0.9, ((1.5, 2.5),))
    assert scaled(small, 2) == Face(BoundingBox(2, 4, 6, 8), 0.9, ((3, 5),))


def test_the_crop_is_the_square_round_the_box(image):
    crop = crop_square(image, BoundingBox(50, 30, 70, 60))
    assert crop.shape == (30, 30, 3)
    assert crop[0, 0].tolist() == [45, 30, 0] and crop[-1, -1].tolist() == [74, 59, 0]


def test_scale_and_shift_are_in_units_of_the_side(image):
    crop = crop_square(image, BoundingBox(50, 30, 70, 50), scale=2.0, shift_y=0.25)
    assert crop.shape == (40, 40, 3) and crop[0, 0].tolist() == [40, 30, 0]


def test_edges_are_repeated_outside(image):
    crop = crop_square(image, BoundingBox(-10, -10, 20, 20), scale=1.0)
    assert crop.shape == (30, 30, 3)
    assert (crop[:11, :11] == [0, 0, 0]).all() and crop[-1, -1].tolist() == [19, 19, 0]
    outside = crop_square(image, BoundingBox(500, 500, 510, 510))
    assert (outside == image[-1, -1]).all()


def test_the_crop_is_a_copy(image):
    crop_square(image, BoundingBox(0, 0, 10, 10))[:] = 9
    assert image[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("box", [(0, 0, 0, 0), (5, 5, 1, 1), (0, 0, float("nan"), 5), (0, 0, float("inf"), 5)])
def test_an_empty_or_endless_box_is_an_error(image, box):
    with pytest.raises(ValueError, match="cannot crop"):
        crop_square(image, BoundingBox(*box))


@given(*[st.floats(-500, 500)] * 2, *[st.floats(0.01, 400)] * 2, st.floats(0.1, 3), st.floats(-1, 1))
def test_any_box_gives_a_square(x, y, width, height, scale, shift):
    crop = crop_square(
        np.zeros((20, 30, 3), np.uint8), BoundingBox(x, y, x + width, y + height), scale=scale, shift_y=shift
    )
    assert crop.shape[0] == crop.shape[1] >= 1
