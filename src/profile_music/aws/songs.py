"""The mission's second function: `{"emotion": ..., "text": ...}` to songs, the same JSON as POST /v1/songs."""

from __future__ import annotations

import logging
from typing import Any

from pydantic import ValidationError

from profile_music.aws.events import Handler, JsonHandler, Payload
from profile_music.aws.limits import lambda_settings
from profile_music.errors import InputError
from profile_music.recommender import Recommender
from profile_music.service.answers import recommend_songs
from profile_music.service.schemas import SongsRequest
from profile_music.settings import Settings


class _Songs:
    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender

    def __call__(self, payload: Payload) -> dict[str, Any]:
        try:
            body = SongsRequest.model_validate(dict(payload))
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(reason=f"{'.'.join(map(str, first['loc']))}: {first['type']}") from error
        self._recommender = self._recommender.latest()
        return recommend_songs(body, self._recommender).to_dict()


def make_handler(settings: Settings | None = None) -> Handler:
    """Open the catalogue, load the text models and return the handler (settings from the environment where None)."""
    logging.getLogger("profile_music").setLevel(logging.INFO)
    recommender = Recommender.load(settings=lambda_settings(settings))
    recommender.recommend(None, "준비", 1)
    return JsonHandler("songs", _Songs(recommender))


def __getattr__(name: str) -> Any:
    """Make `handler` when it is first asked for (PEP 562)."""
    if name != "handler":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = make_handler()
    return globals()[name]
