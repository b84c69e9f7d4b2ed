"""Search by eight-bit codes answers exactly as search by full vectors does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_music.errors import CatalogDamagedError
from profile_music.index import CatalogFiles, CatalogWriter, IndexQuery, LyricIndex, SongFilter, codes
from profile_music.index.codes import LineCodes, encode
from profile_music.index.parts import split_by_emotion
from profile_music.types import EmotionScores, Vectors

from .helpers import ENCODER, make_song, write_catalog

needs_simsimd = pytest.mark.skipif(not LineCodes.usable(), reason="the fast extra is not installed")
WIDTH = int(ENCODER["dimensions"])


def unit(rows: np.ndarray) -> Vectors:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def near_vectors(count: int, spread: float, seed: int) -> Vectors:
    """Unit vectors around a few centres: the nearer they are to each other, the harder for rounded ones."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((5, WIDTH))
    return unit(centres[random.integers(0, 5, count)] + spread * random.standard_normal((count, WIDTH)))


def write_vectors(folder: Path, vectors: Vectors, lines_a_song: int = 4, **options: object) -> None:
    songs = [make_song(number, lines=lines_a_song) for number in range(len(vectors) // lines_a_song)]
    with CatalogWriter(folder, ENCODER, **options) as writer:
        tokens = [line.split() for song in songs for line in song.lines]
        writer.add(songs, vectors, tokens, vectors[: len(songs)], [song.title.split() for song in songs])
        writer.publish()


def both(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[LyricIndex, LyricIndex]:
    """The index that reads codes, and the one that reads full vectors, of the same files."""
    quick = LyricIndex.open(folder)
    with monkeypatch.context() as patched:
        patched.setattr(LineCodes, "usable", staticmethod(lambda: False))
        return quick, LyricIndex.open(folder)


@needs_simsimd
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from([0.0, 0.5, 3.0]))
def test_scores_are_never_further_off_than_said(seed: int, count: int, power: float) -> None:
    random = np.random.default_rng(seed)
    lines, queries = (
        unit(random.standard_normal((number, 24)) * np.abs(random.standard_normal((number, 24))) ** power)
        for number in (count, 3)
    )
    scores, bound = LineCodes(*encode(lines)).scores(queries)
    assert scores.shape == (3, count)
    assert np.abs(scores - queries @ lines.T).max() <= bound < 0.2


@needs_simsimd
def test_a_line_without_a_vector_scores_zero() -> None:
    lines = np.zeros((2, 8), dtype=np.float32)
    lines[1, 3] = 1
    scores, _ = LineCodes(*encode(lines)).scores(lines[1:])
    assert scores.tolist() == [[0.0, pytest.approx(1.0)]]


@needs_simsimd
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("spread", [0.01, 0.1, 1.0])
def test_answers_are_those_of_full_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spread: float, dtype: str
) -> None:
    monkeypatch.setattr(codes, "CODES_FROM_LINES", 0)
    vectors = near_vectors(800, spread, seed=3)
    write_vectors(tmp_path, vectors, vector_dtype=dtype)
    quick, plain = both(tmp_path, monkeypatch)
    for number in range(8):
        asked = unit(vectors[[number * 7, number * 11]] + spread * near_vectors(2, 1.0, seed=number))
        wanted = IndexQuery(
            vectors=asked, tokens=[["노래의", f"{number}번째"], ["문장"]], about_weight=0.2, emotion_weight=0.1,
            emotion=EmotionScores.uniform(), filter=SongFilter(genres=("록", "댄스")) if number % 3 else SongFilter(),
        )  # fmt: skip
        for limit in (1, 5, 60, 1000):
            mine, theirs = quick.search(wanted, limit), plain.search(wanted, limit)
            assert [(hit.song_index, hit.line_id) for hit in mine] == [(hit.song_index, hit.line_id) for hit in theirs]
            assert [hit.score for hit in mine] == pytest.approx([hit.score for hit in theirs], abs=2e-6)
            assert [hit.semantic for hit in mine] == pytest.approx([hit.semantic for hit in theirs], abs=2e-6)


@needs_simsimd
def test_a_filter_that_nothing_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "CODES_FROM_LINES", 0)
    vectors = near_vectors(40, 1.0, seed=1)
    write_vectors(tmp_path, vectors)
    wanted = IndexQuery(vectors=vectors[:1], tokens=[["없음"]], filter=SongFilter(genres=("없는 장르",)))
    assert LyricIndex.open(tmp_path).search(wanted, 5) == []


def test_small_catalogues_hold_no_codes(tmp_path: Path) -> None:
    index = write_catalog(tmp_path, [make_song(1)])
    assert index.files.codes is None
    assert not any("code" in path.name for path in (tmp_path / "files").iterdir())


def test_parts_of_a_catalogue_with_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "CODES_FROM_LINES", 12)
    write_vectors(tmp_path / "c", near_vectors(40, 1.0, seed=1))
    whole = CatalogFiles(tmp_path / "c")
    assert whole.codes is not None
    parts = split_by_emotion(whole, tmp_path / "parts", str.split)
    assert {name: CatalogFiles(folder).codes is None for name, folder in parts.items()} == {
        name: count * 4 < 12 for name, count in whole.manifest.emotions.items()
    }


def test_codes_that_do_not_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codes, "CODES_FROM_LINES", 0)
    write_vectors(tmp_path, near_vectors(40, 1.0, seed=1))
    manifest = CatalogFiles(tmp_path).manifest
    np.save(tmp_path / manifest.files["codes.npy"].path, np.zeros((40, WIDTH - 1), dtype=np.int8))
    with pytest.raises(CatalogDamagedError) as caught:
        CatalogFiles(tmp_path, verify=False)
    assert caught.value.details == {"file": "codes.npy"}
