"""Add or update a file in the bundled model manifest.

Usage: register_model.py NAME FILE --licence L --source S [--description D]
(FILE stands in src/profile_music/models; its size and checksum are computed.)
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from profile_music.checksums import sha256_file
from profile_music.runtime.models import MANIFEST_NAME, ModelSpec, load_manifest

MODELS = Path(__file__).resolve().parents[1] / "src" / "profile_music" / "models"


def main() -> None:
    """Rewrite the manifest with the entry added, sorted by name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("file")
    parser.add_argument("--licence", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--description", default="")
    args = parser.parse_args()
    path = MODELS / args.file
    specs = load_manifest(MODELS) if (MODELS / MANIFEST_NAME).exists() else {}
    specs[args.name] = ModelSpec(
        args.name, args.file, sha256_file(path), path.stat().st_size, args.licence, args.source, args.description
    )
    body = {"format": 1, "models": [spec.to_dict() for _, spec in sorted(specs.items())]}
    (MODELS / MANIFEST_NAME).write_text(json.dumps(body, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(f"{args.name}: {path.stat().st_size} bytes, sha256 {specs[args.name].sha256}")


if __name__ == "__main__":
    main()
