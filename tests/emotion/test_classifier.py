from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from profile_music.emotion import EmotionClassifier, overlay_heat
from profile_music.emotion.classifier import BATCH, softmax
from profile_music.errors import ModelError
from profile_music.types import EMOTIONS, Emotion
from tests.emotion.tiny_models import bright_quadrant, write_brightness_model


@pytest.mark.parametrize("name", [None, "emotion-resnet50", "emotion-vote"])
def test_bundled_models_load_and_answer(name):
    classifier = EmotionClassifier.load(Path(name) if name else None, threads=1)
    assert classifier.info.side_px == 128 and classifier.info.licence
    assert 0.25 <= classifier.abstain_below < 0.7
    assert 0.7 < classifier.crop_scale < 1.4
    crop = np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    assert classifier.classify([crop])[0].as_array().sum() == pytest.approx(1)


@pytest.fixture
def tiny(tmp_path):
    return EmotionClassifier.load(write_brightness_model(tmp_path / "tiny.onnx"), threads=1)


def test_answers_come_in_order_and_sum_to_one(tiny):
    scores = tiny.classify([bright_quadrant(index) for index in (2, 0, 3, 1)])
    assert [score.top for score in scores] == [EMOTIONS[index] for index in (2, 0, 3, 1)]
    assert all(score.as_array().sum() == pytest.approx(1) for score in scores)


def test_no_crops_give_no_answers(tiny):
    assert tiny.classify([]) == []


def test_a_crowd_is_read_in_pieces_with_the_same_answers(tiny):
    rng = np.random.default_rng(1)
    crowd = [rng.integers(0, 256, (20 + i % 7, 30, 3), dtype=np.uint8) for i in range(BATCH + 5)]
    together = tiny.probabilities(crowd)
    alone = np.concatenate([tiny.probabilities([crop]) for crop in crowd])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_threads_share_one_classifier(tiny):
    crops = [bright_quadrant(index % 4) for index in range(24)]
    with ThreadPoolExecutor(4) as pool:
        tops = list(pool.map(lambda crop: tiny.classify([crop])[0].top, crops))
    assert tops == [EMOTIONS[index % 4] for index in range(24)]


def test_the_file_sets_temperature_threshold_and_geometry(tmp_path):
    words = {"temperature": "2.0", "abstain_below": "0.4", "crop_scale": "0.95", "crop_shift_y": "-0.01"}
    warm = EmotionClassifier.load(write_brightness_model(tmp_path / "warm.onnx", **words))
    cold = EmotionClassifier.load(write_brightness_model(tmp_path / "cold.onnx"))
    assert (warm.abstain_below, warm.crop_scale, warm.crop_shift_y) == (0.4, 0.95, -0.01)
    crop = [bright_quadrant(1)]
    logits = np.log(cold.probabilities(crop))
    np.testing.assert_allclose(warm.probabilities(crop), softmax(logits, 2.0), atol=1e-6)


def test_offsets_shift_the_balance_between_classes(tmp_path):
    plain = EmotionClassifier.load(write_brightness_model(tmp_path / "plain.onnx"))
    moved = EmotionClassifier.load(write_brightness_model(tmp_path / "moved.onnx", offsets="0,0,30,0"))
    crops = [bright_quadrant(0)]
    assert plain.classify(crops)[0].top is Emotion.HAPPY
    assert moved.classify(crops)[0].top is Emotion.SAD


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"classes": "angry,happy,sad,neutral"}, "classes"),
        ({"temperature": "0"}, "out of range"),
        ({"temperature": "warm"}, "metadata"),
        ({"colour": "sepia"}, "out of range"),
        ({"crop_scale": "-1"}, "out of range"),
        ({"offsets": "0,0,1"}, "out of range"),
        ({"offsets": "a,b,c,d"}, "metadata"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, words, reason):
    with pytest.raises(ModelError, match=reason):
        EmotionClassifier.load(write_brightness_model(tmp_path / "other.onnx", **words))


def test_another_input_is_refused(tmp_path):
    with pytest.raises(ModelError, match="input"):
        EmotionClassifier.load(write_brightness_model(tmp_path / "grey.onnx", channels=1))


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(ModelError, match="file missing"):
        EmotionClassifier.load(tmp_path / "none.onnx")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"not a graph")
    with pytest.raises(ModelError):
        EmotionClassifier.load(damaged)


def test_the_explanation_points_at_the_evidence(tiny):
    crop = bright_quadrant(3, side=60)
    heat = tiny.explain(crop)
    assert heat.shape == (60, 60) and heat.dtype == np.float32
    assert heat.min() >= 0 and heat.max() == pytest.approx(1, abs=0.05)
    assert heat[30:, 30:].mean() > 3 * heat[:30, :30].mean()
    overlay = overlay_heat(crop, heat)
    assert overlay.shape == crop.shape and overlay.dtype == np.uint8


def test_the_explanation_of_another_emotion_differs(tiny):
    crop = np.maximum(bright_quadrant(0, 48), bright_quadrant(3, 48))
    happy, neutral = tiny.explain(crop, Emotion.HAPPY), tiny.explain(crop, Emotion.NEUTRAL)
    assert happy[:24, :24].mean() > neutral[:24, :24].mean()
    assert neutral[24:, 24:].mean() > happy[24:, 24:].mean()


def test_overlay_refuses_another_size(tiny):
    with pytest.raises(ValueError, match="differ in size"):
        overlay_heat(bright_quadrant(0, 40), tiny.explain(bright_quadrant(0, 44)))
