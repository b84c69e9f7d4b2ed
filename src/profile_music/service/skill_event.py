"""What a KakaoTalk user said: the chatbot's payload, read leniently, and the state that quick replies carry."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from profile_music.errors import InputError
from profile_music.types import EMOTIONS

EXTRA_KEY = "profile_music"
COMMANDS = {
    "기분 전환": "lift",
    "지금 기분 그대로": "match",
    "다른 곡": "more",
    "감정 고치기": "fix",
    "도움말": "help",
    "시작하기": "help",
    "처음으로": "help",
}
"""What the buttons say, so that typing the same words does the same."""

_URL = re.compile(r"https?://[^\s,()<>\"']+")
_TRIGGERS = frozenset(
    {"사진 보내기", "사진으로 추천", "사진으로 추천받기", "이미지 보내기", "이미지 전송", "사진 전송"}
)
_MAX_SEEN = 40
_MAX_TEXT_CHARACTERS = 300


class _Loose(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")


class _UserRequest(_Loose):
    utterance: str | None = None
    callback_url: str | None = None
    params: dict[str, Any] | None = None


class _Action(_Loose):
    params: dict[str, Any] | None = None
    detail_params: dict[str, Any] | None = None
    client_extra: dict[str, Any] | None = None


class _Payload(_Loose):
    user_request: _UserRequest
    action: _Action = Field(default_factory=_Action)


class _Carried(BaseModel):
    model_config = ConfigDict(extra="forbid")

    do: str = Field("", max_length=8)
    text: str = Field("", max_length=_MAX_TEXT_CHARACTERS)
    emotion: str | None = None
    lift: bool = False
    seen: list[str] = Field(default_factory=list, max_length=_MAX_SEEN)


@dataclass(frozen=True, slots=True)
class State:
    """What the next answer needs to know; it travels in the buttons, the server keeps none of it.

    Attributes:
        text: What the person wrote.
        emotion: The photo's emotion or the person's correction.
        lift: Whether songs should lift the mood.
        seen: Ids of songs already shown.
    """

    text: str = field(default="", repr=False)
    emotion: str | None = None
    lift: bool = False
    seen: tuple[str, ...] = ()

    def extra(self, command: str) -> dict[str, Any]:
        """Return the `extra` of a button that does `command` with this state."""
        carried = _Carried(
            do=command,
            text=self.text[:_MAX_TEXT_CHARACTERS],
            emotion=self.emotion,
            lift=self.lift,
            seen=list(self.seen[-_MAX_SEEN:]),
        )
        return {EXTRA_KEY: carried.model_dump(exclude_defaults=True)}


@dataclass(frozen=True, slots=True)
class Said:
    """One turn: a command with its state, or a new text and photo."""

    command: str
    state: State
    text: str = field(default="", repr=False)
    photo_url: str | None = field(default=None, repr=False)
    callback_url: str | None = field(default=None, repr=False)


def understand(body: bytes) -> Said:
    """Read a skill payload.

    Raises:
        InputError: Not a skill payload.
    """
    try:
        payload = _Payload.model_validate_json(body)
    except ValidationError as error:
        raise InputError(reason="skill payload") from error
    request, action = payload.user_request, payload.action
    utterance = (request.utterance or "").strip()
    command, state = _carried(action.client_extra)
    command = command or COMMANDS.get(utterance, "")
    if command:
        return Said(command, state, callback_url=request.callback_url)
    photo_url, secure = _photo_url(request, action)
    text = _text(utterance, action.params or {}, secure=secure)
    return Said("", State(), text, photo_url, request.callback_url)


def _carried(extra: Mapping[str, Any] | None) -> tuple[str, State]:
    """Return command and state of the button that was pressed; anything unexpected is no button of ours."""
    try:
        carried = _Carried.model_validate((extra or {})[EXTRA_KEY])
    except (KeyError, ValidationError):
        return "", State()
    emotion = carried.emotion if carried.emotion in {e.value for e in EMOTIONS} else None
    return carried.do, State(carried.text, emotion, carried.lift, tuple(carried.seen))


def _photo_url(request: _UserRequest, action: _Action) -> tuple[str | None, bool]:
    """Return the photo's address and whether it came through the secure image plug-in."""
    for value in _values(action):
        secure = value.get("secureUrls")
        if isinstance(secure, str) and (found := _URL.search(secure)):
            return found[0], True
    media = (request.params or {}).get("media")
    if isinstance(media, dict) and isinstance(media.get("url"), str):
        return media["url"], False
    found = _URL.search(request.utterance or "")
    return (found[0] if found else None), False


def _values(action: _Action) -> Iterator[dict[str, Any]]:
    """Yield parameters that are JSON objects, whatever the bot's author named them."""
    details = (detail.get("value") for detail in (action.detail_params or {}).values() if isinstance(detail, dict))
    for value in [*(action.params or {}).values(), *details]:
        parsed = value
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                parsed = json.loads(value)
            except ValueError:
                continue
        if isinstance(parsed, dict):
            yield parsed


def _text(utterance: str, params: Mapping[str, Any], *, secure: bool) -> str:
    given = params.get("text")
    if isinstance(given, str) and given.strip():
        return given.strip()
    text = " ".join(_URL.sub(" ", utterance).split())
    return "" if secure and text in _TRIGGERS else text
