"""Texts that break things: by hand, and put together at random."""

from __future__ import annotations

import random

LIMIT = 1000

PIECES: dict[str, str] = {
    "control": "".join(map(chr, range(32))) + "\x7f\x80\x9f",
    "nul": "오늘\0하루",
    "lone-high": "하루\ud800끝",
    "lone-low": "\udfff시작",
    "swapped": "\udc00\ud800",
    "right-to-left": "\u202e거꾸로\u202c \u2067אבג\u2069 \u200f",
    "zero-width": "오\u200b늘\u200c하\u2060루\ufeff",
    "only-zero-width": "\u200b\u200c\u200d\u2060\ufeff" * 20,
    "emoji": "😀😭🔥💔🎉👍🏽",
    "emoji-family": "👨‍👩‍👧‍👦" * 30,
    "flags": "🇰🇷🇺🇸" * 40,
    "joiners": "\u200d" * 500,
    "variation": "\ufe0f\ufe0e" * 200,
    "tags": "🏴" + "\U000e0067\U000e0062" * 100 + "\U000e007f",
    "combining": "a" + "\u0301" * 900,
    "jamo": "\u1112\u1161\u11ab" * 300,
    "half-jamo": "ㅋ" * 999,
    "old-hangul": "\u1140\u119e\ua960\ud7b0",
    "unassigned": "\u0378\U0003ffff\U0010ffff\ufffe",
    "private": "\ue000\U000f0000",
    "spaces": " \t\u00a0\u3000\u2003" * 100,
    "lines": "\n\r\u2028\u2029\x0b\x0c" * 150,
    "marks": "?!.~…。！？" * 100,
    "brackets": "([{<" * 250,
    "wide": "ＡＢＣ１２３",
    "sql": "'; DROP TABLE songs; -- \" OR 1=1 /*",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>&lt;",
    "template": "{{7*7}} ${jndi:ldap://x} %s %n {0} {text!r}",
    "path": "../../../../etc/passwd\\..\\windows",
    "regex": "(a+)+$" + "a" * 500,
    "numbers": "9" * 900,
    "word": "가" * 1000,
    "english": "i am so tired today " * 40,
    "dotless": "İıſK",
    "expands": "ﷺ" * 300,
    "usual": "오늘 하루도 수고했어",
}


def random_text(rng: random.Random) -> str:
    """Return one of the pieces, several together, any characters at all, or a very long text."""
    way = rng.random()
    if way < 0.3:
        return rng.choice(list(PIECES.values()))
    if way < 0.75:
        return "".join(rng.choices(list(PIECES.values()), k=rng.randint(2, 6)))[: rng.choice((5, 60, LIMIT))]
    if way < 0.97:
        highest = rng.choice((0x80, 0x800, 0x3000, 0xFFFF, 0x10FFFF))
        return "".join(chr(rng.randint(0, highest)) for _ in range(rng.randint(1, LIMIT)))
    return rng.choice(list(PIECES.values())) * rng.choice((100, 2000))


def raw(text: str) -> bytes:
    """Return a text's bytes; lone surrogates become what UTF-8 forbids."""
    return text.encode("utf-8", "surrogatepass")
