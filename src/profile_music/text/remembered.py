"""What has been read of a text, kept while a request or a part of a build lasts: both ask for it several times."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Read = TypeVar("Read")

_memory: ContextVar[dict[Hashable, Any] | None] = ContextVar("texts", default=None)


@contextmanager
def texts_remembered() -> Iterator[None]:
    """Remember while it lasts, then forget all."""
    token = _memory.set({})
    try:
        yield
    finally:
        _memory.reset(token)


def remembered(key: Hashable, read: Callable[[], Read]) -> Read:
    """Return what `read` gives, or gave for this key while `texts_remembered` lasts; it must not be changed."""
    memory = _memory.get()
    if memory is None:
        return read()
    if key not in memory:
        memory[key] = read()
    found: Read = memory[key]
    return found
