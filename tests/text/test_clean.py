"""Cleaning and splitting: what is kept, what goes, and properties that hold for any text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_music.text.clean import clean_text, split_sentences

KOREAN = st.text(alphabet=st.sampled_from("가나다사랑해요ㅋㅎㅠㅜ .!?~\n\t😭❤️👨‍👩‍👧abcXYZ123\u200b\u0000"), max_size=80)


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("보고싶다ㅠㅠㅠㅠㅠ", "보고싶다ㅠㅠ"),
        ("너무너무너무너무 좋아", "너무너무 좋아"),
        ("  두   칸  \n\n\n 줄  ", "두 칸\n줄"),
        ("안\u200b녕\u0007", "안녕"),
        ("가족 👨‍👩‍👧 사랑 ❤️", "가족 👨‍👩‍👧 사랑 ❤️"),
        (unicodedata.normalize("NFD", "행복한 하루"), "행복한 하루"),
        ("", ""),
    ],
)
def test_clean_text(typed: str, cleaned: str) -> None:
    assert clean_text(typed, 1000) == cleaned


def test_length_cap() -> None:
    assert clean_text("가나다라마", 3) == "가나다"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("오늘 힘들었다. 근데 괜찮아!! 내일은 좋겠지", ["오늘 힘들었다.", "근데 괜찮아!!", "내일은 좋겠지"]),
        ("보고싶다ㅠㅠ 언제 와?", ["보고싶다ㅠㅠ", "언제 와?"]),
        ("첫 줄\n둘째 줄", ["첫 줄", "둘째 줄"]),
        ("3.5점 준다", ["3.5점 준다"]),
        ("아니다.그래도 좋다", ["아니다.", "그래도 좋다"]),
        ("그냥 한 문장", ["그냥 한 문장"]),
    ],
)
def test_split_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@given(st.text(max_size=120) | KOREAN)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_text(text, 100)
    assert clean_text(once, 100) == once


@given(st.text(max_size=120) | KOREAN, st.integers(1, 50))
def test_cleaned_text_is_composed_short_and_visible(text: str, limit: int) -> None:
    cleaned = clean_text(text, limit)
    assert len(cleaned) <= limit
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in cleaned if c != "\n")


@given(KOREAN)
def test_sentences_lose_no_letter(text: str) -> None:
    cleaned = clean_text(text, 200)
    kept = "".join("".join(split_sentences(cleaned)).split())
    assert kept == "".join(cleaned.split()) or set("".join(cleaned.split())) - set(kept) <= set(")]\"'”’")
