"""Choosing the most prominent face and cutting it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from profile_music.types import BoundingBox, Face, RgbImage

_MAX_CROP_SIDE_PX = 8192


def prominence(face: Face, image_shape: tuple[int, ...]) -> float:
    """Return how prominent a face is: its area times its score, halved at the picture's corners.

    The largest face is nearly always the one a profile photo is about; among faces of like size it is the central one.
    """
    height, width = image_shape[:2]
    x, y = face.box.center
    offset = np.hypot(x / width - 0.5, y / height - 0.5) / np.hypot(0.5, 0.5)
    return float(face.box.area * face.score * (1 - 0.5 * min(1.0, offset)))


def most_prominent(faces: Sequence[Face], image_shape: tuple[int, ...]) -> int | None:
    """Return the index of the most prominent face of a picture of shape (H, W, ...), or None where there is none."""
    if not faces:
        return None
    return max(range(len(faces)), key=lambda index: prominence(faces[index], image_shape))


def scaled(face: Face, factor: float) -> Face:
    """Return a face with its box and landmarks in pixels of a picture `factor` times as large."""
    box = BoundingBox(*(value * factor for value in face.box))
    return replace(face, box=box, landmarks=tuple((x * factor, y * factor) for x, y in face.landmarks))


def crop_square(image: RgbImage, box: BoundingBox, *, scale: float = 1.0, shift_y: float = 0.0) -> RgbImage:
    """Cut a square round a box; where it leaves the picture, the edge pixels are repeated.

    Args:
        image: The picture, shape (H, W, 3).
        box: The face's box in the picture's pixels.
        scale: The square's side in units of the box's longer side.
        shift_y: How far the square moves down, in units of its side (negative: up).

    Returns:
        A new array of shape (side, side, 3); the side is at least one pixel.

    Raises:
        ValueError: The box or the scale is not finite or not positive.
    """
    longer = max(box.width, box.height)
    if not np.isfinite([*box, scale, shift_y]).all() or longer <= 0 or scale <= 0:
        raise ValueError(f"cannot crop {box} at scale {scale}")
    side = int(min(max(1, round(longer * scale)), _MAX_CROP_SIDE_PX))
    x, y = box.center
    rows = _positions(y + shift_y * side, side, image.shape[0])
    columns = _positions(x, side, image.shape[1])
    return image[rows[:, None], columns[None, :]]


def _positions(center: float, side: int, length: int) -> NDArray[np.intp]:
    """Return `side` positions about a centre, clipped to 0..length-1."""
    return np.clip(np.arange(side) + round(center - side / 2), 0, length - 1)
