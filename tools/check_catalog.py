"""Check catalog-source/songs.jsonl: facts, near-duplicate lines, songs that their lines do not set apart, moods.

Usage: check_catalog.py [--facts CSV] [--worst N]
Facts are compared where the table is present (columns title, artist, year, melon_song_id); songs that are not in it
must be listed with the reason in catalog-source/not-in-facts.tsv. Exit status 1 on a wrong fact or a near-duplicate
line; the rest is for reading.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from profile_music.catalog.records import normalized_name

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "catalog-source" / "songs.jsonl"
EXCUSED = ROOT / "catalog-source" / "not-in-facts.tsv"
NEAR = 0.6
Record = dict[str, Any]


def load() -> list[Record]:
    """Return the source's records."""
    return [json.loads(line) for line in SOURCE.read_text(encoding="utf-8").splitlines()]


def names(text: str) -> set[str]:
    """Return the comparable spellings of a title or artist: whole, without brackets, and inside them."""
    outside = re.sub(r"\(.*?\)|\[.*?\]", "", text)
    inside = re.findall(r"\((.*?)\)", text)
    parts = re.split(r"[,&/]| x ", outside)
    return {normalized_name(part) for part in (text, outside, *inside, *parts)} - {""}


def same_artist(one: str, other: str) -> bool:
    """Return whether two spellings can be the same artist (or one of several)."""
    left, right = names(one), names(other)
    return bool(left & right) or any(len(a) > 1 and len(b) > 1 and (a in b or b in a) for a in left for b in right)


def wrong_facts(songs: list[Record], facts: Path) -> Iterator[str]:
    """Yield a sentence for every song that the table does not bear out."""
    table: dict[str, list[dict[str, str]]] = defaultdict(list)
    with facts.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            for name in names(row["title"]):
                table[name].append(row)
    excused = {line.split("\t")[0] for line in EXCUSED.read_text(encoding="utf-8").splitlines() if line.strip()}
    for song in songs:
        who = f"{song['title']} - {song['artist']}"
        rows = [
            row for name in names(song["title"]) for row in table[name] if same_artist(song["artist"], row["artist"])
        ]
        if not rows:
            if who not in excused:
                yield f"not in the facts: {who}"
            continue
        ids = {row["melon_song_id"].split(".")[0] for row in rows}
        if song["melon_id"] and song["melon_id"] not in ids:
            yield f"another Melon id than the table's: {who}"


def trigrams(text: str) -> set[str]:
    """Return a line's character trigrams."""
    plain = normalized_name(text)
    return {plain[start : start + 3] for start in range(len(plain) - 2)}


def near_duplicates(songs: list[Record]) -> Iterator[str]:
    """Yield pairs of lines that share most of their trigrams."""
    seen: list[tuple[set[str], str, str]] = []
    holders: dict[str, list[int]] = defaultdict(list)
    for song in songs:
        for line in song["lines"]:
            grams = trigrams(line)
            shared = Counter(number for gram in grams for number in holders[gram])
            for number, count in shared.most_common(1):
                other, text, who = seen[number]
                if count / len(grams | other) > NEAR:
                    yield f"near-duplicate: {song['title']} “{line}” ~ {who} “{text}”"
            for gram in grams:
                holders[gram].append(len(seen))
            seen.append((grams, line, song["title"]))


def not_set_apart(songs: list[Record], worst: int) -> Iterator[str]:
    """Yield the songs whose lines are closest, on the whole, to another song's lines."""
    import numpy as np

    from profile_music.text import load_encoder

    vectors = load_encoder().encode_passages([line for song in songs for line in song["lines"]])
    edges = np.cumsum([0, *(len(song["lines"]) for song in songs)])
    likeness = np.zeros((len(songs), len(songs)), dtype=np.float32)
    for number in range(len(songs)):
        block = vectors[edges[number] : edges[number + 1]] @ vectors.T
        likeness[number] = np.add.reduceat(block.max(axis=0), edges[:-1]) / np.diff(edges)
    np.fill_diagonal(likeness, -1)
    for flat in np.argsort(-likeness, axis=None)[:worst]:
        one, other = divmod(int(flat), len(songs))
        yield f"alike {likeness[one, other]:.2f}: {songs[one]['title']} ~ {songs[other]['title']}"


def disputed(songs: list[Record], worst: int) -> Iterator[str]:
    """Yield the songs whose given emotion the text mood of their lines disputes most."""
    import numpy as np

    from profile_music.text.mood import TextMood
    from profile_music.types import EmotionScores

    mood = TextMood.load()
    rows = []
    for song in songs:
        given = EmotionScores.from_mapping(song["emotions"])
        read = np.mean([scores.as_array() for scores in mood.predict(song["lines"])], axis=0)
        rows.append((float(np.sqrt(given.as_array() * read).sum()), song, given, EmotionScores.from_sequence(read)))
    for score, song, given, found in sorted(rows, key=lambda row: row[0])[:worst]:
        yield f"disputed {score:.2f}: {song['title']} - {song['artist']}: given {given.top}, lines say {found.top}"


def counts(songs: list[Record]) -> Iterator[str]:
    """Yield a line each of the songs by decade, genre and main emotion, and of the artists and lines."""
    from profile_music.types import EmotionScores

    columns = {
        "decade": Counter(f"{song['year'] // 10 * 10}s" for song in songs),
        "genre": Counter(song["genre"] for song in songs),
        "main emotion": Counter(str(EmotionScores.from_mapping(song["emotions"]).top) for song in songs),
    }
    for name, column in columns.items():
        ordered = sorted(column.items(), key=lambda item: item[0] if name == "decade" else -item[1])
        yield f"{name}: " + ", ".join(f"{key} {value}" for key, value in ordered)
    lines = [line for song in songs for line in song["lines"]]
    length = sum(map(len, lines)) / len(lines)
    yield f"artists: {len({song['artist'] for song in songs})}; lines: {len(lines)}, {length:.1f} characters on average"


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=Path, default=ROOT.parent / "shared" / "data" / "songs" / "song_facts.csv")
    parser.add_argument("--worst", type=int, default=15)
    args = parser.parse_args()
    songs = load()
    errors = list(near_duplicates(songs))
    if args.facts.is_file():
        errors += wrong_facts(songs, args.facts)
    else:
        print(f"no table of facts at {args.facts}: facts not compared")
    for note in (*errors, *not_set_apart(songs, args.worst), *disputed(songs, args.worst), *counts(songs)):
        print(note)
    print(f"{len(songs)} songs, {len(errors)} errors")
    sys.exit(1 if errors else None)


if __name__ == "__main__":
    main()
