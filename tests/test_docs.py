"""README and docs say what is so: links lead somewhere, commands and options exist, nothing private is named."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from profile_music.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "README.en.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [t for t in targets if "://" not in t and not t.startswith("mailto:") and not (page.parent / t).exists()]
    assert missing == []


def commands_of(page: Path) -> list[list[str]]:
    """The `profile-music ...` commands in a page's code, as words."""
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
    lines = [line.strip() for block in code for line in block.replace("\\\n", " ").splitlines()]
    found = [re.search(r"(?:^|/|\$ )profile-music(?: |$)(.*)", line) for line in lines]
    return [shlex.split(match[1].split("|")[0], comments=True) for match in found if match and "..." not in match[1]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page: Path) -> None:
    for words in commands_of(page):
        command: click.Command = app
        context = click.Context(command, info_name="profile-music")
        rest = list(words)
        while rest and isinstance(command, click.Group) and not rest[0].startswith("-"):
            name = rest.pop(0)
            child = command.get_command(context, name)
            assert child is not None, f"{page.name}: no verb {name!r} in {' '.join(words)}"
            command, context = child, click.Context(child, parent=context, info_name=name)
        known = {option for parameter in command.get_params(context) for option in parameter.opts}
        used = {word.split("=")[0] for word in rest if word.startswith("--")}
        assert used <= known, f"{page.name}: {used - known} in {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    used = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert used <= targets


def test_no_committed_file_names_a_registry_or_this_machine() -> None:
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "deb.debian" + ".org")
    places = ("/work/" + "main", "/work/" + "shared", "/opt/" + "train", "/root" + "/")
    wrong = []
    for path in tracked_files():
        if path.suffix in {".onnx", ".npz", ".npy", ".jpg", ".png", ".webp", ".heic", ".gif", ".bmp"}:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        wrong += [f"{path.relative_to(ROOT)}: {word}" for word in (*hosts, *places) if word in text]
    assert wrong == []
