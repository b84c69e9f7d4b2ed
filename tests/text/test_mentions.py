"""Names of artists and songs in a text."""

import pytest

from profile_music.text.mentions import mentions


@pytest.mark.parametrize(
    ("text", "name", "marked"),
    [
        ("아이유 노래 듣고 싶다", "아이유", False),
        ("요즘 이문세의 옛날 노래만 듣는다", "이문세", False),
        ("슬플 때 듣는 성시경", "성시경", False),
        ("‘밤편지’ 같은 노래", "밤편지", True),
        ("#잔나비", "잔나비", True),
        ("벚꽃 엔딩 듣는 중", "벚꽃 엔딩", False),
    ],
)
def test_names_before_and_after_words_of_music(text: str, name: str, marked: bool) -> None:
    assert mentions(text)[name] is marked


@pytest.mark.parametrize(
    "text", ["오늘 하루도 수고했어", "동물원 다녀오는 길", "", "ㅋㅋㅋ", "it's my life, don't you know"]
)
def test_texts_that_speak_of_no_music_name_nothing(text: str) -> None:
    assert mentions(text) == {}


def test_short_names_are_everyday_words_unless_the_cue_follows_at_once() -> None:
    assert "비" not in mentions("비 오는 날 듣는 노래")
    assert "비" in mentions("비 노래 들을래")
