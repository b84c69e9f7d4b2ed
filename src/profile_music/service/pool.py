"""Inference off the event loop: a bounded pool that says no instead of queueing without end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from profile_music.errors import BusyError, DeadlineError
from profile_music.service.watch import Watch
from profile_music.stages import watching

Result = TypeVar("Result")


class InferencePool:
    """`workers` threads and at most `queue_size` requests waiting for them."""

    def __init__(self, workers: int, queue_size: int, deadline_s: float, watch: Watch | None = None) -> None:
        """Start no thread yet; the executor starts them on first use."""
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="inference")
        self._capacity = workers + queue_size
        self._deadline_s = deadline_s
        self._watch = watch or Watch()
        self.pending = 0

    @property
    def capacity(self) -> int:
        """Requests that may run or wait at once."""
        return self._capacity

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` in a thread and return its result.

        Raises:
            BusyError: The queue is full.
            DeadlineError: It was not done within the deadline. A thread cannot be stopped: work that already runs
                goes on and keeps its place in the queue until it ends; work that still waits is dropped.
        """
        if self.pending >= self._capacity:
            raise BusyError()
        self.pending += 1
        future = self._submit(work)
        future.add_done_callback(self._release(asyncio.get_running_loop()))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._deadline_s)
        except TimeoutError as error:
            raise DeadlineError() from error

    def _submit(self, work: Callable[[], Result]) -> Future[Result]:
        watch = self._watch
        # The thread gets the request's context, which is how a trace finds its parent.
        context = copy_context()
        context.run(watching.set, watch.stage)
        begin = time.perf_counter()

        def watched() -> Result:
            watch.started(time.perf_counter() - begin)
            try:
                return work()
            finally:
                watch.ended()

        watch.queued()
        return self._executor.submit(context.run, watched)

    def _release(self, loop: asyncio.AbstractEventLoop) -> Callable[[Future[Result]], None]:
        def release(future: Future[Result]) -> None:
            if future.cancelled():  # it never came to its turn
                self._watch.dropped()
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._count_down)

        return release

    def _count_down(self) -> None:
        self.pending -= 1

    def close(self) -> None:
        """Let running work finish and drop what waits."""
        self._executor.shutdown(wait=True, cancel_futures=True)
