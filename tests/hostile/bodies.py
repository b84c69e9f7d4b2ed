"""Bad requests whose HTTP is sound: photos, texts, options, JSON and forms that are not what they should be."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from urllib.parse import quote_from_bytes

from tests.hostile.photos import odd_photos, whole_photos
from tests.hostile.texts import PIECES, random_text, raw
from tests.hostile.wire import BadRequest, field, multipart, photo_field, post

FORM = "multipart/form-data; boundary=xYz"
URLENCODED = "application/x-www-form-urlencoded"
RECOMMEND, EMOTION, HEATMAP, SONGS = "/v1/recommendations", "/v1/emotion", "/v1/emotion/heatmap", "/v1/songs"
_NAMES = (
    "나.jpg",
    "x.svg",
    "a.pdf",
    "../../etc/passwd",
    "\0.jpg",
    "이름" * 400,
    '";x="',
    "",
    "a.jpg\r\nX: y",
    "😀.heic",
)
_TYPES = ("image/jpeg", "image/svg+xml", "application/pdf", "text/html", "", "image/" + "x" * 4000, "multipart/mixed")


def with_photo(kind: str, name: str, data: bytes, rng: random.Random) -> BadRequest:
    """Upload bytes as a photo, now and then under a strange name, with a text, to any of the three routes."""
    strange = rng.random() < 0.1
    part = photo_field(rng.choice(_NAMES), rng.choice(_TYPES)) if strange else photo_field()
    parts = [(part, data)]
    if rng.random() < 0.3:
        parts.insert(rng.randint(0, 1), (field("text"), raw(random_text(rng))))
    path = rng.choices((RECOMMEND, EMOTION, HEATMAP), (60, 38, 2))[0]
    return BadRequest(kind, name, (post(path, multipart(parts), FORM),))


def odd_photo(rng: random.Random) -> BadRequest:
    """A photo of the hostile kind."""
    name, data = rng.choice(list(odd_photos().items()))
    return with_photo("odd photo", name, data, rng)


def text(rng: random.Random) -> BadRequest:
    """A text, sent in each of the ways there are."""
    value = random_text(rng)
    way = rng.choice(("multipart", "urlencoded", "json"))
    if way == "json":
        # Lone surrogates go as escapes half of the time, as forbidden bytes otherwise.
        escaped = rng.random() < 0.5
        body = raw(json.dumps({"text": value}, ensure_ascii=escaped))
        return BadRequest("text", way, (post(SONGS, body, "application/json"),))
    if way == "urlencoded":
        return BadRequest("text", way, (post(RECOMMEND, b"text=" + quote_from_bytes(raw(value)).encode(), URLENCODED),))
    return BadRequest("text", way, (post(RECOMMEND, multipart([(field("text"), raw(value))]), FORM),))


_VALUES = (
    "-1", "0", "51", "1e3", "5.0", "٣", "９", "0x5", "NaN", "inf", "9" * 400, "9" * 5000, "-9223372036854775809",
    " 5 ", "5\n", "", "null", "true", "[]", "1,2", "1990,", "12345", "１９９０", "1990," * 3000, "happy\0", "HAPPY",
    "surprise", "http://169.254.169.254/latest", "file:///etc/passwd", "https://[::1]:1/", "//evil", "javascript:1",
)  # fmt: skip
_OPTIONS = (
    "top_k",
    "face",
    "fresh",
    "mood",
    "emotion",
    "decades",
    "genres",
    "artists",
    "exclude",
    "photo_url",
    "photo",
)


def options(rng: random.Random) -> BadRequest:
    """Strange values of the form's other fields, with a text or a face."""
    names = rng.choices(_OPTIONS, k=rng.randint(1, 4))
    values = [rng.choice((*_VALUES, random_text(rng))) for _ in names]
    parts = [(field(name), raw(value)) for name, value in zip(names, values, strict=True)]
    start = (photo_field(), whole_photos()["face-jpeg"]) if rng.random() < 0.3 else (field("text"), "비".encode())
    path = rng.choice((RECOMMEND, EMOTION))
    return BadRequest("options", ",".join(names), (post(path, multipart([start, *parts]), FORM),))


JSON: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "deep": lambda: b"[" * 100_000,
    "deep-objects": lambda: b'{"text":' * 20_000,
    "deep-whole": lambda: b'{"text":' + b"[" * 900 + b"]" * 900 + b"}",
    "half": lambda: b'{"text": "a',
    "not-a-number": lambda: b'{"text": "a", "top_k": NaN}',
    "infinity": lambda: b'{"text": "a", "fresh": -Infinity}',
    "huge-number": lambda: b'{"text": "a", "fresh": ' + b"9" * 4400 + b"}",
    "huge-float": lambda: b'{"text": "a", "top_k": 1e999999}',
    "large-integer": lambda: b'{"text": "a", "fresh": 99999999999999999999999}',
    "negative": lambda: b'{"text": "a", "fresh": -5, "top_k": -5}',
    "twice": lambda: b'{"text": "a", "text": "b", "text": 1}',
    "invalid-utf8": lambda: b'{"text": "\xff\xfe\xed\xa0\x80"}',
    "utf16": lambda: '{"text": "비 오는 밤"}'.encode("utf-16"),
    "utf32": lambda: '{"text": "비 오는 밤"}'.encode("utf-32"),
    "mark": lambda: b'\xef\xbb\xbf{"text": "a"}',
    "list": lambda: b'[{"text": "a"}]',
    "string": lambda: b'"text"',
    "null": lambda: b"null",
    "nulls": lambda: b'{"text": null, "emotion": null}',
    "prototype": lambda: b'{"__proto__": {"text": "a"}, "text": "a"}',
    "wrong-types": lambda: b'{"text": {"a": 1}, "emotion": 5, "top_k": "x", "exclude": 7}',
    "many-keys": lambda: json.dumps({f"key{n}": n for n in range(50_000)}).encode(),
    "many-excluded": lambda: json.dumps({"text": "a", "exclude": [str(n) for n in range(80_000)]}).encode(),
    "long-text": lambda: json.dumps({"text": "가" * 900_000}, ensure_ascii=False).encode()[: 1 << 20],
    "comment": lambda: b'{"text": "a"} // and more',
    "control": lambda: b'{"text": "a\x00\x01\nb"}',
    "single-quotes": lambda: b"{'text': 'a'}",
}
_FIELDS = ("text", "emotion", "top_k", "mood", "fresh", "decades", "genres", "artists", "exclude", "seen")


def bad_json(rng: random.Random) -> BadRequest:
    """JSON by hand, JSON of the right names and any values, or valid JSON damaged."""
    kinds = ("application/json", "application/json; charset=utf-16", "text/plain", "application/x-json", "")
    content_type = rng.choices(kinds, (20, 1, 1, 1, 1))[0]
    way = rng.random()
    if way < 0.3:
        name, make = rng.choice(list(JSON.items()))
        return BadRequest("json", name, (post(SONGS, make(), content_type),))
    value = {name: _any_json(rng, 3) for name in rng.choices(_FIELDS, k=rng.randint(1, 5))}
    body = bytearray(raw(json.dumps(value, ensure_ascii=rng.random() < 0.5)))
    for _ in range(rng.randint(1, 5) if way < 0.6 else 0):
        body[rng.randrange(len(body))] = rng.randrange(256)
    return BadRequest("json", "random", (post(SONGS, bytes(body), content_type),))


def _any_json(rng: random.Random, depth: int) -> object:
    way = rng.randint(0, 9 if depth else 6)
    if way <= 2:
        return random_text(rng)[:300]
    if way == 3:
        return rng.choice(("happy", "sad", "lift", "match", "발라드", 1990, 2010, "1990"))
    if way == 4:
        return rng.choice((0, -1, 5, 50, 51, 1 << 63, 1 << 200, 0.5, 1e308, float("inf"), float("nan")))
    if way <= 6:
        return rng.choice((None, True, False, "", [], {}))
    if way <= 8:
        return [_any_json(rng, depth - 1) for _ in range(rng.randint(0, 4))]
    names = (*PIECES, "probabilities", "scores", "source", "label", "happy")
    return {rng.choice(names): _any_json(rng, depth - 1) for _ in range(rng.randint(0, 4))}


FORMS: dict[str, Callable[[], bytes]] = {
    "half-escape": lambda: b"text=%",
    "bad-escape": lambda: b"text=%zz%f%uD800",
    "forbidden-bytes": lambda: b"text=%ff%fe%ed%a0%80",
    "nul": lambda: b"text=%00%00&%00=1",
    "many": lambda: b"&".join(b"a%d=1" % number for number in range(60_000)),
    "many-texts": lambda: b"text=a&" * 20_000,
    "separators": lambda: b"&=;" * 50_000,
    "long-name": lambda: b"a" * 900_000 + b"=1",
    "no-equals": lambda: b"text",
    "raw-utf8": lambda: "text=비 오는 밤".encode(),
    "plus": lambda: b"text=" + b"+" * 900,
    "nothing": lambda: b"",
    "too-large": lambda: b"text=" + b"a" * (1 << 20),
}


def urlencoded(rng: random.Random) -> BadRequest:
    """Forms as browsers send them without a file, broken."""
    name, make = rng.choice(list(FORMS.items()))
    return BadRequest("urlencoded", name, (post(rng.choice((RECOMMEND, EMOTION)), make(), URLENCODED),))
