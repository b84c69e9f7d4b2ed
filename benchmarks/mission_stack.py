"""The stack that the mission names, from process start to a complete answer, for benchmarks/cold_start.py.

MTCNN (TensorFlow), a Keras ResNet50 at 128x128 and a sentence-transformers model of ko-sroberta's shape, as they are
loaded from disk in one process. Weights are random: they change neither sizes nor times.

Usage: python benchmarks/mission_stack.py prepare FOLDER   (once: writes the models)
       python benchmarks/mission_stack.py answer FOLDER    (prints CPU seconds and peak memory as JSON)
Needs an environment with tensorflow-cpu, torch (CPU), sentence-transformers and mtcnn.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

PORTRAIT = Path(__file__).resolve().parents[1] / "examples" / "portrait.jpg"
TEXT = "오늘 하루도 수고했어"
LINES = 3000


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
    vectors = np.random.default_rng(0).normal(size=(LINES, 768)).astype(np.float32)
    np.save(folder / "lines.npy", vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def answer(folder: Path) -> None:
    """Read the photo, embed the text, rank the lines, and print what it took."""
    import keras
    import numpy as np
    from mtcnn import MTCNN
    from PIL import Image
    from sentence_transformers import SentenceTransformer, models

    picture = np.asarray(Image.open(PORTRAIT).convert("RGB"))
    faces = MTCNN().detect_faces(picture)
    left, top, width, height = faces[0]["box"]
    face = Image.fromarray(picture[max(0, top) : top + height, max(0, left) : left + width]).resize((128, 128))
    emotion = keras.models.load_model(folder / "emotion.keras").predict(np.asarray(face)[None] / 255.0, verbose=0)
    transformer = models.Transformer(str(folder / "roberta"), max_seq_length=128)
    encoder = SentenceTransformer(modules=[transformer, models.Pooling(768)], device="cpu")
    scores = np.load(folder / "lines.npy") @ encoder.encode([TEXT], normalize_embeddings=True)[0]
    best = np.argsort(-scores)[:5]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    row = {"cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss * 1024 / 1e6}
    if emotion.shape != (1, 4) or len(best) != 5:
        raise SystemExit("not a complete answer")
    sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    {"prepare": prepare, "answer": answer}[sys.argv[1]](Path(sys.argv[2]))
