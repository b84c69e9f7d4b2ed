"""The detector against facenet-pytorch's own answers, and alone."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from profile_music.face import CascadeSettings, FaceDetector
from profile_music.runtime import OrtSession, resolve_model
from profile_music.types import BoundingBox

ROOT = Path(__file__).resolve().parents[2]
GOLDENS: dict[str, list[dict[str, Any]]] = json.loads((ROOT / "tests/data/face_goldens.json").read_text())["photos"]


def load(name: str) -> np.ndarray:
    return np.asarray(Image.open(ROOT / name).convert("RGB"))


def iou(one: BoundingBox, other: BoundingBox) -> float:
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.area + other.area - shared)


@pytest.fixture(scope="module")
def reference_like() -> FaceDetector:
    """facenet-pytorch's defaults: the whole picture, faces from 20 px, all of O-Net's."""
    return FaceDetector.load(threads=1, max_side_px=10_000, min_face_px=20, min_face_share=0, min_score=0)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector.load(threads=1)


@pytest.fixture(scope="module")
def photos() -> dict[str, np.ndarray]:
    return {name: load(name) for name in GOLDENS}


def test_the_goldens_cover_what_they_should():
    counts = [len(faces) for faces in GOLDENS.values()]
    assert len(counts) >= 8 and counts.count(0) >= 3 and max(counts) >= 20 and counts.count(1) >= 3


@pytest.mark.parametrize("name", sorted(GOLDENS))
def test_boxes_agree_with_facenet_pytorch(name, photos, reference_like):
    faces = reference_like.detect([photos[name]])[0]
    assert len(faces) == len(GOLDENS[name])
    for golden in GOLDENS[name]:
        box = BoundingBox(*golden["box"])
        face = max(faces, key=lambda candidate: iou(candidate.box, box))
        assert iou(face.box, box) > 0.99
        assert face.score == pytest.approx(golden["score"], abs=1e-3)
        assert np.abs(np.array(face.landmarks) - golden["landmarks"]).max() < 0.05


def test_all_at_once_is_the_same_as_one_by_one(photos, reference_like):
    images = list(photos.values())
    together = reference_like.detect(images)
    assert [len(faces) for faces in together] == [len(faces) for faces in GOLDENS.values()]
    for image, faces in zip(images, together, strict=True):
        alone = reference_like.detect([image])[0]
        assert all(iou(a.box, b.box) > 0.999 for a, b in zip(alone, faces, strict=True))


def test_the_serving_settings_find_the_same_faces(photos, detector):
    """A copy of 640 px and faces from 6 % of it: same number, same most prominent face."""
    for name, faces in zip(photos, detector.detect(list(photos.values())), strict=True):
        golden = [BoundingBox(*face["box"]) for face in GOLDENS[name]]
        assert len(faces) == len(golden), name
        if len(golden) == 1:
            assert iou(faces[0].box, golden[0]) > 0.8
        assert all(max(iou(face.box, box) for box in golden) > 0.7 for face in faces)


def test_boxes_are_in_the_photos_own_pixels(detector):
    small = load("examples/portrait.jpg")
    large = np.asarray(Image.fromarray(small).resize((1800, 1800), Image.Resampling.BICUBIC))
    (one,), (other,) = detector.detect([small, large])
    factor = 1800 / 512
    assert iou(BoundingBox(*(value * factor for value in one.box)), other.box) > 0.85
    left_eye, right_eye, nose, *_ = other.landmarks
    assert left_eye[0] < nose[0] < right_eye[0] and left_eye[1] < nose[1]


def test_the_most_prominent_comes_first(photos, detector):
    faces = detector.detect([photos["tests/data/photos/wide.jpg"]])[0]
    assert len(faces) == 2 and faces[0].box.area > faces[1].box.area


def test_min_score_leaves_weak_faces_out(photos):
    strict = FaceDetector.load(threads=1, min_score=1.0)
    assert strict.detect([photos["tests/data/photos/thumbnail.jpg"]]) == [[]]


@pytest.mark.parametrize(
    "shape", [(1, 1, 3), (5, 3000, 3), (3000, 1, 3), (12, 12, 3), (11, 200, 3), (20, 20, 3), (300, 500, 3)]
)
def test_odd_sizes_have_no_face(shape, detector, reference_like):
    image = np.full(shape, 120, np.uint8)
    assert detector.detect([image]) == reference_like.detect([image]) == [[]]


def test_nothing_in_nothing_out(detector):
    assert detector.detect([]) == []


@pytest.mark.parametrize(
    "bad",
    [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8)],
)
def test_what_is_no_picture_is_an_error(bad, detector):
    with pytest.raises(ValueError, match="expected a uint8 picture"):
        detector.detect([bad])


def test_caps_bound_the_candidates(photos):
    crowd = photos["tests/data/photos/crowd.jpg"]
    capped = FaceDetector.load(threads=1, settings=CascadeSettings(max_proposals=60, max_refined=5))
    assert 1 <= len(capped.detect([crowd])[0]) <= 5


def test_noise_is_bounded_and_faceless(detector):
    noise = np.random.default_rng(1).integers(0, 256, (640, 640, 3), dtype=np.uint8)
    assert detector.detect([noise]) == [[]]


def test_one_detector_serves_many_threads(photos, detector):
    images = list(photos.values()) * 2
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda image: detector.detect([image])[0], images))
    assert results[: len(photos)] == results[len(photos) :]


@pytest.mark.parametrize("size", [(500, 341), (501, 340), (1027, 33), (12, 4000), (14, 15)])
def test_strips_are_the_same_as_the_whole(size, monkeypatch):
    from profile_music.face import cascade

    net = OrtSession(resolve_model("mtcnn-pnet"), threads=1)
    pixels = np.random.default_rng(2).random((1, 3, *size), dtype=np.float32)
    monkeypatch.setattr(cascade, "_STRIP_PX", 20_000)
    strips = cascade._run_in_strips(net, pixels)
    whole = net.run(pixels)[0]
    assert strips.shape == whole.shape and np.abs(strips - whole).max() < 1e-5
