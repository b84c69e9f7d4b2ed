"""Area resampling against the definition of adaptive average pooling."""

from __future__ import annotations

import math

import numpy as np
import pytest

from profile_music.face.area import AreaSampler


def slow_area(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Average each cell from floor(i n / m) to ceil((i + 1) n / m), then scale: shape (3, height, width)."""
    result = np.empty((3, height, width))
    for i in range(height):
        for j in range(width):
            top, bottom = i * image.shape[0] // height, math.ceil((i + 1) * image.shape[0] / height)
            left, right = j * image.shape[1] // width, math.ceil((j + 1) * image.shape[1] / width)
            result[:, i, j] = image[top:bottom, left:right].reshape(-1, 3).mean(axis=0)
    return (result - 127.5) / 128


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (12, 17), (37, 53), (20, 60), (80, 90)])
def test_whole_pictures(image, size):
    pixels = AreaSampler(image).resize(*size)
    assert pixels.shape == (1, 3, *size) and pixels.dtype == np.float32
    assert pixels[0] == pytest.approx(slow_area(image, *size), abs=1e-6)


def test_crops(image):
    corners = np.array([[0, 0, 53, 37], [5, 3, 29, 27], [10, 10, 11, 12], [50, 30, 53, 37]], np.intp)
    pixels = AreaSampler(image).crops(corners, 24)
    assert pixels.shape == (4, 3, 24, 24) and pixels.flags.c_contiguous
    for crop, (x1, y1, x2, y2) in zip(pixels, corners, strict=True):
        assert crop == pytest.approx(slow_area(image[y1:y2, x1:x2], 24, 24), abs=1e-6)


def test_no_crops(image):
    assert AreaSampler(image).crops(np.zeros((0, 4), np.intp), 24).shape == (0, 3, 24, 24)


def test_sums_may_wrap_around(image):
    """A table of 32 bits overflows on a picture of 17 million white pixels; cells stay right."""
    sampler = AreaSampler(image)
    whole = sampler.resize(9, 9)
    sampler._table += np.uint32(2**32 - 200_000)
    assert sampler._table.min() < 200_000 < sampler._table.max()
    assert np.array_equal(sampler.resize(9, 9), whole)
