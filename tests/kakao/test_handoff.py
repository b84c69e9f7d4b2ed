"""A photo between callback and page: for a minute, once, and only so many."""

from __future__ import annotations

import asyncio

from profile_music.service.kakao_photos import PhotoHandoff


def test_a_photo_is_handed_out_once() -> None:
    async def scenario() -> None:
        handoff = PhotoHandoff()
        photo_id = handoff.put(b"a photo")
        assert handoff.take("another id") is None
        assert handoff.take(photo_id) == b"a photo"
        assert handoff.take(photo_id) is None

    asyncio.run(scenario())


def test_a_photo_that_nobody_picks_up_is_dropped() -> None:
    async def scenario() -> None:
        handoff = PhotoHandoff(kept_s=0.05)
        handoff.put(b"a photo")
        await asyncio.sleep(0.2)
        assert len(handoff) == 0

    asyncio.run(scenario())


def test_a_full_handoff_drops_the_oldest() -> None:
    async def scenario() -> None:
        handoff = PhotoHandoff(max_photos=2)
        ids = [handoff.put(bytes([number])) for number in range(3)]
        assert [handoff.take(photo_id) for photo_id in ids] == [None, b"\x01", b"\x02"]

    asyncio.run(scenario())
