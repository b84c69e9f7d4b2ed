"""Faces of photos: a cascade on a small copy, boxes in the photo's own pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np

from profile_music.face.cascade import Cascade, CascadeSettings, Detections
from profile_music.face.crop import prominence
from profile_music.types import BoundingBox, Face, RgbImage

MIN_FACE_PX = 20.0
MIN_FACE_SHARE = 0.06
_PICTURES_AT_ONCE = 8


class FaceDetector:
    """Finds faces with MTCNN. Thread-safe once loaded; one instance serves a process."""

    def __init__(
        self, cascade: Cascade, *, max_side_px: int, min_score: float, min_face_px: float, min_face_share: float
    ) -> None:
        """Wrap a loaded cascade; `load` is the usual way."""
        self._cascade = cascade
        self._max_side_px = max_side_px
        self._min_score = min_score
        self._min_face_px = min_face_px
        self._min_face_share = min_face_share

    @classmethod
    def load(
        cls,
        *,
        threads: int = 0,
        max_side_px: int = 640,
        min_score: float = 0.95,
        min_face_px: float = MIN_FACE_PX,
        min_face_share: float = MIN_FACE_SHARE,
        settings: CascadeSettings | None = None,
    ) -> Self:
        """Load the bundled nets.

        Args:
            threads: Inference threads; 0 means one per core.
            max_side_px: Faces are looked for on a copy of at most this longer side.
            min_score: Faces below this score (0..1) are left out.
            min_face_px: Smallest face, in pixels of the copy; P-Net sees nothing below 12.
            min_face_share: Smallest face as a share of the copy's longer side. With 0, `min_face_px=20`,
                `min_score=0` and a photo within `max_side_px` the result is facenet-pytorch's default.
            settings: Thresholds, pyramid factor and caps of the cascade.

        Raises:
            ModelError: A model file is missing or damaged.
        """
        return cls(
            Cascade(settings or CascadeSettings(), threads=threads),
            max_side_px=max_side_px,
            min_score=min_score,
            min_face_px=max(12.0, min_face_px),
            min_face_share=min_face_share,
        )

    def detect(self, images: Sequence[RgbImage]) -> list[list[Face]]:
        """Return the faces of each picture, most prominent first.

        Args:
            images: Upright pictures, uint8, each of shape (H, W, 3); the sizes may differ.

        Returns:
            One list a picture, empty where there is no face. Boxes are in the picture's pixels and may reach beyond
            its edges, where a face is cut off.

        Raises:
            ValueError: Not an RGB picture.
        """
        return [faces for batch in _batches(images) for faces in self._detect_batch(batch)]

    def _detect_batch(self, images: Sequence[RgbImage]) -> list[list[Face]]:
        copies = [shrink(image, self._max_side_px) for image in images]
        min_sizes = [max(self._min_face_px, self._min_face_share * max(copy.shape[:2])) for copy in copies]
        found = self._cascade.detect(copies, min_sizes)
        return [self._faces(*parts) for parts in zip(images, copies, found, strict=True)]

    def _faces(self, image: RgbImage, copy: RgbImage, found: Detections) -> list[Face]:
        """Bring one picture's detections to its own pixels and order them."""
        factor = np.array([image.shape[1] / copy.shape[1], image.shape[0] / copy.shape[0]])
        boxes = found.boxes * np.concatenate([factor, factor])
        landmarks = found.landmarks * factor
        faces = [
            Face(BoundingBox(*box), score, tuple((x, y) for x, y in points))
            for box, score, points in zip(boxes.tolist(), found.scores.tolist(), landmarks.tolist(), strict=True)
            if score >= self._min_score
        ]
        return sorted(faces, key=lambda face: -prominence(face, image.shape))


def shrink(image: RgbImage, max_side_px: int) -> RgbImage:
    """Return a copy whose longer side is at most `max_side_px`; the picture itself where it is small enough.

    Raises:
        ValueError: Not uint8 of shape (H, W, 3) with at least one pixel.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"expected a uint8 picture of shape (H, W, 3), got {image.dtype} {image.shape}")
    height, width = image.shape[:2]
    ratio = max_side_px / max(height, width)
    if ratio >= 1:
        return image
    from PIL import Image

    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    resized = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(resized)


def _batches(images: Sequence[RgbImage]) -> Iterator[Sequence[RgbImage]]:
    """Cut a long list into pieces, so that memory stays bounded."""
    for start in range(0, len(images), _PICTURES_AT_ONCE):
        yield images[start : start + _PICTURES_AT_ONCE]
