"""The emotion classifier: a batch of face crops in, calibrated probabilities out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from profile_music.emotion.heatmap import Heat, cover, gather_heat, resize_heat, windows
from profile_music.emotion.preprocess import Colour, prepare_crops
from profile_music.errors import ModelError
from profile_music.runtime import OrtSession, load_manifest, resolve_model
from profile_music.types import EMOTIONS, Emotion, EmotionScores, RgbImage

DEFAULT_MODEL = "emotion-vote"
BATCH = 32
"""Most faces in one run: more makes memory grow, not throughput."""


@dataclass(frozen=True, slots=True)
class EmotionModelInfo:
    """What an emotion model's file says about itself (its ONNX metadata).

    Attributes:
        side_px: Side of the square input.
        colour: What the network was trained on, see `prepare_crops`.
        temperature: Logits are divided by it (Guo et al., 2017).
        offsets: Added to the logits of `EMOTIONS` before the temperature (balance between the classes).
        abstain_below: Below this top probability the answer is "not sure".
        crop_scale: Side of the square crop over the longer side of the detector's box.
        crop_shift_y: Shift of the crop's centre downwards, in sides of the crop (negative: upwards).
        licence: Licence words of the weights.
    """

    side_px: int
    colour: Colour = "grey"
    temperature: float = 1.0
    offsets: tuple[float, ...] = (0.0,) * len(EMOTIONS)
    abstain_below: float = 0.0
    crop_scale: float = 1.0
    crop_shift_y: float = 0.0
    licence: str = ""

    @classmethod
    def from_metadata(cls, name: str, metadata: Mapping[str, str], shape: tuple[object, ...]) -> EmotionModelInfo:
        """Check a graph's metadata and input shape, and read them.

        Raises:
            ModelError: Another class order, another input, or numbers out of range.
        """
        classes = tuple(metadata.get("classes", "").split(","))
        if classes != tuple(EMOTIONS):
            raise ModelError(name=name, reason=f"classes are {classes}, expected {tuple(map(str, EMOTIONS))}")
        if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3] or not isinstance(shape[2], int):
            raise ModelError(name=name, reason=f"input is {shape}, expected (N, 3, S, S)")
        colour = metadata.get("colour", "rgb")
        try:
            numbers = {key: float(metadata[key]) for key in _NUMBERS if key in metadata}
            offsets = tuple(float(word) for word in metadata.get("offsets", "0,0,0,0").split(","))
        except ValueError as error:
            raise ModelError(name=name, reason=f"metadata: {error}") from error
        licence = metadata.get("licence", "")
        info = cls(side_px=shape[2], colour=cast(Colour, colour), offsets=offsets, licence=licence, **numbers)
        in_range = info.temperature > 0 and info.crop_scale > 0 and len(offsets) == len(EMOTIONS)
        if colour not in get_args(Colour) or not in_range:
            raise ModelError(name=name, reason="metadata out of range")
        return info


_NUMBERS = ("temperature", "abstain_below", "crop_scale", "crop_shift_y")


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return probabilities (N, K) of logits (N, K) at a temperature."""
    scaled = logits.astype(np.float64) / temperature
    shares: NDArray[np.float64] = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


class EmotionClassifier:
    """Reads happy, angry, sad and neutral from square face crops. Thread-safe; load once, share."""

    def __init__(self, session: OrtSession, *, size_bytes: int = 0) -> None:
        """Take a loaded graph: float32 (N, 3, S, S) in 0..1 to logits (N, 4), with metadata.

        Args:
            session: The graph.
            size_bytes: Size of its file, kept for reports.

        Raises:
            ModelError: The graph is not an emotion model of this project's form.
        """
        if len(session.input_shapes) != 1:
            raise ModelError(name=session.name, reason=f"{len(session.input_shapes)} inputs, expected one")
        self._session = session
        self.info = EmotionModelInfo.from_metadata(session.name, session.metadata, session.input_shapes[0])
        self.name = session.name
        self.size_bytes = size_bytes

    @classmethod
    def load(cls, path: Path | None = None, *, threads: int = 0) -> EmotionClassifier:
        """Load the bundled model, or the file at `path` (checked for class order and input).

        Args:
            path: An ONNX file made by `train emotion`, or the name of a bundled one (`emotion-resnet50`).
            threads: Inference threads; 0 means one per core.

        Raises:
            ModelError: The file is missing, damaged, or of another kind.
        """
        file = path if path is not None else resolve_model(DEFAULT_MODEL)
        if not file.is_file():
            if str(file) not in load_manifest():
                raise ModelError(name=file.name, reason="file missing")
            file = resolve_model(str(file))
        return cls(OrtSession(file, threads=threads), size_bytes=file.stat().st_size)

    @property
    def abstain_below(self) -> float:
        """Below this top probability the answer should be "not sure"."""
        return self.info.abstain_below

    @property
    def crop_scale(self) -> float:
        """Side of the square crop over the longer side of the detector's box."""
        return self.info.crop_scale

    @property
    def crop_shift_y(self) -> float:
        """Shift of the crop's centre downwards, in sides of the crop (negative: upwards)."""
        return self.info.crop_shift_y

    def classify(self, crops: Sequence[RgbImage]) -> list[EmotionScores]:
        """Return calibrated probabilities, one a crop, in order; an empty list for no crops.

        Args:
            crops: uint8 RGB (H, W, 3) of any size, the face cut with `crop_scale` and `crop_shift_y`.
        """
        return [EmotionScores.from_sequence(row) for row in self.probabilities(crops)]

    def probabilities(self, crops: Sequence[RgbImage]) -> NDArray[np.float64]:
        """Return calibrated probabilities (N, 4) in the order of `EMOTIONS`."""
        parts = [
            self._run(prepare_crops(crops[start : start + BATCH], side_px=self.info.side_px, colour=self.info.colour))
            for start in range(0, len(crops), BATCH)
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(EMOTIONS)))

    def explain(self, crop: RgbImage, emotion: Emotion | None = None, *, steps: int = 9) -> Heat:
        """Return where the emotion was read: float32 (H, W) in 0..1, of the crop's size.

        Patches of a quarter of the side are covered in turn; a place is warm where covering it lowers the
        probability of `emotion` (Zeiler & Fergus, 2014). Nothing but the served graph is needed.

        Args:
            crop: uint8 RGB (H, W, 3).
            emotion: Whose evidence is shown; the most probable one where None.
            steps: Places along each side; cost grows with its square.
        """
        side = self.info.side_px
        image = prepare_crops([crop], side_px=side, colour=self.info.colour)[0]
        base = self._run(image[None])[0]
        target = list(EMOTIONS).index(emotion) if emotion else int(base.argmax())
        patch = max(1, side // 4)
        places = list(windows(side, patch, max(1, (side - patch) // max(1, steps - 1))))
        covered = [self._run(cover(image, places[at : at + BATCH])) for at in range(0, len(places), BATCH)]
        drops = base[target] - np.concatenate(covered)[:, target]
        return resize_heat(gather_heat(drops, places, side), crop.shape[1], crop.shape[0])

    def _run(self, batch: NDArray[np.float32]) -> NDArray[np.float64]:
        return softmax(self._session.run(batch)[0] + np.array(self.info.offsets), self.info.temperature)
