"""When things go wrong: each has its own sentence and a way on."""

from __future__ import annotations

import time

import pytest

from .conftest import DESKTOP, PHONE, PORTRAIT
from .helpers import ask, settle, song_ids, until

pytestmark = pytest.mark.browser


def _problem(page) -> tuple[str, str]:
    page.wait_for_selector("#problem:not([hidden])")
    return page.get_attribute("#problem", "data-code"), page.inner_text("#problem .problem-text")


def test_a_file_that_is_no_photo(open_page, tmp_path):
    (tmp_path / "song.jpg").write_text("이건 사진이 아니에요")
    page = open_page(PHONE)
    page.fill("#text", "그래도 들을래")
    page.set_input_files("#file", str(tmp_path / "song.jpg"))
    code, sentence = _problem(page)
    assert code == "photo_format_unsupported" and "읽을 수 없는 형식" in sentence
    page.get_by_role("button", name="글로만 찾기").click()
    page.wait_for_selector('#main[data-phase="result"]')
    settle(page)
    assert len(song_ids(page)) == 5
    assert not page.locator("#problem").is_visible()


def test_a_damaged_photo(open_page, tmp_path):
    (tmp_path / "half.jpg").write_bytes(PORTRAIT.read_bytes()[:300])
    page = open_page()
    page.set_input_files("#file", str(tmp_path / "half.jpg"))
    assert _problem(page)[0] == "photo_damaged"


def test_a_heic_photo_goes_up_as_it_is(open_page, tmp_path):
    heif = pytest.importorskip("pillow_heif")
    from PIL import Image

    heif.from_pillow(Image.open(PORTRAIT)).save(tmp_path / "iphone.heic")
    page = open_page()
    ask(page, photo=tmp_path / "iphone.heic", text="오늘 하루도 수고했어")
    assert len(song_ids(page)) == 5
    assert page.locator(".meter").count() == 4


def test_a_photo_that_is_too_large(open_page, tmp_path, watch):
    # A HEIC cannot be shrunk in Chromium, so the server's limit counts.
    head = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
    with (tmp_path / "huge.heic").open("wb") as file:
        file.write(head)
        file.truncate(24 * 1024 * 1024)
    page = open_page()
    page.set_input_files("#file", str(tmp_path / "huge.heic"))
    code, sentence = _problem(page)
    assert code == "photo_too_large" and "20 MB" in sentence


def test_offline(open_page):
    page = open_page()
    page.fill("#text", "보고 싶다")
    page.context.set_offline(True)
    page.click("#go")
    code, sentence = _problem(page)
    assert code == "offline" and "인터넷" in sentence
    page.context.set_offline(False)
    page.get_by_role("button", name="다시 해 보기").click()
    page.wait_for_selector('#main[data-phase="result"]')


def _answer(status: int, code: str, headers: dict[str, str] | None = None):
    body = f'{{"error": {{"code": "{code}", "message": {{"ko": "서버 말", "en": "server words"}}}}}}'
    return lambda route: route.fulfill(status=status, content_type="application/json", body=body, headers=headers or {})


def test_a_busy_server_is_asked_again_by_itself(open_page, watch):
    watch.allowed.append("503")
    page = open_page()
    turned_away = _answer(503, "server_busy", {"retry-after": "1"})
    page.route("**/v1/songs", turned_away, times=1)
    page.fill("#text", "보고 싶다")
    page.click("#go")
    until(page, "document.getElementById('basis').textContent.includes('사람이 많아요')")
    page.wait_for_selector('#main[data-phase="result"]')
    settle(page)


def test_a_server_that_stays_busy(open_page, watch):
    watch.allowed.append("503")
    page = open_page()
    page.route("**/v1/songs", _answer(503, "server_busy", {"retry-after": "1"}))
    page.fill("#text", "보고 싶다")
    page.click("#go")
    code, sentence = _problem(page)
    assert code == "server_busy" and "사람이 많아요" in sentence
    assert page.get_by_role("button", name="다시 해 보기").is_visible()


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (500, "internal_error", "우리 쪽에 문제"),
        (504, "deadline_exceeded", "너무 늦어지고"),
        (429, "rate_limited", "조금 쉬었다가"),
        (422, "a_new_code", "서버 말"),
    ],
)
def test_each_answer_has_its_sentence(open_page, watch, status, code, words):
    watch.allowed.append(str(status))
    page = open_page()
    page.route("**/v1/songs", _answer(status, code))
    page.fill("#text", "보고 싶다")
    page.click("#go")
    assert words in _problem(page)[1]
    assert page.input_value("#text") == "보고 싶다"


def test_a_slow_answer_is_announced_and_an_endless_one_given_up(open_page):
    page = open_page(DESKTOP)
    page.clock.install()
    page.route("**/v1/songs", lambda route: time.sleep(0))
    page.fill("#text", "보고 싶다")
    page.click("#go")
    page.wait_for_selector(".ghost", state="attached")
    page.clock.run_for(4500)
    assert "조금 더 걸리고" in page.inner_text("#basis")
    page.clock.run_for(17_000)
    code, sentence = _problem(page)
    assert code == "slow" and "늦어지고" in sentence


def test_no_song_for_the_filters(open_page):
    page = open_page()
    ask(page, text="보고 싶다")
    page.locator("#filters summary").click()
    page.route(
        "**/v1/songs",
        lambda route: route.fulfill(
            json={"songs": [], "emotion": None, "faces": [], "text_mood": None, "basis": {"notes": []}}
        ),
        times=1,
    )
    page.get_by_text("1980년대", exact=True).click()
    assert _problem(page)[0] == "no_songs"
    page.locator("#problem").get_by_role("button", name="조건 지우기").click()
    settle(page)
    assert page.locator("#filters input:checked").count() == 0
    assert len(song_ids(page)) == 5
