"""Steps that several tests take."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

_PATIENCE_S = 30


def ask(page: Any, *, photo: Path | None = None, text: str = "") -> None:
    """Fill the form, send it, and wait for five cards."""
    if photo is not None:
        page.set_input_files("#file", str(photo))
        page.wait_for_selector("#profile.has-photo")
    if text:
        page.fill("#text", text)
    page.click("#go")
    page.wait_for_selector('#main[data-phase="result"]')
    settle(page)


def settle(page: Any) -> None:
    """Wait until no question is under way."""
    page.wait_for_selector("#songs:not([aria-busy]) > li.song[data-song]")


def until(page: Any, expression: str, arg: Any = None) -> None:
    """Wait until an expression holds (Playwright's own wait evaluates strings, which the page's policy forbids)."""
    end = time.monotonic() + _PATIENCE_S
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(50)


def song_ids(page: Any) -> list[str]:
    """The songs on the cards, in order."""
    return page.eval_on_selector_all("#songs > li.song", "items => items.map(item => item.dataset.song)")


def titles(page: Any) -> list[str]:
    return page.locator(".song-title").all_inner_texts()
