"""`profile-music api-key`."""

from __future__ import annotations

import re

import click


@click.command()
@click.argument("name")
def api_key(name: str) -> None:
    """Make an API key: the key for its owner on stdout's first line, the server's entry for it on the second.

    The server never needs the key itself. NAME appears in no answer; it only tells keys apart.
    """
    from profile_music.service.keys import entry_of, new_key

    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        raise click.UsageError("NAME: letters, digits, dot, dash and underscore, at most 64")
    key = new_key()
    click.echo(key)
    click.echo(entry_of(name, key))
