"""Write tests/data/face_goldens.json: what the real facenet-pytorch finds in the test photos, at its defaults.

Usage (with torch and `pip install --no-deps facenet-pytorch==2.6.0`): python tools/make_face_goldens.py
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from facenet_reference import load_mtcnn
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
GOLDENS = ROOT / "tests" / "data" / "face_goldens.json"
SETTINGS = {"min_face_size": 20, "thresholds": [0.6, 0.7, 0.7], "factor": 0.709, "keep_all": True}


def find(mtcnn: Any, path: Path) -> list[dict[str, Any]]:
    """Return the faces of one photo, largest first."""
    boxes, scores, landmarks = mtcnn.detect(Image.open(path).convert("RGB"), landmarks=True)
    if boxes is None:
        return []
    return [
        {
            "box": [round(float(value), 4) for value in box],
            "score": round(float(score), 6),
            "landmarks": [[round(float(x), 4), round(float(y), 4)] for x, y in points],
        }
        for box, score, points in zip(boxes, scores, landmarks, strict=True)
    ]


def main() -> None:
    """Run the reference over the example and all test photos."""
    mtcnn = load_mtcnn(**SETTINGS)
    paths = [ROOT / "examples" / "portrait.jpg", *sorted((ROOT / "tests" / "data" / "photos").glob("*.jpg"))]
    photos = {path.relative_to(ROOT).as_posix(): find(mtcnn, path) for path in paths}
    versions = {name: version(name) for name in ("facenet-pytorch", "torch", "pillow")}
    body = {"made_by": "tools/make_face_goldens.py", "versions": versions, "settings": SETTINGS, "photos": photos}
    GOLDENS.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    for name, faces in photos.items():
        print(f"{name}: {len(faces)} faces {[(round(f['box'][2] - f['box'][0]), round(f['score'], 2)) for f in faces]}")


if __name__ == "__main__":
    main()
