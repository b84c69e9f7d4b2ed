"""What the mood is read from: negation and signs; and what it reads where feelings are denied."""

from __future__ import annotations

import numpy as np
import pytest

from profile_music.text.embedded import EmbeddedEncoder
from profile_music.text.mood import TextMood
from profile_music.text.mood_head import BUCKETS, MoodHead, Particles, negated, sign_buckets
from profile_music.types import Emotion

NOT_BEFORE, NOT_BEHIND, ENDING, HAPPY, SAD, TODAY = range(6)
CONTENT = np.array([False, False, False, True, True, True])
PARTICLES = Particles(frozenset({NOT_BEFORE}), frozenset({NOT_BEFORE, NOT_BEHIND}), CONTENT)


@pytest.mark.parametrize(
    ("rows", "reached"),
    [
        ([HAPPY, ENDING], []),
        ([NOT_BEFORE, HAPPY, ENDING], [HAPPY]),
        ([HAPPY, ENDING, NOT_BEHIND, ENDING], [HAPPY]),
        ([HAPPY, ENDING, SAD, ENDING, NOT_BEHIND], [HAPPY, SAD]),
        ([NOT_BEHIND, HAPPY], []),
        ([HAPPY, *[ENDING] * 6, NOT_BEHIND], []),
        ([], []),
    ],
)
def test_negation_reaches_content_near_it(rows: list[int], reached: list[int]) -> None:
    assert negated(rows, PARTICLES) == reached


def test_signs_tell_what_stands_beside_what() -> None:
    plain = set(sign_buckets([], [HAPPY, ENDING], (), PARTICLES))
    denied = set(sign_buckets([], [NOT_BEFORE, HAPPY, ENDING], (), PARTICLES))
    themed = set(sign_buckets([], [HAPPY, ENDING], ("여행",), PARTICLES))
    spelled = set(sign_buckets(["웃네"], [HAPPY, ENDING], (), PARTICLES))
    assert plain < denied
    assert plain < themed
    # ^웃 웃네 네$ and ^웃네 웃네$
    assert plain < spelled and len(spelled - plain) == 5
    assert all(0 <= bucket < BUCKETS for bucket in denied | themed)


def test_probabilities_add_up_and_follow_the_signs() -> None:
    signs = np.zeros((BUCKETS, 4), np.int8)
    signs[7, 2] = 100
    head = MoodHead(np.zeros((4, 3), np.float32), np.zeros(4, np.float32), signs, 0.02)
    dense = np.ones(3, np.float32)
    np.testing.assert_allclose(head.probabilities(dense, []), 0.25)
    told = head.probabilities(dense, [7])
    assert told.argmax() == 2
    assert told.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("행복하지 않아", Emotion.HAPPY),
        ("하나도 안 즐겁다", Emotion.HAPPY),
        ("나 화 안 났어", Emotion.ANGRY),
        ("슬픈 건 아니야", Emotion.SAD),
    ],
)
def test_a_denied_feeling_is_not_read(text: str, denied: Emotion) -> None:
    assert TextMood(EmbeddedEncoder.load()).predict([text])[0].top is not denied
