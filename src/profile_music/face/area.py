"""Area resampling of whole pictures and of many crops at once, from one summed-area table.

The same interpolation as torch's `interpolate(mode="area")` (adaptive average pooling), which facenet-pytorch's MTCNN
uses: output cell i averages the input from floor(i * n / m) to ceil((i + 1) * n / m), exclusive. With a summed-area
table (Crow 1984, "Summed-area tables for texture mapping") a cell of any size costs four look-ups.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from profile_music.types import RgbImage

Pixels = NDArray[np.float32]
"""Network input: float32, shape (N, 3, H, W), scaled as (pixel - 127.5) / 128."""

_CHANNELS = 4  # the fourth is padding: numpy copies 16-byte rows faster than 12-byte ones


class AreaSampler:
    """A picture's summed-area table, ready to be resampled."""

    def __init__(self, image: RgbImage) -> None:
        """Sum up an RGB picture of shape (H, W, 3)."""
        self.height, self.width = image.shape[:2]
        # Sums may wrap around: differences of unsigned sums stay right while one cell's own sum fits in 32 bits.
        table = np.zeros((self.height + 1, self.width + 1, _CHANNELS), np.uint32)
        for channel in range(3):
            np.cumsum(image[:, :, channel], axis=1, dtype=np.uint32, out=table[1:, 1:, channel])
        for row in range(1, self.height):  # row by row is three times faster than cumsum over the first axis
            table[row + 1] += table[row]
        self._table = table

    def resize(self, height: int, width: int) -> Pixels:
        """Return the whole picture at `height` x `width`, shape (1, 3, height, width)."""
        top, bottom = _cells(np.zeros(1, np.intp), np.array([self.height]), height)
        left, right = _cells(np.zeros(1, np.intp), np.array([self.width]), width)
        bands = self._table.take(bottom[0], axis=0)
        bands -= self._table.take(top[0], axis=0)
        sums = bands.take(right[0], axis=1)
        sums -= bands.take(left[0], axis=1)
        return _scale(sums[None], bottom - top, right - left)

    def crops(self, corners: NDArray[np.intp], size: int) -> Pixels:
        """Return crops resampled to squares.

        Args:
            corners: Whole pixels x1, y1, x2, y2 (exclusive) inside the picture, shape (N, 4), none of them empty.
            size: Side of the output in pixels.

        Returns:
            Network input of shape (N, 3, size, size).
        """
        left, right = _cells(corners[:, 0], corners[:, 2], size)
        top, bottom = _cells(corners[:, 1], corners[:, 3], size)
        rows = self._table.reshape(-1, _CHANNELS)
        stride = self.width + 1

        def look_up(y: NDArray[np.intp], x: NDArray[np.intp]) -> NDArray[np.uint32]:
            found: NDArray[np.uint32] = rows.take(y[:, :, None] * stride + x[:, None, :], axis=0)
            return found

        sums = look_up(bottom, right)
        sums -= look_up(top, right)
        sums -= look_up(bottom, left)
        sums += look_up(top, left)
        return _scale(sums, bottom - top, right - left)


def _cells(start: NDArray[np.intp], stop: NDArray[np.intp], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Split each range into `count` cells: first and last (exclusive) positions, each of shape (N, count)."""
    length = (stop - start)[:, None]
    index = np.arange(count)[None, :]
    return start[:, None] + index * length // count, start[:, None] - (-(index + 1) * length // count)


def _scale(sums: NDArray[np.uint32], heights: NDArray[Any], widths: NDArray[Any]) -> Pixels:
    """Turn sums of shape (N, H, W, 4) into network input, given the cells' heights (N, H) and widths (N, W)."""
    area = (heights[:, :, None] * widths[:, None, :]).astype(np.float32)
    planes = np.moveaxis(sums[..., :3], 3, 1)
    pixels: Pixels = np.divide(planes, area[:, None], dtype=np.float32, casting="unsafe", order="C")
    pixels -= np.float32(127.5)
    pixels *= np.float32(1 / 128)
    return pixels
