"""The net that starts from face recognition; needs torch (extra: train)."""

import dataclasses
import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from profile_music.train.emotion_export import fold_normalisation  # noqa: E402
from profile_music.train.emotion_facenet import STAGES, EmotionFaceNet, unfold_norms  # noqa: E402
from profile_music.train.emotion_loop import EmotionTrainer, RunOptions  # noqa: E402
from profile_music.train.emotion_recipe import load_recipe  # noqa: E402

pytestmark = pytest.mark.train
ROOT = Path(__file__).resolve().parents[2]


def load_tool():
    spec = importlib.util.spec_from_file_location("convert_dlib", ROOT / "tools" / "convert_dlib.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dat_file(rng: np.random.Generator) -> tuple[bytes, list[np.ndarray]]:
    """Return bytes as dlib writes them: words between tensors, lengths as counted little-endian integers."""
    widths = [STAGES[0][0]] + [width for width, count in STAGES for _ in range(2 * count)]
    sizes = [3 * 49, *(9 * before for before in widths[:-1])]
    tensors, parts = [], [b"\x01\x01\rloss_metric_2"]
    for width, fan_in in zip(widths, sizes, strict=True):
        for length in (width * fan_in + width, 2 * width):
            values = rng.normal(0, 0.05, length).astype("<f4")
            counted = length.to_bytes((length.bit_length() + 7) // 8, "little")
            head = b"\x01\x02" + bytes([len(counted)]) + counted + b"\x01\x01" * 3
            parts += [b"\x05con_4\x01\x03", head, values.tobytes()]
            tensors.append(values)
    return b"".join(parts), tensors


def test_dlib_tensors_are_read_in_order_and_biases_join_the_shift():
    body, tensors = dat_file(np.random.default_rng(0))
    net = load_tool().convert(body)
    first, affine = tensors[0], tensors[1]
    np.testing.assert_array_equal(net.conv1.weight.detach().numpy().ravel(), first[:-32])
    np.testing.assert_allclose(net.bn1.bias.detach().numpy(), affine[32:] + affine[:32] * first[-32:], rtol=1e-6)
    last = net.stages[-1][0]
    np.testing.assert_array_equal(last.conv2.weight.detach().numpy().ravel(), tensors[-2][:-256])


def test_another_file_is_refused_with_the_place():
    with pytest.raises(ValueError, match="no tensor of 4736 values"):
        load_tool().convert(b"something else")


def test_odd_sizes_halve_as_in_dlib_and_even_sizes_keep_their_last_column():
    block = EmotionFaceNet().eval().stages[1][0]
    for size, half in ((35, 17), (22, 11), (3, 1)):
        assert block(torch.rand(1, 32, size, size)).shape == (1, 64, half, half)


def test_unfolded_norms_answer_as_before_and_know_their_statistics():
    torch.manual_seed(0)
    net = EmotionFaceNet()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias)
    pictures = torch.rand(8, 3, 48, 48)
    before = net.eval()(pictures).detach()
    unfold_norms(net, pictures)
    torch.testing.assert_close(net.eval()(pictures), before, rtol=1e-4, atol=1e-4)
    net.train()
    inside = net.stages[0][0].bn1
    running = inside.running_mean.clone()
    net(pictures)
    torch.testing.assert_close(inside.running_mean, running, rtol=1e-3, atol=1e-4)


def test_folding_normalisation_changes_nothing():
    torch.manual_seed(1)
    net = EmotionFaceNet().eval()
    unfold_norms(net, torch.rand(8, 3, 48, 48))
    pictures = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(fold_normalisation(net)(pictures), net(pictures), rtol=1e-4, atol=1e-4)


def test_training_starts_from_an_init_file_and_resumes(tmp_path):
    from tests.train.test_emotion_training import quadrant_faces

    torch.set_num_threads(1)
    weights = {name: value for name, value in EmotionFaceNet().state_dict().items() if not name.startswith("head.")}
    torch.save(weights, tmp_path / "init.pt")
    recipe = load_recipe("default")
    said: list[str] = []
    recipe = dataclasses.replace(recipe, epochs=1, batch=8)
    options = RunOptions(out=tmp_path / "run", init=tmp_path / "init.pt", device="cpu", say=said.append)
    trained = EmotionTrainer(recipe, options, 0).train(quadrant_faces(16), None)
    assert said[0] == f"init: {len(weights)} of {len(weights) + 2} tensors from init.pt"
    assert all(torch.isfinite(value).all() for value in trained.values())
    again = EmotionTrainer(recipe, options, 0)
    assert again.state.step == 2
    kept = itertools.islice(again.average.values.items(), 5)
    assert all(torch.equal(value, trained[name]) for name, value in kept)
