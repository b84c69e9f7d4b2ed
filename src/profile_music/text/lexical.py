"""Tokens of the lexical channel: what a keyword index (BM25) counts."""

from __future__ import annotations

from profile_music.text.normalize import plain_words

_LONGEST_GRAM = 3


def tokens(text: str) -> list[str]:
    """Return a text's tokens: its words, and the 2- and 3-grams of letters inside them.

    The text is cleaned and its slang, emoji and English are spelled out first, so a query and a line that say the
    same in another spelling meet. Korean inflects at the end of words: grams of letters find the shared stem
    without a morphological analyser.
    """
    found: list[str] = []
    for word in plain_words(text):
        if word in ("?", "!"):
            continue
        found.append(word)
        if not word.isascii():
            found.extend(_grams(word))
    return found


def _grams(word: str) -> list[str]:
    sizes = range(2, min(_LONGEST_GRAM, len(word) - 1) + 1)
    return [word[start : start + size] for size in sizes for start in range(len(word) - size + 1)]
