"""Make the test photos of tests/data/photos from public-domain pictures that two packages ship.

Usage: make_test_photos.py scikit_image-*.whl matplotlib-*.whl

Portraits: Eileen Collins (NASA, public domain; scikit-image's data/astronaut.png) and Grace Hopper (US Navy photo
DN-SC-84-05971 by James S. Davis, public domain; matplotlib's grace_hopper.jpg). Without a face: a cup of coffee
(CC0, Rachel Michetti), Chelsea the cat (CC0, Stefan van der Walt) and a rocket (SpaceX, public domain). Pictures with
several faces are put together from the two portraits.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

PHOTOS = Path(__file__).resolve().parents[1] / "tests" / "data" / "photos"
QUALITY = 85

# Heads with hair and some shoulder, in the two portraits: left, top, right, bottom.
COLLINS_HEAD = (114, 0, 334, 220)
HOPPER_HEAD = (120, 60, 420, 360)


def read_sources(skimage_wheel: Path, matplotlib_wheel: Path) -> dict[str, Image.Image]:
    """Read the source pictures out of the wheels."""
    sources = {}
    with zipfile.ZipFile(skimage_wheel) as archive:
        for name in ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg"):
            sources[name.split(".")[0]] = _read(archive, f"skimage/data/{name}")
    with zipfile.ZipFile(matplotlib_wheel) as archive:
        sources["hopper"] = _read(archive, "matplotlib/mpl-data/sample_data/grace_hopper.jpg")
    return sources


def _read(archive: zipfile.ZipFile, name: str) -> Image.Image:
    return Image.open(io.BytesIO(archive.read(name))).convert("RGB")


class PhotoMaker:
    """Makes each test photo; a method's name is its file's name."""

    def __init__(self, sources: dict[str, Image.Image]) -> None:
        """Keep the sources and cut the two heads out."""
        self.sources = sources
        self.collins = sources["astronaut"].crop(COLLINS_HEAD)
        self.hopper_head = sources["hopper"].crop(HOPPER_HEAD)

    def hopper(self) -> Image.Image:
        """One large face."""
        return self.sources["hopper"]

    def group(self) -> Image.Image:
        """Six faces of several sizes, mirrored, dark, bright and grey."""
        canvas = self._wall(640, 480, (150, 160, 170))
        heads = [self.collins, self.hopper_head, _mirror(self.collins), _mirror(self.hopper_head)]
        heads += [ImageEnhance.Brightness(self.collins).enhance(0.6), self.hopper_head.convert("L").convert("RGB")]
        places = [(10, 20, 200), (230, 10, 180), (430, 30, 190), (30, 260, 150), (240, 230, 220), (470, 270, 140)]
        for head, (x, y, side) in zip(heads, places, strict=True):
            canvas.paste(head.resize((side, side)), (x, y))
        return canvas

    def crowd(self) -> Image.Image:
        """Thirty small faces, 30 to 60 px wide heads."""
        canvas = self._wall(640, 640, (90, 100, 80))
        rng = np.random.default_rng(7)
        for index in range(30):
            side = int(rng.integers(56, 100))
            head = (self.collins, self.hopper_head)[index % 2]
            head = _mirror(head) if rng.random() < 0.5 else head
            x, y = 8 + index % 6 * 104, 12 + index // 6 * 124
            canvas.paste(head.resize((side, side), Image.Resampling.LANCZOS), (x, y))
        return canvas

    def tilted(self) -> Image.Image:
        """Four faces turned by 8 to 35 degrees."""
        canvas = self._wall(600, 600, (60, 80, 110))
        turns = [(self.collins, 20), (self.hopper_head, -15), (self.hopper_head, 35), (self.collins, -8)]
        for index, (head, degrees) in enumerate(turns):
            turned = head.resize((250, 250)).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=(60, 80, 110))
            canvas.paste(turned, (30 + index % 2 * 290, 30 + index // 2 * 290))
        return canvas

    def sideways(self) -> Image.Image:
        """A portrait on its side, as a camera that forgot its EXIF leaves it."""
        return self.sources["hopper"].transpose(Image.Transpose.ROTATE_90).resize((450, 384))

    def cut_off(self) -> Image.Image:
        """Faces that the picture's edges cut."""
        left, right = (
            self.sources["astronaut"].crop((205, 0, 405, 300)),
            self.sources["hopper"].crop((60, 130, 300, 430)),
        )
        canvas = Image.new("RGB", (440, 300))
        canvas.paste(left, (0, 0))
        canvas.paste(right, (200, 0))
        return canvas

    def thumbnail(self) -> Image.Image:
        """A messenger's thumbnail of 110 px."""
        return self.sources["astronaut"].crop((60, 0, 390, 330)).resize((110, 110), Image.Resampling.LANCZOS)

    def dim_and_grainy(self) -> Image.Image:
        """A dark, blurred picture with sensor noise."""
        dark = ImageEnhance.Brightness(self.sources["hopper"].filter(ImageFilter.GaussianBlur(2))).enhance(0.35)
        noise = np.random.default_rng(3).normal(0, 9, (dark.height, dark.width, 3))
        return Image.fromarray(np.clip(np.asarray(dark) + noise, 0, 255).astype(np.uint8))

    def wide(self) -> Image.Image:
        """Two faces in a picture larger than the detector's copy, one of them far away."""
        canvas = self._wall(1600, 700, (180, 170, 150))
        canvas.paste(self.sources["astronaut"].resize((680, 680)), (60, 20))
        canvas.paste(self.hopper_head.resize((230, 230)), (1150, 240))
        return canvas

    def coffee(self) -> Image.Image:
        """No face: a cup."""
        return self.sources["coffee"].resize((450, 300))

    def cat(self) -> Image.Image:
        """No human face: a cat."""
        return self.sources["chelsea"]

    def rocket(self) -> Image.Image:
        """No face: a launch at night."""
        return self.sources["rocket"]

    def _wall(self, width: int, height: int, colour: tuple[int, int, int]) -> Image.Image:
        """A background with a soft gradient, so that pasted edges are not the only edges."""
        ramp = np.linspace(0.8, 1.1, width)[None, :, None] * np.linspace(1.05, 0.85, height)[:, None, None]
        return Image.fromarray(np.clip(ramp * np.array(colour), 0, 255).astype(np.uint8))


def _mirror(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def main() -> None:
    """Write every photo as JPEG."""
    maker = PhotoMaker(read_sources(Path(sys.argv[1]), Path(sys.argv[2])))
    PHOTOS.mkdir(parents=True, exist_ok=True)
    methods = {name: value for name, value in vars(PhotoMaker).items() if not name.startswith("_")}
    for name, method in methods.items():
        make: Callable[[PhotoMaker], Image.Image] = method
        path = PHOTOS / f"{name}.jpg"
        make(maker).save(path, quality=QUALITY, optimize=True)
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
