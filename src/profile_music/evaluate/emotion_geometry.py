"""Which crop of a detected face shows what the training pictures show.

Training pictures are enlarged and laid on a larger canvas, the detector finds their faces, and the square that would
cut exactly the training picture is expressed in the detector's box: its side over the box's longer side, and its
downward shift in sides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from profile_music.face import FaceDetector
from profile_music.types import RgbImage

ENLARGED_PX = 192
BORDER_PX = 96


@dataclass(frozen=True)
class CropGeometry:
    """Medians over the faces found, and the spread between the quartiles.

    Attributes:
        scale: Side of the training picture over the longer side of the box.
        shift_y: How far the training picture's centre lies below the box's, in sides of the picture.
        scale_quartiles: First and third quartile of the scale.
        shift_y_quartiles: First and third quartile of the shift.
        found: Faces found.
        looked_at: Pictures looked at.
    """

    scale: float
    shift_y: float
    scale_quartiles: tuple[float, float]
    shift_y_quartiles: tuple[float, float]
    found: int
    looked_at: int


def on_canvas(picture: NDArray[np.uint8]) -> RgbImage:
    """Enlarge a picture to 192 px and repeat its edge for 96 px around it."""
    large = Image.fromarray(picture).convert("RGB").resize((ENLARGED_PX, ENLARGED_PX), Image.Resampling.BICUBIC)
    return np.pad(np.asarray(large), ((BORDER_PX, BORDER_PX), (BORDER_PX, BORDER_PX), (0, 0)), mode="edge")


def measure_geometry(
    pictures: NDArray[np.uint8], detector: FaceDetector, *, tick: Callable[[int], None] | None = None
) -> CropGeometry:
    """Detect the face of every picture (N, H, W[, 3]) and return the crop that gives the same view.

    Raises:
        ValueError: No face was found in any picture.
    """
    rows = []
    for start in range(0, len(pictures), 16):
        batch = [on_canvas(picture) for picture in pictures[start : start + 16]]
        for faces in detector.detect(batch):
            if faces:
                box = max(faces, key=lambda face: face.box.area).box
                middle = BORDER_PX + ENLARGED_PX / 2
                rows.append((ENLARGED_PX / max(box.width, box.height), (middle - box.center[1]) / ENLARGED_PX))
        if tick:
            tick(len(batch))
    if not rows:
        raise ValueError("no face found in any picture")
    low, median, high = np.percentile(np.array(rows), (25, 50, 75), axis=0)
    return CropGeometry(
        scale=round(float(median[0]), 3),
        shift_y=round(float(median[1]), 3),
        scale_quartiles=(round(float(low[0]), 3), round(float(high[0]), 3)),
        shift_y_quartiles=(round(float(low[1]), 3), round(float(high[1]), 3)),
        found=len(rows),
        looked_at=len(pictures),
    )
