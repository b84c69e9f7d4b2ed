"""Messages as people type them, in plain words; and the tokens of the lexical channel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_music.text.lexical import tokens
from profile_music.text.normalize import plain_words


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("오늘 넘 힘들어", ["오늘", "너무", "힘들어"]),
        ("걍 쉬고파", ["그냥", "쉬고", "싶어"]),
        ("보고싶다너무", ["보고", "싶다너무", "그리워"]),
        ("뚜껑 열린다", ["뚜껑", "열린다", "화나"]),
        ("ㅋㅋㅋㅋㅋ 웃겨", ["ㅋㅋ", "웃겨"]),
        ("ㅜㅜㅜ 슬퍼", ["ㅠㅠ", "슬퍼"]),
        ("💔", ["이별", "상처", "마음", "아파"]),
        ("#불금 #여행", ["신나는", "금요일", "여행"]),
        ("I miss you", ["그리워"]),
        ("You and I", ["너", "나"]),
        ("don't cry", ["아니", "울어"]),
        ("찐빵 먹고 썸머 듣기", ["찐빵", "먹고", "썸머", "듣기"]),
        ("...!!", ["!", "!"]),
    ],
)
def test_plain_words(typed: str, words: list[str]) -> None:
    assert plain_words(typed) == words


def test_a_query_and_a_line_in_other_spelling_share_tokens() -> None:
    assert set(tokens("넘 보고싶다")) & set(tokens("너무 보고 싶었어")) >= {"너무", "보고"}
    assert set(tokens("사랑해")) & set(tokens("사랑했어")) >= {"사랑"}


@given(st.text(max_size=100))
def test_tokens_of_any_text_are_words(text: str) -> None:
    found = tokens(text)
    assert all(token and not token.isspace() for token in found)
    assert found == tokens(text)
