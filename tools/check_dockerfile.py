"""Carry out a Dockerfile without a container engine, as far as a plain Linux machine allows, and try what it makes.

Usage (as root): python tools/check_dockerfile.py deploy/Dockerfile | deploy/lambda.Dockerfile

Every stage is an overlay over this machine's own root: RUN runs there in a chroot, COPY obeys .dockerignore, ENV,
WORKDIR, USER, ENTRYPOINT, CMD and HEALTHCHECK mean what they mean. At the end the image's command is started as its
user, with the root mounted read-only and only /tmp writable, and must answer. What this does not check: the base
images themselves (this machine's system and its Python 3.13 stand in for them) and the pull and push of layers.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BASES = {
    "python:3.13-slim": {"PATH": PATH},
    "public.ecr.aws/lambda/python:3.13": {"PATH": PATH, "LAMBDA_TASK_ROOT": "/var/task", "LANG": "en_US.UTF-8"},
}


@dataclass
class Stage:
    """One FROM: its root and what the instructions have set so far."""

    root: Path
    env: dict[str, str]
    workdir: str = "/"
    user: str = "0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def argv(self, command: list[str]) -> list[str]:
        """Return the command line that runs a command in this root, as this user, in the working directory."""
        script = f"cd {shlex.quote(self.workdir)} && exec {shlex.join(command)}"
        return ["chroot", f"--userspec={self.user}:{self.user}", str(self.root), "/bin/sh", "-c", script]


def instructions(text: str) -> list[tuple[str, str]]:
    """Return (name, rest) of each instruction; lines continued by a backslash are joined, comments left out."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [(name.upper(), rest.strip()) for name, _, rest in (line.strip().partition(" ") for line in joined)]


def find_python() -> Path:
    """Return the prefix of a Python 3.13 on this machine."""
    for place in [*sorted(Path.home().glob(".pyenv/versions/3.13.*")), Path("/usr/local"), Path("/usr")]:
        if (place / "bin" / "python3.13").exists():
            return place
    raise SystemExit("no Python 3.13 here")


def new_stage(base: str, work: Path, number: int) -> Stage:
    """Mount an overlay of this machine's root and put its Python 3.13 where the base image has one."""
    if base not in BASES:
        raise SystemExit(f"no stand-in for the base image {base}")
    layers = {name: work / f"{number}-{name}" for name in ("upper", "work", "root")}
    for folder in layers.values():
        folder.mkdir()
    options = f"lowerdir=/,upperdir={layers['upper']},workdir={layers['work']}"
    root = layers["root"]
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(root)], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", str(root / "proc")], check=True)
    # Single nodes on a tmpfs, not a bind of /dev: nothing of the machine's own /dev can be removed from in here.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(root / "dev")], check=True)
    for name in ("null", "zero", "random", "urandom"):
        (root / "dev" / name).touch()
        subprocess.run(["mount", "--bind", f"/dev/{name}", str(root / "dev" / name)], check=True)
    prefix = find_python()
    for folder in [root / parent.relative_to("/") for parent in [prefix, *prefix.parents]]:
        folder.chmod(folder.stat().st_mode | 0o055)
    for name in ("python", "python3", "python3.13"):
        link = root / "usr/local/bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(prefix / "bin" / "python3.13")
    # The repository itself must not be reachable: only what COPY brings is in the image.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(root / ROOT.relative_to("/"))], check=True)
    return Stage(root, dict(BASES[base]))


def context_files() -> set[str]:
    """Return the build context: tracked and new files, less what .dockerignore leaves out (last match wins)."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
        check=True,
    ).stdout.splitlines()  # fmt: skip
    rules = [line.strip() for line in (ROOT / ".dockerignore").read_text().splitlines() if line.strip()]

    def kept(path: str) -> bool:
        keep = True
        for rule in rules:
            pattern = rule.lstrip("!").removeprefix("**/")
            parts = Path(path).parts
            prefixes = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
            if any(fnmatch.fnmatch(prefix, pattern) for prefix in prefixes) or pattern in parts:
                keep = rule.startswith("!")
        return keep

    return {path for path in listed if kept(path) and (ROOT / path).is_file()}


def copy(stage: Stage, rest: str, stages: dict[str, Stage]) -> None:
    """Carry out COPY."""
    words = shlex.split(rest)
    origin = next((word.partition("=")[2] for word in words if word.startswith("--from=")), "")
    *sources, target = [word for word in words if not word.startswith("--")]
    place = stage.root / os.path.normpath(f"{stage.workdir}/{target}").lstrip("/")
    if target.startswith("/"):
        place = stage.root / target.lstrip("/")
    for source in sources:
        if origin:
            shutil.copytree(stages[origin].root / source.lstrip("/"), place, symlinks=True, dirs_exist_ok=True)
            continue
        chosen = [path for path in context_files() if path == source or path.startswith(f"{source}/")]
        if not chosen:
            raise SystemExit(f"COPY {source}: not in the build context")
        for path in chosen:
            inner = Path(path).relative_to(source) if path != source else Path(Path(path).name)
            (place / inner).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, place / inner)


def expand(text: str, env: dict[str, str]) -> str:
    """Replace $NAME and ${NAME}."""
    return re.sub(r"\$\{?(\w+)\}?", lambda match: env.get(match.group(1), ""), text)


def build(dockerfile: Path, work: Path) -> Stage:
    """Carry out every instruction and return the last stage."""
    stages: dict[str, Stage] = {}
    stage = Stage(Path("/"), {})
    for name, rest in instructions(dockerfile.read_text(encoding="utf-8")):
        sys.stdout.write(f"{name} {rest[:100]}\n")
        sys.stdout.flush()
        if name == "FROM":
            base, _, label = rest.partition(" AS ")
            stage = new_stage(base, work, len(stages))
            stages[label or str(len(stages))] = stage
        elif name == "RUN":
            command = stage.argv(["/bin/sh", "-ec", rest])
            subprocess.run(command, env={"HOME": "/root", **stage.env}, check=True)
        elif name == "COPY":
            copy(stage, expand(rest, stage.env), stages)
        else:
            configure(stage, name, rest)
    return stage


def configure(stage: Stage, name: str, rest: str) -> None:
    """Carry out an instruction that only sets how the image runs."""
    if name == "ENV":
        pairs = [word.partition("=") for word in shlex.split(rest)]
        stage.env |= {key: expand(value, stage.env) for key, _, value in pairs}
    elif name == "WORKDIR":
        stage.workdir = expand(rest, stage.env)
        (stage.root / stage.workdir.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif name == "USER":
        stage.user = rest
    elif name in ("ENTRYPOINT", "CMD"):
        setattr(stage, {"ENTRYPOINT": "entrypoint", "CMD": "command"}[name], json.loads(rest))
    elif name == "HEALTHCHECK":
        stage.health = json.loads(rest.partition("CMD ")[2])
    elif name not in ("EXPOSE", "LABEL"):
        raise SystemExit(f"{name}: not known here")


def close_root(stage: Stage) -> None:
    """Make the root read-only, but for /tmp."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(stage.root / "tmp"), "-o", "mode=1777"], check=True)
    subprocess.run(["mount", "-o", "remount,ro", str(stage.root)], check=True)
    probe = subprocess.run(stage.argv(["touch", "/usr/written"]), env=stage.env, capture_output=True, check=False)
    if probe.returncode == 0:
        raise SystemExit("the root can be written")


def try_server(stage: Stage) -> None:
    """Start the server, wait for its health check, ask it, stop it."""
    process = subprocess.Popen(stage.argv(stage.entrypoint + stage.command), env=stage.env)
    try:
        for _ in range(60):
            if (
                subprocess.run(stage.argv(stage.health), env=stage.env, capture_output=True, check=False).returncode
                == 0
            ):
                break
            time.sleep(1)
        else:
            raise SystemExit("the health check never passed")
        status = Path(f"/proc/{process.pid}/status").read_text()
        uid = re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE)
        body = json.dumps({"text": "오늘 하루도 수고했어"}).encode()
        request = urllib.request.Request("http://127.0.0.1:8000/v1/songs", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            songs = json.load(answer)["songs"]
        sys.stdout.write(f"healthy; uid {uid.group(1) if uid else '?'}; {len(songs)} songs\n")
        if len(songs) != 5 or not uid or uid.group(1) == "0":
            raise SystemExit("not what was expected")
    finally:
        process.terminate()
        sys.stdout.write(f"stopped with status {process.wait(timeout=30)}\n")


def try_lambda(stage: Stage) -> None:
    """Start the image's command against a Runtime API and hand it a multipart event."""
    from tests.aws.events_of import event
    from tests.aws.runtime_api import RuntimeApi

    with RuntimeApi() as api:
        # Lambda runs every image as a user of its own, without rights.
        stage.user = "10001"
        env = {**stage.env, "AWS_LAMBDA_RUNTIME_API": api.address}
        process = subprocess.Popen(stage.argv(stage.entrypoint + stage.command), env=env)
        try:
            reply = api.invoke(event("http_recommend"))
        finally:
            process.kill()
            process.wait()
    songs = json.loads(reply.body["body"])["songs"]
    sys.stdout.write(f"answered through awslambdaric: {len(songs)} songs\n")
    if len(songs) != 5:
        raise SystemExit("not what was expected")


def application_bytes(stage: Stage) -> int:
    """Return what the image adds to its base."""
    places = [stage.root / place for place in ("opt/app", "var/task")]
    return sum(path.lstat().st_size for place in places if place.exists() for path in place.rglob("*"))


def main() -> None:
    """Build and try one Dockerfile."""
    if len(sys.argv) == 3:
        stage = build(Path(sys.argv[1]), Path(sys.argv[2]))
        sys.stdout.write(f"the application takes {application_bytes(stage) / 1e6:.0f} MB\n")
        close_root(stage)
        (try_lambda if "awslambdaric" in stage.entrypoint else try_server)(stage)
        sys.stdout.write("ok\n")
        return
    # The work is done in a mount namespace of its own, and files are removed only when that is gone with every mount.
    work = tempfile.mkdtemp(prefix="dockerfile-")
    done = subprocess.run(["unshare", "--mount", sys.executable, *sys.argv, work], check=False)
    subprocess.run(["rm", "-rf", "--one-file-system", work], check=True)
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
