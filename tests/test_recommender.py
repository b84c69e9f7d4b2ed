"""The route as a whole, with the real models and the bundled catalogue."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from profile_music import Recommender, Settings
from profile_music.errors import (
    EncoderMismatchError,
    FileMissingError,
    InputError,
    NothingGivenError,
    PhotoFormatError,
    TextTooLongError,
)
from profile_music.index import SongFilter
from profile_music.ranking import RankingOptions
from profile_music.types import EMOTIONS, Recommendation

from .index.helpers import SEEDED_ENCODER_NAME, make_song, write_catalog

TEXT = "오늘 하루도 수고했어"


def ids(answer: Recommendation) -> list[str]:
    return [ranked.song.song_id for ranked in answer.songs]


def test_photo_and_text(recommender: Recommender, portrait: Path) -> None:
    answer = recommender.recommend(portrait, TEXT)
    assert [ranked.rank for ranked in answer.songs] == [1, 2, 3, 4, 5]
    assert len({(ranked.song.title, ranked.song.artist) for ranked in answer.songs}) == 5
    assert len({ranked.song.artist for ranked in answer.songs}) == 5
    assert [ranked.score for ranked in answer.songs] == sorted((r.score for r in answer.songs), reverse=True)
    assert len(answer.faces) == 1
    assert answer.emotion.source == "face"
    assert answer.faces[0].emotion == answer.emotion.scores
    assert answer.text_mood is not None
    for ranked in answer.songs:
        assert ranked.matched_line
        assert ranked.reason.ko
        assert ranked.reason.en
        assert set(ranked.links) == {"melon", "youtube_music", "spotify"}


def test_same_request_same_answer(recommender: Recommender, portrait: Path) -> None:
    assert recommender.recommend(portrait, TEXT) == recommender.recommend(portrait.read_bytes(), TEXT)


def test_text_alone(recommender: Recommender) -> None:
    answer = recommender.recommend(text=TEXT)
    assert len(answer.songs) == 5
    assert answer.emotion is None
    assert answer.basis.photo == "none"


def test_photo_alone(recommender: Recommender, portrait: Path) -> None:
    answer = recommender.recommend(portrait)
    assert len(answer.songs) == 5
    assert answer.text_mood is None
    assert answer.basis.text == "none"
    assert all(ranked.matched_line is None for ranked in answer.songs)
    assert any("글이 없어서" in note.ko for note in answer.basis.notes)


def test_photo_without_a_face_is_an_answer_that_says_so(recommender: Recommender) -> None:
    answer = recommender.recommend(Image.new("RGB", (400, 300), "#224466"), TEXT)
    assert len(answer.songs) == 5
    assert answer.faces == ()
    assert answer.basis.photo == "colors"
    assert answer.basis.weights["photo"] < answer.basis.weights["text"]
    assert any("얼굴을 찾지 못해" in note.ko for note in answer.basis.notes)


def test_nothing_given(recommender: Recommender) -> None:
    for text in (None, "", "   ", "\u200b"):
        with pytest.raises(NothingGivenError):
            recommender.recommend(text=text)


@pytest.mark.parametrize(
    "text", ["😭😭😭", "ㅋㅋㅋㅋㅋ", "ㅠㅠ", "!!!", "12345", "I miss you so much", "a", "보고싶다너무"]
)
def test_odd_texts_get_five_songs(recommender: Recommender, text: str) -> None:
    assert len(recommender.recommend(text=text).songs) == 5


def test_bad_input_has_its_own_error(recommender: Recommender, tmp_path: Path) -> None:
    with pytest.raises(PhotoFormatError):
        recommender.recommend(b"this is no photo", TEXT)
    with pytest.raises(FileMissingError):
        recommender.recommend(tmp_path / "없는 사진.jpg", TEXT)
    with pytest.raises(TextTooLongError):
        recommender.recommend(text="가" * 5000)
    for top_k in (0, -1, 51):
        with pytest.raises(InputError):
            recommender.recommend(text=TEXT, top_k=top_k)


def test_face_that_is_not_there(recommender: Recommender, portrait: Path) -> None:
    with pytest.raises(InputError):
        recommender.recommend(portrait, TEXT, face_index=3)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_correcting_the_emotion_overrules_the_photo(recommender: Recommender, portrait: Path, emotion: str) -> None:
    answer = recommender.recommend(portrait, emotion=emotion)
    assert answer.basis.photo == "corrected"
    fitting = sum(ranked.song.emotions.top == emotion for ranked in answer.songs)
    assert fitting >= 4


def test_hard_mode_gives_only_songs_of_the_top_emotion(portrait: Path) -> None:
    hard = Recommender.load(settings=Settings(emotion_mode="hard"))
    answer = hard.recommend(portrait, emotion="sad", top_k=20)
    assert len(answer.songs) == 20
    assert {ranked.song.emotions.top for ranked in answer.songs} == {"sad"}


def test_lift_gives_brighter_songs_than_match(recommender: Recommender) -> None:
    text = "다 싫고 우울하다"
    match = recommender.recommend(text=text, top_k=20)
    lift = recommender.recommend(text=text, top_k=20, options=RankingOptions(mood="lift"))

    def sadness(answer: Recommendation) -> float:
        return sum(r.song.emotions.sad + r.song.emotions.angry for r in answer.songs)

    assert sadness(lift) < sadness(match)


def test_other_songs_on_request(recommender: Recommender) -> None:
    first = recommender.recommend(text=TEXT)
    options = RankingOptions(exclude_ids=frozenset(ids(first)))
    assert not set(ids(first)) & set(ids(recommender.recommend(text=TEXT, options=options)))
    fresh = [ids(recommender.recommend(text=TEXT, options=RankingOptions(fresh_seed=seed))) for seed in (1, 2, 1)]
    assert fresh[0] == fresh[2] != fresh[1]


def test_filters_hold(recommender: Recommender) -> None:
    answer = recommender.recommend(text=TEXT, song_filter=SongFilter(decades=(1990,)))
    assert len(answer.songs) == 5
    assert all(1990 <= ranked.song.year < 2000 for ranked in answer.songs)


def test_ten_sentences_find_songs_for_each(recommender: Recommender) -> None:
    answer = recommender.recommend(text="비가 온다. 우산이 없다. 그래도 좋다! 걸어서 집에 간다.\n파전이 먹고 싶다.")
    assert len(answer.songs) == 5


def test_a_catalogue_of_another_encoder_is_refused(tmp_path: Path) -> None:
    write_catalog(tmp_path, [make_song(number) for number in range(5)])
    with pytest.raises(EncoderMismatchError) as caught:
        Recommender.load(tmp_path)
    assert caught.value.details["built_with"] == SEEDED_ENCODER_NAME


def test_models_load_once_for_all_threads(portrait: Path) -> None:
    fresh = Recommender.load()
    seen: list[int] = []
    threads = [
        threading.Thread(target=lambda: seen.append(id(fresh.reader.detector) ^ id(fresh.reader.classifier)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1


def test_heavy_packages_stay_out_of_the_main_job(portrait: Path) -> None:
    code = (
        "import sys; from profile_music import Recommender; "
        f"Recommender.load().recommend({str(portrait)!r}, '안녕'); "
        "heavy = ('torch', 'tensorflow', 'pandas', 'pyarrow', 'fastapi', 'scipy'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_package_does_no_work() -> None:
    code = (
        "import sys, profile_music; print([n for n in ('numpy', 'onnxruntime', 'PIL', 'pydantic') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
