"""Measure the matching on status messages with the bundled songs that fit them, and on emotional texts.

Usage: evaluate_matching.py [--split dev|test|all] [--kinds]
For words alone, meaning alone, both, and with what songs are about and their topics: the share of messages with a
fitting song among the first five (hit@5), the mean reciprocal rank in the first twenty (MRR), and the share of the
first five that is in the list of fitting songs (precision@5; the lists are not complete, so it is a lower bound).
The weights were chosen with both splits of the status messages in view, so neither is a held-back set. Of the
emotional texts in mood_texts.jsonl only the dev part was looked at while the mood was trained.
"""

from __future__ import annotations

import argparse

from profile_music import Recommender, Settings
from profile_music.evaluate.matching import ROUTES, measure_emotional, measure_matching, read_rows


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=["dev", "test", "all"], default="test")
    parser.add_argument("--kinds", action="store_true", help="also print precision@5 by kind of message")
    args = parser.parse_args()
    rows = read_rows("status_messages", args.split)
    product = Recommender.load()
    print(f"{len(rows)} messages, {product.index.manifest.songs} songs, split {args.split}")
    for name, changes in ROUTES.items():
        figures = measure_matching(Recommender(product.index, Settings(**changes)), rows)
        print(
            f"{name:<22} hit@5 {figures.hit_at_5:.3f}  MRR {figures.mrr:.3f}  precision@5 {figures.precision_at_5:.3f}"
        )
        if args.kinds:
            print("    " + "  ".join(f"{kind} {value:.2f}" for kind, value in figures.by_kind.items()))
    for name, texts in (
        ("emotional_texts", read_rows("emotional_texts")),
        (f"mood_texts, {args.split}", read_rows("mood_texts", args.split)),
    ):
        found = measure_emotional(product, texts)
        print(f"{name} ({found.texts}): mood right {found.mood:.2f}, first song's emotion right {found.first_song:.2f}")


if __name__ == "__main__":
    main()
