"""Pieces that several verbs share: options, JSON output, the console, loading a recommender."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.console import Console

    from profile_music.recommender import Recommender
    from profile_music.settings import Settings

_Function = TypeVar("_Function", bound=Callable[..., Any])


def catalog_option(function: _Function) -> _Function:
    """Add ``--catalog``."""
    option = click.option(
        "--catalog", metavar="DIR|s3://...", help="Catalogue folder or bucket; the bundled one where absent."
    )
    return option(function)


def json_option(function: _Function) -> _Function:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def print_json(value: Any) -> None:
    """Print a value as JSON, readable and in Korean."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def console() -> Console:
    """Return a console that writes to stdout."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False)


def load_recommender(catalog: str | None, **changes: Any) -> Recommender:
    """Load a recommender with settings from the environment, changed by the options that were given."""
    from profile_music.recommender import Recommender

    return Recommender.load(catalog, load_settings(**changes))


def load_settings(**changes: Any) -> Settings:
    """Read the settings; a bad value is an error of usage, not a traceback."""
    from pydantic import ValidationError

    from profile_music.settings import Settings

    try:
        return Settings(**{name: value for name, value in changes.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        raise click.UsageError(f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
