"""A few hundred of benchmarks/bad_inputs.py's requests against the real server, each kind among them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.hostile import bodies, forms, protocol
from tests.hostile.mix import bad_requests
from tests.hostile.photos import odd_photos
from tests.hostile.run import SETTINGS, attack
from tests.hostile.wire import BadRequest, multipart, photo_field, post, send
from tests.server import RunningServer


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with RunningServer(SETTINGS) as running:
        yield running


def test_the_stream_repeats_itself() -> None:
    one, two = (list(itertools.islice(bad_requests(7), 60)) for _ in range(2))
    assert one == two and len({request.kind for request in one}) > 5


@pytest.mark.timeout(180)
def test_no_bad_input_breaks_the_server(server: RunningServer) -> None:
    report = attack(server, bad_requests(seed=11), count=300, seconds=90)
    assert not report.faults
    assert report.sent > 30 and len(report.codes) > 5
    assert not [line for line in server.log().splitlines() if line.startswith("unexpected ")]
    assert server.is_ready()


def test_every_hand_made_http_request_is_refused_or_answered(server: RunningServer) -> None:
    for name, make in protocol.BROKEN.items():
        outcome = send(server.port, BadRequest("http", name, (make(), b"\r\n")), 30)
        assert outcome.status < 500 and not outcome.problem, (name, outcome)


@pytest.mark.parametrize("table", [(bodies.SONGS, bodies.JSON, "application/json"), (bodies.RECOMMEND, forms.BODIES, bodies.FORM), (bodies.RECOMMEND, bodies.FORMS, bodies.URLENCODED)], ids=["json", "multipart", "urlencoded"])  # fmt: skip  # noqa: E501
def test_every_hand_made_body_has_a_code(server: RunningServer, table) -> None:
    path, made, content_type = table
    for name, make in made.items():
        outcome = send(server.port, BadRequest("body", name, (post(path, make(), content_type),)), 30)
        assert 200 <= outcome.status < 500 and not outcome.problem, (name, outcome)


def test_every_odd_photo_has_an_answer(server: RunningServer) -> None:
    for name, data in odd_photos().items():
        body = multipart([(photo_field(), data)])
        outcome = send(server.port, BadRequest("photo", name, (post(bodies.EMOTION, body, bodies.FORM),)), 30)
        assert 200 <= outcome.status < 500 and not outcome.problem, (name, outcome)
