"""`profile-music serve`."""

from __future__ import annotations

import logging

import click

from profile_music.cli.common import catalog_option, load_settings


@click.command()
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (default 8000).")
@click.option("--workers", type=click.IntRange(1, 64), help="Inference threads (default 2).")
@catalog_option
def serve(host: str | None, port: int | None, workers: int | None, catalog: str | None) -> None:
    """Serve the web page at / and the HTTP API (documented at /docs)."""
    import uvicorn

    from profile_music.service.app import create_app

    settings = load_settings(host=host, port=port, workers=workers, catalog=catalog)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    click.echo(f"프뮤를 엽니다: http://{settings.host}:{settings.port}  (API 문서: /docs, 멈추기: Ctrl+C)", err=True)
    uvicorn.run(
        create_app(settings), host=settings.host, port=settings.port, access_log=False, log_level="warning",
        server_header=False, timeout_keep_alive=10, timeout_graceful_shutdown=int(settings.deadline_s) + 5,
        h11_max_incomplete_event_size=64 * 1024,
    )  # fmt: skip
