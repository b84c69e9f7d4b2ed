"""The whole collector, from playlist to rows, against a server that serves pages in Melon's shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from profile_music.cli import app
from profile_music.errors import (
    AccessRefusedError,
    CollectError,
    InputError,
    RobotsForbidError,
    RobotsUnreadableError,
    SiteUnreachableError,
)

from .pages import REFUSAL, MadeSong, made_songs, playlist, song_page, table
from .server import Answer, Asked, Site

SONGS = [
    replace(song, adult_only=song.song_id == "7002", lyrics=() if song.song_id in ("7002", "7003") else song.lyrics)
    for song in made_songs(120)
]
PLAYLIST = "/mymusic/dj/mymusicdjplaylistview_inform.htm"
MORE = "/dj/playlist/djplaylist_listsong.htm"


def melon(songs: list[MadeSong]) -> Callable[[Asked], Answer | None]:
    """A site with one playlist (number 5), paged as Melon pages it."""
    by_id = {song.song_id: song for song in songs}

    def reply(asked: Asked) -> Answer | None:
        if asked.path == PLAYLIST and asked.query["plylstSeq"] == "5":
            return Answer(playlist(songs[:50], count=len(songs)))
        if asked.path == MORE and asked.headers.get("X-Requested-With") == "XMLHttpRequest":
            start, size = int(asked.query["startIndex"]) - 1, int(asked.query["pageSize"])
            return Answer(table(songs[start : start + size]))
        if asked.path == "/song/detail.htm" and asked.query["songId"] in by_id:
            return Answer(song_page(by_id[asked.query["songId"]]))
        return None

    return reply


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits are noted, not sat through; the program asks for them all the same."""
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    return waits


def collect(site: Site, out: Path, *options: str) -> Result:
    arguments = ["collect", "melon", "--emotion", "sad", "--out", str(out), "--base-url", site.url, "--json"]
    if "--from-html" not in options and "--playlist" not in options:
        arguments += ["--playlist", "5"]
    cache = str(out.parent / "cache")
    return CliRunner().invoke(app, [*arguments, "--cache-dir", cache, "--delay-s", "0.5", *options])


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_three_pages_of_a_playlist_become_rows(tmp_path: Path, no_waiting: list[float]) -> None:
    with Site(melon(SONGS)) as site:
        result = collect(site, tmp_path / "songs.jsonl")
        assert result.exit_code == 0, result.output
        assert [asked.query.get("startIndex") for asked in site.asked if asked.path == MORE] == ["51", "101"]
        assert site.paths()[:2] == ["/robots.txt", PLAYLIST]
        assert len(site.asked) == 1 + 3 + 120
        referers = {asked.headers["Referer"] for asked in site.asked if asked.path == MORE}
        assert referers == {f"{site.url}{PLAYLIST}?plylstSeq=5"}
    summary = json.loads(result.stdout)
    assert (summary["songs"], summary["with_lyrics"], summary["adult_only"], summary["no_lyrics"]) == (120, 118, 1, 1)
    found = rows(tmp_path / "songs.jsonl")
    assert [row["melon_id"] for row in found] == [song.song_id for song in SONGS]
    assert found[0] == {
        "title": "종이배 1호",
        "artist": "물가의 사람들 1",
        "album": "물 위의 기록",
        "year": 2019,
        "released": "2019.03.08",
        "genre": "발라드, 인디음악",
        "melon_id": "7001",
        "cover_url": "https://cdn.example/7001_500.jpg",
        "emotion": "sad",
        "source": "melon playlist 5",
        "lyrics": "1번째 배를 접어 개울에 띄웠어\n\n다리 밑에서 1분쯤 기다렸지",
    }
    assert [(row["note"], "lyrics" in row) for row in found[1:3]] == [("adult_only", False), ("no_lyrics", False)]
    assert len(no_waiting) >= 123
    assert all(wait <= 0.75 for wait in no_waiting)


@pytest.mark.parametrize(("count", "pages"), [(49, 1), (50, 1), (51, 2), (100, 2)])
def test_paging_stops_where_the_songs_do(tmp_path: Path, count: int, pages: int) -> None:
    with Site(melon(SONGS[:count])) as site:
        assert collect(site, tmp_path / "songs.jsonl").exit_code == 0
        assert sum(path in (PLAYLIST, MORE) for path in site.paths()) == pages
    assert len(rows(tmp_path / "songs.jsonl")) == count


def test_a_site_that_repeats_its_page_for_ever_ends(tmp_path: Path) -> None:
    def reply(asked: Asked) -> Answer | None:
        return melon(SONGS[:50])(asked) if asked.path != MORE else Answer(table(SONGS[:50]))

    def uncounted(asked: Asked) -> Answer | None:
        answer = reply(asked)
        return Answer(answer.body.replace("(50)", "")) if answer and asked.path == PLAYLIST else answer

    with Site(uncounted) as site:
        assert collect(site, tmp_path / "songs.jsonl").exit_code == 0
        assert site.paths().count(MORE) == 1


def test_robots_that_forbid_stop_before_the_first_page(tmp_path: Path) -> None:
    with Site(melon(SONGS), "User-agent: *\nDisallow: /\n") as site:
        result = collect(site, tmp_path / "songs.jsonl")
        assert isinstance(result.exception, RobotsForbidError)
        assert "--from-html" in result.exception.message_ko
        assert site.paths() == ["/robots.txt"]
    assert not (tmp_path / "songs.jsonl").exists()


def test_without_a_robots_file_it_goes_on(tmp_path: Path) -> None:
    with Site(melon(SONGS[:2]), None) as site:
        assert collect(site, tmp_path / "songs.jsonl").exit_code == 0
    assert len(rows(tmp_path / "songs.jsonl")) == 2


def test_robots_that_cannot_be_read_stop_everything(tmp_path: Path) -> None:
    with Site(melon(SONGS), Answer("oops", 503)) as site:
        result = collect(site, tmp_path / "songs.jsonl")
        assert isinstance(result.exception, RobotsUnreadableError)
        assert set(site.paths()) == {"/robots.txt"}


@pytest.mark.parametrize("answer", [Answer(REFUSAL, 403), Answer("slow down", 429), Answer(REFUSAL)])
def test_a_refusal_half_way_keeps_what_there_is_and_resume_goes_on(tmp_path: Path, answer: Answer) -> None:
    refusing = True

    def reply(asked: Asked) -> Answer | None:
        return answer if refusing and asked.query.get("songId") == "7005" else melon(SONGS[:8])(asked)

    out = tmp_path / "songs.jsonl"
    with Site(reply) as site:
        result = collect(site, out)
        assert isinstance(result.exception, AccessRefusedError)
        assert [row["melon_id"] for row in rows(out)] == ["7001", "7002", "7003", "7004"]
        with out.open("a") as stream:
            stream.write('{"title": "torn')
        asked_before, refusing = len(site.asked), False
        again = (
            collect(site, out, "--resume")
            if answer.status != 200
            else collect(site, out, "--resume", "--cache-days", "0")
        )
        assert again.exit_code == 0, again.output
        assert json.loads(again.stdout)["already_there"] == 4
        pages = [asked.query["songId"] for asked in site.asked[asked_before:] if "songId" in asked.query]
        assert pages == ["7005", "7006", "7007", "7008"]
    assert [row["melon_id"] for row in rows(out)] == [song.song_id for song in SONGS[:8]]


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "songs.jsonl"
    out.write_text('{"title": "다른 것"}\n')
    with Site(melon(SONGS[:2])) as site:
        result = collect(site, out)
        assert isinstance(result.exception, InputError)
        assert "--resume" in str(result.exception)
    assert rows(out) == [{"title": "다른 것"}]


def test_cut_connections_are_tried_again(tmp_path: Path) -> None:
    cuts = {"7001": 2, "7003": 1}

    def reply(asked: Asked) -> Answer | None:
        song_id = asked.query.get("songId", "")
        if cuts.get(song_id, 0):
            cuts[song_id] -= 1
            return Answer(cut=True)
        return melon(SONGS[:4])(asked)

    with Site(reply) as site:
        assert collect(site, tmp_path / "songs.jsonl").exit_code == 0
    assert len(rows(tmp_path / "songs.jsonl")) == 4


def test_a_site_that_stays_down_is_told_so(tmp_path: Path) -> None:
    with Site(lambda asked: Answer(cut=True)) as site:
        assert isinstance(collect(site, tmp_path / "songs.jsonl").exception, SiteUnreachableError)


def test_a_playlist_that_is_not_there(tmp_path: Path) -> None:
    with Site(melon(SONGS[:2])) as site:
        result = collect(site, tmp_path / "songs.jsonl", "--playlist", "6")
        assert isinstance(result.exception, CollectError)
        assert "6" in result.exception.message_ko


def test_several_playlists_share_their_songs_and_a_limit(tmp_path: Path) -> None:
    def reply(asked: Asked) -> Answer | None:
        if asked.path == PLAYLIST and asked.query["plylstSeq"] == "9":
            return Answer(playlist(SONGS[1:4]))
        return melon(SONGS[:3])(asked) or melon(SONGS)(asked)

    both = ("--playlist", "5", "--playlist", "https://www.melon.com/x.htm?plylstSeq=9")
    with Site(reply) as site:
        assert collect(site, tmp_path / "all.jsonl", *both).exit_code == 0
        assert collect(site, tmp_path / "two.jsonl", *both, "--limit", "2").exit_code == 0
    assert [row["melon_id"] for row in rows(tmp_path / "all.jsonl")] == ["7001", "7002", "7003", "7004"]
    assert rows(tmp_path / "all.jsonl")[3]["source"] == "melon playlist 9"
    assert len(rows(tmp_path / "two.jsonl")) == 2


def test_a_song_whose_page_is_gone_keeps_the_playlists_words(tmp_path: Path) -> None:
    def reply(asked: Asked) -> Answer | None:
        return None if asked.query.get("songId") == "7001" else melon(SONGS[:2])(asked)

    with Site(reply) as site:
        assert collect(site, tmp_path / "songs.jsonl").exit_code == 0
    assert rows(tmp_path / "songs.jsonl")[0] == {
        "title": "종이배 1호",
        "artist": "물가의 사람들 1",
        "album": "물 위의 기록",
        "melon_id": "7001",
        "cover_url": "https://cdn.example/7001.jpg",
        "emotion": "sad",
        "source": "melon playlist 5",
        "note": "page_missing",
    }


def test_saved_pages_need_no_network(tmp_path: Path) -> None:
    folder = tmp_path / "저장한 페이지"
    (folder / "more").mkdir(parents=True)
    songs = SONGS[3:9]
    (folder / "목록.html").write_text(playlist(songs), encoding="utf-8")
    (folder / f"{songs[0].song_id}.html").write_text(song_page(songs[0]), encoding="utf-8")
    (folder / "detail.htm?songId=7005.html").write_text(song_page(songs[1]), encoding="cp949")
    (folder / "more" / "물결.htm").write_text(song_page(songs[2], own_address=True), encoding="utf-8")
    (folder / "이름만.html").write_text(song_page(songs[3]), encoding="utf-8")
    (folder / "다른 곡.html").write_text(song_page(MadeSong("", "먼 등대", "뱃사람", ("불빛이 두 번 깜빡",))))
    (folder / "note.txt").write_text("not a page")
    with Site(melon(SONGS)) as site:
        result = collect(site, tmp_path / "songs.jsonl", "--from-html", str(folder))
        assert result.exit_code == 0, result.output
        again = collect(site, tmp_path / "songs.jsonl", "--from-html", str(folder), "--resume")
        assert json.loads(again.stdout)["songs"] == 0
        assert site.asked == []
    found = rows(tmp_path / "songs.jsonl")
    assert {row.get("melon_id") for row in found if "lyrics" in row} == {"7004", "7005", "7006", "7007", None}
    assert [row["melon_id"] for row in found if row.get("note") == "page_missing"] == ["7008", "7009"]
    assert all(row["emotion"] == "sad" for row in found)


def test_a_folder_without_pages(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "x.html").write_text("<p>hello</p>")
    with Site(melon(SONGS)) as site:
        result = collect(site, tmp_path / "songs.jsonl", "--from-html", str(tmp_path / "empty"))
    assert isinstance(result.exception, CollectError)


def test_one_way_in_must_be_chosen(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["collect", "melon", "--emotion", "sad", "--out", str(tmp_path / "x.jsonl")])
    assert result.exit_code == 2
    assert "--from-html" in result.output
