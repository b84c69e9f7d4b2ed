"""The route's stages by name, so that a server can time and trace them. Watched by nobody, a stage costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Any

STAGES = ("wait", "decode", "detect", "emotion", "mood", "text", "search", "explain", "heatmap")
"""Wait for a thread, open the photo, find faces, read them, the text's mood, its vectors, search, reasons, heatmap."""

StageWatch = Callable[[str], AbstractContextManager[Any]]
"""Called with a stage's name; what it returns is entered when the stage begins and left when it ends."""

watching: ContextVar[StageWatch | None] = ContextVar("watching", default=None)
"""Who watches the stages of this context."""

_UNWATCHED = nullcontext()


def stage(name: str) -> AbstractContextManager[Any]:
    """Return the context that a stage runs in; nothing happens there where nobody watches."""
    watch = watching.get()
    return watch(name) if watch else _UNWATCHED
