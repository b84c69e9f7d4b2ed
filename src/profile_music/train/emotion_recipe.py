"""Recipes: everything that decides a training run, read from a YAML file in `recipes/` or from a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from profile_music.errors import InputError


@dataclass(frozen=True)
class EmotionRecipe:
    """One recipe.

    Attributes:
        name: What the model card calls it.
        net: resnet (bottleneck blocks, the mission's), small (a basic block a stage, 3x3 stem), face (dlib's
            face-recognition net) or efficientnet (Lite0); the last two want `--init`.
        blocks: Bottleneck blocks a stage; (3, 4, 6, 3) is ResNet50.
        grow_from: Blocks a stage at the start; deeper ones join at `grow_share`, as identities (empty: none).
        grow_share: Share of the run after which the network has all its blocks.
        width: Channels of the first stage (64 in ResNet50).
        hidden: Units of the dense layer before the last.
        dropout: Dropout before the dense layer.
        input_px: Side of the square that the served network takes.
        body_px: Side that the residual stages see; training ends at it.
        inner_px: Side that face and efficientnet enlarge pictures to, as their strides ask (their own: 150, 224).
        warm_px: Side in the first `warm_share` of the run (progressive resizing).
        warm_share: Share of the run at `warm_px`.
        colour: grey (luminance in all three channels) or rgb.
        optimizer: adamw, adam or sgd (Nesterov).
        lr: Peak learning rate.
        betas: Adam's betas; SGD takes the first as its momentum.
        weight_decay: On weights of two or more dimensions only.
        schedule: flat_cosine (warm-up, hold, cosine to zero), or constant.
        warmup: Share of the run that warms up.
        hold: Share of the run after which the learning rate falls.
        batch: Pictures a step.
        epochs: Length of the run; `minutes` of a budget overrides it.
        ema: Decay of the averaged weights a step; 0 switches averaging off.
        label_smoothing: Share of each label spread over all classes.
        balance: sqrt draws classes with the root of their inverse frequency, none as they come.
        soft_labels: Train on the raters' shares; else on their majority.
        augment: Strength of the augmentation, 0 (off) upwards.
        split: official (the data set's own), plain (test_share at random) or person (groups kept together).
        test_share: Share held out where there is no official test split.
        folds: Stratified folds, each trained, their probabilities averaged; 1 trains once a seed.
        mirror: The served graph looks at the picture and its mirror image, which vote softly (twice the time).
        mirror_zoom: Share of the side that the mirror image shows, its middle enlarged: 1 is the whole picture.
        lift: Mean brightness, 0 to 1, that the served graph raises darker pictures to, fourfold at most; 0: none.
        teacher_share: Share of each label that comes from `--teacher`, where one is given; the rest are the raters'.
        seeds: One run each; their probabilities are averaged.
    """

    name: str = "default"
    net: Literal["resnet", "small", "face", "efficientnet"] = "resnet"
    blocks: tuple[int, ...] = (3, 4, 6, 3)
    grow_from: tuple[int, ...] = ()
    grow_share: float = 0.5
    width: int = 64
    hidden: int = 128
    dropout: float = 0.0
    input_px: int = 128
    body_px: int = 48
    inner_px: int = 96
    warm_px: int = 40
    warm_share: float = 0.4
    colour: Literal["grey", "rgb"] = "grey"
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    lr: float = 3e-3
    betas: tuple[float, float] = (0.95, 0.99)
    weight_decay: float = 0.01
    schedule: Literal["flat_cosine", "constant"] = "flat_cosine"
    warmup: float = 0.05
    hold: float = 0.4
    batch: int = 96
    epochs: float = 8.0
    ema: float = 0.995
    label_smoothing: float = 0.0
    balance: Literal["sqrt", "none"] = "sqrt"
    soft_labels: bool = True
    augment: float = 0.7
    split: Literal["official", "plain", "person"] = "official"
    test_share: float = 0.2
    folds: int = 1
    mirror: bool = False
    mirror_zoom: float = 1.0
    lift: float = 0.0
    teacher_share: float = 0.5
    seeds: tuple[int, ...] = field(default=(0,))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready mapping."""
        return asdict(self)


def recipe_from_mapping(values: dict[str, Any]) -> EmotionRecipe:
    """Make a recipe of a mapping.

    Raises:
        InputError: A name is unknown.
    """
    unknown = set(values) - {entry.name for entry in fields(EmotionRecipe)}
    if unknown:
        raise InputError(reason=f"unknown recipe keys: {sorted(unknown)}")
    frozen: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return EmotionRecipe(**frozen)


def load_recipe(name: str) -> EmotionRecipe:
    """Read a bundled recipe by its name (`default`, or another file in `recipes/`) or any YAML file by its path.

    Raises:
        InputError: There is no such recipe, or it has unknown keys.
    """
    import yaml

    bundled = Path(str(files("profile_music.train") / "recipes" / f"{name}.yaml"))
    path = bundled if bundled.is_file() else Path(name)
    if not path.is_file():
        raise InputError(reason=f"no recipe {name}")
    return recipe_from_mapping({"name": path.stem, **(yaml.safe_load(path.read_text(encoding="utf-8")) or {})})


def change_recipe(recipe: EmotionRecipe, changes: Sequence[str]) -> EmotionRecipe:
    """Return the recipe with changes of the form ``key=value``, values as in YAML.

    Raises:
        InputError: A change has no "=" or names an unknown key.
    """
    import yaml

    values: dict[str, Any] = {}
    for change in changes:
        key, sign, text = change.partition("=")
        if not sign:
            raise InputError(reason=f"{change}: expected KEY=VALUE")
        values[key.strip()] = yaml.safe_load(text)
    return recipe_from_mapping({**recipe.to_dict(), **values})
