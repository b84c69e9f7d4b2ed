"""What only the LanceDB engine does: additions in place, and what happens to writers that die or meet."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("lancedb", reason="the scale extra is not installed")

from profile_music.errors import CatalogChangedError, CatalogDamagedError, CatalogError, EncoderMismatchError
from profile_music.index import CatalogFiles, IndexQuery, lance_writer
from profile_music.index.lance import LanceIndex
from profile_music.index.lance_writer import LanceWriter, import_catalog
from profile_music.index.source import CatalogSource

from .helpers import ENCODER, make_song, vectors_of, write_catalog
from .lance_helpers import add_songs, write_lance

pytestmark = pytest.mark.scale
SONGS = [make_song(number, lines=1 + number % 4) for number in range(20)]


def opened(place: Path) -> LanceIndex:
    index = CatalogSource(place).open()
    assert isinstance(index, LanceIndex)
    return index


def scores(place: Path, text: str) -> list[tuple[str, float]]:
    index = opened(place)
    hits = index.search(IndexQuery(vectors=vectors_of([text]), tokens=[text.split()], about_weight=0.3), 50)
    return [(index.song(hit.song_index).song_id, round(hit.score, 4)) for hit in hits]


def test_songs_added_in_pieces_score_like_songs_written_at_once(tmp_path: Path) -> None:
    write_lance(str(tmp_path / "once"), SONGS)
    write_lance(str(tmp_path / "pieces"), [*SONGS[:8], make_song(3, lines=4, title="옛 제목")][1:])
    write_lance(str(tmp_path / "pieces"), [SONGS[0], SONGS[3], *SONGS[8:]], fresh=False)
    assert opened(tmp_path / "pieces").manifest.lines == sum(len(song.lines) for song in SONGS)
    for text in ("3번째 노래의 2번째 문장", "노래 11"):
        assert sorted(scores(tmp_path / "pieces", text)) == sorted(scores(tmp_path / "once", text))


def test_removed_songs_are_gone_and_counts_follow(tmp_path: Path) -> None:
    write_lance(str(tmp_path / "c"), SONGS)
    writer = LanceWriter(str(tmp_path / "c"), ENCODER)
    writer.remove(["s3", "never there"])
    assert writer.publish().songs == 19
    write_lance(str(tmp_path / "other"), [song for song in SONGS if song.song_id != "s3"])
    assert scores(tmp_path / "c", "노래 3") == scores(tmp_path / "other", "노래 3")


def test_a_writer_that_dies_is_never_seen_and_is_rolled_back(tmp_path: Path) -> None:
    write_lance(str(tmp_path), SONGS[:10])
    add_songs(LanceWriter(str(tmp_path), ENCODER), SONGS[10:])
    assert len(opened(tmp_path)) == len(scores(tmp_path, "문장")) == 10
    writer = LanceWriter(str(tmp_path), ENCODER)
    add_songs(writer, [make_song(99)])
    assert writer.publish().songs == 11
    assert len(scores(tmp_path, "문장")) == 11


def test_the_second_of_two_writers_is_refused(tmp_path: Path) -> None:
    write_lance(str(tmp_path), SONGS[:10])
    first, second = LanceWriter(str(tmp_path), ENCODER), LanceWriter(str(tmp_path), ENCODER)
    add_songs(first, SONGS[10:12])
    first.publish()
    add_songs(second, SONGS[12:14])
    with pytest.raises(CatalogChangedError):
        second.publish()
    assert len(opened(tmp_path)) == 12


def test_a_whole_catalogue_moves_over_without_embedding_again(tmp_path: Path) -> None:
    exact = write_catalog(tmp_path / "folder", SONGS)
    seen: list[int] = []
    import_catalog(CatalogFiles(tmp_path / "folder"), str(tmp_path / "lance"), str.split, on_progress=seen.append)
    text = "11번째 노래의 1번째 문장"
    hits = exact.search(IndexQuery(vectors=vectors_of([text]), tokens=[text.split()]), 5)
    assert scores(tmp_path / "lance", text)[0][0] == exact.song(hits[0].song_index).song_id
    assert seen[-1] == len(SONGS)


def test_the_vector_index_finds_what_a_scan_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IVF with product quantisation and refinement: near-exact candidates, exact scores, rows added later included."""
    monkeypatch.setattr(lance_writer, "INDEX_FROM_LINES", 1000)
    songs = [make_song(number, lines=4, topics={"밤": 1} if number % 100 == 7 else {}) for number in range(400)]
    write_lance(str(tmp_path / "lance"), songs[:390])
    write_lance(str(tmp_path / "lance"), songs[390:], fresh=False)
    exact, index = write_catalog(tmp_path / "folder", songs), opened(tmp_path / "lance")
    plan = index._lines.search(vectors_of(["x"])[0], vector_column_name="vector").limit(5).explain_plan()
    assert "ANN" in plan
    shared = 0
    for number in range(0, 400, 13):
        text = f"{number}번째 노래의 3번째 문장"
        wanted = IndexQuery(vectors=vectors_of([text]), tokens=[text.split()], about_weight=0.2)
        mine, theirs = index.search(wanted, 5), exact.search(wanted, 5)
        names = {exact.song(hit.song_index).song_id: hit for hit in theirs}
        found = {index.song(hit.song_index).song_id: hit for hit in mine}
        assert index.song(mine[0].song_index).song_id == f"s{number}"
        shared += len(set(names) & set(found))
        for name in set(names) & set(found):
            assert found[name].score == pytest.approx(names[name].score, abs=5e-3)
    assert shared >= 0.9 * 5 * 31


def test_songs_are_found_by_topic_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lance_writer, "INDEX_FROM_LINES", 1000)
    songs = [make_song(number, lines=4, topics={"밤": 1} if number == 200 else {"낮": 1}) for number in range(400)]
    write_lance(str(tmp_path), songs)
    index = opened(tmp_path)
    text = "11번째 노래의 1번째 문장"
    wanted = IndexQuery(vectors=vectors_of([text]), tokens=[[]], topics=[["밤"]], topic_weight=5.0)
    hit = index.search(wanted, 1)[0]
    assert (index.song(hit.song_index).song_id, hit.topic) == ("s200", pytest.approx(1.0))
    assert index.line(hit.line_id) in songs[200].lines


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no songs"):
        LanceWriter(str(tmp_path / "empty"), ENCODER).publish()
    write_lance(str(tmp_path / "c"), SONGS[:3])
    with pytest.raises(EncoderMismatchError):
        LanceWriter(str(tmp_path / "c"), {**ENCODER, "fingerprint": "other"})
    for version in (tmp_path / "c" / "lines.lance").rglob("*.manifest"):
        version.unlink()
    with pytest.raises(CatalogDamagedError):
        opened(tmp_path / "c")
