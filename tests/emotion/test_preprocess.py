import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_music.emotion import prepare_crops
from profile_music.emotion.preprocess import LUMA, resize_crop


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([16, 48, 128]), st.integers(0, 2**32 - 1))
def test_any_crop_size_gives_the_input_shape_and_range(height, width, side, seed):
    crop = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    batch = prepare_crops([crop, crop], side_px=side)
    assert batch.shape == (2, 3, side, side)
    assert batch.dtype == np.float32
    assert batch.min() >= 0 and batch.max() <= 1
    np.testing.assert_array_equal(batch[0], batch[1])


def test_grey_repeats_the_luminance_and_rgb_keeps_colours():
    crop = np.zeros((32, 32, 3), dtype=np.uint8)
    crop[..., 0] = 200
    grey = prepare_crops([crop], side_px=32, colour="grey")[0]
    assert np.ptp(grey, axis=0).max() == 0
    assert grey[0, 0, 0] == pytest.approx(200 / 255 * LUMA[0], abs=1e-6)
    rgb = prepare_crops([crop], side_px=32, colour="rgb")[0]
    assert rgb[0].min() == pytest.approx(200 / 255) and rgb[1:].max() == 0


def test_a_grey_picture_is_the_same_in_both_modes():
    crop = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    np.testing.assert_allclose(
        prepare_crops([crop], side_px=128, colour="grey"), prepare_crops([crop], side_px=128, colour="rgb"), atol=1e-6
    )


def test_a_reduction_is_antialiased():
    stripes = np.zeros((256, 256, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    small = resize_crop(stripes, 32)
    assert abs(small.astype(int) - 127).max() < 25


def test_no_crops_give_an_empty_batch():
    assert prepare_crops([], side_px=128).shape == (0, 3, 128, 128)


@pytest.mark.parametrize(
    "crop",
    [np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5, 3), np.float32), np.zeros((5, 5, 4), np.uint8)],
    ids=["empty", "float", "four channels"],
)
def test_other_arrays_are_refused(crop):
    with pytest.raises(ValueError, match="expected a uint8 crop"):
        prepare_crops([crop], side_px=16)
