"""Accessibility, languages, keyboard, motion, colours, weight, speed, offline shell."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from .conftest import DESKTOP, PHONE, PHOTOS, PORTRAIT
from .helpers import ask, settle, song_ids, until

pytestmark = pytest.mark.browser
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SHELL_LIMIT_BYTES = 100_000
FIRST_PAINT_LIMIT_MS = 1000


def _violations(page, within: str = "html") -> list[str]:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --prefix tests/web")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    run = "([within, tags]) => axe.run(within, { runOnly: { type: 'tag', values: tags } })"
    found = page.evaluate(run, [within, tags])
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found["violations"] for node in rule["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing(open_page, kind, scheme):
    page = open_page(kind, color_scheme=scheme)
    assert _violations(page) == []
    ask(page, photo=PHOTOS / "group.jpg", text="오늘 하루도 수고했어")
    page.locator("#filters summary").click()
    page.locator(".like").first.click()
    page.click(".meter-sad")
    page.wait_for_selector('.meter-sad[aria-pressed="true"]')
    settle(page)
    assert _violations(page) == []
    page.click("#share-open")
    page.wait_for_selector("#share[open]")
    assert _violations(page, "#share") == []


def test_axe_finds_nothing_when_things_go_wrong(open_page):
    page = open_page(PHONE)
    page.click("#go")
    page.wait_for_selector("#problem:not([hidden])")
    assert _violations(page) == []
    ask(page, photo=PHOTOS / "coffee.jpg")
    assert _violations(page) == []


def test_keyboard_alone(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.type("보고 싶다")
    page.keyboard.press("Enter")
    page.wait_for_selector('#main[data-phase="result"]')
    settle(page)
    assert page.evaluate("document.activeElement.id") == "result-title"
    seen: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.className || document.activeElement.tagName"))
        outlined = page.evaluate(
            """() => {
                const node = document.activeElement;
                const drawn = (element) => element && getComputedStyle(element).outlineStyle !== 'none';
                const mark = node.nextElementSibling;
                return drawn(node) || drawn(node.closest('.song')) || drawn(mark) || node === document.body;
            }"""
        )
        assert outlined, f"no visible focus on {seen[-1]}"
        if "skip-song" in seen[-1]:
            break
    assert "song-title" in seen and "icon-button like" in seen
    first = song_ids(page)[0]
    page.keyboard.press("Enter")
    second = song_ids(page)[0]
    assert first not in song_ids(page)
    assert page.evaluate("document.activeElement.className") == "icon-button skip-song", "focus goes on, not lost"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert page.locator(f'[data-song="{second}"] .like').get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.activeElement.className") == "icon-button like"
    page.focus("#share-open")
    page.keyboard.press("Enter")
    page.wait_for_selector("#share[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#share:not([open])", state="attached")
    assert page.evaluate("document.activeElement.id") == "share-open"


def test_screen_readers_hear_what_happens(open_page):
    page = open_page()
    ask(page, text="보고 싶다")
    until(page, "document.getElementById('live').textContent.includes('5곡')")
    page.locator(".skip-song").first.click()
    until(page, "document.getElementById('live').textContent.includes('빼고')")
    assert page.locator("h1").count() == 1 and page.locator("h2:visible").count() == 1
    assert page.get_by_role("list").first.is_visible()


def test_language_by_header_and_by_switch(open_page):
    page = open_page(locale="en-US")
    assert page.get_attribute("html", "lang") == "en"
    assert page.title().startswith("Premu")
    ask(page, photo=PORTRAIT, text="보고 싶다")
    before = song_ids(page)
    page.get_by_role("link", name="한국어").click()
    page.wait_for_selector('html[lang="ko"]')
    assert page.inner_text("#result-title") == "어울리는 노래 다섯 곡"
    assert song_ids(page) == before and page.locator("#profile.has-photo").count() == 1
    assert "feel-good" not in page.inner_text("#songs")
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.get_attribute("html", "lang") == "ko"


def test_every_sentence_exists_in_both_languages(open_page):
    static = Path(__file__).resolve().parents[2] / "src" / "profile_music" / "service" / "static"
    ko, en = (json.loads((static / "i18n" / f"{code}.json").read_text(encoding="utf-8")) for code in ("ko", "en"))
    assert ko.keys() == en.keys()
    page = open_page(locale="en-US")
    left = page.evaluate(
        "[...document.body.innerText.matchAll(/[가-힣]+/g)].map(found => found[0])"
        ".filter(word => ![...document.querySelectorAll('[lang=ko], .wordmark')]"
        ".some(node => node.textContent.includes(word)))"
    )
    assert left == []


def test_dark_and_light_differ(open_page):
    paper = "getComputedStyle(document.body).backgroundColor"
    assert open_page(color_scheme="dark").evaluate(paper) != open_page(color_scheme="light").evaluate(paper)


def test_reduced_motion_is_respected(open_page):
    moving = "document.getAnimations().filter(animation => animation.playState === 'running').length"
    page = open_page(reduced_motion="reduce")
    ask(page, text="보고 싶다")
    assert page.evaluate(moving) == 0
    page = open_page(reduced_motion="no-preference")
    ask(page, text="보고 싶다")
    assert page.evaluate(moving) > 0


def test_large_text_and_narrow_screens_hold(open_page):
    page = open_page({"viewport": {"width": 320, "height": 640}})
    page.evaluate("document.documentElement.style.fontSize = '32px'")
    ask(page, photo=PORTRAIT, text="세상에서 가장 긴 상태 메시지를 써 보겠다고 마음먹은 어느 월요일 아침의 나")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1")


def test_targets_are_large_enough(open_page):
    page = open_page(PHONE)
    ask(page, photo=PHOTOS / "group.jpg", text="보고 싶다")
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, a, summary, input:not([hidden])')]
            .filter(node => node.checkVisibility() && !node.closest('.foot'))
            .filter(node => !node.matches('.segment input, .check input, .skip, .text-button'))
            .map(node => [node.className || node.id, node.getBoundingClientRect()])
            .filter(([, box]) => box.width && (box.width < 24 || box.height < 24)).map(([name]) => name)"""
    )
    assert small == []


def test_the_shell_is_light(server):
    with urlopen(f"{server}/") as answer:
        page = answer.read().decode()
    total = len(gzip.compress(page.encode()))
    paths = {part.split('"')[0] for part in page.split('="/assets/')[1:]}
    for path in paths:
        if path.endswith(".png"):
            continue
        with urlopen(Request(f"{server}/assets/{path}", headers={"accept-encoding": "gzip"})) as answer:
            assert answer.headers["content-encoding"] == "gzip"
            total += len(answer.read())
    assert total < SHELL_LIMIT_BYTES, total


def test_first_paint_is_quick_on_a_slow_machine(open_page, browser, server):
    context = browser.new_context(service_workers="block", **PHONE)
    page = context.new_page()
    page.goto("about:blank")
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 4})
    paints = []
    for _ in range(3):
        page.goto(server, wait_until="load")
        page.wait_for_selector("html[data-ready]")
        paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        paints.append(page.evaluate(paint))
    context.close()
    assert min(paints) < FIRST_PAINT_LIMIT_MS, paints


def test_the_shell_opens_offline_and_is_installable(open_page, server, watch):
    watch.allowed.append("ERR_INTERNET_DISCONNECTED")
    page = open_page(PHONE, service_workers="allow")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    until(page, "caches.keys().then(names => names.length > 0)")
    cached = page.evaluate(
        "caches.keys().then(async ([name]) => (await (await caches.open(name)).keys())"
        ".map(request => new URL(request.url).pathname))"
    )
    assert "/" in cached and not any(path.startswith("/v1") for path in cached)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    page.context.set_offline(True)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#go").is_visible()
    page.context.set_offline(False)
    with urlopen(f"{server}/manifest.webmanifest") as answer:
        manifest = json.load(answer)
    for icon in manifest["icons"]:
        with urlopen(server + icon["src"]) as picture:
            assert picture.headers["content-type"] == icon["type"]
