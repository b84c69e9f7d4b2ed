"""`catalog build`, `merge`, `diff`, `export`: from a user's file to a catalogue and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result

from profile_music.cli import app
from profile_music.errors import CatalogMissingError, InputError
from profile_music.index import CatalogFiles

from .pages import made_songs, playlist, song_page

TABLE = """제목,가수,가사,감정,연도,메모
버스 정류장,느린 오후,버스가 두 대나 지나갔어|나는 아직 앉아 있지,슬픔,2015,비
새벽 시장,고등어와 감,생선 상자 위로 해가 뜬다,,2021,
,이름 없음,가사는 있어요,,,
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def ok(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "내 노래.csv"
    path.write_text(TABLE, encoding="cp949")
    return path


@pytest.fixture
def built(table: Path, tmp_path: Path) -> Path:
    ok("catalog", "build", "--songs", table, "--out", tmp_path / "catalog")
    return tmp_path / "catalog"


def test_build_tells_what_it_took_and_what_it_did_not(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "catalog"
    result = ok("catalog", "build", "--songs", table, "--out", out)
    assert (result["songs"], result["lines"], result["rows"], result["rejected"]) == (2, 3, 3, 1)
    assert result["columns"][table.name]["제목"] == "title"
    assert result["unused_columns"][table.name] == ["메모"]
    assert result["emotion_sources"] == {"source": 1, "lines": 1}
    rejected = [json.loads(line) for line in Path(result["rejects_file"]).read_text(encoding="utf-8").splitlines()]
    assert [(row["file"], row["row"], row["code"]) for row in rejected] == [(table.name, 4, "title_missing")]
    assert ok("catalog", "info", "--catalog", out)["emotion_sources"]["mode"] == "source"
    found = ok("catalog", "search", "버스를 놓치고 앉아 있어", "--catalog", out)
    assert found[0]["song"]["title"] == "버스 정류장"
    text = run("catalog", "build", "--songs", table, "--out", out).output
    assert "제목 → title" in text
    assert "다시 쓴 줄 3" in text


def test_a_dry_run_builds_nothing(table: Path, tmp_path: Path) -> None:
    result = ok("catalog", "build", "--songs", table, "--out", tmp_path / "none", "--dry-run")
    assert (result["songs"], result["songs_with_emotions"], result["rejected"]) == (2, 1, 1)
    assert result["rejects_file"] is None
    assert not (tmp_path / "none").exists()
    rejects = tmp_path / "rejects.jsonl"
    ok("catalog", "build", "--songs", table, "--out", tmp_path / "none", "--dry-run", "--rejects", rejects)
    assert len(rejects.read_text().splitlines()) == 1


def test_a_second_build_without_bad_rows_removes_the_old_report(table: Path, built: Path) -> None:
    assert (built / "rejected.jsonl").exists()
    table.write_text(TABLE.rsplit("\n", 2)[0] + "\n", encoding="utf-8")
    ok("catalog", "build", "--songs", table, "--out", built)
    assert not (built / "rejected.jsonl").exists()


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["이름", "부른이", "본문"])
    book.active.append(["해질녘", "두 사람", "노을이 교실까지 들어왔다"])
    book.save(path)
    arguments = ["catalog", "build", "--songs", path, "--out", tmp_path / "c"]
    refused = run(*arguments)
    assert isinstance(refused.exception, InputError)
    assert "이름, 부른이, 본문" in refused.exception.message_ko
    columns = ["--column", "이름=title", "--column", "부른이=artist", "--column", "본문=lyrics"]
    assert ok(*arguments, *columns)["songs"] == 1


def test_update_adds_and_replaces(table: Path, built: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.tsv"
    rows = [
        "제목\t가수\t가사\t감정",
        "새벽 시장\t고등어와 감\t얼음 위에 별이 녹는다\t기쁨",
        "골목\t밤의 끝\t가로등이 하나씩 꺼진다\t",
    ]
    more.write_text("\n".join(rows), encoding="utf-8")
    result = ok("catalog", "build", "--songs", more, "--out", built, "--update")
    assert (result["songs"], result["lines_embedded"], result["lines_reused"]) == (3, 2, 2)
    songs = {song.title: song for song in CatalogFiles(built).songs()}
    assert songs["새벽 시장"].lines == ("얼음 위에 별이 녹는다",)
    assert songs["새벽 시장"].emotions.top.value == "happy"
    assert songs["버스 정류장"].emotion_source == "source"
    assert ok("catalog", "build", "--songs", more, "--out", built, "--update")["lines_embedded"] == 0


def test_an_update_of_nothing_is_a_build(table: Path, tmp_path: Path) -> None:
    assert ok("catalog", "build", "--songs", table, "--out", tmp_path / "new", "--update")["songs"] == 2


def test_merge_and_diff(built: Path, tmp_path: Path) -> None:
    other_table, other, both = tmp_path / "b.csv", tmp_path / "b", tmp_path / "both"
    other_table.write_text(
        "제목,가수,가사\n새벽 시장,고등어와 감,다르게 적은 가사\n골목,밤의 끝,가로등이 하나씩 꺼진다\n"
    )
    ok("catalog", "build", "--songs", other_table, "--out", other)
    result = ok("catalog", "merge", built, other, "--out", both)
    assert (result["songs"], result["duplicates"], result["lines_embedded"]) == (3, 1, 0)
    found = ok("catalog", "diff", built, both)
    assert (len(found["added"]), found["removed"], found["changed"], found["same"]) == (1, [], {}, 2)
    found = ok("catalog", "diff", other, built)
    assert (len(found["added"]), len(found["removed"]), found["same"]) == (1, 1, 0)
    assert [sorted(fields) for fields in found["changed"].values()] == [["emotions", "lines", "year"]]
    text = run("catalog", "diff", other, built).output
    assert "+ 버스 정류장 - 느린 오후" in text
    assert "- 골목 - 밤의 끝" in text
    assert isinstance(run("catalog", "merge", tmp_path / "none", "--out", both).exception, CatalogMissingError)


@pytest.mark.parametrize("name", ["곡.jsonl", "곡.csv"])
def test_what_is_exported_builds_the_same_catalogue(built: Path, tmp_path: Path, name: str) -> None:
    out, again = tmp_path / name, tmp_path / "again"
    assert ok("catalog", "export", "--catalog", built, "--out", out)["songs"] == 2
    ok("catalog", "build", "--songs", out, "--out", again)
    assert ok("catalog", "diff", built, again) == {"added": [], "removed": [], "changed": {}, "same": 2}


def test_an_export_without_lines_has_none(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "facts.jsonl"
    ok("catalog", "export", "--catalog", built, "--out", out, "--no-lines")
    assert all("lines" not in json.loads(line) for line in out.read_text(encoding="utf-8").splitlines())
    assert isinstance(run("catalog", "export", "--catalog", built, "--out", tmp_path / "x.pdf").exception, InputError)
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.parametrize("mode", ["source", "lines", "both"])
def test_collected_rows_become_a_catalogue(tmp_path: Path, mode: str) -> None:
    folder, rows, out = tmp_path / "pages", tmp_path / "rows.jsonl", tmp_path / "catalog"
    folder.mkdir()
    songs = made_songs(3)
    (folder / "list.html").write_text(playlist(songs), encoding="utf-8")
    for song in songs[:2]:
        (folder / f"{song.song_id}.html").write_text(song_page(song), encoding="utf-8")
    ok("collect", "melon", "--from-html", folder, "--emotion", "sad", "--out", rows)
    result = ok("catalog", "build", "--songs", rows, "--out", out, "--emotions", mode)
    assert (result["songs"], result["rejected"]) == (2, 1)
    song = next(CatalogFiles(out).songs())
    assert (song.song_id, song.genre, song.year) == ("melon:7001", "발라드, 인디음악", 2019)
    assert song.emotion_source == {"source": "source", "lines": "lines", "both": "source+lines"}[mode]
