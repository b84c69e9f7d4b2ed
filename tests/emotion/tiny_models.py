"""Tiny seeded emotion graphs, for tests where the weights are not the point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = "happy,angry,sad,neutral"
SIDE_PX = 16


def write_brightness_model(path: Path, *, side: int = SIDE_PX, channels: int = 3, **metadata: str) -> Path:
    """Write a graph whose logits are a fixed linear map of the four quadrants' mean brightness."""
    weight = np.eye(4, dtype=np.float32) * 8
    nodes = [
        helper.make_node("AveragePool", ["image"], ["pooled"], kernel_shape=[side // 2] * 2, strides=[side // 2] * 2),
        helper.make_node("ReduceMean", ["pooled", "channel_axis"], ["grey"], keepdims=0),
        helper.make_node("Flatten", ["grey"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", channels, side, side])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(np.array([1]), "channel_axis")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {"classes": CLASSES, **metadata})
    onnx.save_model(model, str(path))
    return path


def bright_quadrant(index: int, side: int = 40) -> np.ndarray:
    """Return a black crop with one white quadrant: 0 and 1 above, 2 and 3 below."""
    crop = np.zeros((side, side, 3), dtype=np.uint8)
    top, left = divmod(index, 2)
    half = side // 2
    crop[top * half : (top + 1) * half, left * half : (left + 1) * half] = 255
    return crop
