"""Cleaning and sentence splitting of what people type: pure functions, no model."""

from __future__ import annotations

import re
import unicodedata

REPEATS_MAX = 2
"""A letter repeated more often than this says no more than so many of it ("ㅋㅋㅋㅋ" is "ㅋㅋ")."""

_REPEATED = re.compile(rf"(\S)\1{{{REPEATS_MAX},}}")
_REPEATED_PAIR = re.compile(rf"(\S\S)\1{{{REPEATS_MAX},}}")
_SPACES = re.compile(r"\s+")
_BOUNDARY = re.compile(
    r"""(?:
        [\r\n\u2028\u2029]+            # lines
      | (?<=[.!?~…。！？])[)\]"'”’]*\s+  # marks, then a space
      | (?<=[가-힣][.!?])(?=[가-힣])     # a mark between Korean letters with no space
      | (?<=[ㅋㅎㅠㅜ]{2})\s+            # laughing and crying end a sentence in messages
    )""",
    re.VERBOSE,
)
_KEPT_CONTROLS = {"\n": "\n", "\r": "\n", "\t": " ", "\u2028": "\n", "\u2029": "\n", "\x0b": "\n", "\x0c": "\n"}
_JOINER = "\u200d"
_VARIATION = "\ufe0f"


def _visible(text: str) -> str:
    """Drop control, format and unassigned characters; keep line ends, and joiners inside emoji."""
    if text.isprintable() and _VARIATION not in text:
        return text
    kept: list[str] = []
    for index, character in enumerate(text):
        if character in _KEPT_CONTROLS:
            kept.append(_KEPT_CONTROLS[character])
        elif character in (_JOINER, _VARIATION):
            if kept and unicodedata.category(text[index - 1]) in ("So", "Sk", "Mn"):
                kept.append(character)
        elif unicodedata.category(character) not in ("Cc", "Cf", "Cn", "Co", "Cs"):
            kept.append(character)
    return "".join(kept)


def cap_repeats(text: str) -> str:
    """Shorten repeated letters and pairs of letters to two ("너무너무너무너무" to "너무너무")."""
    return _REPEATED_PAIR.sub(r"\1\1", _REPEATED.sub(r"\1\1", text))


def clean_text(text: str, max_characters: int) -> str:
    """Return a text ready for the encoders, keeping emoji, ㅋㅋ and ㅠㅠ as the signals they are.

    Canonical composition (NFC, so that a file name or text typed on a Mac is the same text), control and
    zero-width characters out, repeated letters capped at two, spaces collapsed within lines, empty lines
    dropped, and at most `max_characters` characters. The result may be empty; cleaning it again changes nothing.
    """
    cleaned = _clean_once(text)
    # Dropping one thing can bring two others together; each pass shortens the text, so this ends.
    while (again := _clean_once(cleaned)) != cleaned:
        cleaned = again
    return cleaned if len(cleaned) <= max_characters else _clean_once(cleaned[:max_characters])


def _clean_once(text: str) -> str:
    composed = unicodedata.normalize("NFC", _visible(unicodedata.normalize("NFC", text)))
    lines = (_SPACES.sub(" ", line).strip() for line in cap_repeats(composed).split("\n"))
    return "\n".join(line for line in lines if line)


def split_sentences(text: str) -> list[str]:
    """Split a cleaned text at line ends, sentence marks and runs of ㅋㅋ or ㅠㅠ; no empty sentence comes back."""
    return [sentence for part in _BOUNDARY.split(text) if (sentence := part.strip())]
