import io
import unicodedata
import zipfile

import numpy as np
import pytest
from PIL import Image

from profile_music.errors import InputError
from profile_music.train import data_faces
from profile_music.train.data_affectnet import read_affectnet
from profile_music.train.data_faces import load_pictures
from profile_music.train.data_ferplus import read_ferplus
from profile_music.train.data_folder import emotion_of, read_folder
from profile_music.types import Emotion


def picture(path, value=100, side=20):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (side, side), (value, value, value)).save(path)
    return path


def test_korean_and_english_folders(tmp_path):
    picture(tmp_path / unicodedata.normalize("NFD", "기쁨") / "a.png")
    picture(tmp_path / "Sadness" / "deep" / "b.jpg")
    picture(tmp_path / "surprise" / "c.png")
    (tmp_path / "Sadness" / "broken.jpg").write_bytes(b"no picture")
    faces = read_folder(tmp_path, 16)["all"]
    assert faces.images.shape == (2, 16, 16, 3)
    assert sorted(faces.majority.tolist()) == [0, 2]


def test_splits_of_a_folder_and_people(tmp_path):
    for split in ("train", "val", "test"):
        picture(tmp_path / split / "happy" / "kim_1.png")
        picture(tmp_path / split / "angry" / "lee_1.png")
    splits = read_folder(tmp_path, 8, person_of=lambda path: path.stem.split("_")[0])
    assert set(splits) == {"train", "valid", "test"}
    assert set(splits["valid"].groups) == {"kim", "lee"}


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no pictures"):
        read_folder(tmp_path, 8)


def test_emotion_words():
    assert emotion_of("Neutral") is Emotion.NEUTRAL
    assert emotion_of("공포") is None


def test_affectnet_trusts_the_table_over_the_folder(tmp_path):
    picture(tmp_path / "anger" / "1.png")
    picture(tmp_path / "anger" / "2.png")
    picture(tmp_path / "fear" / "3.png")
    (tmp_path / "labels.csv").write_text(
        ",pth,label,relFCs\n0,anger/1.png,anger,0.8\n1,anger\\2.png,happy,0.9\n2,fear/3.png,fear,0.7\n3,x/none.png,sad,1\n"
    )
    faces = read_affectnet(tmp_path, 8)["all"]
    assert faces.majority.tolist() == [1, 0]


@pytest.mark.parametrize("table", [None, "a,b\n1,2\n", "pth,label\nnone.png,sad\n"])
def test_affectnet_without_its_table_is_refused(tmp_path, table):
    if table is not None:
        (tmp_path / "labels.csv").write_text(table)
    with pytest.raises(InputError):
        read_affectnet(tmp_path, 8)


def test_large_sets_are_kept_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(data_faces, "MEMORY_LIMIT_BYTES", 100)
    paths = [picture(tmp_path / f"{value}.png", value) for value in (10, 20)]
    paths.insert(1, tmp_path / "missing.png")
    images, kept = load_pictures(paths, 8, cache=tmp_path / "all.npy")
    assert kept == [0, 2]
    assert isinstance(images, np.memmap)
    assert images[:, 0, 0, 0].tolist() == [10, 20]


def test_ferplus_votes_become_shares_and_the_cache_gives_the_same(tmp_path):
    names = ["neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt", "unknown"]
    rows = ["split,file," + ",".join(names) + ",duplicate"]
    stream = io.BytesIO()
    Image.new("L", (48, 48), 7).save(stream, "WEBP", lossless=True)
    path = tmp_path / "ferplus4.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for split, votes, duplicate in (("train", "1,6,2,1,0,0,0,0,0", 0), ("valid", "0,0,0,8,2,0,0,0,0", 0)):
            archive.writestr(f"{split}/0.webp", stream.getvalue())
            rows.append(f"{split},{split}/0.webp,{votes},{duplicate}")
        archive.writestr("test/0.webp", stream.getvalue())
        rows.append("test,test/0.webp,9,0,0,1,0,0,0,0,0,1")
        archive.writestr("labels.csv", "\n".join(rows))
    fresh = read_ferplus(path, tmp_path / "cache.npz")
    again = read_ferplus(path, tmp_path / "cache.npz")
    np.testing.assert_allclose(fresh["train"].labels, [[6 / 8, 0, 1 / 8, 1 / 8]])
    assert fresh["test"].duplicate.tolist() == [True]
    for split in fresh:
        np.testing.assert_array_equal(fresh[split].images, again[split].images)
        np.testing.assert_array_equal(fresh[split].labels, again[split].labels)
