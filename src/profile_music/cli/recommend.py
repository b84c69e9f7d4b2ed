"""`profile-music recommend`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from profile_music.cli.common import catalog_option, console, json_option, load_recommender, print_json
from profile_music.types import EMOTION_NAMES_KO, EMOTIONS

if TYPE_CHECKING:
    from profile_music.types import EmotionScores, Recommendation


@click.command()
@click.argument("photo", required=False, type=click.Path(path_type=Path))
@click.option("--text", "-t", help="A status message or any short text.")
@click.option("--top-k", "-k", default=5, show_default=True, type=click.IntRange(1, 50), help="How many songs.")
@click.option("--emotion", type=click.Choice([e.value for e in EMOTIONS]), help="Overrule the photo's emotion.")
@click.option("--face", "face_index", default=0, show_default=True, help="Which face speaks for the photo.")
@click.option("--mood", type=click.Choice(["match", "lift"]), default="match", show_default=True,
              help="Songs of the same feeling, or songs that lift or console.")  # fmt: skip
@click.option("--emotion-mode", type=click.Choice(["soft", "hard"]), help="hard: only songs of the top emotion.")
@click.option("--fresh", "fresh_seed", type=int, metavar="SEED", help="Other picks of nearly equal score.")
@click.option("--decade", "decades", multiple=True, type=int, metavar="YEAR", help="Only songs of a decade (1990).")
@click.option("--genre", "genres", multiple=True, help="Only songs of a genre.")
@click.option("--artist", "artists", multiple=True, help="Only songs of an artist.")
@click.option("--emotion-model", type=click.Path(path_type=Path), help="An emotion model (.onnx) of your own.")
@catalog_option
@json_option
def recommend(
    photo: Path | None,
    text: str | None,
    top_k: int,
    emotion: str | None,
    face_index: int,
    mood: str,
    emotion_mode: str | None,
    fresh_seed: int | None,
    decades: tuple[int, ...],
    genres: tuple[str, ...],
    artists: tuple[str, ...],
    emotion_model: Path | None,
    catalog: str | None,
    as_json: bool,
) -> None:
    """Recommend songs for PHOTO, for --text, or for both.

    사진과 글에 어울리는 노래를 골라 줍니다.
    """
    from profile_music.index import SongFilter
    from profile_music.ranking import RankingOptions

    recommender = load_recommender(catalog, emotion_mode=emotion_mode, emotion_model=emotion_model)
    options = RankingOptions(
        mood="lift" if mood == "lift" else "match",
        fresh_seed=fresh_seed,
        songs_per_artist=top_k if artists else recommender.settings.songs_per_artist,
    )
    chosen = SongFilter(decades=decades, genres=genres, artists=artists)
    answer = recommender.recommend(
        photo, text, top_k, emotion=emotion, face_index=face_index, options=options, song_filter=chosen
    )
    if as_json:
        print_json(answer.to_dict())
    else:
        _print(answer)


def _print(answer: Recommendation) -> None:
    from rich.padding import Padding
    from rich.text import Text

    out = console()
    for label, line in _heard(answer):
        out.print(Text.assemble((f"{label}  ", "dim"), line))
    for song in answer.songs:
        facts = " · ".join(str(part) for part in (song.song.year, song.song.genre) if part)
        out.print()
        out.print(
            Text.assemble(
                (f"{song.rank}  ", "bold cyan"), (song.song.title, "bold"), f"  {song.song.artist}  ", (facts, "dim")
            )
        )
        if song.matched_line:
            out.print(Padding(Text(f"“{song.matched_line}”", style="italic"), (0, 0, 0, 3)))
        out.print(Padding(Text(song.reason.ko), (0, 0, 0, 3)))
        # A link must stay in one piece to be clicked or copied.
        out.print(Text(f"   {song.links['melon']}", style="dim"), soft_wrap=True)
    if not answer.songs:
        out.print("조건에 맞는 노래가 없어요. / No song fits these conditions.")


def _heard(answer: Recommendation) -> list[tuple[str, str]]:
    rows = []
    if answer.emotion:
        source = {"face": f"얼굴 {len(answer.faces)}", "colors": "색감"}.get(answer.emotion.source, "")
        unsure = "  (확신이 낮음)" if answer.emotion.abstained else ""
        rows.append((f"사진·{source}", _bars(answer.emotion.scores) + unsure))
    if answer.text_mood:
        rows.append(("글", _bars(answer.text_mood)))
    return rows + [("알림", note.ko) for note in answer.basis.notes]


def _bars(scores: EmotionScores) -> str:
    ordered = sorted(EMOTIONS, key=lambda emotion: -scores[emotion])
    return "  ".join(f"{EMOTION_NAMES_KO[emotion]} {scores[emotion]:.0%}" for emotion in ordered)
