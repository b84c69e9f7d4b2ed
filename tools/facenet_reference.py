"""facenet-pytorch's real MTCNN without torchvision: the two functions that it imports are supplied here.

Used by tools/make_face_goldens.py and benchmarks/face.py, in an environment with torch and
`pip install --no-deps facenet-pytorch==2.6.0` (its pins on torch and Pillow are old, its code runs on the new ones).
"""

from __future__ import annotations

import sys
import types
from typing import Any

import torch


def nms(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """Suppress overlaps greedily as torchvision's CPU kernel does: stable order, float32, strictly above goes."""
    order = torch.argsort(scores, descending=True, stable=True)
    x1, y1, x2, y2 = boxes.unbind(1)
    areas = (x2 - x1) * (y2 - y1)
    kept = []
    while order.numel():
        best, order = order[0], order[1:]
        kept.append(best)
        width = (torch.minimum(x2[best], x2[order]) - torch.maximum(x1[best], x1[order])).clamp(min=0)
        height = (torch.minimum(y2[best], y2[order]) - torch.maximum(y1[best], y1[order])).clamp(min=0)
        shared = width * height
        order = order[~(shared / (areas[best] + areas[order] - shared) > threshold)]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.long)


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, threshold: float) -> torch.Tensor:
    """Suppress within each group, by torchvision's shift of the groups away from one another."""
    if not boxes.numel():
        return torch.zeros(0, dtype=torch.long)
    shift = groups.to(boxes) * (boxes.max() + 1)
    return nms(boxes + shift[:, None], scores, threshold)


def load_mtcnn(**options: Any) -> Any:
    """Return `facenet_pytorch.MTCNN(**options)`."""
    supply_torchvision()
    from facenet_pytorch import MTCNN

    return MTCNN(**options)


def supply_torchvision() -> None:
    """Put a torchvision with the two functions in place, where there is none."""
    if "torchvision" in sys.modules:
        return
    names = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
    for name in (*names, "torchvision.ops", "torchvision.ops.boxes"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchvision.transforms"].functional = sys.modules["torchvision.transforms.functional"]  # type: ignore[attr-defined]
    sys.modules["torchvision.ops.boxes"].batched_nms = batched_nms  # type: ignore[attr-defined]
