"""Reading a photo: decode, find faces, read their emotions. Needs no catalogue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from profile_music.errors import InputError
from profile_music.lazy import LoadedOnce
from profile_music.settings import Settings
from profile_music.stages import stage
from profile_music.types import EmotionScores, Face, PhotoEmotion, RgbImage

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from profile_music.emotion import EmotionClassifier
    from profile_music.face import FaceDetector
    from profile_music.photo import Photo


@dataclass(frozen=True, slots=True)
class PhotoReading:
    """What one photo said: its size in pixels, its faces, and the emotion it is taken for."""

    size: tuple[int, int]
    faces: tuple[Face, ...]
    emotion: PhotoEmotion

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping, the same for HTTP and Lambda."""
        return {
            "size": list(self.size),
            "faces": [face.to_dict() for face in self.faces],
            "emotion": self.emotion.to_dict(),
        }


class PhotoReader:
    """Detector and classifier together. Thread-safe; each model loads once, on first use."""

    def __init__(self, settings: Settings | None = None) -> None:
        """Read photos under the limits of `settings`."""
        self.settings = settings or Settings()

    def warm(self) -> None:
        """Load both models now."""
        blank = np.zeros((64, 64, 3), dtype=np.uint8)
        self.detector.detect([blank])
        self.classifier.classify([blank])

    @LoadedOnce
    def detector(self) -> FaceDetector:
        """The face detector."""
        from profile_music.face import FaceDetector

        return FaceDetector.load(
            threads=self.settings.threads,
            max_side_px=self.settings.detection_max_side_px,
            min_score=self.settings.face_min_score,
        )

    @LoadedOnce
    def classifier(self) -> EmotionClassifier:
        """The emotion classifier."""
        from profile_music.emotion import EmotionClassifier

        return EmotionClassifier.load(self.settings.emotion_model, threads=self.settings.threads)

    def read(self, photo: bytes | str | Path | Image, *, face_index: int = 0) -> PhotoReading:
        """Decode a photo, find its faces and read their emotions.

        Args:
            photo: An encoded picture, its path, or a PIL image.
            face_index: Which face (in order of prominence) speaks for the photo.

        Raises:
            PhotoError: The photo cannot be used.
            InputError: There are faces, but not that one.
        """
        from profile_music.photo import color_mood

        picture = self._decode(photo)
        faces = self._read_faces(picture.pixels)
        if faces and picture.scale != 1:  # a large photo was decoded smaller; boxes are told in its own pixels
            from profile_music.face import scaled

            faces = tuple(scaled(face, picture.scale) for face in faces)
        size = picture.original_size
        if not faces:
            return PhotoReading(size, (), PhotoEmotion(color_mood(picture.pixels), "colors"))
        if not 0 <= face_index < len(faces):
            raise InputError(reason=f"face {face_index} of {len(faces)}")
        scores = faces[face_index].emotion or EmotionScores.uniform()
        return PhotoReading(
            size, faces, PhotoEmotion(scores, "face", scores.confidence < self.classifier.abstain_below)
        )

    def explain(
        self, photo: bytes | str | Path | Image, *, face_index: int = 0
    ) -> tuple[RgbImage, NDArray[np.float32]]:
        """Return a face's crop, uint8 (H, W, 3), and what in it spoke for its emotion, float32 (H, W), 0..1.

        Raises:
            PhotoError: The photo cannot be used.
            InputError: There is no such face.
        """
        pixels = self._decode(photo).pixels
        with stage("detect"):
            (found,) = self.detector.detect([pixels])
        if not 0 <= face_index < len(found):
            raise InputError(reason=f"face {face_index} of {len(found)}")
        crop = self._crop(pixels, found[face_index])
        with stage("heatmap"):
            return crop, self.classifier.explain(crop)

    def _decode(self, photo: bytes | str | Path | Image) -> Photo:
        from profile_music.photo import decode_photo

        limits = self.settings
        with stage("decode"):
            return decode_photo(photo, max_bytes=limits.photo_max_bytes, max_pixels=limits.photo_max_pixels)

    def _crop(self, pixels: RgbImage, face: Face) -> RgbImage:
        from profile_music.face import crop_square

        model = self.classifier
        return crop_square(pixels, face.box, scale=model.crop_scale, shift_y=model.crop_shift_y)

    def _read_faces(self, pixels: RgbImage) -> tuple[Face, ...]:
        with stage("detect"):
            (found,) = self.detector.detect([pixels])
        faces = found[: self.settings.faces_max]
        if not faces:
            return ()
        with stage("emotion"):
            scores = self.classifier.classify([self._crop(pixels, face) for face in faces])
        return tuple(replace(face, emotion=read) for face, read in zip(faces, scores, strict=True))
