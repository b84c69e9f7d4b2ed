"""Choosing songs from hits, and what is said about them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_music.explain import Context, explain, has_final, links_for
from profile_music.ranking import RankingOptions, blended, certainty, lifted, rank
from profile_music.types import EMOTIONS, EmotionScores, LineHit, Song


def song(number: int, title: str | None = None, artist: str | None = None, **facts: object) -> Song:
    return Song(f"s{number}", title or f"제목{number}", artist or f"가수{number}", **facts)


def hits(scores: list[float]) -> list[LineHit]:
    return [LineHit(number, number, score, score, 0.0) for number, score in enumerate(scores)]


def test_order_and_count() -> None:
    chosen = rank(hits([0.9, 0.8, 0.7]), song, RankingOptions(), 2)
    assert [chosen_song.song_id for _, chosen_song in chosen] == ["s0", "s1"]


def test_same_song_twice_counts_once() -> None:
    songs = [song(0, "봄비", "가수"), song(1, "봄비 (Live)", "가 수"), song(2, "봄비", "다른 사람")]
    chosen = rank(hits([3, 2, 1]), songs.__getitem__, RankingOptions(), 5)
    assert [chosen_song.song_id for _, chosen_song in chosen] == ["s0", "s2"]


def test_one_artist_does_not_fill_the_answer_but_fills_gaps() -> None:
    songs = [song(0, artist="같은이"), song(1, artist="같은이"), song(2, artist="같은이"), song(3)]
    ids = [s.song_id for _, s in rank(hits([4, 3, 2, 1]), songs.__getitem__, RankingOptions(), 3)]
    assert ids == ["s0", "s3", "s1"]
    two = RankingOptions(songs_per_artist=2)
    assert [s.song_id for _, s in rank(hits([4, 3, 2, 1]), songs.__getitem__, two, 3)] == ["s0", "s1", "s3"]


def test_excluded_songs_stay_out() -> None:
    options = RankingOptions(exclude_ids=frozenset({"s0", "s2"}))
    assert [s.song_id for _, s in rank(hits([3, 2, 1, 0]), song, options, 5)] == ["s1", "s3"]


SURE_SAD = EmotionScores(happy=0.1, angry=0.05, sad=0.8, neutral=0.05)
FELT = [
    EmotionScores(happy=1, angry=0, sad=0, neutral=0),
    EmotionScores(happy=0, angry=1, sad=0, neutral=0),
    EmotionScores(happy=0, angry=0, sad=1, neutral=0),
]


def felt(number: int) -> Song:
    return song(number, emotions=FELT[number % len(FELT)])


@pytest.mark.parametrize(
    ("scores", "wanted", "first"),
    [
        ([1.0, 0.95, 0.9], SURE_SAD, "s2"),
        ([1.0, 0.95, 0.7], SURE_SAD, "s0"),
        ([1.0, 0.95, 0.9], EmotionScores(happy=0.2, angry=0.1, sad=0.6, neutral=0.1), "s0"),
        ([1.0, 0.95, 0.9], None, "s0"),
    ],
    ids=["near", "too far below", "unsure", "nothing wanted"],
)
@pytest.mark.parametrize("top_k", [1, 3])
def test_a_sure_feeling_leads_where_scores_are_near(
    scores: list[float], wanted: EmotionScores | None, first: str, top_k: int
) -> None:
    chosen = [chosen_song.song_id for _, chosen_song in rank(hits(scores), felt, RankingOptions(), top_k, wanted)]
    rest = [name for name in ("s0", "s1", "s2") if name != first]
    assert chosen == [first, *rest][:top_k]


def test_a_named_song_stays_first() -> None:
    named = [replace(hit, named=place == 0) for place, hit in enumerate(hits([1.0, 0.95, 0.9]))]
    assert rank(named, felt, RankingOptions(), 3, SURE_SAD)[0][1].song_id == "s0"


def test_songs_of_unknown_feeling_keep_their_places() -> None:
    chosen = rank(hits([1.0, 0.95]), song, RankingOptions(), 2, SURE_SAD)
    assert [chosen_song.song_id for _, chosen_song in chosen] == ["s0", "s1"]


def test_no_song_from_behind_the_fifth_leads() -> None:
    def last_is_sad(number: int) -> Song:
        return song(number, emotions=FELT[2 if number == 5 else 0])

    chosen = rank(hits([1.0] * 6), last_is_sad, RankingOptions(), 6, SURE_SAD)
    assert [chosen_song.song_id for _, chosen_song in chosen] == [f"s{number}" for number in range(6)]


def test_fresh_is_repeatable_and_differs_by_seed() -> None:
    near = hits([1 - number / 1000 for number in range(50)])
    orders = {seed: [s.song_id for _, s in rank(near, song, RankingOptions(fresh_seed=seed), 5)] for seed in range(5)}
    again = [s.song_id for _, s in rank(near, song, RankingOptions(fresh_seed=3), 5)]
    assert orders[3] == again
    assert len({tuple(order) for order in orders.values()}) == 5


def test_fresh_does_not_raise_a_song_from_far_below() -> None:
    far = hits([1.0] * 10 + [0.0] * 50)
    for seed in range(20):
        chosen = rank(far, song, RankingOptions(fresh_seed=seed), 5)
        assert all(hit.score == 1.0 for hit, _ in chosen)


scores = st.lists(st.floats(0, 1), min_size=4, max_size=4).filter(lambda values: sum(values) > 1e-3)


@given(scores)
def test_lifted_is_never_sadder_or_angrier(values: list[float]) -> None:
    felt = EmotionScores.from_sequence(values)
    wanted = lifted(felt)
    assert sum(wanted.as_array()) == pytest.approx(1)
    assert wanted.sad <= felt.sad + 1e-9
    assert wanted.angry <= felt.angry + 1e-9


@given(st.lists(st.tuples(scores, st.floats(0.01, 3)), min_size=1, max_size=3))
def test_blending_stays_between_its_parts(parts: list[tuple[list[float], float]]) -> None:
    feelings = [(EmotionScores.from_sequence(values), weight) for values, weight in parts]
    mixed = blended(feelings)
    for emotion in EMOTIONS:
        given_values = [feeling[emotion] for feeling, _ in feelings]
        assert min(given_values) - 1e-9 <= mixed[emotion] <= max(given_values) + 1e-9


def test_blending_nothing_is_nothing() -> None:
    assert blended([]) is None
    assert blended([(EmotionScores.uniform(), 0.0)]) is None


def test_certainty_runs_from_zero_to_one() -> None:
    assert certainty(EmotionScores.uniform()) == pytest.approx(0)
    assert certainty(EmotionScores.from_mapping({"sad": 1})) == pytest.approx(1)


HAPPY = EmotionScores.from_mapping({"happy": 0.9, "neutral": 0.1})


def test_reason_names_moods_facts_and_the_face() -> None:
    chosen = song(1, moods=("위로", "편안함"), year=2018, genre="발라드", emotions=HAPPY)
    reason = explain(chosen, LineHit(0, 3, 0.9, 0.6, 0.1, 0.9), Context(True, HAPPY))
    assert reason.ko == (
        "위로와 편안함이 담긴 2018년 발라드예요. 써 준 글과 뜻이 가까운 한 줄이 있어요. "
        "사진 속 환하게 웃는 표정과도 결이 같아요."
    )
    assert "2018" in reason.en
    assert "bright face" in reason.en


def test_reason_claims_nothing_that_was_not_there() -> None:
    reason = explain(song(1), LineHit(0, -1, 0.2, 0.0, 0.0, 0.1), Context(False, None))
    assert "사진" not in reason.ko
    assert "글" not in reason.ko
    weak = explain(song(1), LineHit(0, 2, 0.2, 0.1, 0.0, 0.1), Context(True, HAPPY))
    assert "느슨하게" in weak.ko
    assert "표정" not in weak.ko


def test_reason_names_a_topic_that_text_and_song_share() -> None:
    chosen = song(1, topics={"이별": 4, "비": 2})
    context = Context(True, None, topics=frozenset({"비", "바다"}))
    assert "‘비’에 닿아" in explain(chosen, LineHit(0, 2, 0.5, 0.2, 0.0, 0.1, topic=0.4), context).ko
    assert "느슨하게" in explain(chosen, LineHit(0, 2, 0.5, 0.2, 0.0, 0.1, topic=0.05), context).ko


@pytest.mark.parametrize(
    ("word", "final"),
    [("발라드", False), ("록", True), ("OST", False), ("2018년", True), ("힙합", True), ("팝)", True)],
)
def test_final_consonants(word: str, final: bool) -> None:
    assert has_final(word) is final


def test_links_are_quoted_and_use_the_melon_page_where_known() -> None:
    found = links_for(song(1, "너 & 나?", "가수/둘"))
    assert found["melon"].startswith("https://www.melon.com/search/")
    assert all(" " not in link and "나?" not in link for link in found.values())
    assert links_for(song(1, melon_id="123"))["melon"].endswith("songId=123")
