"""Playlists to rows that `catalog build` takes: from Melon's pages through the polite client, or from saved pages."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from profile_music.catalog import melon
from profile_music.catalog.cache import Page
from profile_music.catalog.fetch import PoliteClient
from profile_music.catalog.melon import PlaylistPage, PlaylistRow, SongPage
from profile_music.catalog.names import normalized_name
from profile_music.errors import CollectError, FileMissingError

_MAX_PAGES = 400
_HTML_SUFFIXES = (".html", ".htm", ".xhtml")

ADVICE = (
    "우회하지 마세요. 직접 저장했거나 써도 된다고 허락받은 페이지는 --from-html 폴더로 읽을 수 있어요.",
    "Do not work around it. Pages that you saved or may use can be read with --from-html FOLDER.",
)


class Follower(Protocol):
    """Who wants to know how collecting goes."""

    def playlist(self, title: str, song_count: int | None) -> None:
        """A playlist's first page was read."""

    def skipped(self) -> None:
        """A song was passed over, as the file holds it already."""


@dataclass(frozen=True, slots=True)
class MelonCollector:
    """Reads playlists and the pages of their songs."""

    client: PoliteClient
    base_url: str = melon.BASE_URL

    def collect(
        self, seq: str, emotion: str, done: Collection[str] = (), follower: Follower | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield one row a song of a playlist, leaving out the song ids in `done`.

        Raises:
            CollectError: See `PoliteClient.get`; or the playlist's page holds no songs.
        """
        seen = set(done)
        for page in self._pages(seq):
            if follower and (page.title or page.song_count):
                follower.playlist(page.title, page.song_count)
            for row in page.rows:
                if row.song_id not in seen:
                    seen.add(row.song_id)
                    yield record(row, self._song(row.song_id), emotion, f"melon playlist {seq}")
                elif follower:
                    follower.skipped()

    def _pages(self, seq: str) -> Iterator[PlaylistPage]:
        page = self._first_page(seq)
        yield page
        known = {row.song_id for row in page.rows}
        read, count = page.table_rows, page.song_count
        for _ in range(_MAX_PAGES):
            if page.table_rows < melon.PAGE_SONGS or (count and read >= count):
                return
            answer = self.client.get(
                melon.more_url(self.base_url, seq, read + 1), melon.more_headers(self.base_url, seq)
            )
            page = melon.parse_playlist(self._html(answer))
            fresh = {row.song_id for row in page.rows} - known
            # A server that answers every page with the same songs would keep us for ever.
            if not fresh:
                return
            known |= fresh
            read += page.table_rows
            yield page

    def _first_page(self, seq: str) -> PlaylistPage:
        answer = self.client.get(melon.playlist_url(self.base_url, seq))
        page = melon.parse_playlist(self._html(answer)) if answer.found else PlaylistPage()
        if not page.rows:
            raise CollectError(reason=f"플레이리스트 {seq}: 비공개이거나 없는 번호예요. / private, or no such number")
        return page

    def _song(self, song_id: str) -> SongPage | None:
        answer = self.client.get(melon.song_url(self.base_url, song_id))
        return melon.parse_song(self._html(answer)) if answer.found else None

    def _html(self, answer: Page) -> str:
        html = decoded(answer.body)
        if melon.is_refusal(html):
            raise self.client.refusal(urlsplit(answer.url).netloc, "접근이 제한되었습니다")
        return html


def record(row: PlaylistRow, page: SongPage | None, emotion: str, source: str) -> dict[str, Any]:
    """Return the row of one song; the song's own page goes before the playlist's words.

    A song without lyrics keeps its row, so that `catalog enrich --lyrics` can look for them; `note` says why.
    """
    known = page or SongPage()
    released = known.released
    facts = {
        "title": known.title or row.title,
        "artist": known.artist or row.artist,
        "album": known.album or row.album,
        "year": int(released[:4]) if released[:4].isdecimal() else None,
        "released": released,
        "genre": known.genre,
        "melon_id": row.song_id,
        "cover_url": known.cover_url or row.cover_url,
        "emotion": emotion,
        "source": source,
        "note": _note(page),
        "lyrics": known.lyrics,
    }
    return {name: value for name, value in facts.items() if value not in ("", None)}


def _note(page: SongPage | None) -> str:
    if page is None:
        return "page_missing"
    if page.lyrics:
        return ""
    return "adult_only" if page.adult_only else "no_lyrics"


def decoded(body: bytes) -> str:
    """Return a page's text: UTF-8 (Melon's), else CP949 (how some browsers saved Korean pages)."""
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("utf-8", errors="replace")


def collect_saved(folder: Path, emotion: str, done: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """Yield rows from a folder of saved playlist and song pages; nothing is fetched.

    A song's id comes from its page, its file's name, or a playlist page with the same title and artist. Songs that
    only a playlist page names come last, with the note ``page_missing``.

    Raises:
        FileMissingError: There is no such folder.
        CollectError: No file in it is a playlist's or a song's page.
    """
    if not folder.is_dir():
        raise FileMissingError(path=str(folder))
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _HTML_SUFFIXES)
    listed = {row.song_id: row for path in files for row in melon.parse_playlist(decoded(path.read_bytes())).rows}
    by_name = {_name_key(row.title, row.artist): row.song_id for row in listed.values()}
    seen = set(done)
    source = f"saved pages {folder.name}"
    found = False
    for path in files:
        page = melon.parse_song(decoded(path.read_bytes()))
        if not page.title or not (page.artist or page.lyrics):
            continue
        found = True
        song_id = page.song_id or _id_in_name(path) or by_name.get(_name_key(page.title, page.artist), "")
        key = song_id or "/".join(_name_key(page.title, page.artist))
        if key not in seen:
            seen.add(key)
            yield record(listed.get(song_id) or PlaylistRow(song_id, page.title, page.artist), page, emotion, source)
    for song_id, row in listed.items():
        if song_id not in seen:
            yield record(row, None, emotion, source)
    if not found and not listed:
        raise CollectError(reason=f"{folder}: 저장한 페이지를 찾지 못했어요. / no playlist or song pages (.html)")


def done_keys(rows: Iterator[dict[str, Any]]) -> set[str]:
    """Return what `collect` and `collect_saved` know written rows by."""
    return {
        str(row.get("melon_id") or "/".join(_name_key(str(row.get("title")), str(row.get("artist"))))) for row in rows
    }


def _name_key(title: str, artist: str) -> tuple[str, str]:
    return normalized_name(title), normalized_name(artist)


def _id_in_name(path: Path) -> str:
    in_address = melon.song_id_in_address(path.name.removesuffix(path.suffix))
    if in_address.isdecimal():
        return in_address
    return path.stem if path.stem.isdecimal() and path.stem.isascii() else ""
