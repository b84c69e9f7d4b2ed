"""Matching songs found elsewhere, and the enrichment from question to row against servers in the real shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_music.catalog import itunes, lrclib
from profile_music.catalog.matching import THRESHOLD, match
from profile_music.cli import app
from profile_music.errors import AccessRefusedError, RobotsForbidError

from .server import Answer, Asked, Site

SAME = [
    ("좋은 밤", "은하 정류장", "좋은밤", "은하 정류장"),
    ("좋은 밤", "은하 정류장", "좋은 밤 (Good Night)", "은하 정류장"),
    ("좋은 밤 (Feat. 나무)", "은하 정류장", "좋은 밤", "은하 정류장 & 나무"),
    ("좋은 밤", "은하정류장 (Galaxy Stop)", "좋은 밤 (feat. 나무)", "Galaxy Stop"),
    ("Good Night", "GALAXY STOP", "good night", "Galaxy Stop"),
    ("With You", "은하 정류장", "With You", "은하 정류장"),
    ("Mr. Lonely", "은하 정류장", "Mr. Lonely", "은하 정류장"),
    ("드라이브", "은하 정류장", "드라이브", "은하 정류장"),
    ("좋은 밤 (Live)", "은하 정류장", "좋은 밤 (Live)", "은하 정류장"),
    ("길 Part 2", "은하 정류장", "길 (Part 2)", "은하 정류장"),
]
OTHER = [
    ("좋은 밤", "은하 정류장", "좋은 밤", "다른 사람"),
    ("좋은 밤", "은하 정류장", "좋은 낮", "은하 정류장"),
    ("좋은 밤", "은하 정류장", "좋은 밤 (Live)", "은하 정류장"),
    ("좋은 밤", "은하 정류장", "좋은 밤 (Inst.)", "은하 정류장"),
    ("좋은 밤", "은하 정류장", "좋은 밤 (MR)", "은하 정류장"),
    ("좋은 밤", "은하 정류장", "좋은 밤 - Remix", "은하 정류장"),
    ("좋은 밤", "은하 정류장", "좋은 밤 (원곡: 은하 정류장)", "은하 정류장 커버"),
    ("좋은 밤", "은하 정류장", "좋은 밤", "은하 정류장 Piano"),
    ("좋은 밤 (Live)", "은하 정류장", "좋은 밤", "은하 정류장"),
    ("길 Part 1", "은하 정류장", "길 (Part 2)", "은하 정류장"),
    ("스물 1", "은하 정류장", "스물 2", "은하 정류장"),
    ("Dance With Me", "은하 정류장", "Dance With You", "은하 정류장"),
    ("", "", "좋은 밤", "은하 정류장"),
]


@pytest.mark.parametrize("names", SAME)
def test_the_same_song_in_another_spelling(names: tuple[str, str, str, str]) -> None:
    assert match(*names).score >= THRESHOLD, match(*names)


@pytest.mark.parametrize("names", OTHER)
def test_another_song_another_version_or_somebody_elses(names: tuple[str, str, str, str]) -> None:
    assert match(*names).score < THRESHOLD, match(*names)


def test_an_album_of_covers_gives_a_cover_away() -> None:
    assert match("좋은 밤", "은하 정류장", "좋은 밤", "은하 정류장", "노래방 인기곡 100").score == 0
    assert match("좋은 밤", "은하 정류장", "좋은 밤", "은하 정류장", "2020 라이브 투어").score == 100
    assert match("좋은 밤", "은하 정류장", "좋은 밤", "은하 정류장", "Mr. Simple").score == 100


@settings(max_examples=80, deadline=None)
@given(*[st.text(max_size=20)] * 4)
def test_any_names_can_be_compared(title: str, artist: str, other_title: str, other_artist: str) -> None:
    found = match(title, artist, other_title, other_artist)
    assert 0 <= found.score <= 100
    assert match(title, artist, title, artist).score in (0.0, 100.0)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=80) | st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["results", "trackName", "artistName", "plainLyrics", "id"]), inner, max_size=4)).map(lambda value: json.dumps(value).encode()))  # fmt: skip  # noqa: E501
def test_any_answer_can_be_parsed(body: bytes) -> None:
    assert all(track.title for track in itunes.parse_results(body))
    assert all(isinstance(track.lyrics, str) for track in lrclib.parse_tracks(body))


def store_row(title: str, artist: str, number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "wrapperType": "track",
        "trackName": title,
        "artistName": artist,
        "collectionName": "물가",
        "trackViewUrl": f"https://store.example/{number}",
        "previewUrl": f"https://audio.example/{number}.m4a",
        "artworkUrl100": f"https://art.example/{number}/100x100bb.jpg",
        **changes,
    }


def test_the_stores_answer() -> None:
    rows = [store_row("가", "나"), store_row("다", "라", previewUrl=None), {"artistName": "x"}, "?"]
    body = json.dumps({"resultCount": 4, "results": rows}).encode()
    first, second = itunes.parse_results(body)
    assert first.cover_url == "https://art.example/1/600x600bb.jpg"
    assert (second.preview_url, second.store_url) == ("", "https://store.example/1")


def test_synced_lyrics_lose_their_times_and_instrumentals_have_none() -> None:
    rows = [
        {
            "id": 1,
            "trackName": "가",
            "artistName": "나",
            "plainLyrics": None,
            "syncedLyrics": "[00:01.50] 첫 줄\n[00:09.00]\n[01:02.3][01:09.3] 끝 줄",
        },
        {"id": 2, "trackName": "가", "artistName": "나", "instrumental": True, "plainLyrics": "있어도 안 써요"},
    ]
    first, second = lrclib.parse_tracks(json.dumps(rows).encode())
    assert first.lyrics == "첫 줄\n\n끝 줄"
    assert second.lyrics == ""


SONGS = [
    {"title": "좋은 밤", "artist": "은하 정류장", "emotion": "sad", "note": "adult_only"},
    {
        "title": "먼 바다",
        "artist": "등대지기",
        "lyrics": "원래 있던 가사예요",
        "cover_url": "https://mine.example/c.jpg",
    },
    {"title": "아무도 모르는 노래", "artist": "무명"},
    {"title": "새벽 두 시", "artist": "은하 정류장"},
]


def store(asked: Asked) -> Answer | None:
    rows = [
        store_row("좋은 밤 (Live)", "은하 정류장", 1),
        store_row("좋은 밤", "다른 사람", 2),
        store_row("좋은 밤", "은하 정류장", 3),
        store_row("먼 바다", "등대지기", 4),
        store_row("새벽 두 시", "은하 정류장", 5, previewUrl=None),
    ]
    if asked.path != "/search" or asked.query["country"] != "KR" or asked.query["entity"] != "song":
        return None
    return Answer(json.dumps({"resultCount": len(rows), "results": rows}), headers={"Content-Type": "text/javascript"})


def lyrics(asked: Asked) -> Answer | None:
    entry = {"id": 77, "trackName": "새벽 두 시", "artistName": "은하 정류장", "plainLyrics": "편의점 불빛만 깨어 있네"}
    missing = {"message": "Failed to find specified track", "name": "TrackNotFound", "statusCode": 404}
    if asked.path == "/api/get":
        wanted = {"id": 5, "trackName": "좋은 밤", "artistName": "은하 정류장", "plainLyrics": "불을 끄고 창을 열어"}
        return (
            Answer(json.dumps(wanted)) if asked.query["track_name"] == "좋은 밤" else Answer(json.dumps(missing), 404)
        )
    return Answer(json.dumps([{**entry, "artistName": "다른 사람", "id": 76}, entry]))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    return waits


def enrich(folder: Path, store_site: Site, lyric_site: Site, *options: str) -> Result:
    songs = folder / "songs.jsonl"
    songs.write_text("".join(json.dumps(song, ensure_ascii=False) + "\n" for song in SONGS), encoding="utf-8")
    places = ["--songs", str(songs), "--out", str(folder / "out.jsonl"), "--cache-dir", str(folder / "cache")]
    sites = ["--itunes-url", store_site.url, "--lrclib-url", lyric_site.url]
    return CliRunner().invoke(app, ["catalog", "enrich", *places, *sites, "--json", *options])


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "out.jsonl").read_text(encoding="utf-8").splitlines()]


def test_rows_get_what_they_lack(tmp_path: Path, no_waiting: list[float]) -> None:
    with Site(store, None) as store_site, Site(lyrics) as lyric_site:
        result = enrich(tmp_path, store_site, lyric_site, "--covers", "--previews", "--lyrics")
        assert result.exit_code == 0, result.output
        assert store_site.paths() == ["/robots.txt", *["/search"] * 4]
        assert all(asked.headers["User-Agent"].startswith("profile-music/") for asked in store_site.asked)
    summary = json.loads(result.stdout)
    assert summary["cover"] == {"found": 2, "had": 1, "none": 1}
    assert summary["preview"] == {"found": 2, "had": 0, "none": 2}
    assert summary["lyrics"] == {"found": 2, "had": 1, "none": 1}
    found = rows(tmp_path)
    assert found[0] == {
        **SONGS[0],
        "cover_url": "https://art.example/3/600x600bb.jpg",
        "preview_url": "https://audio.example/3.m4a",
        "store_url": "https://store.example/3",
        "lyrics": "불을 끄고 창을 열어",
        "lyrics_source": "lrclib:5",
    }
    assert found[1] == {
        **SONGS[1],
        "preview_url": "https://audio.example/4.m4a",
        "store_url": "https://store.example/4",
    }
    assert found[2] == SONGS[2]
    assert (found[3]["lyrics_source"], "preview_url" in found[3]) == ("lrclib:77", False)
    assert max(no_waiting) > 2.5


def test_only_what_was_asked_for_is_looked_for(tmp_path: Path) -> None:
    with Site(store) as store_site, Site(lyrics) as lyric_site:
        assert enrich(tmp_path, store_site, lyric_site, "--covers").exit_code == 0
        assert store_site.paths().count("/search") == 3
        assert lyric_site.asked == []
    assert [sorted(set(row) - set(song)) for row, song in zip(rows(tmp_path), SONGS, strict=True)] == [
        ["cover_url", "store_url"],
        [],
        [],
        ["cover_url", "store_url"],
    ]


def test_a_refusal_stops_and_resume_goes_on_from_the_cache(tmp_path: Path) -> None:
    refusing = True

    def reply(asked: Asked) -> Answer | None:
        refused = refusing and "아무도" in asked.query.get("term", "")
        return Answer("slow down", 429, {"Retry-After": "60"}) if refused else store(asked)

    with Site(reply) as store_site, Site(lyrics) as lyric_site:
        result = enrich(tmp_path, store_site, lyric_site, "--previews")
        assert isinstance(result.exception, AccessRefusedError)
        assert len(rows(tmp_path)) == 2
        refusing = False
        result = enrich(tmp_path, store_site, lyric_site, "--previews", "--resume")
        assert json.loads(result.stdout)["already_there"] == 2
        (tmp_path / "out.jsonl").unlink()
        asked_before = len(store_site.asked)
        assert enrich(tmp_path, store_site, lyric_site, "--previews").exit_code == 0
        assert len(store_site.asked) == asked_before
    assert [row["title"] for row in rows(tmp_path)] == [song["title"] for song in SONGS]


def test_resuming_with_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").write_text('{"title": "다른 노래", "artist": "다른 사람"}\n')
    with Site(store) as store_site, Site(lyrics) as lyric_site:
        result = enrich(tmp_path, store_site, lyric_site, "--covers", "--resume")
    assert result.exit_code == 2
    assert "--resume" in result.output


def test_robots_are_honoured_here_too(tmp_path: Path) -> None:
    with Site(store, "User-agent: *\nDisallow: /search\n") as store_site, Site(lyrics) as lyric_site:
        result = enrich(tmp_path, store_site, lyric_site, "--covers")
        assert isinstance(result.exception, RobotsForbidError)
        assert store_site.paths() == ["/robots.txt"]


def test_something_must_be_asked_for(tmp_path: Path) -> None:
    with Site(store) as store_site, Site(lyrics) as lyric_site:
        assert enrich(tmp_path, store_site, lyric_site).exit_code == 2
