"""From trained weights to the served ONNX file: normalisation folded, metadata, half precision or int8."""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from profile_music.train.emotion_facenet import CLASS_COUNT
from profile_music.train.emotion_net import make_net, reduction_matrix
from profile_music.train.emotion_recipe import EmotionRecipe
from profile_music.types import EMOTIONS

Precision = Literal["int8", "fp16", "fp32"]
OPSET = 20
MOST_GAIN = 4.0
"""Darker pictures than a quarter of what `lift` asks are mostly noise, and stay darker."""
INPUT_NAME, OUTPUT_NAME = "image", "logits"
_NORMS = {"conv1": "bn1", "conv2": "bn2", "conv3": "bn3"}


def build_net(recipe: EmotionRecipe, weights: Mapping[str, Tensor]) -> nn.Module:
    """Return the recipe's network with `weights`, in evaluation mode."""
    net = make_net(recipe, weights)
    net.eval()
    return net


def fold_normalisation(net: nn.Module) -> nn.Module:
    """Return a copy whose convolutions carry their batch normalisation: same answers, half the operators."""
    net = copy.deepcopy(net).eval()
    for module in list(net.modules()):
        for conv_name, norm_name in getattr(module, "norms", _NORMS).items():
            if hasattr(module, norm_name):
                conv, norm = getattr(module, conv_name), getattr(module, norm_name)
                setattr(module, conv_name, fuse_conv_bn_eval(conv, norm))
                setattr(module, norm_name, nn.Identity())
        shortcut = getattr(module, "downsample", None)
        if shortcut is not None:
            module.downsample = nn.Sequential(fuse_conv_bn_eval(shortcut[0], shortcut[1]))
    return net


def fold_grey(net: nn.Module) -> nn.Module:
    """Return a copy that takes luminance alone, (N, 1, S, S), and answers as `net` does to three equal channels.

    Args:
        net: A network whose normalisations are folded.
    """
    net = copy.deepcopy(net)
    first = next(module for module in net.modules() if isinstance(module, nn.Conv2d))
    with torch.no_grad():
        if hasattr(net, "mean"):  # one value a channel, and no padding in that network's first convolution
            first.bias -= first.weight.sum((2, 3)) @ net.mean.flatten()
            net.mean = torch.zeros(1, 1, 1, 1)
        first.weight = nn.Parameter(first.weight.sum(1, keepdim=True))
    first.in_channels = 1
    return net


class ServedNet(nn.Module):  # type: ignore[misc]
    """What is exported: (N, 3, S, S) in 0..1, reduced to the body's size, one or more networks, logits (N, 4).

    Several networks, or a picture and its mirror image, vote softly: the logits are then the logarithm of the mean
    probability, so that one softmax at a temperature serves every form. The mirror image may show only the middle,
    enlarged: two scales for the time of one. With `grey`, the networks see only the mean of the channels (`fold_grey`).
    Pictures whose mean is below `lift` are raised to it first: training knows few dark faces, and photos have many.
    """

    reduce: Tensor
    reduce_middle: Tensor
    lift: Tensor
    white: Tensor

    def __init__(
        self,
        nets: Sequence[nn.Module],
        input_px: int,
        body_px: int,
        *,
        mirror: bool = False,
        mirror_zoom: float = 1.0,
        grey: bool = False,
        lift: float = 0.0,
    ) -> None:
        super().__init__()
        self.nets = nn.ModuleList(fold_grey(net) if grey else net for net in nets)
        self.mirror = mirror
        self.grey = grey
        self.resizes = input_px != body_px
        self.zooms = mirror_zoom < 1
        self.lifts = lift > 0
        self.register_buffer("lift", torch.tensor(lift), persistent=False)
        self.register_buffer("white", torch.tensor(1.0), persistent=False)
        self.register_buffer("reduce", reduction_matrix(input_px, body_px), persistent=False)
        self.register_buffer("reduce_middle", reduction_matrix(input_px, body_px, mirror_zoom), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (N, 4)."""
        image = image.mean(1, keepdim=True) if self.grey else image
        image = self.lifted(image) if self.lifts else image
        x = self.reduce @ image @ self.reduce.T if self.resizes else image
        views = [x]
        if self.mirror:
            middle = self.reduce_middle @ image @ self.reduce_middle.T if self.zooms else x
            views.append(middle.flip(-1))
        # All views at once: reading the weights is a good part of the time.
        together = torch.cat(views) if self.mirror else x
        logits = [part for net in self.nets for part in net(together).view(len(views), -1, CLASS_COUNT).unbind(0)]
        return logits[0] if len(logits) == 1 else soft_vote(logits)

    def lifted(self, image: Tensor) -> Tensor:
        """Return pictures (N, C, S, S) whose mean is at least `lift`, as far as `MOST_GAIN` reaches."""
        light = image.mean((1, 2, 3), keepdim=True)
        # Minimum and maximum, as the quantiser would code what a clamp lets through.
        light = torch.maximum(torch.minimum(light, self.lift), self.lift / MOST_GAIN)
        return torch.minimum(image * (self.lift / light), self.white)


class Vote(nn.Module):  # type: ignore[misc]
    """Networks of several recipes that look at one picture, (N, 3, S, S), and vote softly: logits (N, 4)."""

    def __init__(self, voters: Sequence[ServedNet]) -> None:
        super().__init__()
        self.voters = nn.ModuleList(voters)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (N, 4)."""
        return soft_vote([voter(image) for voter in self.voters])


def soft_vote(logits: Sequence[Tensor]) -> Tensor:
    """Return the logarithm of the mean probability of logits, each (N, 4)."""
    return torch.stack([torch.softmax(one, 1) for one in logits]).mean(0).clamp_min(1e-9).log()


def export_onnx(served: nn.Module, input_px: int, path: Path, metadata: Mapping[str, Any]) -> None:
    """Write the graph in fp32 with a free batch size and `metadata` (values become strings)."""
    example = torch.rand(2, 3, input_px, input_px)
    program = torch.onnx.export(
        served.eval(),
        (example,),
        input_names=[INPUT_NAME],
        output_names=[OUTPUT_NAME],
        opset_version=OPSET,
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        dynamo=True,
        verbose=False,
    )
    save_graph(program.model_proto, path, metadata)


def save_graph(graph: onnx.ModelProto, path: Path, metadata: Mapping[str, Any]) -> None:
    """Write one file: weights inside, no traces of the exporter, the metadata that the classifier checks."""
    for node in graph.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*graph.graph.value_info, *graph.graph.input, *graph.graph.output, *graph.graph.initializer):
        del value.metadata_props[:]
        value.doc_string = ""
    del graph.metadata_props[:]
    del graph.graph.metadata_props[:]
    words = {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
    onnx.helper.set_model_props(graph, {"classes": ",".join(EMOTIONS), **words})
    onnx.save_model(graph, str(path))


class _Batches:
    """Feeds calibration pictures to onnxruntime's quantiser, one at a time."""

    def __init__(self, images: NDArray[np.float32]) -> None:
        self._rows: Iterator[NDArray[np.float32]] = iter(images)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next input, or None at the end."""
        row = next(self._rows, None)
        return None if row is None else {INPUT_NAME: row[None]}


def quantise_int8(source: Path, target: Path, calibration: NDArray[np.float32]) -> None:
    """Write a static int8 form (QDQ, weights a channel, 7 bits).

    Seven bits, because processors without VNNI add two products in 16 bits: with eight they saturate, and the same
    file would answer differently from machine to machine. Depthwise convolutions, which sum few products one by one,
    have eight. Relu and Clip are named so that what is quantised is what they let through, not what they cut off.

    Args:
        source: The fp32 graph.
        target: Where the int8 graph goes.
        calibration: Inputs (N, 3, S, S) that set the ranges of the activations.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    eight_bits = [{"quant_type": QuantType.QInt8, "reduce_range": False, "axis": 0, "symmetric": True}]
    depthwise = {node.input[1]: eight_bits for node in onnx.load(str(source)).graph.node if _is_depthwise(node)}
    quantize_static(
        str(source),
        str(target),
        _Batches(calibration),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        op_types_to_quantize=["Conv", "Add", "MaxPool", "AveragePool", "Gemm", "Relu", "Clip"],
        extra_options={"CalibMovingAverage": True, "TensorQuantOverrides": depthwise},
    )


def _is_depthwise(node: onnx.NodeProto) -> bool:
    return node.op_type == "Conv" and any(entry.name == "group" and entry.i > 1 for entry in node.attribute)


def to_half_storage(source: Path, target: Path) -> None:
    """Write a form whose weights are stored in fp16 and computed in fp32: half the size, any processor."""
    graph = onnx.load(str(source))
    nodes = []
    for tensor in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < 1024:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        nodes.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    for node in reversed(nodes):
        graph.graph.node.insert(0, node)
    onnx.save_model(graph, str(target))


def write_model(
    served: nn.Module,
    input_px: int,
    path: Path,
    metadata: Mapping[str, Any],
    precision: Precision,
    calibration: NDArray[np.float32] | None = None,
) -> None:
    """Export in the chosen precision; `calibration` inputs are needed for int8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "full.onnx"
        export_onnx(served, input_px, full, {**metadata, "precision": precision})
        if precision == "fp32":
            path.write_bytes(full.read_bytes())
            return
        small = Path(folder) / "small.onnx"
        if precision == "int8":
            if calibration is None:
                raise ValueError("int8 needs calibration pictures")
            quantise_int8(full, small, calibration)
        else:
            to_half_storage(full, small)
        save_graph(onnx.load(str(small)), path, {**metadata, "precision": precision})
