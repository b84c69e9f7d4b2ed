"""Concepts: what a text is about where two texts share no word ("교복 입은 우리", "졸업 앨범을 꺼냈다").

A hand-written thesaurus (``data/concepts.tsv``: name, stems) is looked up in the text's plain words. A song's topics
are the concepts of all its lines; a message's concepts are compared with them. It works on any catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise

from profile_music.text.normalize import plain_words

_PREFIX_CHARACTERS = 2


def thesaurus() -> str:
    """Return the thesaurus as it is written."""
    return (files("profile_music.text") / "data" / "concepts.tsv").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _stems() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Return (stem, concepts) by the stem's first two characters."""
    concepts: dict[str, list[str]] = {}
    for line in thesaurus().splitlines():
        if not line or line.startswith("# "):
            continue
        name, _, stems = line.partition("\t")
        for stem in stems.split("|"):
            concepts.setdefault(stem, []).append(name)
    table: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for stem, names in concepts.items():
        table.setdefault(stem[:_PREFIX_CHARACTERS], []).append((stem, tuple(names)))
    return table


def concepts_of(text: str) -> list[str]:
    """Return the concepts that a text names or hints at, each once, in order of appearance."""
    return concepts_in(plain_words(text))


def concepts_in(words: Sequence[str]) -> list[str]:
    """Return the same for a text's plain words."""
    plain = " ".join(words)
    table = _stems()
    found: dict[str, None] = {}
    for start, prefix in enumerate(map("".join, pairwise(plain))):
        for stem, names in table.get(prefix, ()):
            if plain.startswith(stem, start):
                found.update(dict.fromkeys(names))
    return list(found)
