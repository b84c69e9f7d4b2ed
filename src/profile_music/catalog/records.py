"""A row of a user's file to a song: field names, validation, stable ids."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from profile_music.catalog.names import normalized_name
from profile_music.catalog.problems import RowProblem
from profile_music.text.lyrics import clean_lyrics
from profile_music.types import EMOTIONS, EmotionScores, Song

_MAX_LINES = 400
_MAX_FIELD_CHARACTERS = 500
_LINE_END_WORDS = re.compile(r"<br\s*/?>|\\n|\|", re.IGNORECASE)
_EMOTION_WORDS = {
    **dict.fromkeys(("기쁨", "행복", "즐거움", "신남", "joy", "happiness"), "happy"),
    **dict.fromkeys(("분노", "화남", "화", "anger"), "angry"),
    **dict.fromkeys(("슬픔", "우울", "sadness"), "sad"),
    **dict.fromkeys(("중립", "평온", "차분", "calm"), "neutral"),
}
LABEL_WEIGHT = 0.85
"""Weight that a single emotion label gets; the rest is spread over the other three."""


def song_id_for(title: str, artist: str, melon_id: str = "") -> str:
    """Return a stable id: the Melon id where known, else a digest of the normalised title and artist."""
    if melon_id:
        return f"melon:{melon_id}"
    digest = hashlib.sha256(f"{normalized_name(title)}\n{normalized_name(artist)}".encode()).hexdigest()
    return f"song:{digest[:16]}"


def song_from_record(record: Mapping[str, Any]) -> Song:
    """Make a song from a row with the field names of `Song` (and `lyrics` instead of `lines`).

    Raises:
        RowProblem: A required field is missing or a value cannot be used.
    """
    title, artist = _text(record, "title"), _text(record, "artist")
    for name, value in (("title", title), ("artist", artist)):
        if not value:
            raise RowProblem(f"{name}_missing", f"no {name}")
    lines = _lines(record)
    if not lines:
        raise RowProblem("lines_missing", "no usable line in lines or lyrics")
    melon_id = _text(record, "melon_id")
    emotions = _emotions(record.get("emotions") or record.get("emotion"))
    return Song(
        song_id=_text(record, "song_id") or song_id_for(title, artist, melon_id),
        title=title,
        artist=artist,
        lines=lines,
        featured=_text(record, "featured"),
        album=_text(record, "album"),
        year=_year(record.get("year")),
        genre=_text(record, "genre"),
        melon_id=melon_id,
        cover_url=_url(record, "cover_url"),
        preview_url=_url(record, "preview_url"),
        store_url=_url(record, "store_url"),
        emotions=emotions,
        emotion_source=_text(record, "emotion_source") or ("source" if emotions else ""),
        moods=_words(record.get("moods")),
        themes=_words(record.get("themes")),
    )


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    if value is None:
        return ""
    text = _plain(str(value))
    if len(text) > _MAX_FIELD_CHARACTERS:
        raise RowProblem(f"{name}_too_long", f"{name} is longer than {_MAX_FIELD_CHARACTERS} characters")
    return text


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", _encodable(text)).split())


def _encodable(text: str) -> str:
    """Return the text; lone surrogates (from JSON escapes) cannot be written to any file."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RowProblem("encoding_invalid", "characters that are no text (lone surrogates)") from error
    return text


def _url(record: Mapping[str, Any], name: str) -> str:
    url = _text(record, name)
    if url and not url.startswith(("https://", "http://")):
        raise RowProblem(f"{name}_invalid", f"{name} is not an http(s) address")
    return url


def _lines(record: Mapping[str, Any]) -> tuple[str, ...]:
    given = record.get("lines")
    if given:
        rows = given if isinstance(given, list | tuple) else _split_lines(str(given))
        lines = [_plain(str(row)) for row in rows]
    else:
        lyrics = "\n".join(_split_lines(_encodable(str(record.get("lyrics") or ""))))
        lines = [line.original for line in clean_lyrics(lyrics)]
    kept = tuple(line for line in lines if line)
    if len(kept) > _MAX_LINES or any(len(line) > _MAX_FIELD_CHARACTERS for line in kept):
        reason = f"more than {_MAX_LINES} lines, or a line of more than {_MAX_FIELD_CHARACTERS} characters"
        raise RowProblem("lines_too_long", reason)
    return kept


def _split_lines(text: str) -> list[str]:
    """Split a cell at its line ends, or, where it has none, at what tables write instead of them."""
    return text.splitlines() if "\n" in text or "\r" in text else _LINE_END_WORDS.split(text)


def _year(value: Any) -> int | None:
    if value in (None, ""):
        return None
    match = re.match(r"\s*(\d{4})", str(value))
    if not match or not 1900 <= int(match[1]) <= 2100:
        raise RowProblem("year_invalid", f"year not understood: {str(value)[:40]!r}")
    return int(match[1])


def _emotions(value: Any) -> EmotionScores | None:
    if value in (None, ""):
        return None
    try:
        if isinstance(value, str) and value.lstrip().startswith("{"):
            value = json.loads(value)
        if isinstance(value, Mapping):
            return EmotionScores.from_mapping({str(name): float(weight) for name, weight in value.items()})
        name = str(value).strip().casefold()
        name = _EMOTION_WORDS.get(name, name)
        if name not in {emotion.value for emotion in EMOTIONS}:
            raise ValueError(name)
        # A single label from a playlist or a person is not certain: see the catalogue's card.
        rest = (1 - LABEL_WEIGHT) / (len(EMOTIONS) - 1)
        return EmotionScores.from_mapping({emotion: LABEL_WEIGHT if emotion == name else rest for emotion in EMOTIONS})
    except (TypeError, ValueError) as error:
        raise RowProblem("emotion_invalid", f"emotion not understood: {str(value)[:40]!r}") from error


def _words(value: Any) -> tuple[str, ...]:
    if not value:
        return ()
    rows = value if isinstance(value, list | tuple) else re.split(r"[,;|/]", str(value))
    return tuple(word for word in (str(row).strip() for row in rows) if word)
