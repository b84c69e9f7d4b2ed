"""The chatbot's skill server: one route that always answers in Kakao's format and within Kakao's five seconds."""

from __future__ import annotations

import asyncio
import hmac
import logging
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from profile_music.errors import NothingGivenError, ProfileMusicError
from profile_music.ranking import RankingOptions
from profile_music.recommender import Recommender
from profile_music.service.fetch import GuardedClient
from profile_music.service.fetch_url import HostList, UrlNotAllowedError, check_url
from profile_music.service.pool import InferencePool
from profile_music.service.readiness import recommender_of
from profile_music.service.skill_cards import Answer, Bubbles, CoverOf, waiting
from profile_music.service.skill_event import Said, State, understand
from profile_music.settings import Settings
from profile_music.types import EMOTIONS, Recommendation

log = logging.getLogger("profile_music.skill")
_SONGS = 5
_CALLBACK_VALID_S = 55.0
_FINISH_S = 15.0
_EMOTIONS = frozenset(emotion.value for emotion in EMOTIONS)


class SkillSecretError(ProfileMusicError):
    """The shared secret is missing or wrong."""

    code = "skill_secret_wrong"
    http_status = 401
    ko = "스킬 서버의 비밀값(X-Skill-Secret)이 맞지 않아요."
    en = "The skill server's shared secret (X-Skill-Secret) does not match."


class SkillServer:
    """Answers the chatbot. Keeps nothing between turns."""

    def __init__(self, settings: Settings, client: GuardedClient, cover_of: CoverOf | None = None) -> None:
        """Serve the bot of `settings`; photos and late answers go through `client`."""
        kakao = settings.kakao
        self._secret = kakao.skill_secret.get_secret_value() if kakao.skill_secret else ""
        self._deadline_s = kakao.skill_deadline_s
        self._bubbles = Bubbles(kakao.skill_cards, kakao.skill_block_id, cover_of)
        self._image_hosts = HostList(kakao.image_hosts)
        self._callback_hosts = HostList(kakao.callback_hosts)
        self._max_photo_bytes = settings.photo_max_bytes
        self._client = client
        self._late: set[asyncio.Task[None]] = set()

    def router(self) -> APIRouter:
        """Return the route."""
        router = APIRouter(tags=["kakao"])
        router.add_api_route("/kakao/skill", self._skill, methods=["POST"], summary="Skill server of a Kakao chatbot")
        return router

    async def finish(self) -> None:
        """Send the answers that were promised before the server stops; the caller's patience is limited too."""
        if self._late:
            await asyncio.wait(self._late, timeout=_FINISH_S)

    async def _skill(self, request: Request) -> JSONResponse:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        self._check_secret(request.headers.get("x-skill-secret", ""))
        said = understand(await request.body())
        work = asyncio.create_task(self._answer(said, request.app.state))
        await asyncio.wait({work}, timeout=max(0.0, self._deadline_s - (loop.time() - begin)))
        if work.done():
            return JSONResponse(work.result())
        if said.callback_url and self._may_call(said.callback_url):
            late = asyncio.create_task(self._send_late(work, said.callback_url))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            return JSONResponse(waiting())
        work.cancel()
        return JSONResponse(self._bubbles.say("살펴보는 데 시간이 조금 더 걸려요. 한 번만 다시 보내 주세요."))

    def _check_secret(self, given: str) -> None:
        # Header bytes come decoded as Latin-1, whatever the bot's console sent.
        if self._secret and not hmac.compare_digest(given.encode("latin-1"), self._secret.encode()):
            raise SkillSecretError

    def _may_call(self, url: str) -> bool:
        try:
            check_url(url, self._callback_hosts)
        except UrlNotAllowedError as error:
            log.warning("skill callback refused: %s", error.code)
            return False
        return True

    async def _send_late(self, work: asyncio.Task[Answer], url: str) -> None:
        """Send the answer when it is there: once, as the address works once, and within its minute."""
        try:
            answer = await asyncio.wait_for(work, _CALLBACK_VALID_S - self._deadline_s)
            status = await self._client.post_json(url, self._callback_hosts, answer)
            log.info("skill callback: status %d", status)
        except TimeoutError:
            log.warning("skill callback: no answer in time")
        except ProfileMusicError as error:
            log.warning("skill callback: %s", error.code)

    async def _answer(self, said: Said, state: Any) -> Answer:
        """Return an answer whatever happens: to the chatbot an HTTP error is a bubble that says nothing."""
        try:
            return await self._turn(said, recommender_of(state), state.pool)
        except NothingGivenError:
            return self._bubbles.help()
        except ProfileMusicError as error:
            return self._bubbles.say(error.message_ko)
        except Exception as error:  # its message could quote the request, so only its kind is logged
            log.error("skill: unexpected %s", type(error).__name__)
            return self._bubbles.say(ProfileMusicError().message_ko)

    async def _turn(self, said: Said, recommender: Recommender, pool: InferencePool) -> Answer:
        state = _stepped(said)
        if said.command == "help" or (said.command and said.command not in ("fix", *_EMOTIONS) and not _known(state)):
            return self._bubbles.help()
        if said.command == "fix":
            return self._bubbles.ask_emotion(state)
        photo = None
        if said.photo_url:
            photo = await self._client.get_photo(said.photo_url, self._image_hosts, self._max_photo_bytes)
        answer = await pool.run(partial(_recommend, recommender, photo, state))
        if not answer.songs and state.seen:
            # Everything has been shown: begin again.
            state = replace(state, seen=())
            answer = await pool.run(partial(_recommend, recommender, photo, state))
        return self._bubbles.songs(answer, _after(state, answer))


def _stepped(said: Said) -> State:
    """Return the state that this turn's answer is made from."""
    if not said.command:
        return State(text=said.text)
    if said.command in ("lift", "match"):
        return replace(said.state, lift=said.command == "lift", seen=())
    if said.command in _EMOTIONS:
        return replace(said.state, emotion=said.command, seen=())
    return said.state


def _known(state: State) -> bool:
    return bool(state.text or state.emotion)


def _recommend(recommender: Recommender, photo: bytes | None, state: State) -> Recommendation:
    options = RankingOptions(
        mood="lift" if state.lift else "match",
        exclude_ids=frozenset(state.seen),
        songs_per_artist=recommender.settings.songs_per_artist,
    )
    return recommender.recommend(photo, state.text or None, _SONGS, emotion=state.emotion, options=options)


def _after(state: State, answer: Recommendation) -> State:
    """Return the state for the buttons: the photo itself is gone, what it said stays."""
    feeling = answer.emotion
    emotion = state.emotion
    # A weak reading (colours, an unclear face) only goes on where there is nothing else to go on from.
    if emotion is None and feeling and ((feeling.source == "face" and not feeling.abstained) or not state.text):
        emotion = feeling.scores.top.value
    return replace(state, emotion=emotion, seen=(*state.seen, *(song.song.song_id for song in answer.songs)))
