"""ko-sroberta's route on a small RoBERTa of the same architecture and tokenizer kind, against sentence-transformers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from profile_music.errors import InputError, ModelError, ModelUnavailableError
from profile_music.text import load_encoder
from profile_music.text.sroberta import KoSroberta
from profile_music.text.sroberta_pull import pull_sroberta

TEXTS = [
    "오늘 하루도 수고했어",
    "보고 싶다",
    "비가 오는 날에는 따뜻한 커피 한 잔이 생각난다 그리고 음악도",
    "I miss you",
    "긴 문장 " * 100,
]


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder with random weights, WordPiece tokenizer and mean pooling."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("sentence_transformers")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer
    from tokenizers import BertWordPieceTokenizer

    folder = tmp_path_factory.mktemp("peer")
    trainer = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    trainer.train_from_iterator(TEXTS * 5, vocab_size=400, min_frequency=1, special_tokens=list(_SPECIAL))
    trainer.save_model(str(folder))
    tokenizer = transformers.BertTokenizerFast(
        str(folder / "vocab.txt"), do_lower_case=False, strip_accents=False, cls_token="[CLS]", sep_token="[SEP]"
    )
    torch.manual_seed(0)
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer), hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
        max_position_embeddings=514, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    raw = folder / "raw"
    transformers.RobertaModel(config).save_pretrained(raw)
    tokenizer.save_pretrained(raw)
    word = Transformer(str(raw), max_seq_length=128)
    pooling = Pooling(config.hidden_size, pooling_mode="mean")
    saved = folder / "saved"
    SentenceTransformer(modules=[word, pooling], device="cpu").save(str(saved))
    return saved


_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@pytest.fixture(scope="module")
def pulled(peer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from profile_music.train.text_sroberta import export_sroberta

    home = tmp_path_factory.mktemp("models")
    pull_sroberta(home, convert=export_sroberta, source=peer)
    return home


@pytest.mark.train
def test_parity_with_sentence_transformers(peer: Path, pulled: Path) -> None:
    from sentence_transformers import SentenceTransformer

    wanted = SentenceTransformer(str(peer), device="cpu").encode(TEXTS, normalize_embeddings=True)
    found = load_encoder("ko-sroberta", model_dir=pulled, threads=1).encode_queries(TEXTS)
    assert ((wanted * found).sum(axis=1) > 0.9999).all()


@pytest.mark.train
def test_batches_keep_the_order_of_texts(pulled: Path) -> None:
    encoder = KoSroberta.load(model_dir=pulled, threads=1)
    texts = TEXTS * 15
    alone = np.concatenate([encoder.encode_queries([text]) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode_passages(texts), np.tile(alone, (15, 1)), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-5)


@pytest.mark.train
def test_int8_stays_close_and_is_smaller(peer: Path, pulled: Path, tmp_path: Path) -> None:
    from profile_music.train.text_sroberta import export_sroberta

    result = pull_sroberta(tmp_path, convert=export_sroberta, source=peer, int8=True)
    small, exact = KoSroberta.load(model_dir=tmp_path), KoSroberta.load(model_dir=pulled)
    assert small.fingerprint != exact.fingerprint
    assert {file.name for file in result.files} >= {"model_int8.onnx", "tokenizer.json"}
    cosines = (small.encode_queries(TEXTS) * exact.encode_queries(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.98
    graphs = [(tmp_path / "ko-sroberta" / "model_int8.onnx"), (pulled / "ko-sroberta" / "model.onnx")]
    assert graphs[0].stat().st_size < 0.6 * graphs[1].stat().st_size


@pytest.mark.train
def test_a_changed_file_is_refused(peer: Path, tmp_path: Path) -> None:
    from profile_music.train.text_sroberta import export_sroberta

    pull_sroberta(tmp_path, convert=export_sroberta, source=peer)
    graph = tmp_path / "ko-sroberta" / "model.onnx"
    graph.write_bytes(graph.read_bytes() + b"\0")
    with pytest.raises(ModelError):
        KoSroberta.load(model_dir=tmp_path)


def _no_conversion(source: Path, graph: Path) -> None:
    raise AssertionError("nothing to convert")


def test_not_fetched_yet(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="model_unavailable") as raised:
        load_encoder("ko-sroberta", model_dir=tmp_path)
    assert "models pull" in raised.value.message_ko


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        pull_sroberta(tmp_path / "home", convert=_no_conversion, source=tmp_path)
    assert not (tmp_path / "home" / "ko-sroberta").exists()


def test_other_pooling_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "1_Pooling").mkdir(parents=True)
    for name in ("config.json", "tokenizer.json"):
        (source / name).write_text("{}")
    (source / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": False}))
    with pytest.raises(InputError, match="mean pooling"):
        pull_sroberta(tmp_path / "home", convert=_no_conversion, source=source)


def test_without_a_network_the_message_says_so(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    with pytest.raises(ModelUnavailableError) as raised:
        pull_sroberta(tmp_path, convert=_no_conversion)
    assert "--from" in raised.value.message_en
