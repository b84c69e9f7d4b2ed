"""Melon's pages to rows: pure functions from HTML to what it says. Nothing here fetches anything.

Whatever the HTML holds, these functions return; what a page does not say comes back empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from profile_music.errors import DependencyMissingError, InputError

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

BASE_URL = "https://www.melon.com"
PAGE_SONGS = 50
_PLAYLIST_PATH = "/mymusic/dj/mymusicdjplaylistview_inform.htm"
_MORE_PATH = "/dj/playlist/djplaylist_listsong.htm"
_SONG_PATH = "/song/detail.htm"
_REFUSAL = "접근이 제한되었습니다"
_SONG_ID = re.compile(r"goSongDetail\(\s*['\"]?(\d+)")
_ALBUM_ID = re.compile(r"goAlbumDetail\(\s*['\"]?(\d+)")
_COUNT = re.compile(r"\(\s*([\d,]+)\s*\)")
_OWN_ADDRESS = re.compile(r"/song/detail\.htm\?[^\"'\s<>]*?songId=(\d+)")


@dataclass(frozen=True, slots=True)
class PlaylistRow:
    """One song of a playlist."""

    song_id: str
    title: str
    artist: str
    album: str = ""
    album_id: str = ""
    cover_url: str = ""


@dataclass(frozen=True, slots=True)
class PlaylistPage:
    """A playlist's first page, or one of its next pages (then without title, count and tags)."""

    rows: tuple[PlaylistRow, ...] = ()
    table_rows: int = 0
    title: str = ""
    song_count: int | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SongPage:
    """A song's page. `released` is YYYY.MM.DD as written; `lyrics` has one line a line, empty where there are none."""

    title: str = ""
    artist: str = ""
    album: str = ""
    released: str = ""
    genre: str = ""
    cover_url: str = ""
    lyrics: str = ""
    adult_only: bool = False
    song_id: str = ""


def playlist_seq(text: str) -> str:
    """Return the number of a playlist given as a number or as its page's address.

    Raises:
        InputError: There is no playlist number in it.
    """
    text = text.strip()
    found = re.search(r"plylstSeq=(\d+)", text)
    seq = found[1] if found else text
    if not re.fullmatch(r"\d{1,15}", seq):
        raise InputError(reason=f"playlist: {text[:80]!r} (plylstSeq=123456)")
    return seq


def playlist_url(base_url: str, seq: str) -> str:
    """Return the address of a playlist's first page, which holds its first 50 songs."""
    return f"{base_url}{_PLAYLIST_PATH}?{urlencode({'plylstSeq': seq})}"


def more_url(base_url: str, seq: str, start: int) -> str:
    """Return the address of the 50 songs from number `start` (1-based) on."""
    return f"{base_url}{_MORE_PATH}?{urlencode({'startIndex': start, 'pageSize': PAGE_SONGS, 'plylstSeq': seq})}"


def more_headers(base_url: str, seq: str) -> dict[str, str]:
    """Return the headers that the playlist page's own script sends when it asks for more songs."""
    return {"Referer": playlist_url(base_url, seq), "X-Requested-With": "XMLHttpRequest"}


def song_url(base_url: str, song_id: str) -> str:
    """Return the address of a song's page."""
    return f"{base_url}{_SONG_PATH}?{urlencode({'songId': song_id})}"


def is_refusal(html: str) -> bool:
    """Return whether a page says that access is restricted, whatever its status was."""
    return _REFUSAL in html


def song_id_in_address(url: str) -> str:
    """Return the song id of a song page's address, or nothing."""
    return (parse_qs(urlsplit(url).query).get("songId") or [""])[0]


def parse_playlist(html: str) -> PlaylistPage:
    """Read a playlist's first page or a fragment with its next songs."""
    tree = _parse(html)
    table = tree.css("table tbody tr")
    count = _COUNT.search(_text(tree.css_first("h5.title span.sum")))
    return PlaylistPage(
        rows=tuple(row for row in map(_row, table) if row),
        table_rows=sum(bool(row.css_first("td")) for row in table),
        title=_text(_first(tree, "div.ellipsis.song_name", "div.song_name"), without="strong.none"),
        song_count=int(count[1].replace(",", "")) if count else None,
        tags=tuple(dict.fromkeys(filter(None, (_tag(node) for node in _tags(tree))))),
    )


def parse_song(html: str) -> SongPage:
    """Read a song's page."""
    tree = _parse(html)
    facts = dict(_pairs(tree))
    # Asked before the title is read, which drops the badge.
    adult_only = tree.css_first("span.bullet_icons.age_19") is not None
    return SongPage(
        title=_text(tree.css_first(".song_name"), without="strong.none, .bullet_icons"),
        artist=_names(tree.css(".artist a.artist_name span:first-child") or tree.css(".artist a.artist_name"))
        or _text(tree.css_first(".info .artist")),
        album=facts.get("앨범", ""),
        released=facts.get("발매일", ""),
        genre=facts.get("장르", ""),
        cover_url=_image(tree.css_first(".section_info .thumb img")),
        lyrics=_lyrics(tree.css_first("div.lyric#d_video_summary") or tree.css_first("div.lyric")),
        adult_only=adult_only,
        song_id=_own_id(tree, html),
    )


def _parse(html: str) -> LexborHTMLParser:
    try:
        from selectolax.lexbor import LexborHTMLParser
    except ImportError as error:
        raise DependencyMissingError(extra="collect") from error
    return LexborHTMLParser(html)


def _row(row: LexborNode) -> PlaylistRow | None:
    song_id = _row_song_id(row)
    title = _text(_first(row, "div.ellipsis.rank01 span a", "div.ellipsis.rank01 span.fc_lgray", "div.rank01"))
    if not song_id or not title:
        return None
    album = row.css_first(".rank03 a")
    album_id = _ALBUM_ID.search(_attribute(album, "href")) if album else None
    return PlaylistRow(
        song_id=song_id,
        title=title,
        # A hidden span.checkEllipsis repeats the names, so only the direct children count.
        artist=_names(row.css("div.ellipsis.rank02 > a"))
        or _text(row.css_first("div.rank02"), without=".checkEllipsis"),
        album=_text(album),
        album_id=album_id[1] if album_id else "",
        cover_url=_image(row.css_first("a.image_typeAll img")),
    )


def _row_song_id(row: LexborNode) -> str:
    box = row.css_first("input.input_check")
    value = _attribute(box, "value").strip() if box else ""
    if value.isdecimal() and value.isascii():
        return value
    for link in row.css("a[href*=goSongDetail]"):
        found = _SONG_ID.search(_attribute(link, "href"))
        if found:
            return found[1]
    return ""


def _tags(tree: LexborHTMLParser) -> list[LexborNode]:
    return tree.css(".tag_item") or tree.css("div.tag_list.type03 > a")


def _tag(node: LexborNode) -> str:
    return _text(node).lstrip("#").strip()


def _pairs(tree: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    """Yield the facts under the title by their names, since their order changes."""
    for name in tree.css(".meta dl.list dt"):
        value = name.next
        while value is not None and value.tag != "dd":
            value = None if value.tag == "dt" else value.next
        if value is not None and _text(name):
            yield _text(name), _text(value)


def _own_id(tree: LexborHTMLParser, html: str) -> str:
    """Return the id of the page itself, as browsers and the page's own links to itself tell it."""
    places = [_attribute(node, "content") for node in tree.css('meta[property="og:url"]')]
    places += [_attribute(node, "href") for node in tree.css('link[rel="canonical"]')]
    saved_from = re.search(r"saved from url=\(\d+\)(\S+)", html[:4096])
    places += [saved_from[1]] if saved_from else []
    for place in places:
        found = _OWN_ADDRESS.search(place)
        if found:
            return found[1]
    return ""


def _lyrics(block: LexborNode | None) -> str:
    """Return the lines of a lyric block; its first child is a comment, lines end with ``<br>``."""
    if block is None:
        return ""
    lines = "".join(_pieces(block)).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines).strip("\n")


def _pieces(node: LexborNode) -> Iterator[str]:
    for child in node.iter(include_text=True):
        if child.tag == "br":
            yield "\n"
        elif child.tag == "-text":
            # Line ends of the source are only spaces in HTML.
            yield re.sub(r"\s+", " ", child.text(deep=True) or "")
        elif child.tag not in ("-comment", "script", "style"):
            yield from _pieces(child)


def _first(root: LexborHTMLParser | LexborNode, *selectors: str) -> LexborNode | None:
    return next((node for node in map(root.css_first, selectors) if node is not None), None)


def _text(node: LexborNode | None, *, without: str = "") -> str:
    """Return a node's text with single spaces (no-break spaces too), leaving out the parts that `without` selects."""
    if node is None:
        return ""
    if without:
        for part in node.css(without):
            part.decompose()
    return " ".join((node.text(deep=True) or "").split())


def _names(nodes: list[LexborNode]) -> str:
    return ", ".join(dict.fromkeys(filter(None, map(_text, nodes))))


def _attribute(node: LexborNode, name: str) -> str:
    return node.attributes.get(name) or ""


def _image(node: LexborNode | None) -> str:
    if node is None:
        return ""
    address = _attribute(node, "src").strip()
    address = f"https:{address}" if address.startswith("//") else address
    return address if address.startswith(("https://", "http://")) else ""
