"""Lyric cleaning: from a page's or file's lyrics to the Korean lines worth matching. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from profile_music.text.clean import clean_text

LINE_LIMIT_CHARACTERS = 200

_TIMESTAMP = re.compile(r"[\[<(]\s*\d{1,2}:\d{2}(?:[.:]\d{1,3})?\s*[\])>]")
_LRC_TAG = re.compile(r"^\s*\[(?:ar|ti|al|au|by|la|re|ve|id|length|offset|tool|#)\s*:.*\]\s*$", re.IGNORECASE)
_SECTION_WORD = (
    r"verse|chorus|hook|bridge|intro|outro|pre-?chorus|post-?chorus|refrain|interlude|rap|break|drop|ending|skit|"
    r"instrumental|narration|repeat|전주|간주|후주|후렴|반복|랩|브릿지|나레이션|벌스|코러스|훅|인트로|아웃트로"
)
_SECTION = re.compile(
    rf"^\s*[\[(<{{*#\-~]*\s*(?:{_SECTION_WORD})\s*[\d:.\-x*]*\s*(?:[:\-].{{0,40}})?[\])>}}*~\-]*\s*$", re.IGNORECASE
)
_BRACKETED_SECTION = re.compile(rf"[\[(<{{]\s*(?:{_SECTION_WORD})\b[^\])>}}]*[\])>}}]", re.IGNORECASE)
_TIMES = re.compile(r"[\[(]?\s*(?:[x×*]\s*\d{1,2}|\d{1,2}\s*[x×*]|\d번\s*반복|반복)\s*[\])]?\s*$", re.IGNORECASE)
_CREDIT = re.compile(
    r"^\s*(?:작사|작곡|편곡|노래|가수|앨범|제목|아티스트|작사가|작곡가|lyrics?|lyrics by|composed by|composer|"
    r"arranged by|arranger|written by|produced by|producer|artist|title|album|vocals?)\s*[/,·&\w\s]{0,12}[:：]",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)
_BRACKETS = re.compile(r"[\[(<{][^\[\](){}<>]*[\])>}]")
_LATIN_RUN = re.compile(r"[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ'’.,!?&\- ]*")
_PUNCTUATION = re.compile(r"[^\w\s가-힣ㄱ-ㅎㅏ-ㅣ]|_")
_SPACES = re.compile(r"\s+")
_HANGUL = re.compile(r"[가-힣]")


@dataclass(frozen=True, slots=True)
class LyricLine:
    """One line kept: `original` as it stood, for showing; `cleaned` for matching."""

    original: str
    cleaned: str


def clean_lyrics(text: str) -> list[LyricLine]:
    """Return the lines of a song's lyrics that carry Korean, each once, in order.

    Timestamps (LRC), section marks ([Verse], (x2), 후렴), credits and addresses are dropped; so are lines in which
    Korean does not carry the meaning (English sentences). English asides inside Korean lines, bracketed echoes and
    punctuation go from `cleaned` and stay in `original`. A line whose cleaned form came before is dropped.
    """
    kept: dict[str, LyricLine] = {}
    for raw in unicodedata.normalize("NFC", text).replace("\r", "\n").split("\n"):
        original = _without_marks(raw)
        cleaned = clean_line(original)
        key = cleaned.replace(" ", "")
        if cleaned and key not in kept:
            kept[key] = LyricLine(original=original, cleaned=cleaned)
    return list(kept.values())


def clean_line(line: str) -> str:
    """Return a line's matching form: Korean with its words in Latin letters dropped; empty where nothing is left."""
    if not _carries_korean(line):
        return ""
    without_echo = _BRACKETS.sub(" ", line)
    kept = without_echo if _HANGUL.search(without_echo) else _PUNCTUATION.sub(" ", line)
    return _SPACES.sub(" ", _PUNCTUATION.sub(" ", _LATIN_RUN.sub(" ", kept))).strip()


def _without_marks(raw: str) -> str:
    """Drop what is not sung: timestamps, section marks, repeat counts, credits, addresses."""
    line = _URL.sub(" ", _TIMESTAMP.sub(" ", raw))
    if _LRC_TAG.match(line) or _SECTION.match(line) or _CREDIT.match(line):
        return ""
    line = _TIMES.sub("", _BRACKETED_SECTION.sub(" ", line))
    return clean_text(line, LINE_LIMIT_CHARACTERS).replace("\n", " ").strip(" -~*·|/")


def _carries_korean(line: str) -> bool:
    """Whether at least two Korean syllables, and no less than a quarter of the letters, are Korean."""
    korean = len(_HANGUL.findall(line))
    latin = sum(character.isalpha() for character in line if character.isascii())
    return korean >= 2 and korean * 3 >= latin * 0.5
