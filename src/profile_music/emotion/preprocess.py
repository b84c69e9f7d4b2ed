"""From face crops to the network's input. Training, evaluation and serving all come through here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from profile_music.types import RgbImage

Colour = Literal["grey", "rgb"]
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""ITU-R BT.601 luminance, what grey training pictures were made with."""


def resize_crop(crop: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """Resize a crop (H, W, 3) or (H, W) to a square; an antialiased reduction, a bicubic enlargement.

    Raises:
        ValueError: The crop is empty, not uint8, or not grey or RGB.
    """
    if crop.dtype != np.uint8 or crop.ndim not in (2, 3) or crop.size == 0 or crop.shape[2:] not in ((), (3,)):
        raise ValueError(f"expected a uint8 crop (H, W, 3), got {crop.dtype} {crop.shape}")
    if crop.shape[:2] == (side_px, side_px):
        return crop
    picture = Image.fromarray(np.ascontiguousarray(crop))
    reducing_gap = 3.0 if min(crop.shape[:2]) > 4 * side_px else None
    resized = picture.resize((side_px, side_px), Image.Resampling.BICUBIC, reducing_gap=reducing_gap)
    return np.asarray(resized)


def to_luminance(images: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Turn float (N, H, W, 3) into luminance repeated in three channels, float32 of the same shape."""
    grey = images.astype(np.float32) @ LUMA
    return np.repeat(grey[..., None], 3, axis=3)


def prepare_crops(crops: Sequence[RgbImage], *, side_px: int, colour: Colour = "grey") -> NDArray[np.float32]:
    """Return the network's input for face crops of any size.

    Args:
        crops: uint8 RGB (H, W, 3), or grey (H, W).
        side_px: Side of the network's input.
        colour: grey gives luminance in all three channels, as the bundled model was trained on grey pictures; a
            colour cast or a photo filter then changes nothing. rgb keeps the colours.

    Returns:
        float32 (N, 3, side_px, side_px) in 0..1; (0, 3, side_px, side_px) for no crops.

    Raises:
        ValueError: A crop is empty, not uint8, or not grey or RGB.
    """
    batch = np.empty((len(crops), side_px, side_px, 3), dtype=np.float32)
    for row, crop in zip(batch, crops, strict=True):
        resized = resize_crop(crop, side_px)
        row[...] = resized if resized.ndim == 3 else resized[..., None]
    if colour == "grey":
        batch = to_luminance(batch)
    batch /= 255
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
