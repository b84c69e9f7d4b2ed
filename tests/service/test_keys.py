"""API keys: who may ask, how keys are changed, and that the page works under them."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from profile_music.cli import app as cli
from profile_music.service.keys import KeyRing, KeysUnreadableError, entry_of, new_key
from tests.service.conftest import MakeClient, Server, code_of

KEY, OTHER = new_key(), new_key()
SONGS = {"json": {"text": "바다"}}


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_without_the_right_key_nothing_is_answered(make_client: MakeClient) -> None:
    client = make_client(api_keys=(entry_of("partner", KEY),))
    for path in ("/v1/songs", "/v1/recommendations", "/v1/emotion", "/v1/emotion/heatmap", "/v1/whatever"):
        response = client.post(path, **SONGS)
        assert (response.status_code, code_of(response)) == (401, "api_key_missing")
        assert response.headers["www-authenticate"].startswith("Bearer")
    assert client.get("/v1/config").status_code == 401
    for headers in (bearer(OTHER), {"x-api-key": OTHER}, {"x-api-key": "한글".encode()}, bearer("")):
        assert client.post("/v1/songs", **SONGS, headers=headers).status_code == 401
    assert code_of(client.post("/v1/songs", **SONGS, headers=bearer(OTHER))) == "api_key_wrong"
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


def test_each_way_of_sending_a_key(make_client: MakeClient) -> None:
    client = make_client(api_keys=(entry_of("partner", KEY), entry_of("partner", OTHER)))
    for headers in (bearer(KEY), {"x-api-key": KEY}, bearer(OTHER)):
        assert client.post("/v1/songs", **SONGS, headers=headers).status_code == 200
    assert client.post("/v1/songs", **SONGS, auth=("누구나", KEY)).status_code == 200


def test_optional_keys_have_a_rate_of_their_own(make_client: MakeClient) -> None:
    client = make_client(
        api_keys=(entry_of("partner", KEY),), api_keys_optional=True, rate_per_minute=1, rate_burst=1,
        key_rate_per_minute=0,
    )  # fmt: skip
    assert [client.get("/v1/config").status_code for _ in range(2)] == [200, 429]
    assert {client.get("/v1/config", headers=bearer(KEY)).status_code for _ in range(10)} == {200}
    assert client.get("/v1/config", headers=bearer(OTHER)).status_code == 429


def test_guessing_keys_is_slowed(make_client: MakeClient) -> None:
    client = make_client(api_keys=(entry_of("partner", KEY),), rate_per_minute=1, rate_burst=3)
    guesses = [client.get("/v1/config", headers=bearer(new_key())).status_code for _ in range(5)]
    assert guesses == [401, 401, 401, 429, 429]
    assert client.get("/", headers=bearer(new_key())).status_code == 429
    assert client.get("/v1/config", headers=bearer(KEY)).status_code == 200


def test_keys_are_in_no_log(make_client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    client = make_client(api_keys=(entry_of("partner", KEY),))
    with caplog.at_level(logging.DEBUG):
        client.post("/v1/songs", **SONGS, headers=bearer(KEY))
        client.post("/v1/songs", **SONGS, headers=bearer(OTHER))
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("profile_music")]
    assert any('"code": "api_key_wrong"' in line for line in ours)
    assert not any(KEY in line or OTHER in line for line in ours)


def test_a_file_of_keys_is_read_again_when_it_changes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# ours\n\n{entry_of('old', KEY)}\n", encoding="utf-8")
    ring = KeyRing(file=file)
    assert (ring.name_of(KEY), ring.name_of(OTHER)) == ("old", None)
    file.write_text(f"{entry_of('old', KEY)}\nnew {entry_of('new', OTHER)[4:]}\n", encoding="utf-8")
    assert (ring.name_of(KEY), ring.name_of(OTHER)) == ("old", "new")
    file.write_text(entry_of("new", OTHER), encoding="utf-8")
    assert (ring.name_of(KEY), ring.name_of(OTHER)) == (None, "new")
    # A half-written or lost list locks nobody out and lets nobody in.
    for damage in (lambda: file.write_text("new:12"), file.unlink):
        damage()
        assert (ring.name_of(KEY), ring.name_of(OTHER)) == (None, "new")
    assert "stay in force" in caplog.text


@pytest.mark.parametrize("entries", [["partner"], ["partner:abc"], [f"partner:{'G' * 64}"], [f"a b:{'0' * 64}"]])
def test_wrong_entries_are_refused_at_the_start(entries: list[str]) -> None:
    with pytest.raises(KeysUnreadableError):
        KeyRing(entries)


def test_an_absent_file_is_refused_at_the_start(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["serve", "--api-keys-file", str(tmp_path / "absent")])
    assert isinstance(result.exception, KeysUnreadableError)


def test_the_verb_makes_keys_that_work(make_client: MakeClient) -> None:
    key, entry = CliRunner().invoke(cli, ["api-key", "partner-1"]).output.split()
    assert key not in entry
    assert make_client(api_keys=(entry,)).get("/v1/config", headers=bearer(key)).status_code == 200


def test_openapi_says_how_keys_are_sent(make_client: MakeClient) -> None:
    document = make_client(api_keys=(entry_of("partner", KEY),)).get("/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}
    songs = document["paths"]["/v1/songs"]["post"]
    assert songs["security"] == [{"bearer": []}, {"header": []}]
    assert {"401", "429", "503"} <= set(songs["responses"])
    assert "security" not in document["paths"]["/healthz"]["get"]
    assert "securitySchemes" not in make_client().get("/openapi.json").json()["components"]


@pytest.mark.browser
def test_the_page_works_through_the_browsers_own_question(serve, portrait: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if not Path(chromium).exists():
        pytest.skip("Chromium is not installed")
    server: Server = serve(api_keys=entry_of("me", KEY))
    server.wait_for("/readyz")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(http_credentials={"username": "me", "password": KEY}).new_page()
        assert page.goto(server.url).status == 200
        with page.expect_response("**/v1/songs", timeout=60_000) as answer:
            page.fill("#text", "바다로 떠나는 중")
            page.click("#go")
        assert answer.value.status == 200
        browser.close()
