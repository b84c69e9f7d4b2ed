import json
from collections import Counter

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from profile_music.cli.data import data
from profile_music.errors import InputError
from profile_music.train.data_aihub import decide_box, decide_label, decode_labels, read_entries, square_around
from profile_music.train.data_crops import JOURNAL, prepare_aihub, read_crops, read_journal
from profile_music.types import EMOTIONS
from tests.train.aihub_tree import LABELS, build_tree, record


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return build_tree(tmp_path_factory.mktemp("aihub"))


def test_labels_come_from_zips_and_folders_in_both_encodings(tree):
    entries = read_entries(tree.root)
    assert set(tree.usable) | tree.broken <= set(entries)
    assert {name: list(LABELS)[list(EMOTIONS).index(entries[name].emotion)] for name in tree.usable} == tree.usable
    assert len({entry.person for entry in entries.values() if entry.filename in tree.usable}) == 7


def test_every_usable_face_is_cut_upright_and_the_rest_is_reported(tree, tmp_path):
    report = prepare_aihub(tree.root, tmp_path)
    assert (report.written, report.skipped, report.already, report.missing) == (len(tree.usable), 1, 0, 4)
    rows = read_journal(tmp_path)
    assert {row["source"] for row in rows if row["problem"]} == tree.broken
    for row in rows:
        if row["problem"]:
            continue
        crop = np.asarray(Image.open(tmp_path / row["file"]).convert("L")).astype(float)
        half = crop.shape[0] // 2
        quadrants = [crop[:half, :half], crop[:half, half:], crop[half:, :half], crop[half:, half:]]
        assert int(np.argmax([part.mean() for part in quadrants])) == LABELS[tree.usable[row["source"]]]


def test_an_interrupted_preparation_goes_on_where_it_stopped(tree, tmp_path):
    seen = []

    def stop_at_seven(done, total):
        seen.append((done, total))
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_aihub(tree.root, tmp_path, progress=stop_at_seven)
    assert seen[-1][0] == 7
    report = prepare_aihub(tree.root, tmp_path)
    assert report.already == 7
    assert report.written + report.skipped == len(tree.usable) + 1 - 7
    names = Counter(row["source"] for row in read_journal(tmp_path))
    assert names.most_common(1)[0][1] == 1


def test_crops_are_read_with_people_as_groups(tree, tmp_path):
    prepare_aihub(tree.root, tmp_path)
    faces = read_crops(tmp_path, 32)["all"]
    assert faces.images.shape == (len(tree.usable), 32, 32, 3)
    assert Counter(faces.majority.tolist()) == Counter(LABELS[label] for label in tree.usable.values())
    assert len(set(faces.groups)) == 7


def test_the_verb_reports_what_it_did(tree, tmp_path):
    out = tmp_path / "얼굴"
    result = CliRunner().invoke(data, ["aihub", "--root", str(tree.root), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert f"crops written {len(tree.usable)}" in result.output
    assert (out / JOURNAL).is_file()


def test_the_majority_counts_before_the_uploader():
    assert decide_label(record("a.jpg", "기쁨", ("중립", "중립", "기쁨"))) == "중립"
    assert decide_label(record("a.jpg", "기쁨", ("중립", "중립", "기쁨")), "uploader") == "기쁨"
    assert decide_label(record("a.jpg", "기쁨", ("중립", "슬픔", "분노"))) == "기쁨"
    assert decide_label(record("a.jpg", "기쁨", ("알수없음", "알수없음", "기쁨"))) == "알수없음"


def test_the_box_is_the_middle_one_of_three():
    assert decide_box(record("a.jpg", "기쁨", ("기쁨",) * 3)) == (30.0, 20.0, 80.0, 70.0)
    assert decide_box({"annot_A": {"boxes": {"minX": 5}}}) is None
    assert decide_box({}) is None


def test_squares_are_clipped_to_the_picture():
    assert square_around((-10, -10, 30, 50), 1.0, 100, 40) == (0, 0, 40, 40)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_label_files_decode(encoding):
    assert decode_labels(json.dumps([{"a": "슬픔"}], ensure_ascii=False).encode(encoding)) == [{"a": "슬픔"}]


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"{}", b"[", b""])
def test_other_label_files_are_refused(raw):
    with pytest.raises(InputError):
        decode_labels(raw)


def test_a_folder_without_labels_is_refused(tmp_path):
    with pytest.raises(InputError, match="no AI Hub labels"):
        read_entries(tmp_path)
