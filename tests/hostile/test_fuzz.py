"""Anything at all into the parsers that stand behind HTTP and Lambda: a value, or an error of ours."""

from __future__ import annotations

import asyncio
import contextlib
import json

from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from profile_music.aws.events import decoded_image, is_http, payload_of
from profile_music.errors import InputError
from profile_music.service.forms import RequestForm, read_form
from profile_music.service.rate import address_key
from profile_music.service.skill_event import understand
from tests.hostile.forms import BODIES

PIECES = [b"--b", b"--", b"\r\n", b"\n", b"Content-Disposition: form-data", b'; name="photo"', b'; filename="x"', b":"]
NAMES = (
    "requestContext body isBase64Encoded userRequest utterance action params clientExtra callbackUrl http secureimage"
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=5),
    max_leaves=12,
)


def form_of(content_type: bytes, body: bytes, step: int) -> RequestForm:
    chunks = [body[start : start + step] for start in range(0, len(body), step)]
    messages = iter(
        [*({"type": "http.request", "body": c, "more_body": True} for c in chunks), {"type": "http.request"}]
    )

    async def receive() -> dict:
        return next(messages)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-type", content_type)]}
    return asyncio.run(read_form(Request(scope, receive)))


def check_form(content_type: bytes, body: bytes, step: int) -> None:
    with contextlib.suppress(InputError):
        form = form_of(content_type, body, step)
        assert form.photo is None or form.photo in body
        assert all(isinstance(value, str) for value in form.fields.values())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=30).map(b"".join), st.integers(1, 50))
def test_any_multipart_body(body: bytes, step: int) -> None:
    check_form(b"multipart/form-data; boundary=b", body, step)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(BODIES)), st.integers(0, 2000), st.binary(max_size=6), st.integers(1, 4000))
def test_bodies_made_by_hand_with_bytes_put_in(name: str, position: int, put: bytes, step: int) -> None:
    body = BODIES[name]()[:5000]
    check_form(b"multipart/form-data; boundary=xYz", body[:position] + put + body[position:], step)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=80))
@example(b'multipart/form-data; boundary="')
@example(b"multipart/form-data; boundary=b; charset=idna")
def test_any_content_type(content_type: bytes) -> None:
    for start in (b"", b"multipart/form-data; ", b"application/x-www-form-urlencoded; "):
        check_form(start + content_type, b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n', 7)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 20))
def test_any_urlencoded_body(body: bytes, step: int) -> None:
    check_form(b"application/x-www-form-urlencoded", body, step)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_lambda_event(event: object) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(payload_of(event), dict)
    assert isinstance(is_http(event), bool)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_skill_payload(body: bytes) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(understand(body).text, str)


@given(st.text(max_size=80) | st.integers())
def test_any_base64_image(text: object) -> None:
    with contextlib.suppress(InputError):
        assert isinstance(decoded_image(text, 60), bytes)


@given(st.none() | st.text(max_size=45))
def test_any_address(host: str | None) -> None:
    assert address_key(host)
