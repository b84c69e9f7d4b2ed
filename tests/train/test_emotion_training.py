"""The training itself, on tiny networks and pictures; needs torch (extra: train)."""

import dataclasses
import json

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")

from profile_music.cli.train_emotion import train_emotion as verb  # noqa: E402
from profile_music.emotion import EmotionClassifier  # noqa: E402
from profile_music.errors import InputError  # noqa: E402
from profile_music.train.data_faces import LabelledFaces, one_hot  # noqa: E402
from profile_music.train.emotion import make_plan, prepare, run_torch, taught, train_emotion  # noqa: E402
from profile_music.train.emotion_augment import AugmentSpec, BatchAugment  # noqa: E402
from profile_music.train.emotion_export import ServedNet, build_net, fold_normalisation, write_model  # noqa: E402
from profile_music.train.emotion_loop import (  # noqa: E402
    EmotionTrainer,
    RunOptions,
    draw_epoch,
    learning_rate,
    sampling_weights,
)
from profile_music.train.emotion_net import (  # noqa: E402
    EmotionResNet,
    blocks_of,
    load_initial_weights,
    make_net,
    reduction_matrix,
)
from profile_music.train.emotion_recipe import EmotionRecipe, change_recipe, load_recipe  # noqa: E402
from profile_music.types import EMOTIONS  # noqa: E402
from tests.train.aihub_tree import build_tree  # noqa: E402
from tests.train.nets import settled  # noqa: E402

pytestmark = pytest.mark.train
TINY = EmotionRecipe(
    name="tiny", blocks=(1, 1, 1, 1), width=8, hidden=16, input_px=32, body_px=32, warm_px=32, batch=8, epochs=3,
    lr=3e-3, ema=0.9, augment=0.2, hold=0.5,
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def quadrant_faces(count: int, seed: int = 0, people: int = 0) -> LabelledFaces:
    """Return grey pictures with one bright half or stripe a class, which mirroring keeps."""
    rng = np.random.default_rng(seed)
    classes = np.arange(count) % 4
    images = rng.integers(30, 90, (count, 32, 32), dtype=np.uint8)
    for image, kind in zip(images, classes, strict=True):
        image[kind * 8 : kind * 8 + 8] = 220
    groups = tuple(f"p{index % people}" for index in range(count)) if people else ()
    return LabelledFaces(images, one_hot([EMOTIONS[kind] for kind in classes]), np.zeros(count, bool), groups)


def tiny_net(seed: int = 0) -> EmotionResNet:
    """Return a network of the recipe TINY, with random weights."""
    torch.manual_seed(seed)
    return settled(EmotionResNet(TINY.blocks, TINY.width, TINY.hidden))


def test_resnet50_has_the_published_shape():
    net = EmotionResNet()
    body = sum(value.numel() for name, value in net.named_parameters() if not name.startswith(("hidden", "head")))
    assert body == 23_508_032  # torchvision's resnet50 without its last layer
    names = set(net.state_dict())
    assert {
        "conv1.weight",
        "layer1.0.downsample.0.weight",
        "layer3.5.bn2.running_var",
        "layer4.2.conv3.weight",
    } <= names


def test_growing_keeps_the_function():
    net = tiny_net()
    image = torch.rand(3, 3, 32, 32)
    before = net(image)
    net.grow((2, 1, 3, 1))
    assert blocks_of(net.state_dict()) == (2, 1, 3, 1)
    torch.testing.assert_close(net.eval()(image), before)


def test_folding_and_export_keep_the_answers(tmp_path):
    net = tiny_net()
    faces = quadrant_faces(12)
    served = ServedNet([fold_normalisation(net)], 48, 32)
    recipe = dataclasses.replace(TINY, input_px=48)
    expected = run_torch(ServedNet([net], 48, 32), faces, recipe)
    for precision, tolerance in (("fp32", 1e-5), ("fp16", 5e-3), ("int8", 0.15)):
        path = tmp_path / f"{precision}.onnx"
        write_model(served, 48, path, {"colour": "grey"}, precision, prepare(faces.images, recipe))
        probabilities = EmotionClassifier.load(path).probabilities(list(faces.images))
        np.testing.assert_allclose(
            probabilities, torch.softmax(torch.from_numpy(expected), 1).numpy(), atol=tolerance, err_msg=precision
        )


def test_the_small_network_exports_and_answers_alike(tmp_path):
    recipe = dataclasses.replace(TINY, net="small", width=4, blocks=(1, 1))
    net = settled(make_net(recipe))
    image = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(fold_normalisation(net)(image), net(image))
    path = tmp_path / "small.onnx"
    write_model(ServedNet([fold_normalisation(net)], 32, 32), 32, path, {"colour": "grey"}, "fp32")
    faces = quadrant_faces(3)
    expected = torch.softmax(torch.from_numpy(run_torch(ServedNet([net], 32, 32), faces, recipe)), 1).numpy()
    np.testing.assert_allclose(EmotionClassifier.load(path).probabilities(list(faces.images)), expected, atol=1e-5)


def test_several_networks_and_mirrors_vote_softly(tmp_path):
    nets = [tiny_net(seed) for seed in (1, 2)]
    path = tmp_path / "vote.onnx"
    write_model(ServedNet(nets, 32, 32, mirror=True), 32, path, {"colour": "grey"}, "fp32")
    faces = quadrant_faces(5)
    image = torch.from_numpy(prepare(faces.images, TINY))
    with torch.no_grad():
        votes = [torch.softmax(net(view), 1) for net in nets for view in (image, image.flip(-1))]
    got = EmotionClassifier.load(path).probabilities(list(faces.images))
    np.testing.assert_allclose(got, torch.stack(votes).mean(0).numpy(), atol=1e-5)


def test_the_mirror_image_may_show_the_middle_enlarged(tmp_path):
    net = tiny_net()
    path = tmp_path / "zoom.onnx"
    write_model(ServedNet([net], 40, 32, mirror=True, mirror_zoom=0.8), 40, path, {"colour": "grey"}, "fp32")
    recipe = dataclasses.replace(TINY, input_px=40)
    image = torch.from_numpy(prepare(quadrant_faces(5).images, recipe))
    whole = reduction_matrix(40, 32)
    with torch.no_grad():
        # The middle 0.8 of 40 pixels are 32: the pixels themselves.
        votes = [torch.softmax(net(view), 1) for view in (whole @ image @ whole.T, image[..., 4:36, 4:36].flip(-1))]
    got = EmotionClassifier.load(path).probabilities(list(quadrant_faces(5).images))
    np.testing.assert_allclose(got, torch.stack(votes).mean(0).numpy(), atol=1e-5)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-5), ("int8", 0.06)])
def test_dark_pictures_are_raised_and_others_stay(tmp_path, precision, tolerance):
    net = fold_normalisation(tiny_net())
    path = tmp_path / "lift.onnx"
    faces = quadrant_faces(5).images
    served = ServedNet([net], 32, 32, lift=0.2)
    write_model(served, 32, path, {"colour": "grey"}, precision, prepare(faces, TINY))
    model = EmotionClassifier.load(path)
    for shade, gains in {1.0: (1, 1), 0.4: (1.01, 3.99), 0.05: (4, 4)}.items():
        shaded = (faces * shade).astype(np.uint8)
        image = torch.from_numpy(prepare(shaded, TINY))
        gain = (0.2 / image.mean((1, 2, 3), keepdim=True)).clamp(1, 4)
        assert gains[0] <= gain.min() <= gain.max() <= gains[1], shade
        with torch.no_grad():
            expected = torch.softmax(net((image * gain).clamp(max=1)), 1).numpy()
        np.testing.assert_allclose(model.probabilities(list(shaded)), expected, atol=tolerance, err_msg=str(shade))
    assert np.isfinite(model.probabilities([np.zeros((32, 32), np.uint8)])).all()


def test_a_teachers_answers_are_mixed_into_the_labels(tmp_path):
    teacher = tmp_path / "teacher.onnx"
    write_model(ServedNet([tiny_net()], 24, 32), 24, teacher, {"colour": "grey", "temperature": "3"}, "fp32")
    faces = quadrant_faces(6)
    said = run_torch(ServedNet([tiny_net()], 24, 32), faces, dataclasses.replace(TINY, input_px=24))
    recipe = dataclasses.replace(TINY, teacher_share=0.25)
    learnt = taught(faces, recipe, teacher, tmp_path)
    expected = 0.75 * faces.labels + 0.25 * torch.softmax(torch.from_numpy(said), 1).numpy()
    np.testing.assert_allclose(learnt.labels, expected, atol=1e-5)
    (kept,) = tmp_path.glob("teacher-*.npy")
    np.save(kept, np.full((6, 4), 0.25, np.float32))
    np.testing.assert_allclose(taught(faces, recipe, teacher, tmp_path).labels, 0.75 * faces.labels + 0.0625)


def test_a_short_training_learns_and_its_file_answers(tmp_path):
    splits = {"train": quadrant_faces(240), "valid": quadrant_faces(40, 1), "test": quadrant_faces(40, 2)}
    lines = []
    recipe = dataclasses.replace(TINY, epochs=6, grow_from=(1, 1, 1, 1), blocks=(1, 2, 1, 1), grow_share=0.3)
    report = train_emotion(recipe, splits, RunOptions(out=tmp_path, device="cpu", say=lines.append))
    assert report.test is not None and report.test.accuracy > 0.9
    assert any("grown" in line for line in lines)
    metadata = EmotionClassifier.load(report.model).info
    assert metadata.colour == "grey" and metadata.temperature > 0
    assert json.loads((tmp_path / "report.json").read_text())["test"]["count"] == 40


def test_an_interrupted_run_goes_on(tmp_path):
    faces = quadrant_faces(64)
    options = RunOptions(out=tmp_path, device="cpu", say=lambda _: None)
    EmotionTrainer(TINY, options, 0).train(faces, None)
    again = EmotionTrainer(dataclasses.replace(TINY, epochs=5), options, 0)
    assert again.state.images >= 3 * 56
    again.train(faces, None)
    assert again.state.images >= 5 * 56
    assert again.state.step == again.state.images // 8


def test_a_budget_of_time_ends_with_a_decayed_rate(tmp_path):
    options = RunOptions(out=tmp_path, device="cpu", minutes=0.03, say=lambda _: None)
    trainer = EmotionTrainer(TINY, options, 0)
    trainer.train(quadrant_faces(64), None)
    assert 1.7 < trainer.state.spent_s < 6
    assert trainer.optimizer.param_groups[0]["lr"] < 0.1 * TINY.lr


def test_the_missions_recipe_on_aihub_writes_a_file_that_is_used(tmp_path):
    tree = build_tree(tmp_path / "aihub", people=8)
    small = ["blocks=[1,1,1,1]", "width=4", "hidden=8", "input_px=32", "body_px=32"]
    words = ["--data", "aihub", "--root", str(tree.root), "--out", str(tmp_path / "run"), "--recipe", "mission"]
    words += ["--epochs", "1", "--device", "cpu", "--no-measure-crop", "--split", "person"]
    result = CliRunner().invoke(verb, [*words, *(part for change in small for part in ("--set", change))])
    assert result.exit_code == 0, result.output
    classifier = EmotionClassifier.load(tmp_path / "run" / "emotion.onnx")
    assert classifier.info.colour == "rgb"
    picture = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    recipe = change_recipe(load_recipe("mission"), small)
    stored = [
        torch.load(tmp_path / "run" / f"run{fold}" / f"seed{fold}-last.pt", weights_only=True) for fold in range(4)
    ]
    served = ServedNet([build_net(recipe, one["ema"]) for one in stored], 32, 32).eval()
    with torch.no_grad():
        logits = served(torch.from_numpy(prepare([picture], recipe)))
        moved = logits.double() + torch.tensor(classifier.info.offsets)
        expected = torch.softmax(moved / classifier.info.temperature, 1).numpy()
    np.testing.assert_allclose(classifier.probabilities([picture]), expected, atol=1e-5)


def test_the_mission_recipe_is_the_missions():
    recipe = load_recipe("mission")
    assert (recipe.blocks, recipe.hidden, recipe.input_px, recipe.body_px) == ((3, 4, 6, 3), 128, 128, 128)
    assert (recipe.optimizer, recipe.lr, recipe.batch, recipe.epochs, recipe.folds) == ("adam", 1e-5, 5, 5, 4)
    assert (recipe.test_share, recipe.split, recipe.colour) == (0.2, "plain", "rgb")


def test_recipes_refuse_unknown_keys():
    with pytest.raises(InputError, match="unknown recipe keys"):
        change_recipe(TINY, ["colour_depth=8"])
    with pytest.raises(InputError, match="no recipe"):
        load_recipe("nobody")


def test_folds_keep_people_apart_and_the_test_part_out():
    faces = quadrant_faces(160, people=40)
    plan = make_plan(dataclasses.replace(TINY, folds=4, split="person"), {"all": faces})
    assert plan.test is not None
    held = set(plan.test.groups)
    assert len(plan.parts) == 4 and 20 <= len(plan.test) <= 45
    for part in plan.parts:
        assert part.valid is not None
        assert not set(part.train.groups) & set(part.valid.groups)
        assert not (set(part.train.groups) | set(part.valid.groups)) & held


def test_a_person_split_needs_people():
    with pytest.raises(InputError, match="names no people"):
        make_plan(dataclasses.replace(TINY, split="person"), {"all": quadrant_faces(80)})


def test_initial_weights_are_taken_where_they_fit(tmp_path):
    donor = tiny_net().state_dict()
    donor["fc.weight"] = torch.zeros(1000, 256)  # torchvision's last layer, which ours has not
    del donor["head.weight"], donor["hidden.weight"], donor["hidden.bias"], donor["head.bias"]
    torch.save(donor, tmp_path / "resnet.pth")
    net = EmotionResNet(TINY.blocks, TINY.width, TINY.hidden)
    taken, total = load_initial_weights(net, tmp_path / "resnet.pth")
    assert total - taken == 4
    torch.testing.assert_close(net.layer1[0].conv2.weight, donor["layer1.0.conv2.weight"])


def test_the_learning_rate_warms_up_holds_and_falls():
    recipe = EmotionRecipe(warmup=0.1, hold=0.5, lr=1.0)
    rates = [learning_rate(recipe, progress) for progress in (0, 0.05, 0.3, 0.75, 1.0)]
    assert rates[0] < rates[1] < rates[2] == 1.0
    assert 0.4 < rates[3] < 0.6 and rates[4] < 0.01


def test_rare_classes_are_drawn_more_often():
    labels = one_hot([EMOTIONS[0]] * 90 + [EMOTIONS[1]] * 10)
    weights = sampling_weights(labels, "sqrt")
    assert weights.mean() == pytest.approx(1)
    drawn = draw_epoch(weights, np.random.default_rng(0))
    assert 20 <= (drawn >= 90).sum() <= 35
    assert len(set(draw_epoch(sampling_weights(labels, "none"), np.random.default_rng(0)))) == 100


def test_augmentation_keeps_range_and_is_repeatable():
    images = torch.from_numpy(quadrant_faces(6).images)
    first = BatchAugment(AugmentSpec(), torch.device("cpu"), 3)(images, 24)
    again = BatchAugment(AugmentSpec(), torch.device("cpu"), 3)(images, 24)
    assert first.shape == (6, 1, 24, 24) and first.min() >= 0 and first.max() <= 1
    torch.testing.assert_close(first, again)
    colour = torch.from_numpy(np.repeat(quadrant_faces(2).images[..., None], 3, axis=3))
    assert BatchAugment(AugmentSpec(), torch.device("cpu"), 0)(colour, 32).shape == (2, 3, 32, 32)


def test_no_augmentation_is_only_a_mirror():
    images = torch.from_numpy(quadrant_faces(8).images)
    plain = BatchAugment(AugmentSpec().scaled(0), torch.device("cpu"), 0)(images, 32)[:, 0] * 255
    for got, source in zip(plain, images.float(), strict=True):
        assert min((got - source).abs().max(), (got - source.flip(-1)).abs().max()) < 0.5


def test_the_reduction_averages_pairs_and_keeps_brightness():
    matrix = reduction_matrix(128, 48)
    torch.testing.assert_close(matrix.sum(1), torch.ones(48))
    torch.testing.assert_close(reduction_matrix(16, 16), torch.eye(16))
