import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_music.evaluate.emotion import evaluate_emotion, report_markdown, write_report
from profile_music.evaluate.emotion_metrics import (
    calibration_error,
    choose_abstention,
    coverage_curve,
    fit_offsets,
    fit_temperature,
    score,
    soften,
)
from profile_music.evaluate.emotion_robust import PERTURBATIONS, perturb_all
from tests.emotion.tiny_models import bright_quadrant, write_brightness_model


def test_figures_of_a_known_table():
    truth = np.array([0, 0, 0, 1, 1, 2, 3, 3])
    answer = np.array([0, 0, 1, 1, 1, 3, 3, 0])
    figures = score(np.eye(4)[answer], truth)
    assert figures.accuracy == pytest.approx(5 / 8)
    assert figures.recall == pytest.approx((2 / 3, 1, 0, 1 / 2))
    assert figures.f1 == pytest.approx((2 / 3, 0.8, 0, 0.5))
    assert figures.macro_f1 == pytest.approx((2 / 3 + 0.8 + 0 + 0.5) / 4)
    assert figures.confusion[3] == (1, 0, 0, 1)
    assert json.loads(json.dumps(figures.to_dict()))["count"] == 8


def test_nothing_to_score_is_an_error():
    with pytest.raises(ValueError, match="nothing"):
        score(np.empty((0, 4)), np.empty(0, dtype=np.int64))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(20, 200))
def test_figures_stay_within_their_bounds(seed, count):
    rng = np.random.default_rng(seed)
    probabilities = soften(rng.normal(size=(count, 4)) * 3, 1.0)
    figures = score(probabilities, rng.integers(0, 4, count))
    for name in ("accuracy", "macro_f1", "balanced_accuracy", "ece"):
        assert 0 <= getattr(figures, name) <= 1
    assert sum(map(sum, figures.confusion)) == count


def test_the_calibration_error_sees_overconfidence():
    truth = np.tile([0, 1], 500)
    sure = np.tile([0.9, 0.1, 0, 0], (1000, 1))
    assert calibration_error(sure, truth) == pytest.approx(0.4)
    fair = np.tile([0.5, 0.5, 0, 0], (1000, 1))
    assert calibration_error(fair, truth) == pytest.approx(0, abs=1e-9)


def test_the_temperature_of_overconfident_logits_is_found():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(6000, 4)) * 1.5
    truth = np.array([rng.choice(4, p=row) for row in soften(logits, 1.0)])
    assert fit_temperature(logits * 3, truth) == pytest.approx(3, rel=0.1)


def test_offsets_bring_back_a_neglected_class():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, 2000)
    logits = np.eye(4)[truth] + rng.normal(size=(2000, 4)) * 0.6
    logits[:, 2] -= 1.5
    offsets = fit_offsets(logits, truth)
    assert abs(offsets.sum()) < 1e-9
    assert score(soften(logits, 1), truth).recall[2] < 0.2
    assert min(score(soften(logits + offsets, 1), truth).recall) > 0.6


def test_abstention_starts_where_answers_are_guesses():
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0.3, 1, 4000)
    right = rng.random(4000) < np.where(confidence < 0.38, 0.3, 0.9)
    probabilities = np.column_stack([confidence, *[(1 - confidence) / 3] * 3])
    assert 0.34 < choose_abstention(probabilities, np.where(right, 0, 1)) < 0.45
    always_right = np.zeros(4000, dtype=np.int64)
    assert choose_abstention(probabilities, always_right) == 0.0


def test_coverage_falls_as_the_threshold_rises():
    rng = np.random.default_rng(3)
    rows = coverage_curve(soften(rng.normal(size=(300, 4)) * 2, 1), rng.integers(0, 4, 300))
    shares = [share for _, share, _ in rows]
    assert shares[0] == 1 and shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_harder_versions_keep_size_and_change_the_picture(name):
    crop = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    (harder,) = perturb_all([crop], name)
    assert harder.shape == crop.shape and harder.dtype == np.uint8
    assert not np.array_equal(harder, crop)
    np.testing.assert_array_equal(harder, perturb_all([crop], name)[0])


def test_an_evaluation_of_a_perfect_model(tmp_path, monkeypatch):
    path = write_brightness_model(tmp_path / "tiny.onnx", abstain_below="0.3")
    crops = np.stack([bright_quadrant(index % 4, 32) for index in range(16)])
    evaluation = evaluate_emotion(path, crops, np.arange(16) % 4)
    assert evaluation.figures.accuracy == 1 and evaluation.answered == (1.0, 1.0)
    assert evaluation.size_bytes == path.stat().st_size
    assert set(evaluation.robustness) == set(PERTURBATIONS)
    table = report_markdown([evaluation, evaluation], "sixteen pictures")
    assert "| accuracy | 1.000 | 1.000 |" in table
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert not write_report([evaluation], "sixteen pictures", tmp_path / "report")
    assert json.loads((tmp_path / "report" / "report.json").read_text())["data"] == "sixteen pictures"
    assert "| accuracy | 1.000 |" in (tmp_path / "report" / "report.md").read_text()
