"""EfficientNet-Lite0 and votes of several runs; needs torch (extra: train)."""

import dataclasses
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from profile_music.cli.train_emotion import train_emotion as verb  # noqa: E402
from profile_music.emotion import EmotionClassifier  # noqa: E402
from profile_music.errors import InputError  # noqa: E402
from profile_music.train.emotion import read_voters, served_net  # noqa: E402
from profile_music.train.emotion_efficientnet import EmotionEfficientNet, same  # noqa: E402
from profile_music.train.emotion_export import ServedNet, fold_normalisation, write_model  # noqa: E402
from profile_music.train.emotion_net import make_net  # noqa: E402
from profile_music.train.emotion_recipe import EmotionRecipe, load_recipe  # noqa: E402
from profile_music.types import EMOTIONS  # noqa: E402
from tests.train.nets import settled  # noqa: E402

pytestmark = pytest.mark.train
TINY = {"blocks": [1, 1], "width": 4, "hidden": 8, "input_px": 32, "body_px": 32, "warm_share": 0.0, "batch": 8}


def test_it_has_the_published_shape() -> None:
    net = EmotionEfficientNet()
    body = sum(value.numel() for name, value in net.named_parameters() if not name.startswith("head"))
    assert body + 1280 * 1000 + 1000 == 4_652_008  # tf_efficientnet_lite0 of timm, with its 1,000 classes
    assert {"_conv_stem.weight", "_blocks.0._project_conv.weight", "_blocks.15._bn2.running_var"} <= set(
        net.state_dict()
    )


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "left", "right"), [(8, 3, 2, 0, 1), (7, 3, 2, 1, 1), (8, 5, 1, 2, 2)]
)
def test_padding_is_tensorflows_same(side: int, kernel: int, stride: int, left: int, right: int) -> None:
    padded = same(torch.ones(1, 1, side, side), kernel, stride)[0, 0, left]
    assert padded.tolist() == [0] * left + [1] * side + [0] * right


def test_folded_normalisation_keeps_the_answers() -> None:
    torch.manual_seed(0)
    net = settled(EmotionEfficientNet(inner_px=64))
    image = torch.rand(3, 3, 48, 48)
    with torch.no_grad():
        torch.testing.assert_close(fold_normalisation(net)(image), net(image), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["efficientnet", "face", "resnet", "small"])
def test_networks_of_grey_pictures_are_served_with_one_channel(kind: str) -> None:
    torch.manual_seed(0)
    recipe = dataclasses.replace(EmotionRecipe(), net=kind, blocks=(1, 1), width=8, grow_from=(), inner_px=96)
    net = settled(make_net(recipe))
    served = served_net(recipe, [net.state_dict()])
    image = torch.rand(2, 1, recipe.input_px, recipe.input_px).expand(-1, 3, -1, -1)
    three_channels = ServedNet([net], recipe.input_px, recipe.body_px, mirror=recipe.mirror)
    first = next(module for module in served.modules() if isinstance(module, torch.nn.Conv2d))
    assert first.weight.shape[1] == 1
    with torch.no_grad():
        torch.testing.assert_close(served(image), three_channels.eval()(image), rtol=1e-3, atol=1e-4)


def test_int8_quantises_what_relu6_lets_through(tmp_path) -> None:
    torch.manual_seed(0)
    net = fold_normalisation(settled(EmotionEfficientNet(inner_px=32)))
    images = np.random.default_rng(0).random((8, 3, 32, 32), np.float32)
    path = tmp_path / "emotion.onnx"
    write_model(ServedNet([net], 32, 32), 32, path, {"colour": "rgb"}, "int8", images)
    graph = onnx.load(str(path)).graph
    assert {node.op_type for node in graph.node} >= {"QuantizeLinear", "DequantizeLinear", "Conv"}
    assert not [node.name for node in graph.node if node.op_type == "Clip"]  # the range of the codes cuts at 0 and 6
    with torch.no_grad():
        expected = torch.softmax(net(torch.from_numpy(images)), 1).numpy()
    crops = [np.round(image.transpose(1, 2, 0) * 255).astype(np.uint8) for image in images]
    np.testing.assert_allclose(EmotionClassifier.load(path).probabilities(crops), expected, atol=0.05)


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    for kind, emotion in enumerate(EMOTIONS):
        folder = tmp_path / "faces" / emotion.value
        folder.mkdir(parents=True)
        for number in range(24):
            image = rng.integers(30, 90, (32, 32), dtype=np.uint8)
            image[kind * 8 : kind * 8 + 8] = 220
            Image.fromarray(image).save(folder / f"{number}.png")
    return tmp_path / "faces"


def test_another_runs_network_votes_in_the_file(tmp_path, pictures) -> None:
    def run(name: str, *more: str) -> None:
        changes = [part for key, value in TINY.items() for part in ("--set", f"{key}={json.dumps(value)}")]
        call = ["--data", "folder", "--root", str(pictures), "--out", str(tmp_path / name), "--recipe", "small",
                "--split", "plain", "--epochs", "2", "--device", "cpu", "--no-measure-crop"]  # fmt: skip
        done = CliRunner().invoke(verb, [*call, *changes, *more], catch_exceptions=False)
        assert done.exit_code == 0, done.output

    run("one", "--set", "seeds=[1]")
    run("two", "--set", "seeds=[2]", "--set", "mirror=true")
    alone = [EmotionClassifier.load(tmp_path / name / "emotion.onnx") for name in ("one", "two")]
    run("one", "--set", "seeds=[1]", "--vote", str(tmp_path / "two" / "run0" / "seed2-last.pt"))
    both = EmotionClassifier.load(tmp_path / "one" / "emotion.onnx")

    faces = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(pictures.rglob("*.png"))[::13]]
    votes = [_uncalibrated(model, faces) for model in alone]
    np.testing.assert_allclose(_uncalibrated(both, faces), np.mean(votes, axis=0), atol=1e-5)


def _uncalibrated(model: EmotionClassifier, faces: list[np.ndarray]) -> np.ndarray:
    logits = np.log(model.probabilities(faces)) * model.info.temperature - np.asarray(model.info.offsets)
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def test_a_voter_must_fit(tmp_path) -> None:
    recipe = EmotionRecipe()
    (tmp_path / "words.pt").write_text("not a checkpoint")
    other = dataclasses.replace(recipe, input_px=64)
    torch.save({"ema": {}, "recipe": other.to_dict()}, tmp_path / "other.pt")
    for name in ("words.pt", "other.pt"):
        with pytest.raises(InputError, match=name):
            read_voters([tmp_path / name], recipe)
    with pytest.raises(InputError, match="folds"):
        read_voters([tmp_path / "other.pt"], load_recipe("mission"))
