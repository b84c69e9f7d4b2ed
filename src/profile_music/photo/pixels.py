"""From any Pillow mode to upright RGB of the working size."""

from __future__ import annotations

import numpy as np
from PIL import Image

from profile_music.types import RgbImage

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def to_pixels(image: Image.Image, orientation: int, max_side_px: int) -> RgbImage:
    """Return an upright picture whose longer side is at most `max_side_px`, shape (H, W, 3).

    Profiles (ICC) are ignored: they shift tints slightly, and a wrong one can do no harm.
    """
    image = _shrink(_to_eight_bits(image), max_side_px)
    image = _over_white(image)
    operation = _TRANSPOSE.get(orientation)
    if operation is not None:  # the first of the operations is 0
        image = image.transpose(operation)
    return np.array(image)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Return the picture in L, LA, RGB, RGBA or CMYK, which can be resampled."""
    if image.mode.startswith(("I", "F")):
        return _from_wide(image)
    if image.mode in ("P", "PA") or (image.mode in ("L", "RGB", "1") and "transparency" in image.info):
        transparent = image.mode == "PA" or "transparency" in image.info
        return image.convert("RGBA" if transparent else "RGB")
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image
    if image.mode == "1":  # a quarter of the memory of RGB, which a large picture needs only once it is small
        return image.convert("L")
    return image.convert({"La": "LA", "RGBa": "RGBA"}.get(image.mode, "RGB"))


def _from_wide(image: Image.Image) -> Image.Image:
    """Scale grey of 16 bits, 32 bits or floating point down to 8 bits by the range that the values use."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    top = float(values.max(initial=0.0))
    if image.mode.startswith("I;16"):
        limit = 65535.0
    else:
        limit = next(
            (limit for limit in (1.0, 255.0, 65535.0) if top <= limit and (limit > 1 or image.mode == "F")), top
        )
    return Image.fromarray(np.clip(values * (255.0 / limit), 0, 255).astype(np.uint8))


def _shrink(image: Image.Image, max_side_px: int) -> Image.Image:
    """Resample to the working size where the picture is larger."""
    ratio = max_side_px / max(image.size)
    if ratio >= 1:
        return image
    width, height = image.size
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)


def _over_white(image: Image.Image) -> Image.Image:
    """Lay a picture with alpha over white; others only become RGB."""
    if image.mode in ("LA", "RGBA"):
        colours = image.convert("RGBA")
        white = Image.new("RGBA", colours.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, colours).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
