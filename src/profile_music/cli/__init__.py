"""Command line: `profile-music`. Verbs are imported only when they are called."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from profile_music._version import __version__
from profile_music.errors import ProfileMusicError


class LazyGroup(click.Group):
    """A group whose verbs live in modules that are imported on use.

    `verbs` maps a verb to (``module:attribute``, one line of help), so that ``--help`` imports nothing.
    """

    def __init__(self, *args: Any, verbs: dict[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        """Keep the table of verbs."""
        super().__init__(*args, **kwargs)
        self._verbs = verbs or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the table's order."""
        return [*self._verbs, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a verb."""
        if cmd_name not in self._verbs:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._verbs[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table of verbs without importing them."""
        rows = [(verb, text) for verb, (_, text) in self._verbs.items()]
        rows += [(name, command.get_short_help_str()) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _group(name: str, text: str, verbs: dict[str, tuple[str, str]]) -> LazyGroup:
    return LazyGroup(name=name, help=text, verbs=verbs)


_CLI = "profile_music.cli"
catalog_verbs = _group(
    "catalog",
    "Build, inspect, search and enrich catalogues. 곡 목록을 만들고 살펴봅니다.",
    {
        "build": (f"{_CLI}.catalog_build:build", "Build a catalogue from your own songs, or add songs to one."),
        "merge": (f"{_CLI}.catalog_build:merge", "Put catalogues together."),
        "enrich": (f"{_CLI}.catalog_enrich:enrich", "Look for covers, previews and lyrics of a file of songs."),
        "info": (f"{_CLI}.catalog:info", "Show what a catalogue holds."),
        "search": (f"{_CLI}.catalog:search", "Search the catalogue's lines for one line."),
        "diff": (f"{_CLI}.catalog:diff", "Show what differs between two catalogues."),
        "export": (f"{_CLI}.catalog:export", "Write a catalogue as a file of songs."),
        "push": (f"{_CLI}.catalog_remote:push", "Publish a catalogue in a bucket (s3://...)."),
        "pull": (f"{_CLI}.catalog_remote:pull", "Fetch a catalogue from a bucket."),
        "to-lance": (f"{_CLI}.catalog_remote:to_lance", "Write a catalogue as LanceDB tables (extra: scale)."),
    },
)
train = _group(
    "train",
    "Train the models (extra: train).",
    {
        "emotion": (f"{_CLI}.train_emotion:train_emotion", "Train the emotion model."),
        "text": (f"{_CLI}.train_text:train_text", "Train the embedded text encoder."),
    },
)
evaluate = _group(
    "evaluate",
    "Measure the models.",
    {
        "emotion": (f"{_CLI}.evaluate_emotion:evaluate_emotion", "Measure the emotion model."),
        "text": (f"{_CLI}.evaluate_text:evaluate_text", "Measure the text encoder and the matching."),
    },
)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    verbs={
        "recommend": (f"{_CLI}.recommend:recommend", "Five songs for a photo, a text, or both."),
        "emotion": (f"{_CLI}.emotion:emotion", "Faces and emotions of photos."),
        "catalog": (f"{_CLI}:catalog_verbs", "Build, inspect, search and enrich catalogues."),
        "collect": (f"{_CLI}.collect:collect", "Collect songs of playlists, as far as their sites allow."),
        "models": (f"{_CLI}.models:models", "List, verify and fetch models."),
        "serve": (f"{_CLI}.serve:serve", "Serve the web page and the HTTP API."),
        "api-key": (f"{_CLI}.api_key:api_key", "Make an API key for the server."),
        "doctor": (f"{_CLI}.doctor:doctor", "Check that everything works on this machine."),
        "data": (f"{_CLI}.data:data", "Prepare training data."),
        "train": (f"{_CLI}:train", "Train the models (extra: train)."),
        "evaluate": (f"{_CLI}:evaluate", "Measure the models."),
    },
)
@click.version_option(__version__, prog_name="profile-music")
def app() -> None:
    """프뮤: five Korean songs for a profile photo and a status message.

    프로필 사진과 한 줄 글에 어울리는 프로필 뮤직 다섯 곡을 골라 줍니다.
    """


def main() -> None:
    """Run the command line; an expected failure is one line on stderr and exit status 1 (bad usage: 2)."""
    try:
        # Without its standalone mode click returns the status of an early exit instead of raising it.
        status = app(standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except ProfileMusicError as error:
        click.echo(f"profile-music: [{error.code}] {error.message_ko} / {error.message_en}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("profile-music: 멈췄어요. / Stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output (head, less) left: not an error of ours.
        sys.stderr.close()
        sys.exit(0)
