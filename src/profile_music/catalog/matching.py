"""Is a song found elsewhere the song that was looked for? Fuzzy names, and a strict eye on versions and covers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from profile_music.catalog.names import normalized_name
from profile_music.errors import DependencyMissingError

THRESHOLD = 88.0
"""Least likeness (0..100) of both title and artist."""

# A recording that says one of these is another version than one that does not say it.
_VERSIONS = {
    "cover": r"cover|커버|tribute|트리뷰트|원곡|다시\s*부르기|리메이크|remake|불후의\s*명곡|복면가왕",
    "karaoke": r"karaoke|노래방|가라오케|반주|mr(?!\s*\.|\s+[a-z])|backing\s*track|off\s*vocal|melody",
    "instrumental": r"instrumental|inst\.?|연주곡?",
    "live": r"live|라이브|concert|콘서트|공연",
    "remix": r"remix|리믹스|mix|sped\s*up|slowed|nightcore|8d|edm\s*ver",
    "acoustic": r"acoustic|어쿠스틱|unplugged|piano|피아노|orgel|오르골|lullaby|자장가|orchestral?|오케스트라",
    "language": r"japanese|jp\s*ver|일본어|chinese|중국어|english\s*ver|영어",
    "demo": r"demo|데모|rehearsal",
}
_VERSION_PATTERNS = {
    name: re.compile(rf"(?<![a-z0-9가-힣])(?:{words})(?![a-z0-9])", re.IGNORECASE) for name, words in _VERSIONS.items()
}
_BRACKETS = re.compile(r"[(\[{（【<][^)\]}）】>]*[)\]}）】>]")
_FEATURED = re.compile(
    r"\s*(?:[(\[{]\s*(?:with|prod)\b|(?<![^\s(\[{])(?:feat|featuring|ft|피처링|피쳐링)(?![a-z])).*$", re.IGNORECASE
)
_PARTS = re.compile(r"(?:part|pt|vol|no|ver|chapter|파트)\.?\s*(\d+)", re.IGNORECASE)
_SEPARATORS = re.compile(r"\s*(?:,|&|/|;|·|\+|\bx\b|\band\b|\bwith\b|\bfeat\.?|\bft\.?)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Match:
    """How alike two songs are: the likeness of titles and of artists, 0..100, and why not, where they are not."""

    title: float
    artist: float
    reason: str = ""

    @property
    def score(self) -> float:
        """The weaker of the two; 0 for another version."""
        return 0.0 if self.reason else min(self.title, self.artist)


def match(title: str, artist: str, found_title: str, found_artist: str, found_album: str = "") -> Match:
    """Compare a wanted song with a found one.

    Another version (live, remix, instrumental, a cover, another language) and another number ("Part 2") are never the
    same song, however alike the names are.
    """
    try:
        from rapidfuzz import fuzz
    except ImportError as error:
        raise DependencyMissingError(extra="collect") from error
    titles = max(fuzz.ratio(mine, theirs) for mine in _title_forms(title) for theirs in _title_forms(found_title))
    artists = max(fuzz.ratio(mine, theirs) for mine in _artist_forms(artist) for theirs in _artist_forms(found_artist))
    return Match(titles, artists, _difference(title, artist, found_title, found_artist, found_album))


def _difference(title: str, artist: str, found_title: str, found_artist: str, found_album: str) -> str:
    wanted = versions(title) | versions(artist)
    other = versions(found_title) ^ versions(title)
    # A cover may only say so in the artist's or the album's name ("Piano Covers", "노래방 인기곡").
    other |= (versions(found_artist) | versions(found_album) & {"cover", "karaoke"}) - wanted
    if other:
        return f"another version: {', '.join(sorted(other))}"
    if _numbers(title) != _numbers(found_title):
        return "another number"
    return ""


def versions(text: str) -> set[str]:
    """Return which kinds of version a title, artist or album speaks of."""
    folded = unicodedata.normalize("NFKC", text)
    return {name for name, pattern in _VERSION_PATTERNS.items() if pattern.search(folded)}


def _numbers(title: str) -> list[str]:
    """Return a title's numbers outside brackets, and those of parts and volumes anywhere."""
    plain = _FEATURED.sub("", unicodedata.normalize("NFKC", title))
    return re.findall(r"\d+", _BRACKETS.sub(" ", plain)) + _PARTS.findall(" ".join(_BRACKETS.findall(plain)))


def _title_forms(title: str) -> set[str]:
    """Return a title's forms: whole, without brackets and featured artists, and what stands in its brackets."""
    plain = _FEATURED.sub("", title)
    return _forms([plain, _BRACKETS.sub(" ", plain)], [part[1:-1] for part in _BRACKETS.findall(plain)])


def _artist_forms(artist: str) -> set[str]:
    """Return an artist's names: whole, without brackets, and each of several ("아이유(IU)", "A & B")."""
    inside = [part[1:-1] for part in _BRACKETS.findall(artist)]
    outside = _BRACKETS.sub(" ", artist)
    return _forms([artist, outside], [*inside, *_SEPARATORS.split(outside)])


def _forms(whole: Iterable[str], parts: Iterable[str]) -> set[str]:
    """Return names to compare; a part of one letter says nothing."""
    named = {name for name in map(normalized_name, whole) if name}
    return named | {name for name in map(normalized_name, parts) if len(name) > 1} or {""}
