"""The web page: its files from memory, in the reader's language, compressed, with caching that survives a release."""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = ("ko", "en")

_STATIC_DIR = Path(__file__).parent / "static"
_COMPRESSED = ("text/", "application/json", "application/manifest+json", "image/svg+xml")
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_AT_THE_ROOT = {
    "sw.js": "sw.js", "manifest.webmanifest": "manifest.webmanifest", "favicon.ico": "icons/icon-192.png",
}  # fmt: skip
_TAG_WITH_TEXT = re.compile(r'(<\w+\b[^<>]*\sdata-i18n="([\w.]+)"[^<>]*>)[^<]*')
_TAG_WITH_ATTRIBUTES = re.compile(r'<\w+\b[^<>]*\sdata-i18n-attr="([^"]+)"[^<>]*>')
_SLOT = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file as it is sent."""

    body: bytes
    compressed: bytes | None
    media_type: str
    etag: str


class Site:
    """All files of the page under one version: assets live at an address that changes whenever any of them does."""

    def __init__(self, folder: Path = _STATIC_DIR) -> None:
        """Read the files of `folder`."""
        self._files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        self.version = hashlib.sha256(b"".join(name.encode() + body for name, body in self._files.items())).hexdigest()[
            :12
        ]
        self.assets = f"/assets/{self.version}"
        self._made: dict[tuple[str, ...], PageFile] = {}

    def asset(self, name: str) -> PageFile:
        """Return a file by its path in the folder.

        Raises:
            KeyError: There is no such file.
        """
        return self._once(("asset", name), lambda: (self._files[name], name))

    def rooted(self, name: str) -> PageFile:
        """Return a file that lives at the root and names assets: the manifest, the service worker."""
        return self._once(("rooted", name), lambda: (self._filled(name, {}), name))

    def page(self, language: Language, origin: str) -> PageFile:
        """Return the page in one language; `origin` is for the picture that messengers show beside a link."""

        def make() -> tuple[bytes, str]:
            filled = self._filled("index.html", {"lang": language, "origin": html.escape(origin)}).decode()
            return translate(filled, json.loads(self._files[f"i18n/{language}.json"])).encode(), "index.html"

        # A Host header is the client's to choose, so pages of many origins are not kept.
        return _packed(*make()) if len(self._made) > 200 else self._once(("page", language, origin), make)

    def _once(self, key: tuple[str, ...], make: Callable[[], tuple[bytes, str]]) -> PageFile:
        if key not in self._made:
            self._made[key] = _packed(*make())
        return self._made[key]

    def _filled(self, name: str, values: Mapping[str, str]) -> bytes:
        scripts = [path for path in self._files if path.startswith("js/")]
        shell = ["/", *(f"{self.assets}/{path}" for path in self._files if "/" in path and "og." not in path)]
        known = {
            "assets": self.assets,
            "version": self.version,
            "shell": json.dumps(shell),
            "modules": "\n".join(f'<link rel="modulepreload" href="{self.assets}/{path}">' for path in scripts),
            **values,
        }
        return _SLOT.sub(lambda slot: known[slot[1]], self._files[name].decode()).encode()


def translate(page: str, strings: Mapping[str, str]) -> str:
    """Fill the texts of tags with ``data-i18n`` and the attributes named in ``data-i18n-attr``."""

    def attributes(tag: re.Match[str]) -> str:
        text = tag[0]
        for pair in tag[1].split(";"):
            name, key = pair.split(":")
            value = html.escape(strings[key])
            text = re.sub(rf'(\s{re.escape(name)}=")[^"]*"', lambda found, v=value: f'{found[1]}{v}"', text)  # type: ignore[misc]
        return text

    page = _TAG_WITH_ATTRIBUTES.sub(attributes, page)
    return _TAG_WITH_TEXT.sub(lambda tag: tag[1] + html.escape(strings[tag[2]], quote=False), page)


def negotiate(accept_language: str, chosen: str | None) -> Language:
    """Return the page's language: the person's choice, else the header's best; Korean where nothing is said."""
    for language in LANGUAGES:
        if chosen == language:
            return language
    best: tuple[float, Language | None] = (0.0, None)
    for part in accept_language.lower().split(",")[:20]:
        tag, _, parameters = part.strip().partition(";")
        quality = _quality(parameters)
        for language in LANGUAGES:
            if tag.split("-")[0] == language and quality > best[0]:
                best = (quality, language)
    if best[1] is None:
        return "ko" if accept_language.strip() in ("", "*") else "en"
    return best[1]


def make_page_router() -> APIRouter:
    """Return the routes of the page."""
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/", _index, methods=["GET", "HEAD"])
    for name in _AT_THE_ROOT:
        router.add_api_route(f"/{name}", _at_the_root, methods=["GET", "HEAD"])
    router.add_api_route("/assets/{version}/{name:path}", _asset, methods=["GET", "HEAD"])
    return router


@lru_cache(maxsize=1)
def _site() -> Site:
    return Site()


async def _index(request: Request) -> Response:
    chosen = request.query_params.get("lang") or request.cookies.get("lang")
    language = negotiate(request.headers.get("accept-language", ""), chosen)
    page = _site().page(language, str(request.base_url).rstrip("/"))
    extra = {"content-language": language, "vary": "Accept-Language, Cookie, Accept-Encoding"}
    return _answer(request, page, _ASK_AGAIN, extra)


async def _at_the_root(request: Request) -> Response:
    name = _AT_THE_ROOT[request.url.path.lstrip("/")]
    file = _site().asset(name) if name.startswith("icons/") else _site().rooted(name)
    return _answer(request, file, _ASK_AGAIN)


async def _asset(request: Request, version: str, name: str) -> Response:
    site = _site()
    try:
        file = site.asset(name)
    except KeyError as error:
        raise HTTPException(404) from error
    # A page opened before a release asks for the old version; it gets today's file, but not for ever.
    return _answer(request, file, _FOREVER if version == site.version else _ASK_AGAIN)


def _answer(request: Request, file: PageFile, caching: str, extra: Mapping[str, str] | None = None) -> Response:
    headers = {"etag": file.etag, "cache-control": caching, "vary": "Accept-Encoding", **(extra or {})}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = file.body
    if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        body = file.compressed
        headers["content-encoding"] = "gzip"
    return Response(body, headers=headers, media_type=file.media_type)


def _packed(body: bytes, name: str) -> PageFile:
    media_type = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    compressed = gzip.compress(body, 9, mtime=0) if media_type.startswith(_COMPRESSED) else None
    return PageFile(body, compressed, media_type, f'"{hashlib.sha256(body).hexdigest()[:16]}"')


def _quality(parameters: str) -> float:
    found = re.fullmatch(r"\s*q=([0-9.]{1,5})\s*", parameters)
    if not parameters:
        return 1.0
    try:
        return float(found[1]) if found else 0.0
    except ValueError:
        return 0.0
