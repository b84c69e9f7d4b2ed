"""`profile-music serve`."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from profile_music.cli.common import catalog_option, load_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from profile_music.settings import Settings

_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
}


@click.command()
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (default 8000).")
@click.option("--workers", type=click.IntRange(1, 64), help="Inference threads of each process (default 2).")
@click.option("--processes", type=click.IntRange(1, 64), help="Server processes (default 1).")
@click.option("--metrics", is_flag=True, default=None, help="Serve /metrics to everybody (extra: metrics).")
@click.option("--api-keys-file", type=click.Path(path_type=Path), help="Answer only callers with one of these keys.")
@catalog_option
def serve(**options: Any) -> None:
    """Serve the web page at / and the HTTP API (documented at /docs)."""
    import uvicorn

    settings = load_settings(**options)
    _check_catalog(settings)
    # Mistakes in the settings are told here, not by processes that die one after the other.
    app = _make_app(settings)
    config = uvicorn.Config(
        app if settings.processes == 1 else partial(_make_app, settings), factory=settings.processes > 1,
        workers=settings.processes, host=settings.host, port=settings.port, proxy_headers=False,
        access_log=False, log_level="warning", log_config=_LOGGING, server_header=False, timeout_keep_alive=10,
        timeout_graceful_shutdown=int(settings.deadline_s) + 5, h11_max_incomplete_event_size=64 * 1024,
        http="profile_music.service.protocol:HttpProtocol",
        # A process that still imports on a busy machine is not a dead one.
        timeout_worker_healthcheck=60,
    )  # fmt: skip
    click.echo(f"프뮤를 엽니다: http://{settings.host}:{settings.port}  (API 문서: /docs, 멈추기: Ctrl+C)", err=True)
    try:
        _run(config, settings)
    except KeyboardInterrupt:
        click.echo("프뮤를 닫았어요.", err=True)


def _make_app(settings: Settings) -> FastAPI:
    from profile_music.service.app import create_app
    from profile_music.service.memory import give_memory_back

    give_memory_back()
    return create_app(settings)


def _check_catalog(settings: Settings) -> None:
    """Tell a mistyped folder at once: a server that only waits to become ready would not help the one who typed it."""
    from profile_music.index.manifest import read_manifest
    from profile_music.index.source import split_location

    base, _ = split_location(settings.catalog or "")
    if base and "://" not in base:
        read_manifest(Path(base))


def _run(config: Any, settings: Settings) -> None:
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    if settings.processes == 1:
        server = uvicorn.Server(config)
        server.run()
        if not server.started:
            raise click.exceptions.Exit(3)
        return
    with ExitStack() as stack:
        if settings.metrics or settings.metrics_token:
            from profile_music.service.metrics import MULTIPROCESS_VARIABLE

            folder = stack.enter_context(TemporaryDirectory(prefix="profile-music-metrics-"))
            os.environ.setdefault(MULTIPROCESS_VARIABLE, folder)
        Multiprocess(config, sockets=[config.bind_socket()]).run()
