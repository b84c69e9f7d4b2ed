"""Where the classifier looked: occlusion maps (Zeiler & Fergus, 2014) and their picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from profile_music.types import RgbImage

Heat = NDArray[np.float32]
"""float32 (H, W) in 0..1: how much covering a place lowers the emotion's probability."""

# Dark blue, violet, orange, light yellow: readable in grey print too (after matplotlib's plasma).
_RAMP = np.array([[13, 8, 135], [126, 3, 168], [204, 71, 120], [248, 149, 64], [240, 249, 33]], dtype=np.float32)


def windows(side_px: int, patch_px: int, stride_px: int) -> Iterator[tuple[slice, slice]]:
    """Yield the rows and columns that each covering patch hides; the last ones end at the border."""
    starts = sorted({*range(0, side_px - patch_px, stride_px), side_px - patch_px})
    for top in starts:
        for left in starts:
            yield slice(top, top + patch_px), slice(left, left + patch_px)


def cover(image: NDArray[np.float32], places: list[tuple[slice, slice]]) -> NDArray[np.float32]:
    """Return one copy of `image` (3, S, S) a place, (P, 3, S, S), the place filled with the picture's mean."""
    covered = np.repeat(image[None], len(places), axis=0)
    fill = image.mean(axis=(1, 2), keepdims=True)
    for copy, (rows, columns) in zip(covered, places, strict=True):
        copy[:, rows, columns] = fill
    return covered


def gather_heat(drops: NDArray[np.floating], places: list[tuple[slice, slice]], side_px: int) -> Heat:
    """Spread each place's drop over the pixels it covered, average, cut below zero and scale the peak to one."""
    total = np.zeros((side_px, side_px), dtype=np.float64)
    count = np.zeros_like(total)
    for drop, (rows, columns) in zip(drops, places, strict=True):
        total[rows, columns] += drop
        count[rows, columns] += 1
    heat = np.clip(total / np.maximum(count, 1), 0, None)
    peak = heat.max()
    return (heat / peak if peak > 0 else heat).astype(np.float32)


def resize_heat(heat: Heat, width: int, height: int) -> Heat:
    """Return the map at another size, smoothly."""
    resized = Image.fromarray(heat).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(resized, dtype=np.float32), 0, 1)


def colour_heat(heat: Heat) -> RgbImage:
    """Return the map in colours, uint8 (H, W, 3)."""
    position = np.clip(heat, 0, 1) * (len(_RAMP) - 1)
    low = np.minimum(position.astype(np.int64), len(_RAMP) - 2)
    share = (position - low)[..., None]
    colours: RgbImage = np.round(_RAMP[low] * (1 - share) + _RAMP[low + 1] * share).astype(np.uint8)
    return colours


def overlay_heat(crop: RgbImage, heat: Heat, *, strength: float = 0.55) -> RgbImage:
    """Lay the coloured map over the crop it explains, stronger where the heat is; same shape, uint8.

    Raises:
        ValueError: Crop and map differ in size.
    """
    if crop.shape[:2] != heat.shape:
        raise ValueError(f"crop {crop.shape[:2]} and heat {heat.shape} differ in size")
    weight = (strength * np.sqrt(np.clip(heat, 0, 1)))[..., None]
    mixed: RgbImage = np.round(crop * (1 - weight) + colour_heat(heat) * weight).astype(np.uint8)
    return mixed
