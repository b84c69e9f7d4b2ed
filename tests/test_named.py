"""Songs that a text names come first, in the bundled catalogue."""

import pytest

from profile_music import Recommender


@pytest.fixture(scope="module")
def recommender() -> Recommender:
    return Recommender.load()


def names(recommender: Recommender, text: str, **arguments: object) -> list[tuple[str, str]]:
    return [(r.song.title, r.song.artist) for r in recommender.recommend(text=text, **arguments).songs]  # type: ignore[arg-type]


def test_an_artist_gives_some_of_the_songs_and_others_follow(recommender: Recommender) -> None:
    found = [artist for _, artist in names(recommender, "아이유 노래 듣고 싶다")]
    assert found[:3] == ["아이유"] * 3
    assert "아이유" not in found[3:]


def test_a_title_comes_first_and_the_reason_says_so(recommender: Recommender) -> None:
    first = recommender.recommend(text="‘밤편지’ 같은 노래").songs[0]
    assert (first.song.title, first.song.artist) == ("밤편지", "아이유")
    assert "이름" in first.reason.ko


def test_a_title_before_the_artists_other_songs(recommender: Recommender) -> None:
    assert names(recommender, "방탄소년단 봄날 듣는 밤")[0] == ("봄날", "방탄소년단")


def test_feeling_chooses_among_an_artists_songs(recommender: Recommender) -> None:
    def sadness(emotion: str) -> float:
        songs = [r.song for r in recommender.recommend(text="이문세 노래 듣는다", emotion=emotion).songs[:3]]
        assert {song.artist for song in songs} == {"이문세"}
        return sum(song.emotions.sad for song in songs if song.emotions)

    assert sadness("sad") > sadness("happy") + 0.5


def test_everyday_words_name_no_song(recommender: Recommender) -> None:
    for text in ("오늘 노래 연습했다", "비 오는 날 듣는 노래", "오늘 하루도 수고했어"):
        assert not [r for r in recommender.recommend(text=text).songs if "이름" in r.reason.ko]
