"""Lyric cleaning on lines written for these tests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_music.text.lyrics import clean_line, clean_lyrics

SHEET = """[ti:시험 노래]
작사: 홍길동
[Verse 1]
[00:12.30]창밖에 눈이 내리면 (snow is falling)
[00:15.02]I will be waiting for you
너에게 줄 편지를 써!!
창밖에 눈이 내리면
[Chorus]
사랑해 baby 너를 사랑해 (x2)
후렴
Oh oh oh 내 마음이 보이니
www.example.com
창밖에  눈이  내리면...
"""


def test_a_sheet_becomes_its_korean_lines_once_each() -> None:
    lines = clean_lyrics(SHEET)
    assert [line.cleaned for line in lines] == [
        "창밖에 눈이 내리면",
        "너에게 줄 편지를 써",
        "사랑해 너를 사랑해",
        "내 마음이 보이니",
    ]
    assert lines[0].original == "창밖에 눈이 내리면 (snow is falling)"
    assert lines[1].original == "너에게 줄 편지를 써!!"


@pytest.mark.parametrize(
    "line",
    [
        "[Verse 2: 가수]",
        "(Chorus)",
        "후렴",
        "간주",
        "Lyrics by Hong",
        "(x2)",
        "작곡 : 김작곡",
        "[00:01.00]",
        "La la la",
    ],
)
def test_what_is_not_sung_in_korean_goes(line: str) -> None:
    assert clean_lyrics(line) == []


@pytest.mark.parametrize(
    ("line", "cleaned"),
    [
        ("Hello 너를 생각하며 걷는 밤", "너를 생각하며 걷는 밤"),
        ("I love you more than anything 너", ""),
        ("(보고 싶어 너를)", "보고 싶어 너를"),
        ("반복되는 하루", "반복되는 하루"),
        ("후렴처럼 맴도는 너", "후렴처럼 맴도는 너"),
    ],
)
def test_mixed_lines(line: str, cleaned: str) -> None:
    assert clean_line(line) == cleaned
    assert [kept.cleaned for kept in clean_lyrics(line)] == ([cleaned] if cleaned else [])


@given(st.text(alphabet=st.sampled_from("가나다 사랑해abc()[]x2!.\n:0-"), max_size=200))
def test_any_text_gives_distinct_clean_lines(text: str) -> None:
    lines = clean_lyrics(text)
    keys = [line.cleaned.replace(" ", "") for line in lines]
    assert len(set(keys)) == len(keys)
    for line in lines:
        assert line.cleaned == line.cleaned.strip()
        assert not set(line.cleaned) & set("()[]!.:abc")
        assert line.original


@given(st.text(max_size=200))
def test_cleaning_what_was_cleaned_keeps_it(text: str) -> None:
    once = [line.cleaned for line in clean_lyrics(text)]
    again = [line.cleaned for line in clean_lyrics("\n".join(once))]
    assert set(again) <= set(once)
