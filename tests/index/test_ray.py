"""Large catalogues built in shards: in this process and by Ray, and what is left of a build that was killed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("lancedb", reason="the scale extra is not installed")

from profile_music import builder_lance
from profile_music.builder import CatalogBuilder
from profile_music.builder_lance import Shard, ShardMaker, build_lance
from profile_music.errors import CatalogError, CatalogNotWrittenError
from profile_music.index import CatalogFiles, IndexQuery, LyricIndex
from profile_music.index.lance_rows import SongRows
from profile_music.index.protocol import SongIndex
from profile_music.index.source import CatalogSource
from profile_music.text import load_encoder
from profile_music.text.concepts import affirmed_concepts
from profile_music.text.lexical import tokens
from profile_music.text.mood import TextMood
from profile_music.types import Song

pytestmark = pytest.mark.scale
SONGS = [
    Song(f"s{number}", f"노래 {number}", f"가수 {number % 5}", (f"비 내리는 {number}번 골목", f"{number}번째 봄 바다"))
    for number in range(40)
]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder_lance, "SHARD_LINES", 16)


@pytest.fixture(scope="module")
def maker() -> ShardMaker:
    encoder = load_encoder()
    return ShardMaker(encoder.name, encoder.fingerprint)


def answers(index: SongIndex, text: str) -> list[tuple[str, str, float]]:
    wanted = IndexQuery(
        vectors=load_encoder().encode_queries([text]), tokens=[tokens(text)], about_weight=0.2,
        topics=[affirmed_concepts(text)], topic_weight=0.2,
    )  # fmt: skip
    hits = index.search(wanted, 10)
    return [(index.song(hit.song_index).song_id, index.line(hit.line_id), round(hit.score, 2)) for hit in hits]


def test_tables_built_in_shards_answer_like_a_folder(maker: ShardMaker, tmp_path: Path) -> None:
    encoder = load_encoder()
    CatalogBuilder(encoder, TextMood.load(encoder)).build(SONGS, tmp_path / "folder")
    seen: list[tuple[int, int]] = []
    place = str(tmp_path / "lance")
    made = build_lance(SONGS, place, maker, tmp_path / "work", on_progress=lambda *counts: seen.append(counts))
    exact = LyricIndex(CatalogFiles(tmp_path / "folder"))
    assert (made.manifest.songs, made.lines_embedded, made.emotions_predicted) == (40, 80, 40)
    assert made.manifest.notes["emotions"] == exact.manifest.notes["emotions"]
    assert seen == [(8, 16), (16, 32), (24, 48), (32, 64), (40, 80)]
    assert not (tmp_path / "work").exists()
    index = CatalogSource(place).open()
    for text in ("비 오는 골목길", "봄 바다에 가자"):
        assert sorted(answers(index, text)) == sorted(answers(exact, text))


def test_a_killed_build_goes_on_where_it_was(maker: ShardMaker, tmp_path: Path) -> None:
    place, work = str(tmp_path / "lance"), tmp_path / "work"
    build_lance(SONGS[:4], place, maker, work)

    def dies(shards: Iterable[Shard]) -> Iterator[tuple[str, SongRows]]:
        for number, done in enumerate(maker.run(shards)):
            if number == 3:
                raise KeyboardInterrupt
            yield done

    with pytest.raises(KeyboardInterrupt):
        build_lance(SONGS, place, maker, work, run=dies)
    assert len(CatalogSource(place).open()) == 4
    made = build_lance([*SONGS[:32], *SONGS[33:]], place, maker, work)
    # Three shards of sixteen lines were done; the rest is made, and a changed song changes only its own shard.
    assert (made.manifest.lines, made.lines_embedded, made.lines_reused) == (78, 78 - 48, 48)


def test_updates_add_and_replace(maker: ShardMaker, tmp_path: Path) -> None:
    place = str(tmp_path / "lance")
    build_lance(SONGS[:10], place, maker, tmp_path / "work")
    newer = Song("s3", "새 제목", "가수", ("아주 새로운 한 줄",))
    made = build_lance([newer, *SONGS[10:12]], place, maker, tmp_path / "work", update=True)
    assert (made.manifest.songs, made.manifest.lines, made.lines_embedded) == (12, 23, 5)
    assert answers(CatalogSource(place).open(), "아주 새로운 한 줄")[0][:2] == ("s3", "아주 새로운 한 줄")


def test_another_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="another one"):
        build_lance(SONGS, str(tmp_path / "lance"), ShardMaker("embedded", "other"), tmp_path / "work")


@pytest.mark.ray
def test_ray_builds_the_same_tables(maker: ShardMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="the ray extra is not installed")
    from profile_music.builder_ray import RayJobs
    from profile_music.index import lance_writer

    many = [Song(f"m{n}", f"노래 {n}", "가수", tuple(f"{n} {row} 밤 바다" for row in range(4))) for n in range(100)]
    build_lance(many, str(tmp_path / "plain"), maker, tmp_path / "work")
    monkeypatch.setattr(lance_writer, "INDEX_FROM_LINES", 80)
    with RayJobs(maker) as jobs:
        place = str(tmp_path / "ray")
        made = build_lance(many, place, maker, tmp_path / "work", run=jobs.run, index=jobs.build_indexes)
        with pytest.raises(CatalogNotWrittenError, match="another one"):
            list(RayJobs.run(_with_maker(jobs, ShardMaker("embedded", "other")), [("x", SONGS)]))
    assert (made.manifest.songs, made.lines_embedded) == (100, 400)
    indexes = {config.name for config in CatalogSource(place).open()._lines.list_indices()}
    assert indexes == {"vector_idx", "emotion_idx", "song_key_idx"}
    text = "17 2 밤 바다"
    assert answers(CatalogSource(place).open(), text) == answers(CatalogSource(tmp_path / "plain").open(), text)


def _with_maker(jobs: object, maker: ShardMaker) -> object:
    from copy import copy

    other = copy(jobs)
    other._maker = maker
    return other


@pytest.mark.ray
def test_a_cluster_that_is_not_there(maker: ShardMaker) -> None:
    pytest.importorskip("ray", reason="the ray extra is not installed")
    from profile_music.builder_ray import RayJobs

    with pytest.raises(CatalogNotWrittenError, match="Ray"):
        RayJobs(maker, "127.0.0.1:9")


def test_the_command_line_builds_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    from click.testing import CliRunner

    from profile_music.cli import app

    monkeypatch.setenv("PROFILE_MUSIC_CACHE_DIR", str(tmp_path / "cache"))
    rows = [{"title": song.title, "artist": song.artist, "lines": list(song.lines)} for song in SONGS[:6]]
    (tmp_path / "songs.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    words = ["catalog", "build", "--songs", str(tmp_path / "songs.jsonl"), "--out", str(tmp_path / "c"), "--json"]
    assert CliRunner().invoke(app, [*words, "--workers", "ray"]).exit_code == 2
    done = CliRunner().invoke(app, [*words, "--backend", "lance"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["songs"] == len(CatalogSource(tmp_path / "c").open()) == 6
