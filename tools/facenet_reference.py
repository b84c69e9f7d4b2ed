"""facenet-pytorch's real MTCNN without torchvision: the two functions that it imports are supplied here.

Used by tools/make_face_goldens.py and benchmarks/face.py, in an environment with torch and
`pip install --no-deps facenet-pytorch==2.6.0` (its pins on torch and Pillow are old, its code runs on the new ones).
"""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import torch


def nms(boxes: torch.Tensor, scores: torch.Tensor, threshold: float) -> torch.Tensor:
    """Suppress overlaps greedily as torchvision's CPU kernel does: stable order, float32, strictly above goes."""
    order = torch.argsort(scores, descending=True, stable=True)
    corners = boxes[order]
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    extent = torch.minimum(corners[:, None, 2:], corners[None, :, 2:])
    extent = (extent - torch.maximum(corners[:, None, :2], corners[None, :, :2])).clamp_(min=0)
    shared = extent[..., 0] * extent[..., 1]
    # One matrix and a loop over rows: about as fast as torchvision's compiled loop at these sizes.
    overlaps = (shared / (areas[:, None] + areas[None] - shared) > threshold).numpy()
    alive = np.ones(len(order), bool)
    for row in range(len(order)):
        if alive[row]:
            alive[row + 1 :] &= ~overlaps[row, row + 1 :]
    return order[torch.from_numpy(alive)]


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
