"""The shared vocabulary and the errors."""

from __future__ import annotations

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_music import errors
from profile_music.types import EMOTIONS, BoundingBox, Emotion, EmotionScores


@given(st.lists(st.floats(0, 1e6), min_size=4, max_size=4))
def test_scores_sum_to_one(values: list[float]) -> None:
    scores = EmotionScores.from_sequence(values)
    assert math.isclose(sum(scores.as_array()), 1)
    assert scores.confidence == max(scores.as_array())


@pytest.mark.parametrize("values", [[1, 2, 3], [1, 1, 1, -1], [1, 1, 1, math.nan], [1, 1, 1, math.inf]])
def test_bad_scores_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        EmotionScores.from_sequence(values)


def test_class_order_is_the_missions() -> None:
    assert [emotion.value for emotion in EMOTIONS] == ["happy", "angry", "sad", "neutral"]
    assert EmotionScores(0.1, 0.2, 0.3, 0.4).top is Emotion.NEUTRAL
    with pytest.raises(ValueError, match="unknown emotions"):
        EmotionScores.from_mapping({"fear": 1})


def test_box_arithmetic() -> None:
    box = BoundingBox(10, 20, 30, 60)
    assert (box.width, box.height, box.area, box.center) == (20, 40, 800, (20, 40))


def _all_errors(kind: type) -> list[type]:
    return [kind, *(found for child in kind.__subclasses__() for found in _all_errors(child))]


PUBLIC_ERRORS = [kind for kind in _all_errors(errors.ProfileMusicError) if kind.__module__ == errors.__name__]


def test_error_codes_are_unique() -> None:
    codes = [kind.code for kind in PUBLIC_ERRORS]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", PUBLIC_ERRORS, ids=lambda kind: kind.code)
def test_every_error_speaks_korean_and_english(kind: type[errors.ProfileMusicError]) -> None:
    names = {name for text in (kind.ko, kind.en) for _, name, _, _ in string.Formatter().parse(text) if name}
    error = kind(**dict.fromkeys(names, "X"))
    body = error.to_dict()["error"]
    assert any("가" <= letter <= "힣" for letter in body["message"]["ko"])
    assert body["message"]["en"].isascii()
    assert body["code"] == kind.code
    assert 400 <= kind.http_status < 600
