"""The HTTP routes: each reads its input, runs the recommender in the pool, and returns its JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response

from profile_music._version import __version__
from profile_music.errors import InputError, NothingGivenError
from profile_music.index import SongFilter
from profile_music.ranking import RankingOptions
from profile_music.recommender import Recommender
from profile_music.service.answers import recommend_songs
from profile_music.service.drawing import draw_heat
from profile_music.service.forms import RequestForm, read_form
from profile_music.service.optional import with_photo
from profile_music.service.readiness import Readiness, recommender_of
from profile_music.service.schemas import (
    ConfigBody,
    EmotionBody,
    ErrorBody,
    RecommendationBody,
    SongsRequest,
)
from profile_music.types import EMOTIONS, PhotoEmotion, Recommendation

Result = TypeVar("Result")

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody} for status in (400, 404, 408, 413, 415, 422, 429, 503, 504)
}
_ERROR_CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
_DECADES = (1980, 1990, 2000, 2010, 2020)
_FIELDS = {
    "photo": {"type": "string", "format": "binary", "description": "JPEG, PNG, WebP, GIF, BMP or HEIC."},
    "photo_url": {"type": "string", "description": "Instead of photo, where the operator has allowed hosts."},
    "text": {"type": "string", "description": "A status message or any short text."},
    "top_k": {"type": "integer", "minimum": 1, "maximum": 50, "default": 5},
    "emotion": {"type": "string", "enum": [e.value for e in EMOTIONS], "description": "Overrules the photo."},
    "face": {"type": "integer", "minimum": 0, "default": 0, "description": "Which face speaks for the photo."},
    "mood": {"type": "string", "enum": ["match", "lift"], "default": "match"},
    "fresh": {"type": "integer", "description": "A seed: other picks of nearly equal score."},
    "decades": {"type": "string", "description": "Comma-separated, such as 1990,2010."},
    "genres": {"type": "string", "description": "Comma-separated."},
    "artists": {"type": "string", "description": "Comma-separated."},
    "exclude": {"type": "string", "description": "Comma-separated song ids that must not appear."},
}


def _form_schema(*names: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: _FIELDS[name] for name in names}}
    return {"requestBody": {"content": {"multipart/form-data": {"schema": schema}}, "required": True}}


def make_router() -> APIRouter:
    """Return the routes; the app's state holds the recommender and the pool."""
    router = APIRouter()
    router.add_api_route(
        "/v1/recommendations", _recommendations, methods=["POST"], response_model=RecommendationBody,
        responses=_ERRORS, openapi_extra=_form_schema(*_FIELDS), summary="Five songs for a photo and a text",
    )  # fmt: skip
    router.add_api_route(
        "/v1/emotion", _emotion, methods=["POST"], response_model=EmotionBody, responses=_ERRORS,
        openapi_extra=_form_schema("photo", "photo_url", "face"), summary="Faces and emotion of a photo",
    )  # fmt: skip
    router.add_api_route(
        "/v1/emotion/heatmap", _heatmap, methods=["POST"], response_class=Response,
        responses={**_ERRORS, 200: {"content": {"image/png": {}}}},
        openapi_extra=_form_schema("photo", "photo_url", "face"), summary="What in a face spoke for its emotion",
    )  # fmt: skip
    router.add_api_route(
        "/v1/songs", _songs, methods=["POST"], response_model=RecommendationBody, responses=_ERRORS,
        summary="Songs for an emotion and a text",
    )  # fmt: skip
    router.add_api_route(
        "/v1/config", _config, methods=["GET"], response_model=ConfigBody, summary="What may be asked for here"
    )
    router.add_api_route("/healthz", _healthz, methods=["GET"], summary="The process lives")
    router.add_api_route(
        "/readyz", _readyz, methods=["GET"], summary="Models and catalogue are verified and loaded",
        responses={503: {"description": "Not yet, or not at all: the body says why"}},
    )  # fmt: skip
    return router


async def _run(request: Request, work: Callable[[Recommender], Result]) -> Result:
    state = request.app.state
    result: Result = await state.pool.run(partial(work, recommender_of(state)))
    return result


async def _recommendations(request: Request) -> JSONResponse:
    form = await with_photo(await read_form(request), request.app.state)
    answer = await _run(request, partial(_recommend_form, form))
    if form.photo is not None:
        _count(request, answer.emotion)
    return JSONResponse(answer.to_dict())


async def _emotion(request: Request) -> JSONResponse:
    form = await with_photo(await read_form(request), request.app.state)
    photo = form.photo
    if photo is None:
        raise NothingGivenError()
    face = form.integer("face", 0)
    reading = await _run(request, lambda recommender: recommender.reader.read(photo, face_index=face))
    _count(request, reading.emotion)
    return JSONResponse(reading.to_dict())


async def _heatmap(request: Request) -> Response:
    form = await with_photo(await read_form(request), request.app.state)
    photo = form.photo
    if photo is None:
        raise NothingGivenError()
    face = form.integer("face", 0)
    picture = await _run(request, lambda recommender: draw_heat(recommender.reader, photo, face))
    return Response(picture, media_type="image/png")


async def _songs(request: Request, body: SongsRequest) -> JSONResponse:
    answer = await _run(request, partial(recommend_songs, body))
    return JSONResponse(answer.to_dict())


async def _config(request: Request) -> JSONResponse:
    state = request.app.state
    index = recommender_of(state).index
    limits = {"photo_bytes": state.settings.photo_max_bytes, "text_characters": state.settings.text_max_characters}
    return JSONResponse(
        {
            "version": __version__,
            "songs": len(index),
            "genres": list(index.manifest.genres),
            "decades": list(_DECADES),
            "limits": limits,
            "kakao_login": state.settings.kakao.rest_api_key is not None,
            "photo_url": bool(state.settings.photo_url_hosts),
        }
    )


def _recommend_form(form: RequestForm, recommender: Recommender) -> Recommendation:
    mood = form.fields.get("mood") or "match"
    emotion = form.fields.get("emotion") or None
    if mood not in ("match", "lift"):
        raise InputError(reason="mood: match | lift")
    if emotion is not None and emotion not in {e.value for e in EMOTIONS}:
        raise InputError(reason="emotion: happy | angry | sad | neutral")
    decades = form.words("decades")
    if not all(decade.isascii() and decade.isdigit() and len(decade) == 4 for decade in decades):
        raise InputError(reason="decades: 1990,2010")
    return recommender.recommend(
        form.photo,
        form.text(),
        form.integer("top_k", 5),
        emotion=emotion,
        face_index=form.integer("face", 0),
        options=RankingOptions(
            mood="lift" if mood == "lift" else "match",
            fresh_seed=form.integer("fresh", 0) if form.fields.get("fresh") else None,
            exclude_ids=frozenset(form.words("exclude")),
            songs_per_artist=recommender.settings.songs_per_artist,
        ),
        song_filter=SongFilter(
            decades=tuple(map(int, decades)), genres=form.words("genres"), artists=form.words("artists")
        ),
    )


async def _healthz() -> dict[str, str]:
    return {"status": "ok"}


async def _readyz(request: Request) -> JSONResponse:
    readiness: Readiness = request.app.state.readiness
    return JSONResponse(readiness.to_dict(), 200 if readiness.is_ready else 503)


def _count(request: Request, emotion: PhotoEmotion | None) -> None:
    if emotion is not None:
        request.app.state.watch.emotion("unsure" if emotion.abstained else emotion.scores.top.value)


def describe_keys(app: FastAPI, *, optional: bool) -> None:
    """Say in the OpenAPI document how keys are sent, and that the API answers 401 without one."""
    made = app.openapi

    def described() -> dict[str, Any]:
        document = made()
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["bearer"] = {"type": "http", "scheme": "bearer", "description": "An API key."}
        schemes["header"] = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
        refused = {"description": "API key missing or wrong", "content": _ERROR_CONTENT}
        for path, operations in document["paths"].items():
            for operation in operations.values() if path.startswith("/v1/") else ():
                operation["security"] = [{"bearer": []}, {"header": []}, *([{}] if optional else [])]
                operation["responses"]["401"] = refused
        return document

    app.openapi = described  # type: ignore[method-assign]
