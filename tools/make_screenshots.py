"""Take the page's screenshots for the README and the docs, from a running server.

Usage: profile-music serve --port 8000 & python tools/make_screenshots.py http://127.0.0.1:8000 docs/screenshots
Needs Playwright and Chromium (as `tests/web` does). The photos are the public-domain ones of the repository.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PORTRAIT = ROOT / "examples" / "portrait.jpg"
PHOTOS = ROOT / "tests" / "data" / "photos"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 860}, "device_scale_factor": 1.5}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
LINE = "오늘 하루도 수고했어"
_QUALITY = 80


def _ask(page: Any, photo: Path | None, text: str, name: str = "") -> None:
    if photo:
        page.set_input_files("#file", str(photo))
        page.wait_for_selector("#profile.has-photo")
    page.fill("#name", name)
    page.fill("#text", text)
    page.click("#go")
    page.wait_for_selector('#main[data-phase="result"]')
    page.wait_for_selector("#songs:not([aria-busy]) > li[data-song]")
    page.evaluate("document.activeElement.blur()")


def _start(page: Any) -> None:
    page.wait_for_selector("html[data-ready]")


def _result(page: Any) -> None:
    _ask(page, PORTRAIT, LINE, "에일린")


def _songs(page: Any) -> None:
    _result(page)
    page.evaluate("document.getElementById('tune').scrollIntoView()")


def _faces(page: Any) -> None:
    _ask(page, PHOTOS / "group.jpg", "나 이제 안 참아")


def _no_face(page: Any) -> None:
    _ask(page, PHOTOS / "coffee.jpg", "커피 한 잔의 여유")


def _wrong_file(page: Any) -> None:
    page.set_input_files("#file", files=[{"name": "song.mp3", "mimeType": "audio/mpeg", "buffer": b"ID3"}])
    page.wait_for_selector("#problem:not([hidden])")


def _share(page: Any) -> None:
    _result(page)
    page.click("#share-open")
    page.wait_for_selector("#share[open]")


SHOTS: dict[str, tuple[Callable[[Any], None], dict[str, Any], dict[str, Any]]] = {
    "phone-start": (_start, PHONE, {}),
    "phone-result": (_result, PHONE, {}),
    "phone-songs": (_songs, PHONE, {}),
    "phone-dark": (_faces, PHONE, {"color_scheme": "dark"}),
    "phone-no-face": (_no_face, PHONE, {}),
    "phone-error": (_wrong_file, PHONE, {}),
    "phone-english": (_result, PHONE, {"locale": "en-US"}),
    "desktop-start": (_start, DESKTOP, {}),
    "desktop-result": (_result, DESKTOP, {}),
    "desktop-dark": (_result, DESKTOP, {"color_scheme": "dark"}),
    "desktop-share": (_share, DESKTOP, {}),
}


def main(origin: str, folder: Path, only: list[str]) -> None:
    """Take the named shots, or all."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        for name in only or SHOTS:
            steps, kind, options = SHOTS[name]
            settings = {"locale": "ko-KR", "reduced_motion": "reduce", "service_workers": "block", **kind, **options}
            context = browser.new_context(**settings)
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.goto(origin)
            _start(page)
            steps(page)
            page.wait_for_timeout(400)
            _save(page.screenshot(), folder / f"{name}.webp")
            context.close()
            print(folder / f"{name}.webp")
        browser.close()


def _save(png: bytes, target: Path) -> None:
    # WebP keeps the repository small: a tenth of the PNG's size without visible loss.
    Image.open(BytesIO(png)).convert("RGB").save(target, quality=_QUALITY, method=6)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
