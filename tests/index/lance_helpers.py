"""Small real LanceDB catalogues."""

from __future__ import annotations

from profile_music.index import about_text
from profile_music.index.lance_writer import LanceWriter
from profile_music.types import Song

from .helpers import ENCODER, vectors_of


def add_songs(writer: LanceWriter, songs: list[Song]) -> None:
    lines = [line for song in songs for line in song.lines]
    about = [about_text(song) for song in songs]
    tokens = [line.split() for line in lines]
    writer.add(songs, vectors_of(lines), tokens, vectors_of(about), [text.split() for text in about])


def write_lance(location: str, songs: list[Song], *, fresh: bool = True) -> None:
    writer = LanceWriter(location, ENCODER, fresh=fresh)
    add_songs(writer, songs)
    writer.publish(built_by="test")
