"""Harder versions of a face crop: what profile photos do to faces. Each keeps size and type; seeded where random."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from profile_music.types import RgbImage

Perturb = Callable[[RgbImage, np.random.Generator], RgbImage]


def blur(crop: RgbImage, _rng: np.random.Generator) -> RgbImage:
    """Soften by a Gaussian of 1/32 of the side."""
    return np.asarray(Image.fromarray(crop).filter(ImageFilter.GaussianBlur(crop.shape[0] / 32)))


def darken(crop: RgbImage, _rng: np.random.Generator) -> RgbImage:
    """Take two thirds of the light away."""
    return np.asarray(Image.fromarray(crop).point(lambda value: value * 0.33))


def rotate(crop: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Turn by 20 degrees to a random side; the corners get the mean colour."""
    side = 20 if rng.random() < 0.5 else -20
    fill = tuple(int(value) for value in crop.mean(axis=(0, 1)))
    return np.asarray(Image.fromarray(crop).rotate(side, Image.Resampling.BICUBIC, fillcolor=fill))


def shrink(crop: RgbImage, _rng: np.random.Generator) -> RgbImage:
    """Leave what a face of 24 px holds."""
    small = Image.fromarray(crop).resize((24, 24), Image.Resampling.BICUBIC)
    return np.asarray(small.resize((crop.shape[1], crop.shape[0]), Image.Resampling.BICUBIC))


def mask(crop: RgbImage, _rng: np.random.Generator) -> RgbImage:
    """Cover nose to chin with a light cloth."""
    picture = Image.fromarray(crop)
    height, width = crop.shape[:2]
    corners = [(0.12, 0.55), (0.5, 0.48), (0.88, 0.55), (0.8, 0.88), (0.5, 0.99), (0.2, 0.88)]
    ImageDraw.Draw(picture).polygon([(x * width, y * height) for x, y in corners], fill=(205, 215, 222))
    return np.asarray(picture)


def compress(crop: RgbImage, _rng: np.random.Generator) -> RgbImage:
    """Store as JPEG of quality 25."""
    stream = io.BytesIO()
    Image.fromarray(crop).save(stream, "JPEG", quality=25)
    return np.asarray(Image.open(stream).convert("RGB"))


def shift(crop: RgbImage, rng: np.random.Generator) -> RgbImage:
    """Move by a tenth of the side in a random direction, as a detector's box can be off."""
    angle = rng.uniform(0, 2 * np.pi)
    height, width = crop.shape[:2]
    rows = np.clip(np.arange(height) + round(0.1 * height * np.sin(angle)), 0, height - 1)
    columns = np.clip(np.arange(width) + round(0.1 * width * np.cos(angle)), 0, width - 1)
    moved: RgbImage = crop[rows[:, None], columns[None, :]]
    return moved


PERTURBATIONS: dict[str, Perturb] = {
    "blur": blur,
    "dark": darken,
    "rotated 20 degrees": rotate,
    "face of 24 px": shrink,
    "shifted crop": shift,
    "JPEG quality 25": compress,
    "mask": mask,
}


def perturb_all(crops: list[RgbImage], name: str, seed: int = 0) -> list[RgbImage]:
    """Return every crop in its harder version."""
    rng = np.random.default_rng(seed)
    return [PERTURBATIONS[name](crop, rng) for crop in crops]
