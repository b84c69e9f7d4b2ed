"""Look the locked packages up in the vulnerability database, with pip-audit.

    python tools/audit.py [--lock server] [--ignore ID ...]

Exit status 1 where a known vulnerability is found. Where the database cannot be reached, that is said and is no
failure: an absent answer must neither pass for a clean one nor stop the work of those without a network.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_LIMIT_S = 300


def main() -> int:
    """Audit one lock."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lock", default="server", help="which requirements/*.txt (default server)")
    parser.add_argument("--ignore", nargs="*", default=[], metavar="ID", help="advisories that do not concern us")
    options = parser.parse_args()
    try:
        found = audit(ROOT / "requirements" / f"{options.lock}.txt", options.ignore)
    except (subprocess.TimeoutExpired, ValueError):
        found = []
    return report(options.lock, found)


def audit(lock: Path, ignored: list[str]) -> list[dict[str, Any]]:
    """Return pip-audit's answer for each package.

    Raises:
        ValueError: It gave none, which is what it does without a network.
    """
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format", "json"]
    command += ["--progress-spinner", "off", "--timeout", "15", "--requirement", str(lock)]
    for advisory in ignored:
        command += ["--ignore-vuln", advisory]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LIMIT_S)
    answer: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    return answer


def report(lock: str, found: list[dict[str, Any]]) -> int:
    """Say what was found; return the exit status."""
    audited = [package for package in found if "vulns" in package]
    if not audited:
        sys.stdout.write(f"audit: the vulnerability database cannot be reached: {lock}.txt was NOT audited\n")
        return 0
    wrong = [(package, vulnerability) for package in audited for vulnerability in package["vulns"]]
    for package, vulnerability in wrong:
        fixed = ", ".join(vulnerability["fix_versions"]) or "none yet"
        sys.stdout.write(f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in: {fixed}\n")
    skipped = len(found) - len(audited)
    sys.stdout.write(
        f"audit: {lock}.txt: {len(audited)} audited, {skipped} unknown to it, {len(wrong)} vulnerabilities\n"
    )
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
