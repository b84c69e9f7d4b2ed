"""The three handlers in this process, on events of every kind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from profile_music.aws.events import decoded_image
from profile_music.aws.limits import EVENT_MAX_BYTES, PHOTO_MAX_BYTES, lambda_settings
from profile_music.service.forms import body_limit_bytes
from profile_music.settings import Settings
from profile_music.types import EMOTIONS

from .events_of import event, filled, malformed


@pytest.fixture(scope="module")
def handlers() -> dict[str, Any]:
    from profile_music.aws import emotion, http, songs

    made = {"emotion": emotion.make_handler(), "songs": songs.make_handler(), "http": http.make_handler()}
    yield made
    made["http"].close()


@pytest.mark.parametrize("name", ["emotion_image", "emotion_data_url"])
def test_emotion(handlers: dict[str, Any], name: str) -> None:
    answer = handlers["emotion"](event(name), None)
    assert set(answer) == {"size", "faces", "emotion"}
    assert len(answer["faces"]) == 1
    assert answer["emotion"]["source"] == "face"
    assert sum(answer["emotion"]["probabilities"].values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", ["emotion_url_not_allowed", "emotion_metadata_address"])
def test_urls_are_refused_where_no_host_is_allowed(handlers: dict[str, Any], name: str) -> None:
    answer = handlers["emotion"](event(name), None)
    assert (answer["error"]["code"], answer["status"]) == ("photo_url_not_allowed", 422)


@pytest.mark.parametrize(("name", "count"), [("songs_both", 5), ("songs_text", 5), ("songs_emotion", 3)])
def test_songs(handlers: dict[str, Any], name: str, count: int) -> None:
    answer = handlers["songs"](event(name), None)
    assert [song["rank"] for song in answer["songs"]] == list(range(1, count + 1))
    assert all(song["reason"]["ko"] and song["song"]["title"] for song in answer["songs"])


@pytest.mark.parametrize(("handler", "name"), [("emotion", "emotion_proxy"), ("songs", "songs_proxy")])
def test_the_same_objects_as_http_bodies(handlers: dict[str, Any], handler: str, name: str) -> None:
    answer = handlers[handler](event(name), None)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])


def test_the_two_functions_of_the_mission_chain(handlers: dict[str, Any]) -> None:
    label = handlers["emotion"](event("emotion_image"), None)["emotion"]["probabilities"]
    strongest = max(EMOTIONS, key=lambda name: label[name])
    songs = handlers["songs"]({"emotion": strongest.value, "text": "퇴근길"}, None)["songs"]
    assert len(songs) == 5


@pytest.mark.parametrize(
    "name", ["http_health", "http_ready", "http_page", "http_songs", "http_emotion", "http_rest_api"]
)
def test_http(handlers: dict[str, Any], name: str) -> None:
    answer = handlers["http"](event(name), None)
    assert answer["statusCode"] == 200
    assert answer["headers"]["x-content-type-options"] == "nosniff"
    json.dumps(answer)


def test_http_multipart_gives_songs_for_photo_and_text(handlers: dict[str, Any]) -> None:
    answer = handlers["http"](event("http_recommend"), None)
    body = json.loads(answer["body"])
    assert answer["statusCode"] == 200
    assert (len(body["songs"]), len(body["faces"]), body["basis"]["text"]) == (5, 1, "sentences")
    assert answer["headers"]["cache-control"] == "no-store"


def test_http_unknown_korean_path(handlers: dict[str, Any]) -> None:
    answer = handlers["http"](event("http_korean_query"), None)
    assert (answer["statusCode"], json.loads(answer["body"])["error"]["code"]) == (404, "not_found")


def test_http_answers_are_the_servers(handlers: dict[str, Any]) -> None:
    """The server itself, asked the same over HTTP, gives the same body."""
    from starlette.testclient import TestClient

    from profile_music.service.app import create_app

    asked = event("http_songs")
    with TestClient(create_app(Settings())) as client:
        theirs = client.post("/v1/songs", content=asked["body"], headers={"content-type": "application/json"})
    assert json.loads(handlers["http"](asked, None)["body"]) == theirs.json()


@pytest.mark.parametrize("handler", ["emotion", "songs", "http"])
def test_malformed_events_get_a_code_and_no_traceback(handlers: dict[str, Any], handler: str) -> None:
    for given, code, status in malformed(handler):
        answer = handlers[handler](filled(given), None)
        body = json.loads(answer["body"]) if "statusCode" in answer else answer
        assert body["error"]["code"] == code, (given, body)
        assert answer.get("statusCode", answer.get("status")) == status, given
        assert "Traceback" not in json.dumps(answer)
        assert body["error"]["message"]["ko"]


def test_unexpected_errors_stay_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    from profile_music.aws.events import JsonHandler

    def fail(payload: object) -> dict[str, Any]:
        raise ZeroDivisionError("secret text of the user")

    answer = JsonHandler("test", fail)({}, None)
    assert (answer["status"], answer["error"]["code"]) == (500, "internal_error")
    assert "secret" not in json.dumps(answer)
    assert "ZeroDivisionError" in caplog.text


def test_one_metric_line_a_request(handlers: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    handlers["songs"](event("songs_text"), None)
    handlers["songs"]({}, None)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["Handler"], row["Status"], row["Requests"], row["Failures"]) for row in rows] == [
        ("songs", 200, 1, 0),
        ("songs", 422, 1, 0),
    ]
    directive = rows[0]["_aws"]["CloudWatchMetrics"][0]
    assert {metric["Name"] for metric in directive["Metrics"]} <= set(rows[0])
    assert "수고" not in json.dumps(rows, ensure_ascii=False)


def test_the_largest_photo_fits_through_lambda() -> None:
    form = body_limit_bytes(lambda_settings(Settings()).photo_max_bytes)
    assert lambda_settings(Settings()).photo_max_bytes == PHOTO_MAX_BYTES
    assert (form + 2) // 3 * 4 + 64 * 1024 < EVENT_MAX_BYTES
    assert lambda_settings(Settings(photo_max_bytes=1000)).photo_max_bytes == 1000
    assert len(decoded_image("A" * (PHOTO_MAX_BYTES // 3 * 4), PHOTO_MAX_BYTES)) <= PHOTO_MAX_BYTES


@pytest.mark.parametrize("module", ["emotion", "songs", "http"])
def test_importing_a_handler_does_no_work(module: str) -> None:
    code = f"import profile_music.aws.{module} as m, sys; print('onnxruntime' in sys.modules, 'handler' in vars(m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_no_such_name() -> None:
    from profile_music.aws import songs

    with pytest.raises(AttributeError):
        songs.nothing  # noqa: B018


def test_catalogue_from_s3_and_a_newer_one_picked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from profile_music.aws import songs
    from profile_music.index.source import store_for
    from profile_music.index.transfer import push
    from profile_music.recommender import bundled_catalog_dir

    from ..s3 import new_bucket, s3_server

    with s3_server() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        url = f"s3://{new_bucket(environment)}/main"
        push(bundled_catalog_dir(), store_for(url))
        handler = songs.make_handler(Settings(catalog=url, cache_dir=tmp_path / "cache", catalog_poll_s=0))
        before = handler(event("songs_text"), None)
        smaller = rebuilt(tmp_path / "smaller", before["songs"][0]["song"]["song_id"])
        push(smaller, store_for(url))
        after = handler(event("songs_text"), None)
    assert len(before["songs"]) == len(after["songs"]) == 5
    assert before["songs"][0]["song"]["song_id"] not in [song["song"]["song_id"] for song in after["songs"]]


def rebuilt(folder: Path, without: str) -> Path:
    """The bundled catalogue without one song."""
    from profile_music import load_encoder
    from profile_music.builder import CatalogBuilder
    from profile_music.index import CatalogFiles
    from profile_music.recommender import bundled_catalog_dir
    from profile_music.text.mood import TextMood

    encoder = load_encoder("embedded")
    songs = [song for song in CatalogFiles(bundled_catalog_dir()).songs() if song.song_id != without]
    CatalogBuilder(encoder, TextMood.load(encoder)).build(songs, folder)
    return folder
