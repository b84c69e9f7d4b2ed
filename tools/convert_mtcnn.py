"""Convert facenet-pytorch's published MTCNN weights (MIT) to three ONNX files in src/profile_music/models.

Usage (with torch and onnx):
    pip download facenet-pytorch==2.6.0 --no-deps
    python tools/convert_mtcnn.py facenet_pytorch-2.6.0-py3-none-any.whl
    python tools/register_model.py ... (the commands are printed)

The graphs compute what the published nets compute, rearranged without loss so that they run faster:
- the two-class softmax becomes one logit (class 1 minus class 0), and all heads one layer;
- the transposition before the first dense layer is folded into that layer's weights;
- PReLU before max pooling moves behind it, where there is a quarter of the values. With a slope a >= 0 it is monotonic
  and simply commutes. With a < 0 it is max(x, a x), so max(pool(x), pool(a x)), and the convolution yields a x as well;
- PReLU before P-Net's 1x1 heads becomes Relu and two sets of heads: W prelu(x) = (a W) x + ((1 - a) W) relu(x).

Each net has one input, float32 (N, 3, H, W) scaled as (pixel - 127.5) / 128, and one output:
P-Net (N, 5, H', W'): logit, box; R-Net (N, 5): logit, box; O-Net (N, 15): logit, box, five x, five y.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import shlex
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

MODELS = Path(__file__).resolve().parents[1] / "src" / "profile_music" / "models"
SOURCE = "facenet-pytorch 2.6.0 (https://github.com/timesler/facenet-pytorch), facenet_pytorch/data/{net}.pt"
LICENCE = "MIT, Copyright (c) 2019 Timothy Esler"
Array = NDArray[np.float32]
BLOCK = 8  # onnxruntime keeps its fast layout only over channel counts that are a multiple of this


def _pad(values: Array, count: int) -> Array:
    """Append `count` empty filters."""
    return np.concatenate([values, np.zeros((count, *values.shape[1:]), np.float32)])


class GraphWriter:
    """Collects the nodes and weights of a straight chain of layers."""

    def __init__(self, weights: dict[str, Array]) -> None:
        """Start a chain at the input ``pixels``."""
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.last = "pixels"
        self.order: NDArray[np.intp] | None = None  # the channels' order where it differs from the published one

    def add(self, operator: str, *constants: Array, output: str | None = None, **attributes: object) -> None:
        """Append one operator fed by the last output and constants."""
        name = output or f"{operator.lower()}{len(self.nodes)}"
        names = [f"{name}_{i}" for i in range(len(constants))]
        self.initializers += [
            numpy_helper.from_array(np.ascontiguousarray(c), n) for c, n in zip(constants, names, strict=True)
        ]
        self.nodes.append(helper.make_node(operator, [self.last, *names], [name], name=name, **attributes))
        self.last = name

    def filters(self, layer: str) -> tuple[Array, Array]:
        """Return a convolution's weights and biases, its inputs in the order that the last layer left."""
        weight = self.weights[f"{layer}.weight"]
        return (weight if self.order is None else weight[:, self.order]), self.weights[f"{layer}.bias"]

    def conv_prelu(self, index: int) -> None:
        """Append a convolution without padding and its PReLU."""
        self.add("Conv", *self.filters(f"conv{index}"))
        self.add("PRelu", self.weights[f"prelu{index}.weight"].reshape(-1, 1, 1))
        self.order = None

    def conv_prelu_pool(self, index: int, size: int) -> None:
        """Append a convolution, its PReLU and max pooling (stride 2, ragged edges kept), the PReLU moved last."""
        weight, bias = self.filters(f"conv{index}")
        slopes = self.weights[f"prelu{index}.weight"]
        below, above = np.flatnonzero(slopes < 0), np.flatnonzero(slopes >= 0)
        self.order = np.concatenate([below, above])
        steep = slopes[below]
        spare = -(weight.shape[0] + below.size) % BLOCK
        self.add(
            "Conv",
            _pad(np.concatenate([weight[self.order], weight[below] * steep[:, None, None, None]]), spare),
            _pad(np.concatenate([bias[self.order], bias[below] * steep]), spare),
        )
        self.add("MaxPool", kernel_shape=[size, size], strides=[2, 2], ceil_mode=1)
        counts = [below.size, above.size, below.size, *([spare] if spare else [])]
        parts = [f"{self.last}_{name}" for name in ("as_is", "rest", "sloped", "spare")[: len(counts)]]
        sizes = numpy_helper.from_array(np.array(counts), f"{self.last}_sizes")
        self.initializers.append(sizes)
        self.nodes.append(helper.make_node("Split", [self.last, sizes.name], parts, axis=1))
        self.nodes.append(helper.make_node("Max", [parts[0], parts[2]], [f"{self.last}_bent"]))
        self.last, bent = parts[1], f"{self.last}_bent"
        self.add("PRelu", slopes[above].reshape(-1, 1, 1))
        self.nodes.append(helper.make_node("Concat", [bent, self.last], [f"{self.last}_all"], axis=1))
        self.last = f"{self.last}_all"

    def dense_prelu(self, index: int) -> None:
        """Append PReLU over a dense layer's outputs."""
        self.add("PRelu", self.weights[f"prelu{index}.weight"])

    def dense_from_map(self, layer: str, channels: int, side: int) -> None:
        """Append the first dense layer, its columns reordered from (W, H, C) to (C, H, W)."""
        weight = self.weights[f"{layer}.weight"]
        order = weight.reshape(-1, side, side, channels).transpose(0, 3, 2, 1).reshape(weight.shape[0], -1)
        self.add("Flatten", axis=1)
        self.add("Gemm", order, self.weights[f"{layer}.bias"], transB=1)

    def heads(self) -> tuple[Array, Array]:
        """Return all heads as one layer: the class logit first, then the regressions in their order."""
        label, *others = sorted({name.split(".")[0] for name in self.weights if "_" in name})
        stacked = []
        for part in ("weight", "bias"):
            classes = self.weights[f"{label}.{part}"]
            stacked.append(np.concatenate([classes[1:2] - classes[:1], *(self.weights[f"{x}.{part}"] for x in others)]))
        return stacked[0], stacked[1]

    def dense_heads(self) -> None:
        """Append the heads as one dense layer."""
        self.add("Gemm", *self.heads(), output="scores", transB=1)

    def conv_heads_after_prelu(self, index: int) -> None:
        """Append a convolution, and its PReLU together with the 1x1 heads."""
        self.add("Conv", *self.filters(f"conv{index}"))
        slopes = self.weights[f"prelu{index}.weight"][None, :, None, None]
        weight, bias = self.heads()
        features = self.last
        self.add("Conv", weight * slopes, bias)
        straight, self.last = self.last, features
        self.add("Relu")
        self.add("Conv", weight * (1 - slopes))
        self.nodes.append(helper.make_node("Add", [straight, self.last], ["scores"]))

    def model(self, net: str, inputs: list[object], outputs: list[object]) -> onnx.ModelProto:
        """Return the checked model with its provenance in the metadata."""
        graph = helper.make_graph(
            self.nodes,
            f"mtcnn-{net}",
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, inputs)],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, outputs)],
            self.initializers,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, {"source": SOURCE.format(net=net), "licence": LICENCE})
        onnx.checker.check_model(model, full_check=True)
        return model


def build_pnet(weights: dict[str, Array]) -> onnx.ModelProto:
    """Build the fully convolutional proposal net (stride 2, field 12)."""
    graph = GraphWriter(weights)
    graph.conv_prelu_pool(1, 2)
    graph.conv_prelu(2)
    graph.conv_heads_after_prelu(3)
    return graph.model("pnet", ["N", 3, "H", "W"], ["N", 5, "rows", "columns"])


def build_rnet(weights: dict[str, Array]) -> onnx.ModelProto:
    """Build the refining net over 24x24 crops."""
    graph = GraphWriter(weights)
    graph.conv_prelu_pool(1, 3)
    graph.conv_prelu_pool(2, 3)
    graph.conv_prelu(3)
    graph.dense_from_map("dense4", 64, 3)
    graph.dense_prelu(4)
    graph.dense_heads()
    return graph.model("rnet", ["N", 3, 24, 24], ["N", 5])


def build_onet(weights: dict[str, Array]) -> onnx.ModelProto:
    """Build the output net over 48x48 crops."""
    graph = GraphWriter(weights)
    for index, pool in ((1, 3), (2, 3), (3, 2)):
        graph.conv_prelu_pool(index, pool)
    graph.conv_prelu(4)
    graph.dense_from_map("dense5", 128, 3)
    graph.dense_prelu(5)
    graph.dense_heads()
    return graph.model("onet", ["N", 3, 48, 48], ["N", 15])


def read_weights(wheel: Path, net: str) -> dict[str, Array]:
    """Read one net's state from the wheel; only tensors are unpickled."""
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(f"facenet_pytorch/data/{net}.pt")
    print(f"{net}.pt sha256 {hashlib.sha256(data).hexdigest()}")
    state = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    return {name: tensor.numpy().astype(np.float32) for name, tensor in state.items()}


def main() -> None:
    """Write the three files and print the commands that register them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, help="facenet_pytorch-2.6.0-py3-none-any.whl")
    wheel = parser.parse_args().wheel
    for net, build in (("pnet", build_pnet), ("rnet", build_rnet), ("onet", build_onet)):
        file = MODELS / f"mtcnn-{net}.onnx"
        file.write_bytes(build(read_weights(wheel, net)).SerializeToString(deterministic=True))
        arguments = [f"mtcnn-{net}", file.name, "--licence", LICENCE, "--source", SOURCE.format(net=net)]
        print(
            "python tools/register_model.py", shlex.join([*arguments, "--description", f"MTCNN {net[0].upper()}-Net"])
        )


if __name__ == "__main__":
    main()
