"""Concepts: what a text is about where two texts share no word ("교복 입은 우리", "졸업 앨범을 꺼냈다").

A hand-written thesaurus (``data/concepts.tsv``: name, stems) is looked up in the text's plain words. A song's topics
are the concepts of all its lines; a message's concepts are compared with them. It works on any catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from profile_music.text.normalize import plain_words, word_list

_PREFIX_CHARACTERS = 2
_DENIALS = (
    re.compile(r"(?<!\S)(?P<sign>안|못) (?P<word>\S+)"),
    # "보고 싶지 않아" denies both words, "헤어지고 잊지 못해" only the second. The 지 is the negation's own: what is
    # listed with it ("잠이 오지", "포기하지") is meant with the negation, and stays.
    re.compile(r"(?<!\S)(?P<word>(?:\S+고 (?=싶))?\S+?)(?P<sign>지[가는도를]? (?:않(?!을)|못))"),
)


@lru_cache(maxsize=1)
def _stems() -> dict[str, list[tuple[str, str]]]:
    """Return (stem, concept) by the stem's first two characters."""
    table: dict[str, list[tuple[str, str]]] = {}
    for name, stems in word_list("concepts.tsv"):
        for stem in stems.split("|"):
            table.setdefault(stem[:_PREFIX_CHARACTERS], []).append((stem, name))
    return table


def concepts_of(text: str) -> list[str]:
    """Return the concepts that a text names or hints at, each once, in order of appearance."""
    return concepts_in(plain_words(text))


def concepts_in(words: Sequence[str]) -> list[str]:
    """Return the same for a text's plain words."""
    found: dict[str, None] = {}
    for _, _, name in _spans(" ".join(words)):
        found[name] = None
    return list(found)


def affirmed_concepts(text: str) -> list[str]:
    """Return the concepts of a text but those that it only names to deny them: not happiness for "안 행복해".

    A stem that has the negation in itself ("잊지 못") stays.
    """
    plain = " ".join(plain_words(text))
    matches = [match for denial in _DENIALS for match in denial.finditer(plain)]
    denied = [(match.span("word"), match.span("sign")) for match in matches]
    found: dict[str, None] = {}
    for start, end, name in _spans(plain):
        if not any(_overlap((start, end), word) and not _overlap((start, end), sign) for word, sign in denied):
            found[name] = None
    return list(found)


def _spans(plain: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each stem begins and ends, and its concept."""
    table = _stems()
    for start, prefix in enumerate(map("".join, pairwise(plain))):
        for stem, name in table.get(prefix, ()):
            if plain.startswith(stem, start):
                yield start, start + len(stem), name


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
