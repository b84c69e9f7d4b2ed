"""Names that a text gives as music: "아이유 노래 듣고 싶다", "‘밤편지’ 같은 노래", "#잔나비"."""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUOTED = re.compile(r"(?<!\w)[‘'\"“「『《<]([^‘’'\"“”「」『』《》<>]{1,40})[’'\"”」』》>]|#(\w{1,40})")
_CUE = re.compile(
    r"노래|곡|음악|앨범|콘서트|듣|들으|들었|들어|들을|부른|부르던|목소리|플레이리스트|플리|스밍|떼창|무한반복"
)
_LEAD = re.compile(r"(?:듣|부르)[는던]|부른|들은")
_PARTICLE = re.compile(r"(?:이랑|랑|처럼|같은|의|이|가|은|는|을|를|도|만)$")
_LONGEST_WORDS = 5
_LONG_LETTERS = 3
"""A shorter name ("비", "노을") is also an everyday word: the cue must follow it at once."""


def mentions(text: str) -> dict[str, bool]:
    """Return what may be the names of artists or songs in a text, and whether each is marked as one.

    Marked names stand in quotation marks or after #; the others before a word that speaks of music ("… 노래", "…
    듣는 중") or after one ("듣는 …"). Most texts have none. Whether a catalogue knows a name is the caller's business.
    """
    marked = {(quoted or tag).strip(): True for quoted, tag in _QUOTED.findall(text)}
    words = [word.strip(".,!?~…") for word in text.split()]
    likely = dict.fromkeys([*_before_cues(words), *_after_cues(words)], False)
    return {name: sure for name, sure in (likely | marked).items() if name}


def _before_cues(words: list[str]) -> Iterator[str]:
    for end in range(1, len(words)):
        near = [bool(_CUE.search(word)) for word in words[end : end + 2]]
        for start in range(max(0, end - _LONGEST_WORDS), end if any(near) else 0):
            for name in _forms(words[start:end]):
                if near[0] or len(name) >= _LONG_LETTERS:
                    yield name


def _after_cues(words: list[str]) -> Iterator[str]:
    for place, word in enumerate(words[:-1]):
        if _LEAD.search(word):
            for end in range(place + 2, min(place + 2 + _LONGEST_WORDS, len(words) + 1)):
                yield from _forms(words[place + 1 : end])


def _forms(words: list[str]) -> tuple[str, str]:
    name = " ".join(words)
    return name, _PARTICLE.sub("", name)
