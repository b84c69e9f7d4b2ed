"""Optional parts of the service, loaded only where a setting asks for them: Kakao Login, the chatbot, photos by URL."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastapi import FastAPI

from profile_music.errors import DependencyMissingError, InputError
from profile_music.service.forms import RequestForm
from profile_music.service.watch import Watch
from profile_music.settings import KakaoSettings, Settings

if TYPE_CHECKING:
    from starlette.datastructures import State

    from profile_music.service.fetch import GuardedClient


def mount_optional(app: FastAPI, settings: Settings, client: GuardedClient | None = None) -> None:
    """Add the routes that the settings ask for; ``/v1/config`` says what is on.

    Args:
        app: The application.
        settings: Read for ``KAKAO_*`` and the hosts of photos by URL.
        client: Fetches photos; a usual one where None.

    Raises:
        DependencyMissingError: A part is asked for and the extra ``kakao`` is not installed.
        InputError: A list of hosts holds something that is no host name.
        KakaoSecretMissingError: Kakao Login on https without a secret for its cookies.
    """
    kakao = settings.kakao
    if kakao.rest_api_key is None and not settings.photo_url_hosts and not _skill_is_on(kakao):
        return
    try:
        _mount(app, settings, client)
    except ModuleNotFoundError as error:
        raise DependencyMissingError(extra="kakao") from error
    except ValueError as error:
        raise InputError(reason="PROFILE_MUSIC_PHOTO_URL_HOSTS, KAKAO_IMAGE_HOSTS, KAKAO_CALLBACK_HOSTS") from error


def mount_watches(app: FastAPI, watches: Sequence[Watch]) -> None:
    """Add the routes of what follows the server: /metrics, where it is asked for."""
    for watch in watches:
        if (router := watch.router()) is not None:
            app.include_router(router)


def _skill_is_on(kakao: KakaoSettings) -> bool:
    return kakao.skill or kakao.skill_secret is not None


def _mount(app: FastAPI, settings: Settings, client: GuardedClient | None) -> None:
    from profile_music.service.fetch import GuardedClient
    from profile_music.service.fetch_url import HostList

    for name in ("httpx", "httpcore", "oauthlib"):
        # They log addresses, and at DEBUG headers and tokens.
        logging.getLogger(name).setLevel(logging.WARNING)
    client = client or GuardedClient()
    app.state.photo_client = client
    app.state.photo_hosts = HostList(settings.photo_url_hosts)
    if settings.kakao.rest_api_key is not None:
        from profile_music.service.kakao import KakaoLogin

        app.state.kakao = KakaoLogin(settings, client)
        app.include_router(app.state.kakao.router())
    if _skill_is_on(settings.kakao):
        from profile_music.service.skill import SkillServer
        from profile_music.service.skill_covers import SkillCovers

        covers = SkillCovers(settings.kakao.public_url)
        app.include_router(covers.router())
        skill = SkillServer(settings, client, covers.url)
        app.include_router(skill.router())
        app.state.finishing.append(skill.finish)


async def with_photo(form: RequestForm, state: State) -> RequestForm:
    """Return the form with the photo that its field ``photo_url`` names, fetched; other forms as they are.

    Raises:
        UrlNotAllowedError: The host is not on the operator's list; without a list, every URL.
        InputError: Both a photo and an address.
        ProfileMusicError: The photo cannot be fetched.
    """
    url = form.fields.get("photo_url", "").strip()
    if not url:
        return form
    if form.photo is not None:
        raise InputError(reason="photo | photo_url")
    if not getattr(state, "photo_hosts", None):
        raise PhotoUrlOffError
    photo = await state.photo_client.get_photo(url, state.photo_hosts, state.settings.photo_max_bytes)
    return RequestForm(photo, form.fields)


class PhotoUrlOffError(InputError):
    """The operator has not allowed any host."""

    code = "photo_url_not_allowed"
    ko = "이 서버는 주소로 사진을 받지 않아요. 사진을 직접 올려 주세요."
    en = "This server does not fetch photos by address: upload the photo."
