"""The three nets of MTCNN, one after the other (Zhang et al. 2016, https://arxiv.org/abs/1604.02878).

Follows facenet-pytorch's `detect_face` step by step, so that boxes agree; candidates of all pictures go through the
second and third net together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from profile_music.face.area import AreaSampler, Pixels
from profile_music.face.boxes import (
    Boxes,
    Scores,
    logit,
    pixel_corners,
    refine,
    sigmoid,
    square,
    suppress,
    suppress_contained,
)
from profile_music.runtime import OrtSession, resolve_model
from profile_music.types import RgbImage

_FIELD_PX = 12
_STRIDE_PX = 2
_STRIP_PX = 160_000
_REFINE_PX = 24
_OUTPUT_PX = 48
_REFINE_VALUES = 5
_OUTPUT_VALUES = 15
_BATCH_PX = 256 * _REFINE_PX**2


@dataclass(frozen=True, slots=True)
class CascadeSettings:
    """Thresholds of the three nets, the pyramid's factor, and caps on candidates a picture (crowds, noise)."""

    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)
    factor: float = 0.709
    max_proposals: int = 2000
    max_refined: int = 400


@dataclass(frozen=True, slots=True)
class Detections:
    """Faces of one picture: boxes (N, 4), scores (N,), landmarks (N, 5, 2), all float32, in its pixels."""

    boxes: Boxes
    scores: Scores
    landmarks: NDArray[np.float32]


class Cascade:
    """The loaded nets."""

    def __init__(self, settings: CascadeSettings, *, threads: int = 0) -> None:
        """Load the three bundled nets.

        Raises:
            ModelError: A model file is missing or damaged.
        """
        self.settings = settings
        self._pnet, self._rnet, self._onet = (
            OrtSession(resolve_model(name), name=name, threads=threads)
            for name in ("mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet")
        )

    def detect(self, images: Sequence[RgbImage], min_sizes_px: Sequence[float]) -> list[Detections]:
        """Find the faces of each picture that are at least `min_sizes_px[i]` pixels large."""
        samplers = [AreaSampler(image) for image in images]
        boxes = [self._propose(sampler, size) for sampler, size in zip(samplers, min_sizes_px, strict=True)]
        boxes = self._refine(samplers, boxes)
        return self._finish(samplers, boxes)

    def _propose(self, sampler: AreaSampler, min_size_px: float) -> Boxes:
        """Run P-Net over the pyramid: candidate boxes, square, best first."""
        found = [self._propose_at(sampler, scale) for scale in self._scales(sampler, min_size_px)]
        if not found:
            return np.zeros((0, 4), np.float32)
        boxes, scores, offsets = (np.concatenate(parts) for parts in zip(*found, strict=True))
        keep = suppress(boxes, scores, 0.7)[: self.settings.max_proposals]
        boxes, offsets = boxes[keep], offsets[keep]
        size = boxes[:, 2:] - boxes[:, :2]
        return square(boxes + offsets * np.concatenate([size, size], axis=1))

    def _scales(self, sampler: AreaSampler, min_size_px: float) -> list[float]:
        """Return the pyramid's scales: the first makes the smallest face as large as P-Net's field."""
        scale = _FIELD_PX / min_size_px
        side = min(sampler.height, sampler.width) * scale
        scales = []
        while side >= _FIELD_PX:
            scales.append(scale)
            scale, side = scale * self.settings.factor, side * self.settings.factor
        return scales

    def _propose_at(self, sampler: AreaSampler, scale: float) -> tuple[Boxes, Scores, NDArray[np.float32]]:
        """Run P-Net at one scale: boxes, scores and box offsets after suppression."""
        pixels = sampler.resize(int(sampler.height * scale + 1), int(sampler.width * scale + 1))
        output = _run_in_strips(self._pnet, pixels)
        rows, columns = np.nonzero(output[0, 0] >= logit(self.settings.thresholds[0]))
        values = output[0][:, rows, columns].T
        values = values[best := np.argsort(-values[:, 0], kind="stable")[: self.settings.max_proposals]]
        start = np.stack([columns[best], rows[best]], axis=1).astype(np.float32) * _STRIDE_PX
        # The division in float32 and the floors are the reference's, and decide which boxes overlap how far.
        boxes = np.floor(np.concatenate([start + 1, start + _FIELD_PX], axis=1) / np.float32(scale))
        scores = sigmoid(values[:, 0])
        keep = suppress(boxes, scores, 0.5)
        return boxes[keep], scores[keep], values[keep, 1:]

    def _refine(self, samplers: Sequence[AreaSampler], boxes: Sequence[Boxes]) -> list[Boxes]:
        """Run R-Net over all candidates: those that pass, moved and squared, best first."""
        results = []
        for candidates, output in _run_on_crops(self._rnet, samplers, boxes, _REFINE_PX, _REFINE_VALUES):
            good = output[:, 0] > logit(self.settings.thresholds[1])
            candidates, output = candidates[good], output[good]
            keep = suppress(candidates, output[:, 0], 0.7)[: self.settings.max_refined]
            results.append(square(refine(candidates[keep], output[keep, 1:])))
        return results

    def _finish(self, samplers: Sequence[AreaSampler], boxes: Sequence[Boxes]) -> list[Detections]:
        """Run O-Net over what is left: boxes, scores and landmarks, best first."""
        results = []
        for candidates, output in _run_on_crops(self._onet, samplers, boxes, _OUTPUT_PX, _OUTPUT_VALUES):
            good = output[:, 0] > logit(self.settings.thresholds[2])
            candidates, output = candidates[good], output[good]
            landmarks = _landmarks(candidates, output[:, 5:])
            final, scores = refine(candidates, output[:, 1:5]), sigmoid(output[:, 0])
            keep = suppress_contained(final, scores, 0.7)
            results.append(Detections(final[keep], scores[keep], landmarks[keep]))
        return results


def _run_in_strips(net: OrtSession, pixels: Pixels) -> NDArray[np.float32]:
    """Run P-Net over a large picture in overlapping strips: the same output, in bounded memory and faster."""
    height, width = pixels.shape[2:]
    rows = -(-(height - 2) // 2) - 4  # of the output: 3x3 convolutions but for a ragged pooling by two
    step = max(16, _STRIP_PX // width // _STRIDE_PX)
    if rows <= step:
        return net.run(pixels)[0]
    strips = []
    for start in range(0, rows, step):
        stop = height if start + step >= rows else (start + step - 1) * _STRIDE_PX + _FIELD_PX
        strips.append(net.run(pixels[:, :, start * _STRIDE_PX : stop])[0])
    return np.concatenate(strips, axis=2)


def _landmarks(boxes: Boxes, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Place the five landmarks (shares of the box; five x, then five y) in the picture: shape (N, 5, 2)."""
    size = boxes[:, None, 2:] - boxes[:, None, :2] + 1
    return values.reshape(-1, 2, 5).transpose(0, 2, 1) * size + boxes[:, None, :2] - 1


def _run_on_crops(
    net: OrtSession, samplers: Sequence[AreaSampler], boxes: Sequence[Boxes], size: int, values: int
) -> list[tuple[Boxes, NDArray[np.float32]]]:
    """Run a net over the crops of all pictures in common batches.

    Args:
        net: R-Net or O-Net.
        samplers: The pictures.
        boxes: The candidates of each picture.
        size: Side of the net's input.
        values: Length of the net's output for one crop.

    Returns:
        For each picture the candidates that lie inside it and the outputs for them.
    """
    corners = [pixel_corners(candidates, s.width, s.height) for s, candidates in zip(samplers, boxes, strict=True)]
    inside = [(c[:, 2:] > c[:, :2]).all(axis=1) for c in corners]
    corners = [c[good] for c, good in zip(corners, inside, strict=True)]
    batches = [net.run(pixels)[0] for pixels in _crop_batches(samplers, corners, size)]
    outputs = np.concatenate(batches) if batches else np.zeros((0, values), np.float32)
    ends = np.cumsum([len(c) for c in corners])
    usable = [candidates[good] for candidates, good in zip(boxes, inside, strict=True)]
    return list(zip(usable, np.split(outputs, ends[:-1]), strict=True))


def _crop_batches(samplers: Sequence[AreaSampler], corners: Sequence[NDArray[np.intp]], size: int) -> Iterator[Pixels]:
    """Yield the crops of all pictures in order, in batches of bounded memory (fewer of the larger crops)."""
    most = _BATCH_PX // size**2
    pending: list[Pixels] = []
    for sampler, mine in zip(samplers, corners, strict=True):
        for start in range(0, len(mine), most):
            pending.append(sampler.crops(mine[start : start + most], size))
            if sum(map(len, pending)) >= most:
                yield np.concatenate(pending)
                pending = []
    if pending:
        yield np.concatenate(pending)
