"""Bad requests below the body: broken HTTP, uploads that are too large, and clients that are slow or leave."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.hostile.bodies import EMOTION, FORM, RECOMMEND, SONGS, URLENCODED
from tests.hostile.photos import padded, whole_photos
from tests.hostile.wire import BadRequest, field, head, multipart, photo_field, post

_HOST = {"Host": "127.0.0.1", "Connection": "close"}
_MEGABYTE = 1 << 20


def _with(**headers: object) -> bytes:
    return head("GET", "/healthz", {**_HOST, **{name.replace("_", "-"): value for name, value in headers.items()}})


def _get(path: str, method: str = "GET") -> bytes:
    return head(method, path, _HOST)


def _chunked(*chunks: bytes) -> bytes:
    return head("POST", RECOMMEND, {**_HOST, "Content-Type": FORM, "Transfer-Encoding": "chunked"}) + b"".join(chunks)


def _length(value: object, body: bytes = b"text=a", **more: object) -> bytes:
    return head("POST", RECOMMEND, {**_HOST, "Content-Type": URLENCODED, "Content-Length": value, **more}) + body


BROKEN: dict[str, Callable[[], bytes]] = {
    "noise": lambda: random.Random(3).randbytes(2000) + b"\r\n\r\n",
    "tls": lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "http2": lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(50),
    "http-0.9": lambda: b"GET /\r\n\r\n",
    "http-9.9": lambda: b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "http-1.0": lambda: b"GET /healthz HTTP/1.0\r\n\r\n",
    "empty-lines": lambda: b"\r\n" * 20_000 + _get("/healthz"),
    "no-host": lambda: b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
    "two-hosts": lambda: b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
    "strange-host": lambda: _with(host="[::1%25eth0]:99999999"),
    "spaces": lambda: b"GET   /healthz   HTTP/1.1\r\n\r\n",
    "folded": lambda: b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n 2\r\nConnection: close\r\n\r\n",
    "nul-in-head": lambda: _with(x_a="a\0b"),
    "return-in-head": lambda: _with(x_a="a\rb"),
    "no-colon": lambda: b"GET /healthz HTTP/1.1\r\nHost a\r\n\r\n",
    "space-in-name": lambda: _with(**{"x a": 1}),
    "long-head": lambda: _with(x_a="a" * 200_000),
    "long-path": lambda: _get("/" + "a" * 70_000),
    "long-query": lambda: _get("/v1/config?" + "a=1&" * 10_000),
    "many-heads": lambda: head("GET", "/healthz", {**_HOST, **{f"x-{number}": number for number in range(5000)}}),
    "korean-path": lambda: _get("/비"),
    "escaped-path": lambda: _get("/%00%ff%2e%2e%2fetc%2fpasswd"),
    "climbing-path": lambda: _get("/static/../../../../etc/passwd"),
    "absolute": lambda: _get("http://169.254.169.254/latest/meta-data"),
    "authority": lambda: _get("example.com:443", "CONNECT"),
    "star": lambda: _get("*", "OPTIONS"),
    "method": lambda: _get("/healthz", "BREW"),
    "long-method": lambda: _get("/healthz", "A" * 10_000),
    "trace": lambda: _get("/", "TRACE"),
    "delete": lambda: _get(RECOMMEND, "DELETE"),
    "head": lambda: _get("/", "HEAD"),
    "websocket": lambda: _with(upgrade="websocket", sec_websocket_key="a", sec_websocket_version=13),
    "upgrade": lambda: _with(upgrade="h2c", http2_settings="AAAA"),
    "length-negative": lambda: _length(-1),
    "length-plus": lambda: _length("+6"),
    "length-text": lambda: _length("six"),
    "length-huge": lambda: _length("9" * 30),
    "length-spaces": lambda: _length("6 6"),
    "length-twice": lambda: _length("6, 7"),
    "length-short": lambda: _length(2),
    "length-and-chunks": lambda: _length(6, **{"Transfer-Encoding": "chunked"}),
    "encoding-unknown": lambda: _length(6, **{"Transfer-Encoding": "gzip"}),
    "encoding-twice": lambda: _length(6, **{"Transfer-Encoding": "chunked, chunked"}),
    "content-encoding": lambda: _length(6, **{"Content-Encoding": "gzip"}),
    "expect": lambda: _length(6, **{"Expect": "200-maybe"}),
    "chunk-size-text": lambda: _chunked(b"zz\r\na\r\n0\r\n\r\n"),
    "chunk-size-huge": lambda: _chunked(b"f" * 30 + b"\r\na"),
    "chunk-negative": lambda: _chunked(b"-5\r\nabcde\r\n0\r\n\r\n"),
    "chunk-extension": lambda: _chunked(b"1;" + b"a" * 100_000 + b"\r\na\r\n0\r\n\r\n"),
    "chunk-trailers": lambda: _chunked(b"0\r\n" + b"X-A: 1\r\n" * 20_000 + b"\r\n"),
    "chunks-of-one": lambda: _chunked(*[b"1\r\na\r\n"] * 20_000, b"0\r\n\r\n"),
    "pipelined": lambda: _get("/healthz").replace(b"close", b"keep-alive") * 50 + _get("/healthz"),
    "accept": lambda: _with(accept="a/b;q=" + "9" * 5000, accept_language="\xff", accept_encoding="\0"),
    "range": lambda: _with(range="bytes=" + "0-," * 10_000),
    "cookies": lambda: _with(cookie="a=" + "b; " * 10_000),
    "request-id": lambda: _with(x_request_id="<script>"),
    "forwarded": lambda: _with(x_forwarded_for="1.2.3.4, \0, ::1", x_forwarded_proto="javascript"),
    "authorization": lambda: _with(authorization="Bearer \xff\xfe " + "a" * 9000),
    "content-type": lambda: _length(6, **{"Content-Type": "\x01/\x02; =;;"}),
}


def broken_http(rng: random.Random) -> BadRequest:
    """HTTP by hand, or a sound request with bytes of its head changed."""
    if rng.random() < 0.6:
        name, make = rng.choice(list(BROKEN.items()))
        return BadRequest("http", name, (make(),))
    data = bytearray(post(rng.choice((RECOMMEND, SONGS)), b'{"text": "a"}', "application/json"))
    end = data.index(b"\r\n\r\n")
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(end)] = rng.choice((0, 9, 10, 13, 32, 58, 127, 255, rng.randrange(256)))
    # A length that grew would only make the client wait for itself.
    return BadRequest("http", "damaged", (bytes(data), b"\r\n" * 50))


def too_large(rng: random.Random) -> BadRequest:
    """Bodies over the limits: told by their length, or only seen while they come."""
    size = rng.choice((21, 21, 50)) * _MEGABYTE
    name = rng.choice(("declared", "chunked", "json", "photo-of-20-mb"))
    if name == "photo-of-20-mb":
        body = multipart([(photo_field(), padded(whole_photos()["jpeg"], 20 * _MEGABYTE))])
        return BadRequest("large", name, (post(RECOMMEND, body, FORM),))
    if name == "json":
        return BadRequest("large", name, (post(SONGS, bytes(2 * _MEGABYTE), "application/json"),))
    body = multipart([(photo_field(), bytes(size))])
    if name == "declared":
        return BadRequest("large", name, (post(RECOMMEND, body, FORM),))
    step = _MEGABYTE
    chunks = (body[start : start + step] for start in range(0, len(body), step))
    framed = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return BadRequest("large", name, (_chunked(), *framed, b"0\r\n\r\n"))


def slow(rng: random.Random) -> BadRequest:
    """Uploads that trickle or stop, and clients that hang up before the end."""
    data = post(EMOTION, multipart([(photo_field(), whole_photos()["face-jpeg"]), (field("text"), b"a")]), FORM)
    name = rng.choice(("trickle", "stops", "stops-in-head", "leaves", "leaves-at-once", "leaves-in-head"))
    middle = len(data) // 2
    if name == "trickle":
        step = len(data) // 12
        return BadRequest("slow", name, tuple(x for n in range(13) for x in (data[n * step : (n + 1) * step], 0.1)))
    cut = {"stops": middle, "leaves": middle, "leaves-at-once": len(data)}.get(name, 40)
    return BadRequest("slow", name, (data[:cut],), leaves=name.startswith("leaves"))
