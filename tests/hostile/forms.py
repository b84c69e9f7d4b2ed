"""Bad requests whose multipart body is broken: boundaries, heads and counts of parts that no browser sends."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.hostile.bodies import EMOTION, FORM, RECOMMEND
from tests.hostile.photos import whole_photos
from tests.hostile.wire import BadRequest, field, multipart, photo_field, post


def _small() -> bytes:
    return multipart([(photo_field(), whole_photos()["jpeg"]), (field("text"), "비 오는 밤".encode())])


def _parts(head: str, count: int, content: bytes = b"1") -> bytes:
    return multipart([(head.replace("#", str(number)), content) for number in range(count)])


BODIES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "only-a-boundary": lambda: b"--xYz",
    "only-an-end": lambda: b"--xYz--\r\n",
    "no-end": lambda: _small()[:-8],
    "half": lambda: _small()[: len(_small()) // 2],
    "bare-line-feeds": lambda: _small().replace(b"\r\n", b"\n"),
    "bare-returns": lambda: _small().replace(b"\r\n", b"\r"),
    "other-boundary": lambda: _small().replace(b"--xYz", b"--abc"),
    "boundary-inside": lambda: multipart([(photo_field(), b"a\r\n--xYz\r\nb\r\n--xYz--\r\nc")]),
    "text-before": lambda: b"preamble\r\n" * 1000 + _small(),
    "text-after": lambda: _small() + b"epilogue" * 10_000,
    "parts-2000": lambda: _parts(field("a#"), 2000),
    "parts-50000": lambda: _parts(field("a#"), 50_000),
    "same-name-3000": lambda: _parts(field("text"), 3000),
    "files-3000": lambda: _parts(photo_field(), 3000, b"\xff\xd8\xff"),
    "empty-parts": lambda: b"--xYz\r\n\r\n\r\n" * 100_000 + b"--xYz--\r\n",
    "boundaries": lambda: b"--xYz\r\n" * 200_000,
    "nameless": lambda: multipart([("Content-Disposition: form-data", b"a")]),
    "no-disposition": lambda: multipart([("Content-Type: text/plain", b"a")]),
    "other-disposition": lambda: multipart([('Content-Disposition: attachment; name="text"', b"a")]),
    "dispositions": lambda: multipart([("\r\n".join([field("text")] * 500), b"a")]),
    "long-head": lambda: multipart([(field("a" * 200_000), b"a")]),
    "many-heads": lambda: multipart([("\r\n".join([field("text"), *["X-A: 1"] * 20_000]), b"a")]),
    "head-without-end": lambda: b"--xYz\r\nContent-Disposition: form-data; name=" + b"a" * 100_000,
    "head-without-colon": lambda: multipart([("Content-Disposition form-data", b"a")]),
    "head-with-nul": lambda: multipart([('Content-Disposition: form-data; name="te\0xt"', b"a")]),
    "surrogate-name": lambda: multipart([(field("\ud800"), b"a")]),
    "continued-name": lambda: multipart([("Content-Disposition: form-data; name*0=te; name*1=xt", b"a")]),
    "encoded-name": lambda: multipart([("Content-Disposition: form-data; name*=utf-8''%FF%FE", b"a")]),
    "quotes": lambda: multipart([('Content-Disposition: form-data; name="text\\"; x="' + '"' * 999, b"a")]),
    "transfer-encoding": lambda: multipart([(field("text") + "\r\nContent-Transfer-Encoding: base64", b"7Jik64qY")]),
    "charset": lambda: multipart([(field("text") + "\r\nContent-Type: text/plain; charset=utf-7", b"+AGE-")]),
    "charset-field": lambda: multipart([(field("_charset_"), b"idna"), (field("text"), b"\xff")]),
    "unknown-charset": lambda: multipart([(field("text") + "\r\nContent-Type: text/plain; charset=\0", b"a")]),
    "two-photos": lambda: multipart([(photo_field(), whole_photos()["jpeg"])] * 2),
    "photo-as-text": lambda: multipart([(field("photo"), whole_photos()["jpeg"])]),
    "text-as-file": lambda: multipart([('Content-Disposition: form-data; name="text"; filename="a"', b"a")]),
    "empty-photo": lambda: multipart([(photo_field(), b"")]),
    "nested": lambda: multipart([("Content-Disposition: form-data\r\nContent-Type: multipart/mixed; boundary=b", b"")]),
}
_TYPES = (
    "multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary="', "multipart/form-data;",
    f"multipart/form-data; boundary={'b' * 5000}", "multipart/form-data; boundary=\xff\xfe",
    "multipart/mixed; boundary=xYz",
    "multipart/form-data; boundary=xYz; charset=utf-16", "multipart/form-data; boundary=xYz; charset=nothing",
    "multipart/form-data; boundary=xYz; charset=rot13", "multipart/form-data; boundary=xYz; charset=idna",
    "Multipart/FORM-DATA;BOUNDARY=xYz", "multipart/form-data, application/json", "application/json", "",
)  # fmt: skip


def broken_form(rng: random.Random) -> BadRequest:
    """A multipart body by hand, a strange content type, or a sound body with bytes changed."""
    way, path = rng.random(), rng.choice((RECOMMEND, EMOTION))
    if way < 0.4:
        name, make = rng.choice(list(BODIES.items()))
        return BadRequest("multipart", name, (post(path, make(), FORM),))
    if way < 0.6:
        return BadRequest("multipart", "content-type", (post(path, _small(), rng.choice(_TYPES)),))
    body = bytearray(_small())
    for _ in range(rng.randint(1, 8)):
        position = rng.randrange(len(body))
        action = rng.randrange(3)
        if action == 0:
            body[position] = rng.choice((0, 10, 13, 34, 45, 59, rng.randrange(256)))
        elif action == 1:
            del body[position : position + rng.randint(1, 30)]
        else:
            body[position:position] = rng.choice((b"\r\n", b"--xYz", b'"', b"\0", rng.randbytes(20)))
        if not body:
            body = bytearray(b"-")
    return BadRequest("multipart", "damaged", (post(path, bytes(body), FORM),))
