"""Melon's pages to rows, without a network."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profile_music.catalog import melon
from profile_music.errors import InputError

from .pages import REFUSAL, MadeSong, made_songs, playlist, row, song_page, table


def test_a_playlists_first_page() -> None:
    songs = made_songs(3)
    page = melon.parse_playlist(playlist(songs, "비 오는 창가에서", count=1234))
    assert page.title == "비 오는 창가에서"
    assert page.song_count == 1234
    assert page.tags == ("비", "창가")
    assert page.table_rows == 3
    assert page.rows[1] == melon.PlaylistRow(
        song_id="7002",
        title="종이배 2호",
        artist="물가의 사람들 2",
        album="물 위의 기록",
        album_id="97002",
        cover_url="https://cdn.example/7002.jpg",
    )


def test_a_fragment_with_more_songs_has_rows_only() -> None:
    page = melon.parse_playlist(table(made_songs(2)))
    assert [found.song_id for found in page.rows] == ["7001", "7002"]
    assert (page.title, page.song_count, page.tags) == ("", None, ())
    assert melon.parse_playlist("<table><tbody></tbody></table>").table_rows == 0


def test_a_row_without_a_checkbox_and_a_row_of_an_adult_only_song() -> None:
    song = MadeSong("51", "밤의 & 골목", "달리는 이들", adult_only=True)
    page = melon.parse_playlist(f"<table><tbody>{row(song, by_button=True)}</tbody></table>")
    assert [(found.song_id, found.title, found.artist) for found in page.rows] == [("51", "밤의 & 골목", "달리는 이들")]


def test_several_artists_are_kept_once_each() -> None:
    html = row(made_songs(1)[0]).replace("</a>\xa0", '</a>, <a href="#">등대지기</a>\xa0')
    found = melon.parse_playlist(f"<table><tbody>{html}</tbody></table>").rows[0]
    assert found.artist == "물가의 사람들 1, 등대지기"


@pytest.mark.parametrize("swapped", [False, True])
def test_a_songs_page_is_read_by_the_names_of_its_facts(swapped: bool) -> None:
    song = MadeSong("88", "우산 <하나>", "골목 & 사람", ("처음엔 우산이 하나", "", "나중엔\xa0둘 &  셋"))
    page = melon.parse_song(song_page(song, swapped=swapped))
    assert (page.title, page.artist) == ("우산 <하나>", "골목 & 사람")
    assert (page.album, page.released, page.genre) == ("물 위의 기록", "2019.03.08", "발라드, 인디음악")
    assert page.cover_url == "https://cdn.example/88_500.jpg"
    assert page.lyrics == "처음엔 우산이 하나\n\n나중엔 둘 & 셋"
    assert not page.adult_only


def test_songs_without_lyrics() -> None:
    adult = melon.parse_song(song_page(MadeSong("1", "가로등", "늦은 사람", adult_only=True)))
    assert (adult.title, adult.adult_only, adult.lyrics) == ("가로등", True, "")
    silent = melon.parse_song(song_page(MadeSong("2", "연주곡 하나", "피아노 방")))
    assert (silent.adult_only, silent.lyrics) == (False, "")


def test_a_saved_page_knows_its_own_id() -> None:
    song = made_songs(1)[0]
    assert melon.parse_song(song_page(song, own_address=True)).song_id == "7001"
    saved = "<!-- saved from url=(0052)https://www.melon.com/song/detail.htm?songId=7001 -->" + song_page(song)
    assert melon.parse_song(saved).song_id == "7001"
    assert melon.parse_song(song_page(song)).song_id == ""


@pytest.mark.parametrize(
    ("given", "seq"),
    [
        ("498765432", "498765432"),
        (" 12 ", "12"),
        (
            "https://www.melon.com/mymusic/dj/mymusicdjplaylistview_inform.htm?plylstSeq=498#params%5BstartIndex%5D=51",
            "498",
        ),
    ],
)
def test_playlist_numbers_and_addresses(given: str, seq: str) -> None:
    assert melon.playlist_seq(given) == seq


@pytest.mark.parametrize("given", ["", "비 오는 날", "https://www.melon.com/", "1; rm", "-5", "1" * 40])
def test_what_is_no_playlist(given: str) -> None:
    with pytest.raises(InputError):
        melon.playlist_seq(given)


def test_addresses_are_the_documented_ones() -> None:
    base = melon.BASE_URL
    assert melon.playlist_url(base, "5") == f"{base}/mymusic/dj/mymusicdjplaylistview_inform.htm?plylstSeq=5"
    assert melon.more_url(base, "5", 51) == (
        f"{base}/dj/playlist/djplaylist_listsong.htm?startIndex=51&pageSize=50&plylstSeq=5"
    )
    assert melon.more_headers(base, "5")["X-Requested-With"] == "XMLHttpRequest"
    assert melon.song_id_in_address(melon.song_url(base, "77")) == "77"


def test_a_refusal_is_recognised() -> None:
    assert melon.is_refusal(REFUSAL)
    assert not melon.is_refusal(playlist(made_songs(1)))


PIECES = (
    "<table> <tbody> <tr> <td> </td> <span> <br> <!-- --> <dt>발매일 <dd> </div> <dl|class='list'> <div|class='meta'> "
    "<div|class='ellipsis|rank01'> <a|href='goSongDetail(' <input|class='input_check'|value=' &#x110000; ' > \x00 "
    "<div|class='lyric'|id='d_video_summary'> <div|class='song_name'> <strong|class='none'> </strong>"
)
PIECES = [piece.replace("|", " ") for piece in PIECES.split(" ")]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=40).map("".join))
def test_no_page_makes_the_parsers_fail(html: str) -> None:
    page = melon.parse_playlist(html)
    assert all(found.song_id.isdecimal() and found.title for found in page.rows)
    song = melon.parse_song(html)
    assert song.lyrics == song.lyrics.strip("\n")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 3000), st.integers(0, 3000), st.sampled_from(["", "<", ">", "</div>", "<tr>"]))
def test_a_page_cut_or_damaged_anywhere_is_still_read(begin: int, end: int, put: str) -> None:
    for whole in (playlist(made_songs(4)), song_page(made_songs(1)[0])):
        html = whole[: min(begin, end)] + put + whole[max(begin, end) :]
        assert all(found.song_id for found in melon.parse_playlist(html).rows)
        assert isinstance(melon.parse_song(html).title, str)


LINE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=6))
def test_lyric_lines_come_back_as_they_were(lines: list[str]) -> None:
    wanted = [" ".join(line.split()) for line in lines]
    found = melon.parse_song(song_page(MadeSong("3", "가", "나", tuple(lines)))).lyrics
    assert found == "\n".join(wanted).strip("\n")
