"""Compiles what Kiwi read into the dictionary that `profile_music.text.segment` uses."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from profile_music.text.segment import CLOSES_AS_STEM, OPENS_AS_ENDING, START, Dictionary, Segmenter
from profile_music.train.text_kiwi import ChunkKey, Morphemes, Reading

BUCKETS = 4096
NEW_WORD_MIN_COUNT = 4
NEW_WORD_MAX_LETTERS = 8
COMMON_MORPHEMES = 35_000

_LETTERS = re.compile(r"[가-힣ㄱ-ㅣᆨ-ᇂ]+")
_MARKS = {"SF", "SP", "SS", "SSO", "SSC", "SE", "SO", "SW", "SB", "Z_CODA", "Z_SIOT"}
_FREE = ("NNG", "NNP", "MAG", "XR", "IC", "NR", "NNB", "NP", "MM", "MAJ", "XPN")
_STEMS = ("VV", "VA", "VX", "VCN", "VCP", "XSV", "XSA", "EP")
_SAME = {
    **{("가", "JKS"): "이", ("를", "JKO"): "을", ("는", "JX"): "은", ("와", "JC"): "과", ("와", "JKB"): "과"},
    **{("로", "JKB"): "으로", ("습니다", "EF"): "ᆸ니다", ("랑", "JC"): "이랑", ("랑", "JKB"): "이랑"},
    **{("나", "JX"): "이나", ("나", "JC"): "이나", ("거", "NNB"): "것", ("이거", "NP"): "이것"},
    **{("그거", "NP"): "그것", ("저거", "NP"): "저것", ("뭐", "NP"): "무엇", ("얘기", "NNG"): "이야기"},
    **{("예요", "EF"): "에요", ("이쁘", "VA"): "예쁘", ("재밋", "VA"): "재밌", ("건지", "EC"): "지"},
    **{("아", "EF"): "어", ("아", "EC"): "어", ("아요", "EF"): "어요", ("아서", "EC"): "어서", ("았", "EP"): "었"},
    **{("아야", "EC"): "어야", ("아라", "EF"): "어라", ("아도", "EC"): "어도", ("여", "EC"): "어"},
    **{("였", "EP"): "었", ("라", "EF"): "이라", ("여", "JKV"): "아", ("야", "JKV"): "아"},
}
_VARIANTS = (("으", ""), ("은", "ᆫ"), ("을", "ᆯ"), ("는", "ᆫ"), ("음", "ᆷ"), ("습", "ᆸ"), ("아", "어"))


@dataclass
class Compiled:
    """Chunks to (cost, rows); rows below `len(morphemes)` are Kiwi's, then `new_words`, then the buckets."""

    morphemes: Morphemes
    chunks: dict[str, tuple[float, tuple[int, ...]]] = field(default_factory=dict)
    new_words: dict[str, int] = field(default_factory=dict)

    @property
    def first_bucket(self) -> int:
        """The first shared row."""
        return len(self.morphemes) + len(self.new_words)

    @property
    def size(self) -> int:
        """Rows in all."""
        return self.first_bucket + BUCKETS

    def dictionary(self) -> Dictionary:
        """Return the form that the segmenter reads."""
        offsets: list[int] = [0]
        rows: list[int] = []
        for _, readings in self.chunks.values():
            rows.extend(readings)
            offsets.append(len(rows))
        return Dictionary(
            index={chunk: number for number, chunk in enumerate(self.chunks)},
            costs=[cost for cost, _ in self.chunks.values()],
            flags=[self._flags(readings) for _, readings in self.chunks.values()],
            offsets=offsets,
            rows=rows,
            longest=max(len(chunk.removeprefix(START)) for chunk in self.chunks),
            first_bucket=self.first_bucket,
            buckets=BUCKETS,
        )

    def segmenter(self) -> Segmenter:
        """Return a segmenter over the dictionary."""
        return Segmenter(self.dictionary())

    def _flags(self, rows: tuple[int, ...]) -> int:
        first, last = (self.morphemes.tags[row] if row < len(self.morphemes) else "N" for row in (rows[0], rows[-1]))
        return (OPENS_AS_ENDING if first.startswith("E") else 0) | (CLOSES_AS_STEM if last in _STEMS else 0)


def compile_dictionary(
    counts: Mapping[ChunkKey, int], inflected: Iterable[tuple[str, Reading]], morphemes: Morphemes
) -> Compiled:
    """Put together: chunks of the corpus, inflections and free morphemes of Kiwi's dictionary, frequent new words."""
    rows = _Rows(morphemes)
    known: dict[tuple[str, bool], Counter[tuple[int, ...]]] = defaultdict(Counter)
    unknown: Counter[str] = Counter()
    for (surface, at_start, reading), count in counts.items():
        if _LETTERS.fullmatch(surface):
            found = rows.of(reading)
            if found is None:
                unknown[surface] += count
            elif found:
                known[surface, at_start][found] += count
    compiled = Compiled(morphemes)
    total = sum(sum(readings.values()) for readings in known.values())
    for (surface, at_start), readings in known.items():
        cost = -math.log(sum(readings.values()) / total)
        compiled.chunks[START * at_start + surface] = (cost, readings.most_common(1)[0][0])
    _add_unseen(compiled, inflected, rows, math.log(total))
    _add_new_words(compiled, unknown, math.log(total))
    _add_signals(compiled)
    return compiled


def _add_unseen(compiled: Compiled, inflected: Iterable[tuple[str, Reading]], rows: _Rows, log_total: float) -> None:
    """Add what the corpus lacks, as if seen less than once."""
    for surface, reading in inflected:
        found = rows.of(reading)
        if found and not _has(compiled, surface):
            compiled.chunks[START + surface] = (log_total - math.log(0.3), found)
    morphemes = compiled.morphemes
    for row, (form, tag) in enumerate(zip(morphemes.forms, morphemes.tags, strict=True)):
        if tag in _FREE and form and _LETTERS.fullmatch(form) and not _has(compiled, form):
            seen = 0.3 if row < COMMON_MORPHEMES else 0.12
            compiled.chunks[START + form] = (log_total - math.log(seen), (row,))


def _add_new_words(compiled: Compiled, unknown: Counter[str], log_total: float) -> None:
    for surface, count in unknown.items():
        if count >= NEW_WORD_MIN_COUNT and len(surface) <= NEW_WORD_MAX_LETTERS and not _has(compiled, surface):
            row = len(compiled.morphemes) + len(compiled.new_words)
            compiled.new_words[surface] = row
            compiled.chunks[START + surface] = (log_total - math.log(count), (row,))


def _add_signals(compiled: Compiled) -> None:
    """Give laughter, crying, ? and ! rows of their own."""
    for signal in ("?", "!", "ㅋㅋ", "ㅠㅠ"):
        row = compiled.first_bucket
        compiled.new_words[signal] = row
        compiled.chunks[signal] = compiled.chunks[START + signal] = (5.0, (row,))


def _has(compiled: Compiled, surface: str) -> bool:
    return START + surface in compiled.chunks or surface in compiled.chunks


class _Rows:
    """Finds the row of a morpheme that Kiwi returns, whose id can be that of a variant without a vector."""

    def __init__(self, morphemes: Morphemes) -> None:
        self._morphemes = morphemes
        self._by_form: dict[tuple[str, str], int] = {}
        for row, key in enumerate(zip(morphemes.forms, morphemes.tags, strict=True)):
            if key[0]:
                self._by_form.setdefault(key, row)

    def of(self, reading: Reading) -> tuple[int, ...] | None:
        """Return the rows of a reading without its marks; None where a morpheme has no vector."""
        rows = [self._row(*morpheme) for morpheme in reading if morpheme[2] not in _MARKS]
        return None if None in rows else tuple(row for row in rows if row is not None)

    def _row(self, number: int, form: str, tag: str) -> int | None:
        names = self._morphemes
        if number < len(names) and (names.forms[number], names.tags[number]) == (form, tag):
            return number
        forms = [form, _SAME.get((form, tag), form)]
        forms += [new + form[len(old) :] for old, new in _VARIANTS if form.startswith(old)]
        tags = [tag, *(("EF", "EC", "ETM", "EP") if tag.startswith("E") else ())]
        return next((row for t in tags for f in forms if (row := self._by_form.get((f, t))) is not None), None)
