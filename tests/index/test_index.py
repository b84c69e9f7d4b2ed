"""Writing, opening and searching catalogues."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_music.errors import CatalogDamagedError, CatalogError, CatalogMissingError
from profile_music.index import CatalogWriter, IndexQuery, LyricIndex, SongFilter, line_key
from profile_music.index.lexical import LexicalIndex, LexicalWriter
from profile_music.types import Emotion, EmotionScores, Song

from .helpers import ENCODER, make_song, vectors_of, write_catalog

SONGS = [make_song(number, lines=1 + number % 4) for number in range(40)]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LyricIndex:
    return write_catalog(tmp_path_factory.mktemp("catalog"), SONGS)


def query(text: str, **changes: object) -> IndexQuery:
    return IndexQuery(vectors=vectors_of([text]), tokens=[text.split()], **changes)


def test_everything_written_is_read_back(index: LyricIndex) -> None:
    assert list(index.files.songs()) == SONGS
    assert index.manifest.songs == len(SONGS)
    assert index.manifest.lines == sum(len(song.lines) for song in SONGS)
    assert dict(index.manifest.emotions) == {
        emotion.value: sum(song.emotions.top is emotion for song in SONGS) for emotion in Emotion
    }


def test_search_equals_brute_force(index: LyricIndex) -> None:
    text = "7번째 노래의 2번째 문장"
    lines = [(number, line) for number, song in enumerate(SONGS) for line in song.lines]
    cosine = vectors_of([line for _, line in lines]) @ vectors_of([text])[0]
    best: dict[int, float] = {}
    for (number, _), value in zip(lines, cosine, strict=True):
        best[number] = max(best.get(number, -1.0), float(value))
    expected = sorted(best, key=lambda number: -best[number])[:10]
    hits = index.search(query(text, semantic_weight=1.0, lexical_weight=0.0), 10)
    assert [hit.song_index for hit in hits] == expected
    assert [hit.score for hit in hits] == pytest.approx([best[number] for number in expected], abs=1e-5)


def test_best_line_is_named(index: LyricIndex) -> None:
    text = SONGS[11].lines[2]
    hit = index.search(query(text), 1)[0]
    assert index.song(hit.song_index).song_id == "s11"
    assert index.line(hit.line_id) == text
    assert hit.semantic == pytest.approx(1.0, abs=1e-5)
    assert hit.lexical == pytest.approx(1.0, abs=2e-3)


def test_what_a_song_is_about_counts(tmp_path: Path) -> None:
    songs = [make_song(number, title=f"제목{number}", themes=("바다",) if number == 3 else ()) for number in range(6)]
    index = write_catalog(tmp_path, songs)
    wanted = query("바다", semantic_weight=0.0, lexical_weight=1.0, about_weight=0.5)
    assert index.song(index.search(wanted, 1)[0].song_index).song_id == "s3"
    named = query("제목4", semantic_weight=0.0, lexical_weight=1.0, about_weight=0.5)
    assert index.song(index.search(named, 1)[0].song_index).song_id == "s4"


def test_equal_scores_keep_the_catalogues_order(index: LyricIndex) -> None:
    hits = index.search(query("아무것도 없음", semantic_weight=0.0, lexical_weight=0.0), len(SONGS))
    assert [hit.song_index for hit in hits] == list(range(len(SONGS)))


def test_emotion_alone_ranks_songs(index: LyricIndex) -> None:
    empty = IndexQuery(
        vectors=np.zeros((0, 16), dtype=np.float32),
        tokens=[],
        emotion=EmotionScores.from_mapping({"happy": 1}),
        emotion_weight=1.0,
    )
    hits = index.search(empty, 5)
    assert all(SONGS[hit.song_index].emotions.happy == max(s.emotions.happy for s in SONGS) for hit in hits[:3])
    assert all(hit.line_id == -1 for hit in hits)


@pytest.mark.parametrize(
    ("chosen", "fits"),
    [
        (SongFilter(decades=(1990, 2000)), lambda song: 1990 <= song.year < 2010),
        (SongFilter(genres=("록",)), lambda song: song.genre == "록"),
        (SongFilter(genres=("없는 장르",)), lambda song: False),
        (SongFilter(artists=("가수3",)), lambda song: song.artist == "가수 3"),
        (SongFilter(exclude_artists=("가수 3",)), lambda song: song.artist != "가수 3"),
        (SongFilter(emotion=Emotion.HAPPY), lambda song: song.emotions.top is Emotion.HAPPY),
    ],
)
def test_filters(index: LyricIndex, chosen: SongFilter, fits) -> None:
    hits = index.search(query("문장", filter=chosen), 100)
    assert {hit.song_index for hit in hits} == {number for number, song in enumerate(SONGS) if fits(song)}


def test_a_song_of_several_genres_is_found_by_each(tmp_path: Path) -> None:
    genres = ["발라드, 인디음악", "R&B/Soul", "인디", ""]
    index = write_catalog(tmp_path, [make_song(number, genre=genre) for number, genre in enumerate(genres)])
    for wanted, songs in {
        "발라드": {0},
        "인디 음악": {0},
        "r&b/soul": {1},
        "SOUL": {1},
        "인디": {2},
        "": set(),
    }.items():
        hits = index.search(query("문장", filter=SongFilter(genres=(wanted,))), 100)
        assert {hit.song_index for hit in hits} == songs, wanted


def test_float16_gives_nearly_the_same_scores(tmp_path: Path, index: LyricIndex) -> None:
    small = write_catalog(tmp_path / "half", SONGS, vector_dtype="float16")
    ours = small.search(query("3번째 노래의 1번째 문장"), 10)
    theirs = index.search(query("3번째 노래의 1번째 문장"), 10)
    assert [hit.song_index for hit in ours] == [hit.song_index for hit in theirs]
    assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], abs=2e-3)


def test_block_size_does_not_change_the_files(tmp_path: Path) -> None:
    one = write_catalog(tmp_path / "one", SONGS, batch=3)
    other = write_catalog(tmp_path / "other", SONGS, batch=40)
    digests = [{name: entry.sha256 for name, entry in index.manifest.files.items()} for index in (one, other)]
    assert digests[0] == digests[1]


def test_known_vectors_are_found_by_text(index: LyricIndex) -> None:
    line = SONGS[5].lines[0]
    found = index.files.known_vectors([line_key(line), line_key("없는 문장")])
    assert list(found) == [line_key(line)]
    assert np.allclose(found[line_key(line)], vectors_of([line])[0])


def test_a_second_version_replaces_the_first_and_open_readers_go_on(tmp_path: Path) -> None:
    first = write_catalog(tmp_path, SONGS[:10])
    second = write_catalog(tmp_path, SONGS[10:30])
    assert [song.song_id for song in first.files.songs()] == [song.song_id for song in SONGS[:10]]
    assert len(second) == 20
    third = write_catalog(tmp_path, SONGS[:5])
    assert len(third) == 5
    named = {entry.path for index in (second, third) for entry in index.manifest.files.values()}
    assert {f"files/{path.name}" for path in (tmp_path / "files").iterdir()} == named


def test_leaving_without_publishing_leaves_the_old_version(tmp_path: Path) -> None:
    write_catalog(tmp_path, SONGS[:10])
    with pytest.raises(RuntimeError), CatalogWriter(tmp_path, ENCODER) as writer:
        writer.add(SONGS[:1], vectors_of(list(SONGS[0].lines)), [["a"]], vectors_of(["a"]), [["a"]])
        raise RuntimeError
    assert len(LyricIndex.open(tmp_path)) == 10
    assert not list(tmp_path.glob(".build-*"))


@pytest.mark.parametrize("name", ["vectors.npy", "songs.jsonl", "lines.txt", "lexical_weights.npy"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_damage_is_named_and_refused(tmp_path: Path, name: str, damage: str) -> None:
    index = write_catalog(tmp_path, SONGS[:10])
    path = tmp_path / index.manifest.files[name].path
    content = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        content[-3] ^= 0xFF
        path.write_bytes(content)
    with pytest.raises(CatalogDamagedError) as caught:
        LyricIndex.open(tmp_path)
    assert caught.value.details == {"file": name}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "profile-music-catalog", "version": 1}', "\x00" * 50])
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str) -> None:
    write_catalog(tmp_path, SONGS[:3])
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(CatalogError):
        LyricIndex.open(tmp_path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    write_catalog(tmp_path, SONGS[:3])
    body = json.loads((tmp_path / "manifest.json").read_text())
    body["version"] = 99
    (tmp_path / "manifest.json").write_text(json.dumps(body))
    with pytest.raises(CatalogError, match="99"):
        LyricIndex.open(tmp_path)


def test_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(CatalogMissingError):
        LyricIndex.open(tmp_path)


def test_songs_without_lines_or_emotions_are_refused(tmp_path: Path) -> None:
    with CatalogWriter(tmp_path, ENCODER) as writer:
        for song in (make_song(1, lines=0), make_song(1, emotions=None)):
            with pytest.raises(CatalogError):
                vectors = vectors_of(list(song.lines) or ["x"])[: len(song.lines)]
                writer.add([song], vectors, [["a"]] * len(song.lines), vectors_of(["a"]), [["a"]])
        with pytest.raises(CatalogError, match="no songs"):
            writer.publish()


words = st.lists(st.sampled_from(["봄", "비", "밤", "별", "길", "꿈"]), max_size=6)


@settings(max_examples=30, deadline=None)
@given(lines=st.lists(words, min_size=1, max_size=12), wanted=words, block=st.integers(1, 5))
def test_lexical_scores_are_tf_idf_cosines(tmp_path_factory, lines, wanted, block) -> None:
    folder = tmp_path_factory.mktemp("lexical")
    writer = LexicalWriter(folder)
    for begin in range(0, len(lines), block):
        writer.add(lines[begin : begin + block])
    paths = writer.finish()
    arrays = {name: np.load(path) for name, path in paths.items()}
    index = LexicalIndex(*(arrays[f"lexical_{n}"] for n in ("starts", "idf", "lines", "weights")), len(lines))
    frequency = Counter(word for line in lines for word in set(line))

    def weights(tokens: list[str]) -> dict[str, float]:
        counts = Counter(tokens)
        raw = {
            word: (1 + math.log(count)) * (math.log((1 + len(lines)) / (1 + frequency[word])) + 1)
            for word, count in counts.items()
        }
        norm = math.sqrt(sum(value * value for value in raw.values())) or 1
        return {word: value / norm for word, value in raw.items()}

    mine = weights(wanted)
    expected = [sum(mine.get(word, 0) * value for word, value in weights(line).items()) for line in lines]
    assert index.scores(wanted) == pytest.approx(np.array(expected, dtype=np.float32), abs=4e-3)


def test_song_round_trip() -> None:
    song = make_song(1, moods=("그리움",), themes=("밤",))
    assert Song.from_dict(json.loads(json.dumps(song.to_dict(with_lines=True)))) == song
    assert "lines" not in song.to_dict()
