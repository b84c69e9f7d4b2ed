"""Concepts: two texts about the same thing that share no word."""

from __future__ import annotations

from importlib.resources import files

import pytest

from profile_music.text.concepts import affirmed_concepts, concepts_of


def test_the_thesaurus_is_well_formed() -> None:
    text = (files("profile_music.text") / "data" / "concepts.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("# ")]
    names = [name for name, _ in rows]
    assert len(rows) >= 300
    assert len(set(names)) == len(names)
    for name, stems in rows:
        found = stems.split("|")
        assert len(found) >= 15, name
        assert len(set(found)) == len(found), name
        assert all(len(stem) >= 2 and stem == stem.strip() for stem in found), name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("졸업 사진 속 우리는 아직도 웃고 있네", "서랍에서 교복 입은 그 시절을 꺼내 봤다"),
        ("연락처에서 그 애 이름을 삭제했다", "이제 번호도 지우고 남이 됐다"),
        ("만원 지하철에 실려 가는 아침", "월요일이라 출근하기 싫다"),
        ("창가에 빗소리만 가득하다", "우산도 없이 비를 맞았다"),
        ("뚜껑 열리기 직전", "진짜 열받아서 잠이 안 와"),
    ],
)
def test_texts_about_the_same_share_a_concept(one: str, other: str) -> None:
    assert set(concepts_of(one)) & set(concepts_of(other))


def test_each_concept_stands_once_and_empty_text_has_none() -> None:
    found = concepts_of("비가 온다 비가 와 빗소리 장맛비")
    assert len(set(found)) == len(found) > 0
    assert concepts_of("") == concepts_of("ㅁㄴㅇㄹ") == []


@pytest.mark.parametrize("text", ["안 행복해", "나 하나도 행복하지 않아", "행복하지가 않네", "행복하고 싶지도 않아"])
def test_what_a_text_denies_is_not_what_it_is_about(text: str) -> None:
    assert "행복" in concepts_of(text)
    assert "행복" not in affirmed_concepts(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("잊지 못해", "미련"),
        ("잠이 안 와", "잠·불면"),
        ("잠이 오지 않는 밤", "잠·불면"),
        ("잠들지 못해", "잠·불면"),
        ("포기하지 않아", "다짐·갓생"),
        ("살고 싶지 않아", "절망"),
        ("헤어지고 잊지 못해", "이별 직후"),
        ("행복하지 않을 수 없다", "행복"),
    ],
)
def test_a_negation_that_belongs_to_a_concept_keeps_it(text: str, kept: str) -> None:
    assert kept in affirmed_concepts(text)
