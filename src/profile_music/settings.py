"""The only reader of the environment (prefix ``PROFILE_MUSIC_``)."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _words(value: object) -> object:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


def _safe_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost", "::1")):
        raise ValueError("must be https, or http on this machine (localhost)")
    return value.rstrip("/")


def _networks(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        ip_network(word)
    return words


def _origins(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        if word != "*" and not _ORIGIN.fullmatch(word):
            raise ValueError(f"{word!r} is no origin: write https://app.example.com, without a path")
    return words


_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?|https?://\[[0-9a-f:.]+\](:[0-9]+)?")

Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
"""Several words in one variable, separated by commas."""

SafeUrl = Annotated[str, AfterValidator(_safe_url)]
"""An https address, or http on this machine."""


class KakaoSettings(BaseSettings):
    """Kakao Login and the chatbot; an environment variable is the upper-case name with the prefix ``KAKAO_``."""

    model_config = SettingsConfigDict(env_prefix="KAKAO_", extra="ignore", frozen=True)

    rest_api_key: str | None = Field(None, description="REST API key of the app; Kakao Login is on where it is set.")
    client_secret: SecretStr | None = Field(None, description="Client secret, where the console has it switched on.")
    redirect_uri: SafeUrl | None = Field(None, description="https://.../kakao/callback, as registered in the console.")
    session_secret: SecretStr | None = Field(None, description="Signs cookies; required where redirect_uri is https.")
    pkce: bool = Field(True, description="Send a PKCE challenge (S256) with the login.")
    auth_url: SafeUrl = Field("https://kauth.kakao.com", description="Kakao's login server; another one for tests.")
    api_url: SafeUrl = Field("https://kapi.kakao.com", description="Kakao's API server; another one for tests.")
    timeout_s: float = Field(5.0, gt=0, description="Longest wait for one answer of Kakao's.")
    image_hosts: Words = Field(("*.kakaocdn.net",), description="Hosts that photos from Kakao may be fetched from.")

    skill: bool = Field(False, description="Serve POST /kakao/skill without a shared secret.")
    skill_secret: SecretStr | None = Field(None, description="The same, for callers that send this X-Skill-Secret.")
    skill_cards: Literal["list", "carousel"] = Field("list", description="How the chatbot shows songs.")
    skill_block_id: str | None = Field(None, description="Block that quick replies call; by utterance where absent.")
    skill_deadline_s: float = Field(4.5, gt=0, lt=5, description="The chatbot is answered within this time.")
    callback_hosts: Words = Field(("*.kakao.com",), description="Hosts that late chatbot answers may be sent to.")
    public_url: SafeUrl | None = Field(None, description="Where Kakao can fetch the covers that this server draws.")


class Settings(BaseSettings):
    """Every setting, with its unit in its name; an environment variable is the upper-case name with the prefix."""

    model_config = SettingsConfigDict(env_prefix="PROFILE_MUSIC_", extra="ignore", frozen=True)

    catalog: str | None = Field(
        None, description="Catalogue folder or s3://bucket/prefix, #sad for one part; the bundled one where absent."
    )
    catalog_poll_s: float = Field(60.0, ge=0, description="A newer catalogue is looked for at most this often.")
    encoder: str = Field("embedded", description="Text encoder: embedded or ko-sroberta.")
    model_dir: Path | None = Field(None, description="Folder of fetched models; the user's cache folder where absent.")
    cache_dir: Path | None = Field(None, description="Folder for caches; the user's cache folder where absent.")
    emotion_model: Path | None = Field(None, description="An emotion model (.onnx) instead of the bundled one.")
    threads: int = Field(0, ge=0, description="Inference threads a session; 0 leaves it to the cores of the machine.")

    photo_max_bytes: int = Field(20 * 1024 * 1024, gt=0, description="Largest photo file.")
    photo_max_pixels: int = Field(50_000_000, gt=0, description="Most pixels a photo may have.")
    text_max_characters: int = Field(1000, gt=0, description="Longest text.")
    detection_max_side_px: int = Field(640, ge=64, description="Faces are looked for on a copy of at most this side.")
    face_min_score: float = Field(0.95, ge=0, le=1, description="Faces below this detector score are left out.")
    faces_max: int = Field(8, ge=1, description="Most faces read in one photo.")

    emotion_mode: Literal["soft", "hard"] = Field(
        "soft", description="soft: emotions weigh in the score; hard: only songs of the top emotion (the mission's)."
    )
    text_weight: float = Field(1.0, ge=0, description="Weight of the line match in a song's score.")
    semantic_share: float = Field(0.6, ge=0, le=1, description="Share of meaning, against words, in the line match.")
    about_weight: float = Field(0.5, ge=0, description="Weight of a song's title, themes and moods beside its lines.")
    topic_weight: float = Field(1.0, ge=0, description="Weight of the closeness of topics (the thesaurus's concepts).")
    emotion_weight: float = Field(0.6, ge=0, description="Weight of the emotion match in a song's score.")
    songs_per_artist: int = Field(1, ge=1, description="Most songs of one artist in an answer.")

    host: str = Field("127.0.0.1", description="Address that `serve` listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that `serve` listens on.")
    workers: int = Field(2, ge=1, description="Inference threads of the server.")
    queue_size: int = Field(16, ge=1, description="Requests waiting for a worker before 503 is answered.")
    deadline_s: float = Field(15.0, gt=0, description="A request is answered within this time or with 504.")
    upload_s: float = Field(60.0, gt=0, description="A request's body arrives within this time or with 408.")
    processes: int = Field(1, ge=1, description="Server processes; each has its own models, threads and queue.")
    trusted_proxies: Annotated[Words, AfterValidator(_networks)] = Field(
        (), description="Addresses or networks (10.0.0.0/8) whose X-Forwarded headers are believed; none: nobody's."
    )
    cors_origins: Annotated[Words, AfterValidator(_origins)] = Field(
        (), description="Web origins whose pages may call the API (https://app.example.com, or *); none: CORS is off."
    )
    api_keys: Words = Field((), description="Keys that callers must send, as name:sha256; none: open to everybody.")
    api_keys_file: Path | None = Field(None, description="The same in a file, a line each; read again when it changes.")
    api_keys_optional: bool = Field(False, description="Serve callers without a key too, under rate_per_minute.")
    rate_per_minute: int = Field(0, ge=0, description="Requests a minute of one address (IPv6: /64); 0: no limit.")
    key_rate_per_minute: int = Field(0, ge=0, description="Requests a minute of one API key; 0: no limit.")
    rate_burst: int = Field(20, ge=1, description="Requests that may come at once before the rate counts.")
    metrics: bool = Field(False, description="Serve Prometheus's /metrics to everybody who asks (extra: metrics).")
    metrics_token: SecretStr | None = Field(None, description="The same, for callers that send this bearer token.")
    otel: bool = Field(False, description="Send OpenTelemetry traces, set up by the OTEL_ variables (extra: otel).")
    photo_url_hosts: Words = Field(
        (), description="Hosts that the HTTP API may fetch photos from (img.example.com, *.example.com); none: off."
    )
    kakao: KakaoSettings = Field(default_factory=KakaoSettings, description="The KAKAO_ variables.")
