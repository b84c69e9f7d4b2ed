"""The bounded inference pool."""

from __future__ import annotations

import asyncio
import threading

import pytest

from profile_music.errors import BusyError, DeadlineError
from profile_music.service.pool import InferencePool


def test_full_queue_says_busy_and_recovers() -> None:
    async def scenario() -> None:
        pool = InferencePool(workers=1, queue_size=1, deadline_s=5)
        gate = threading.Event()
        running = [asyncio.create_task(pool.run(gate.wait)) for _ in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError):
            await pool.run(lambda: 1)
        gate.set()
        assert await asyncio.gather(*running) == [True, True]
        await asyncio.sleep(0.01)
        assert pool.pending == 0
        assert await pool.run(lambda: 7) == 7
        pool.close()

    asyncio.run(scenario())


def test_deadline_frees_waiting_work_but_not_running_work() -> None:
    async def scenario() -> None:
        pool = InferencePool(workers=1, queue_size=3, deadline_s=0.1)
        gate = threading.Event()
        ran: list[int] = []
        tasks = [asyncio.create_task(pool.run(gate.wait)), asyncio.create_task(pool.run(lambda: ran.append(1)))]
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in done] == [DeadlineError, DeadlineError]
        await asyncio.sleep(0.01)
        assert pool.pending == 1
        gate.set()
        await asyncio.sleep(0.05)
        assert pool.pending == 0
        assert ran == []
        pool.close()

    asyncio.run(scenario())


def test_errors_of_the_work_come_through() -> None:
    async def scenario() -> None:
        pool = InferencePool(workers=1, queue_size=1, deadline_s=5)
        with pytest.raises(ZeroDivisionError):
            await pool.run(lambda: 1 // 0)
        await asyncio.sleep(0.01)
        assert pool.pending == 0
        pool.close()

    asyncio.run(scenario())
