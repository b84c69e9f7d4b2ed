"""Colours of a photo without a face: direction as published, strength weak."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_music.photo import color_mood
from profile_music.photo.mood import brightness_and_saturation


def flat(*colour: int) -> np.ndarray:
    return np.full((20, 30, 3), colour, np.uint8)


def test_brightness_and_saturation_are_means():
    assert brightness_and_saturation(flat(255, 255, 255)) == pytest.approx((1, 0))
    assert brightness_and_saturation(flat(255, 0, 0)) == pytest.approx((0.2126, 1))


def test_bright_and_colourful_is_the_happiest():
    bright = color_mood(flat(255, 220, 60))
    assert bright.happy == max(
        color_mood(flat(*c)).happy for c in [(255, 220, 60), (20, 20, 20), (90, 20, 20), (128,) * 3]
    )
    assert bright.happy > bright.sad and bright.happy > bright.angry


def test_dark_and_grey_is_sadder_than_dark_and_red():
    assert color_mood(flat(25, 25, 30)).sad > color_mood(flat(25, 25, 30)).happy
    dark_red = color_mood(flat(120, 5, 5))
    assert dark_red.angry > dark_red.happy and dark_red.angry > color_mood(flat(25, 25, 30)).angry


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_the_guess_stays_weak(colour):
    scores = color_mood(flat(*colour)).as_array()
    assert scores.sum() == pytest.approx(1) and scores.max() < 0.6 and scores.min() > 0.03


def test_any_size():
    for shape in [(1, 1, 3), (1, 3000, 3), (500, 2, 3)]:
        assert color_mood(np.zeros(shape, np.uint8)).top == "sad"
