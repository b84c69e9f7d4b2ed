"""Pages in the shape of Melon's, with songs and sentences made up here."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class MadeSong:
    song_id: str
    title: str
    artist: str
    lyrics: tuple[str, ...] = ()
    adult_only: bool = False
    released: str = "2019.03.08"
    genre: str = "발라드, 인디음악"


def made_songs(count: int) -> list[MadeSong]:
    return [
        MadeSong(
            str(7000 + number),
            f"종이배 {number}호",
            f"물가의 사람들 {number % 4}",
            (f"{number}번째 배를 접어 개울에 띄웠어", "", f"다리 밑에서 {number}분쯤 기다렸지"),
        )
        for number in range(1, count + 1)
    ]


def row(song: MadeSong, *, by_button: bool = False) -> str:
    """One row. Adult-only songs have no link on their title; a checkbox may be missing."""
    check = (
        "" if by_button else f'<input type="checkbox" class="input_check" name="input_check" value="{song.song_id}">'
    )
    title = (
        f'<span class="fc_lgray">{escape(song.title)}</span>'
        if song.adult_only
        else f"<span><a href=\"javascript:melon.play.playSong('19','{song.song_id}');\">{escape(song.title)}</a></span>"
    )
    if song.adult_only:
        title = f'<span class="bullet_icons age_19 large">19금</span><span>{title}</span>'
    detail = f"javascript:melon.link.goSongDetail('{song.song_id}');"
    return f"""
    <tr>
      <td><div class="wrap t_right">{check}</div></td>
      <td><div class="wrap"><a href="#" class="image_typeAll"><img src="https://cdn.example/{song.song_id}.jpg"></a>
        <a href="{detail}" class="btn button_icons type03 song_info"><span>곡정보</span></a></div></td>
      <td><div class="wrap"><div class="wrap_song_info">
        <div class="ellipsis rank01">{title}</div><br>
        <div class="ellipsis rank02"><a href="#">{escape(song.artist)}</a>\xa0
          <span class="checkEllipsis" style="display:none"><a href="#">{escape(song.artist)}</a></span></div>
      </div></div></td>
      <td><div class="wrap"><div class="ellipsis rank03">
        <a href="javascript:melon.link.goAlbumDetail('9{song.song_id}');">물\xa0위의\xa0기록</a></div></div></td>
    </tr>"""


def table(songs: list[MadeSong]) -> str:
    return f"<table><thead><tr><th>NO</th></tr></thead><tbody>{''.join(map(row, songs))}</tbody></table>"


def playlist(songs: list[MadeSong], title: str = "비 오는 창가에서", count: int | None = None) -> str:
    total = len(songs) if count is None else count
    return f"""<!doctype html><html lang="ko"><body>
    <div class="ellipsis song_name"><strong class="none">플레이리스트 명</strong> {title}</div>
    <div class="tag_list type03"><a href="javascript:goDjTagHub('12')">#비</a><a href="#">#창가</a></div>
    <h5 class="title">수록곡 <span class="sum">({total})</span></h5>{table(songs)}</body></html>"""


def song_page(song: MadeSong, *, own_address: bool = False, swapped: bool = False) -> str:
    address = f"https://www.melon.com/song/detail.htm?songId={song.song_id}"
    head = f'<meta property="og:url" content="{address}">' if own_address else ""
    badge = '<span class="bullet_icons age_19 large"><span>19금</span></span>' if song.adult_only else ""
    facts = [("앨범", '<a href="#">물 위의 기록</a>'), ("발매일", song.released), ("장르", song.genre)]
    if swapped:
        facts = [("FLAC", "Flac 16bit"), *reversed(facts)]
    pairs = "".join(f"<dt>{name}</dt>\n<dd>{value}</dd>" for name, value in facts)
    if song.adult_only:
        block = ""
    elif song.lyrics:
        block = (
            '<div class="lyric" id="d_video_summary"><!-- height:auto; 로 변경시, 확장됨 -->\n\t\t\t\t\t\t\t'
            + "<br>".join(escape(line) for line in song.lyrics)
            + "\n</div>"
        )
    else:
        block = '<div class="lyric_none">등록된 가사가 없습니다.</div>'
    return f"""<!doctype html><html lang="ko"><head>{head}</head><body><div class="section_info">
    <div class="thumb"><a href="#"><img src="//cdn.example/{song.song_id}_500.jpg"></a></div>
    <div class="entry"><div class="info">
      <div class="song_name"><strong class="none">곡명</strong> {badge} {escape(song.title)}</div>
      <div class="artist"><a href="#" class="artist_name"><span>{escape(song.artist)}</span></a></div></div>
      <div class="meta"><dl class="list">{pairs}</dl></div></div></div>{block}</body></html>"""


REFUSAL = "<html><body><h1>페이지 접근이 제한되었습니다.</h1></body></html>"
