"""From the yellow button to five songs, in Chromium, against the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kakao.standin import KakaoStandIn, Person
from tests.web.conftest import CHROMIUM_FLAGS, find_chromium

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = find_chromium()
AXE = Path(__file__).resolve().parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any, service: str) -> Iterator[Any]:
    context = chromium.new_context(locale="ko-KR", viewport={"width": 390, "height": 844})
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.goto(service)
    yield opened
    context.close()
    assert problems == []


def log_in(page: Any, decision: str = "동의하고 계속하기") -> None:
    page.get_by_role("link", name="카카오 로그인").click()
    page.get_by_role("button", name=decision).click()
    page.wait_for_url(lambda url: url.rstrip("/").count("/") == 2)


def test_the_button_follows_the_design_guide(page: Any) -> None:
    button = page.get_by_role("link", name="카카오 로그인")
    style = button.evaluate(
        "node => { const s = getComputedStyle(node); return [s.backgroundColor, s.borderRadius, s.color]; }"
    )
    assert style == ["rgb(254, 229, 0)", "12px", "rgba(0, 0, 0, 0.85)"]
    assert button.bounding_box()["height"] >= 45


def test_login_to_recommendation(page: Any) -> None:
    page.locator("#text").fill("오늘 하루도 수고했어")
    log_in(page)
    page.locator("#songs > *").nth(4).wait_for()
    page.locator("#songs[aria-busy]").wait_for(state="detached")
    assert page.locator("#name").input_value() == "비밀닉네임"
    assert page.locator("#profile").get_attribute("class").find("has-photo") >= 0
    assert page.locator("#text").input_value() == "오늘 하루도 수고했어"
    assert page.locator("#kakao").inner_text().startswith("비밀닉네임")


def test_refusal_is_said_and_the_page_stays_whole(page: Any) -> None:
    log_in(page, "취소")
    page.get_by_text("카카오 동의를 취소했어요").wait_for()
    page.locator("#text").fill("오늘 하루도 수고했어")
    page.locator("#go").click()
    page.locator("#songs > *").nth(4).wait_for()


def test_the_default_picture_is_said(page: Any, kakao: KakaoStandIn) -> None:
    kakao.person = Person(is_default_image=True)
    log_in(page)
    page.get_by_text("기본 사진이에요").wait_for()
    assert page.locator("#name").input_value() == "비밀닉네임"


def test_logout_and_unlink(page: Any, kakao: KakaoStandIn) -> None:
    log_in(page)
    page.get_by_role("button", name="로그아웃").click()
    page.get_by_role("link", name="카카오 로그인").wait_for()
    assert page.locator("#name").input_value() == ""
    log_in(page)
    page.get_by_role("button", name="연결 끊기").click()
    page.get_by_role("button", name="동의하고 계속하기").click()
    page.get_by_text("카카오 연결을 끊었어요").wait_for()
    assert not kakao.linked


def test_english(page: Any) -> None:
    page.locator("[data-lang=en]").click()
    page.get_by_role("link", name="Login with Kakao").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_before_and_after_the_login(page: Any, kakao: KakaoStandIn, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --prefix tests/web")
    kakao.person = Person(is_default_image=True)
    page.emulate_media(color_scheme=scheme)
    page.get_by_role("link", name="카카오 로그인").wait_for()
    assert violations(page) == []
    log_in(page)
    page.get_by_text("기본 사진이에요").wait_for()
    assert violations(page) == []


def violations(page: Any) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("tags => axe.run('#kakao', { runOnly: { type: 'tag', values: tags } })", AA)
    return [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found["violations"]]
