"""Parts that load on first use, once for all threads."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, Generic, TypeVar, overload

Part = TypeVar("Part")


class LoadedOnce(Generic[Part]):
    """A property that runs its loader on first use only, also when several threads ask at once."""

    def __init__(self, loader: Callable[[Any], Part]) -> None:
        """Wrap a loader; use as a decorator."""
        self._loader = loader
        self._lock = RLock()
        self.__doc__ = loader.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> LoadedOnce[Part]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Part: ...

    def __get__(self, instance: object | None, owner: type) -> Any:
        """Return the part, loading it where it is not there yet."""
        if instance is None:
            return self
        parts = instance.__dict__
        if self._name not in parts:
            with self._lock:
                if self._name not in parts:
                    parts[self._name] = self._loader(instance)
        return parts[self._name]
