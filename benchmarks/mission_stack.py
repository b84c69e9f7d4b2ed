"""The stack that the mission names, in one process: facenet-pytorch's MTCNN, a Keras ResNet50, ko-sroberta's encoder.

The ResNet50 takes 128x128, the encoder has ko-sroberta's shape (RoBERTa-base) under sentence-transformers, and the
songs of the photo's emotion are compared with the text one after the other, as the mission has it. Weights other than
MTCNN's are random: they change neither sizes nor times. benchmarks/speed_table.py and cold_start.py run it.

Usage: python benchmarks/mission_stack.py prepare FOLDER              (once: writes the models)
       python benchmarks/mission_stack.py answer FOLDER               (one answer; CPU seconds and peak memory as JSON)
       python benchmarks/mission_stack.py serve FOLDER [THREADS]      (reads photo paths, writes milliseconds)
       python benchmarks/mission_stack.py disk FOLDER                 (bytes of the packages and the models)
Needs an environment with benchmarks/requirements-mission.txt; `pip install --no-deps facenet-pytorch==2.6.0`.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

PORTRAIT = ROOT / "examples" / "portrait.jpg"
TEXT = "오늘 하루도 수고했어"
SONGS, LINES_A_SONG = 890, 6  # as many as the bundled catalogue has
PACKAGES = ("tensorflow-cpu", "torch", "facenet-pytorch", "sentence-transformers")


def prepare(folder: Path) -> None:
    """Write an emotion model, a sentence model and line vectors."""
    import keras
    import numpy as np
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    folder.mkdir(parents=True, exist_ok=True)
    base = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(128, 128, 3), pooling="avg")
    hidden = keras.layers.Dense(128, activation="relu")(base.output)
    keras.Model(base.input, keras.layers.Dense(4, activation="softmax")(hidden)).save(folder / "emotion.keras")
    words = {name: number for number, name in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])}
    words |= {chr(code): len(words) + code - 0xAC00 for code in range(0xAC00, 0xD7A4)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>",
        mask_token="<mask>", cls_token="<s>", sep_token="</s>",
    )  # fmt: skip
    config = RobertaConfig(vocab_size=32000, max_position_embeddings=514, type_vocab_size=1, pad_token_id=1)
    RobertaModel(config).save_pretrained(folder / "roberta")
    fast.save_pretrained(folder / "roberta")
    vectors = np.random.default_rng(0).normal(size=(SONGS * LINES_A_SONG, 768)).astype(np.float32)
    np.save(folder / "lines.npy", vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


class MissionStack:
    """The mission's models, loaded once."""

    def __init__(self, folder: Path, threads: int = 0) -> None:
        """Load everything; 0 threads leaves them to the libraries."""
        import keras
        import numpy as np
        import tensorflow as tf
        import torch
        from facenet_reference import load_mtcnn
        from sentence_transformers import SentenceTransformer, models

        if threads:
            torch.set_num_threads(threads)
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        self._mtcnn = load_mtcnn(keep_all=True)
        self._emotion = keras.models.load_model(folder / "emotion.keras")
        transformer = models.Transformer(str(folder / "roberta"), max_seq_length=128)
        self._encoder = SentenceTransformer(modules=[transformer, models.Pooling(768)], device="cpu")
        lines = np.load(folder / "lines.npy").reshape(SONGS, LINES_A_SONG, 768)
        self._songs = [(number % 4, torch.from_numpy(own)) for number, own in enumerate(lines)]

    def answer(self, photo: Path, text: str) -> list[int]:
        """Return the numbers of five songs."""
        import numpy as np
        from PIL import Image
        from sentence_transformers import util

        picture = Image.open(photo).convert("RGB")
        boxes, _ = self._mtcnn.detect(picture)
        face = picture.crop(tuple(boxes[0])).resize((128, 128))
        emotion = int(self._emotion.predict(np.asarray(face)[None] / 255.0, verbose=0).argmax())
        query = self._encoder.encode(text, convert_to_tensor=True)
        scores = {
            number: float(util.cos_sim(query, lines).max())
            for number, (felt, lines) in enumerate(self._songs)
            if felt == emotion
        }
        return sorted(scores, key=lambda number: -scores[number])[:5]


def usage() -> dict[str, float]:
    """Return CPU seconds and peak memory of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss * 1024 / 1e6}


def answer(folder: Path) -> None:
    """Answer once and print what it took."""
    if len(MissionStack(folder).answer(PORTRAIT, TEXT)) != 5:
        raise SystemExit("not a complete answer")
    print(json.dumps(usage()))


def serve(make: Callable[[], Callable[[Path, str], Any]]) -> None:
    """Answer each photo whose path comes in, and print the milliseconds."""
    ask = make()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        found = len(ask(Path(line.strip()), TEXT))
        print(json.dumps({"ms": (time.perf_counter() - begin) * 1e3, "songs": found, **usage()}), flush=True)


def disk(folder: Path) -> None:
    """Print what the packages, with all that they need, and the models take."""
    sizes: dict[str, int] = {}
    waiting = list(PACKAGES)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if name not in sizes:
            paths = [Path(str(file.locate())) for file in found.files or []]
            sizes[name] = sum(path.stat().st_size for path in paths if path.is_file())
            needs = [need for need in found.requires or [] if "extra ==" not in need]
            waiting += [match[0] for need in needs if (match := re.match(r"[A-Za-z0-9._-]+", need))]
    models = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(json.dumps({"packages_mb": sum(sizes.values()) / 1e6, "models_mb": models / 1e6}))


def main() -> None:
    """Run the verb."""
    verb, folder = sys.argv[1], Path(sys.argv[2])
    threads = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    if threads:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    if verb == "serve":
        serve(lambda: MissionStack(folder, threads).answer)
    else:
        {"prepare": prepare, "answer": answer, "disk": disk}[verb](folder)


if __name__ == "__main__":
    main()
