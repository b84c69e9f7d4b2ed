"""From a message as typed to plain Korean words: slang, emoji, English and laughter spelled out for the encoders."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from profile_music.text.clean import clean_text
from profile_music.text.remembered import remembered

TEXT_LIMIT_CHARACTERS = 4000
"""More than this adds nothing to one vector; callers cap texts far below it."""

_WORD = re.compile(r"[0-9a-z]+|[가-힣]+|[ㅋㅎ]+|[ㅠㅜ]+|[ㄱ-ㅎㅏ-ㅣ]+|[?!]|[\u4e00-\u9fff]+|[\u3040-\u30ff]+")
_UNSPACED = re.compile(r"(?<=[가-힣]고)(?=싶)|(?<=[가-힣]수)(?=[있없][어다을는네지나])|(?<=[것거])(?=같[아은다네지애])")
"""Where messages leave out a space that grammar wants: 보고싶다, 할수있어, 좋을것같아."""
_VARIATION = str.maketrans("", "", "\ufe0f\u200d'’`")

_PRONOUNS = {"i": "나", "im": "나", "me": "나", "you": "너", "u": "너"}


def word_list(name: str) -> list[tuple[str, str]]:
    """Read one of the package's tab-separated word lists (comments start with #)."""
    text = (files("profile_music.text") / "data" / name).read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("# "))
    return [(row[0], row[1] if len(row) > 1 else "") for row in rows]


def written_words() -> bytes:
    """Return all the package's word lists, one after another: what texts are read as depends on each of them."""
    lists = (entry for entry in (files("profile_music.text") / "data").iterdir() if entry.name.endswith(".tsv"))
    return b"".join(entry.read_bytes() for entry in sorted(lists, key=lambda entry: entry.name))


@lru_cache(maxsize=1)
def _emoji() -> tuple[re.Pattern[str], dict[str, str]]:
    table = {form.translate(_VARIATION): f" {words} " for form, words in word_list("emoji.tsv")}
    longest_first = sorted(table, key=len, reverse=True)
    return re.compile("|".join(re.escape(form) for form in longest_first)), table


@lru_cache(maxsize=1)
def _slang() -> tuple[dict[str, str], dict[str, str]]:
    """Return (whole words, beginnings of words) with their plain forms."""
    whole: dict[str, str] = {}
    beginnings: dict[str, str] = {}
    for form, plain in word_list("slang.tsv"):
        if form.startswith("^") and len(form) > 1 and form != "^^":
            beginnings[form[1:].lower()] = plain
        else:
            whole[form.lower()] = plain
    return whole, beginnings


@lru_cache(maxsize=1)
def _phrases() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return phrases without their spaces, and the words that they mean."""
    return tuple((form.replace(" ", ""), tuple(plain.split())) for form, plain in word_list("phrases.tsv"))


@lru_cache(maxsize=1)
def _english() -> dict[str, str]:
    return dict(word_list("english.tsv"))


def _plain_word(word: str) -> str:
    whole, beginnings = _slang()
    if word in whole:
        return whole[word]
    for length in range(min(len(word), 6), 0, -1):
        plain = beginnings.get(word[:length])
        if plain is not None:
            return plain + word[length:]
    if word[0] in "ㅋㅎ":
        return "ㅋㅋ"
    if word[0] in "ㅠㅜ":
        return "ㅠㅠ"
    return _english().get(word, word) if word.isascii() else word


def plain_words(text: str) -> list[str]:
    """Return the words of a text in plain spelling, lower case, without punctuation but for ? and !.

    Emoji become words ("💔" gives 이별, 상처, ...), laughter and crying become ㅋㅋ and ㅠㅠ, slang is written out
    ("넘" gives 너무) and everyday English is translated word by word; other scripts stay as they are. Phrases that
    mean something else than their words add what they mean at the end.
    """
    return list(remembered(("words", text), lambda: _spelled_out(text)))


def _spelled_out(text: str) -> list[str]:
    cleaned = clean_text(text, TEXT_LIMIT_CHARACTERS).translate(_VARIATION)
    pattern, table = _emoji()
    spelled = pattern.sub(lambda match: table[match.group()], cleaned).lower()
    found = _WORD.findall(spelled)
    words: list[str] = []
    for word in found:
        words.extend(_UNSPACED.sub(" ", _plain_word(word)).split())
    # Korean leaves out who misses whom; a text of nothing but "You and I" still says something.
    words = words or [_PRONOUNS[word] for word in found if word in _PRONOUNS]
    return words + _meant(words)


def _meant(words: list[str]) -> list[str]:
    """Return the words that the phrases in a text stand for ("뚜껑이 열린다" is 화나), each once."""
    joined = "".join(words)
    found = (word for form, plain in _phrases() if form in joined for word in plain)
    return [word for word in dict.fromkeys(found) if word not in words]
