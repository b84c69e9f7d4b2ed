"""Column names in Korean or English to the fields of a song: guessed, shown, and overruled where wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from profile_music.catalog.names import normalized_name
from profile_music.errors import InputError

# The earlier name wins where two columns claim one field.
_NAMES: dict[str, str] = {
    "song_id": "song_id",
    "title": "title 제목 곡명 노래제목 곡제목 노래 곡 타이틀 song songtitle songname track trackname name",
    "artist": "artist 가수 아티스트 가수명 아티스트명 뮤지션 artistname singer performer artists",
    "lyrics": "lyrics 가사 노래가사 가사전문 lyric plainlyrics",
    "lines": "lines 문장 구절 가사줄 moodlines",
    "featured": "featured 피처링 피쳐링 featuring feat",
    "album": "album 앨범 앨범명 albumname albumtitle collectionname",
    "year": "year 연도 년도 발매연도 발매년도 발매일 발매 출시일 releaseyear releasedate released release date",
    "genre": "genre 장르 genres primarygenrename",
    "melon_id": "melon_id 멜론id 멜론아이디 멜론번호 멜론곡번호 melonsongid",
    "cover_url": "cover_url 커버 커버이미지 커버url 앨범커버 앨범아트 cover artwork albumart imageurl image",
    "preview_url": "preview_url 미리듣기 preview",
    "store_url": "store_url trackviewurl",
    "emotions": "emotions",
    "emotion": "emotion 감정 감정라벨 정서 label",
    "emotion_source": "emotion_source",
    "moods": "moods 분위기 무드 mood",
    "themes": "themes 주제 테마 theme",
}
FIELDS = tuple(_NAMES)
_EXACT = {
    normalized_name(name): (field_name, rank)
    for field_name, names in _NAMES.items()
    for rank, name in enumerate(names.split())
}
# Inside longer names ("노래 제목(한글)", "Song Title (KR)") only words that cannot mean another field count.
_INSIDE = {
    "제목": "title",
    "곡명": "title",
    "title": "title",
    "가수": "artist",
    "아티스트": "artist",
    "artist": "artist",
    "singer": "artist",
    "가사": "lyrics",
    "lyric": "lyrics",
    "앨범명": "album",
    "장르": "genre",
    "genre": "genre",
    "발매": "year",
}
_GUESS_RANK = 100


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds which field; `unused` columns are read past."""

    fields: Mapping[str, str]
    unused: tuple[str, ...] = ()
    overridden: frozenset[str] = field(default_factory=frozenset)

    def __contains__(self, field_name: str) -> bool:
        """Return whether some column holds the field."""
        return field_name in self.fields.values()

    def score(self) -> int:
        """Return how many fields were recognised; 0 without a title, as such a row is no header."""
        return len(self.fields) if "title" in self else 0


def parse_overrides(options: Iterable[str]) -> dict[str, str]:
    """Read ``제목=title`` (column = field) or ``메모=`` (do not use).

    Raises:
        InputError: Not of that shape, or no such field.
    """
    overrides: dict[str, str] = {}
    for option in options:
        column, equals, name = option.rpartition("=")
        name = name.strip()
        if not equals or not column.strip() or (name and name not in FIELDS):
            raise InputError(reason=f"--column {option!r}: 열이름=필드 / COLUMN=FIELD ({', '.join(FIELDS)})")
        overrides[normalized_name(column)] = name
    return overrides


def guess_columns(headers: Sequence[str], overrides: Mapping[str, str] | None = None) -> Columns:
    """Return which column holds which field; `overrides` (from `parse_overrides`) go before all guesses."""
    overrides = overrides or {}
    claims: dict[str, tuple[int, str]] = {}
    for header in headers:
        name, rank = _claim(header, overrides)
        if name and (name not in claims or rank < claims[name][0]):
            claims[name] = (rank, header)
    fields = {header: name for name, (_, header) in claims.items()}
    return Columns(
        fields={header: fields[header] for header in headers if header in fields},
        unused=tuple(header for header in headers if header not in fields and header.strip()),
        overridden=frozenset(header for header in headers if normalized_name(header) in overrides),
    )


def _claim(header: str, overrides: Mapping[str, str]) -> tuple[str, int]:
    """Return the field that a column's name claims ("" for none) and how weak the claim is."""
    plain = normalized_name(header)
    if plain in overrides:
        return overrides[plain], -1
    for form in (plain, normalized_name(re.sub(r"[(\[{].*?[)\]}]", "", header))):
        if form in _EXACT:
            return _EXACT[form]
    for word, name in _INSIDE.items():
        if word in plain and len(plain) <= len(word) + 12:
            return name, _GUESS_RANK
    return "", _GUESS_RANK
