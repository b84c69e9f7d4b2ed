"""A weak guess of a picture's mood from its colours, for photos without a face.

Valdez & Mehrabian (1994, "Effects of color on emotions", J. Exp. Psychol. Gen. 123) measured on colour samples:
pleasure = .69 B + .22 S, arousal = -.31 B + .60 S, dominance = -.76 B + .32 S, with brightness B and saturation S
standardised. A photo's mean brightness and saturation say far less about it than a face: the answer stays near uniform.
"""

from __future__ import annotations

import numpy as np

from profile_music.types import EmotionScores, RgbImage

_SAMPLES_A_SIDE = 96
_BRIGHTNESS_MEAN, _BRIGHTNESS_SPREAD = 0.45, 0.25
_SATURATION_MEAN, _SATURATION_SPREAD = 0.25, 0.20
_STANDARD_LIMIT = 1.5

# Pleasure, arousal and dominance of the four words, after Russell & Mehrabian (1977), in the order of EMOTIONS.
_CENTRES = np.array([[0.81, 0.51, 0.46], [-0.51, 0.59, 0.25], [-0.63, -0.27, -0.33], [0.0, 0.0, 0.0]])
_SHARPNESS = 0.57


def brightness_and_saturation(pixels: RgbImage) -> tuple[float, float]:
    """Return the mean brightness (luma) and saturation (spread of the channels) of a picture, each 0..1."""
    step_y, step_x = (max(1, side // _SAMPLES_A_SIDE) for side in pixels.shape[:2])
    sample = pixels[::step_y, ::step_x].astype(np.float64) / 255
    brightness = sample @ np.array([0.2126, 0.7152, 0.0722])
    saturation = sample.max(axis=2) - sample.min(axis=2)
    return float(brightness.mean()), float(saturation.mean())


def color_mood(pixels: RgbImage) -> EmotionScores:
    """Return a soft guess from a picture's colours: no emotion falls below about 0.1 or rises above about 0.5.

    Args:
        pixels: uint8, shape (H, W, 3).
    """
    brightness, saturation = brightness_and_saturation(pixels)
    b = _standard(brightness, _BRIGHTNESS_MEAN, _BRIGHTNESS_SPREAD)
    s = _standard(saturation, _SATURATION_MEAN, _SATURATION_SPREAD)
    point = np.array([0.69 * b + 0.22 * s, -0.31 * b + 0.60 * s, -0.76 * b + 0.32 * s])
    weights = np.exp(-_SHARPNESS * ((_CENTRES - point) ** 2).sum(axis=1))
    return EmotionScores.from_sequence(weights)


def _standard(value: float, mean: float, spread: float) -> float:
    """Standardise a value, within limits."""
    return float(np.clip((value - mean) / spread, -_STANDARD_LIMIT, _STANDARD_LIMIT))
