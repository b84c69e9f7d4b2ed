"""One suite over every home of a catalogue: memory, folder, S3 (moto's server), and LanceDB in a folder and in S3."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from profile_music.errors import (
    CatalogChangedError,
    CatalogDamagedError,
    CatalogMissingError,
    CatalogUnreachableError,
    InputError,
)
from profile_music.index import IndexQuery, LyricIndex, SongFilter
from profile_music.index.parts import split_by_emotion
from profile_music.index.protocol import SongIndex
from profile_music.index.source import CatalogSource, cache_folder, local_catalog, split_location, store_for
from profile_music.index.storage import CatalogStore, FolderStore, MemoryStore
from profile_music.index.transfer import pull, push
from profile_music.types import EMOTIONS, Emotion, EmotionScores, Song

from ..s3 import new_bucket, s3_server
from .helpers import make_song, vectors_of, write_catalog

SONGS = [make_song(number, lines=1 + number % 4) for number in range(40)]


@pytest.fixture(scope="module")
def s3_environment() -> Iterator[dict[str, str]]:
    with s3_server() as environment:
        yield environment


@pytest.fixture
def s3_url(s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{new_bucket(s3_environment)}/catalogs/main"


@pytest.fixture(params=["memory", "folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> CatalogStore:
    if request.param == "memory":
        return MemoryStore()
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    return store_for(request.getfixturevalue("s3_url"))


@dataclass
class Home:
    """A place that holds one catalogue: how to publish songs there and how to open what is there."""

    publish: Callable[[list[Song]], object]
    reader: Callable[[str], CatalogSource]

    @cached_property
    def source(self) -> CatalogSource:
        return self.reader("cache")


@pytest.fixture(
    params=[
        "memory",
        "folder",
        "s3",
        pytest.param("lance-folder", marks=pytest.mark.scale),
        pytest.param("lance-s3", marks=pytest.mark.scale),
    ]
)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    kind = request.param
    location = request.getfixturevalue("s3_url") if kind.endswith("s3") else str(tmp_path / "home")
    if kind.startswith("lance"):
        if importlib.util.find_spec("lancedb") is None:
            pytest.skip("the scale extra is not installed")
        from .lance_helpers import write_lance

        return Home(
            lambda songs: write_lance(location, songs),
            lambda cache: CatalogSource(location, cache_dir=tmp_path / cache, poll_s=0),
        )
    chosen = MemoryStore() if kind == "memory" else store_for(location)

    def publish(songs: list[Song]) -> None:
        write_catalog(tmp_path / "built", songs)
        # Files of versions before the last are removed at once here: the hardest case for a reader.
        push(tmp_path / "built", chosen, keep_s=0)

    return Home(publish, lambda cache: CatalogSource(location, cache_dir=tmp_path / cache, poll_s=0, store=chosen))


def query(text: str, **changes: object) -> IndexQuery:
    return IndexQuery(vectors=vectors_of([text]), tokens=[text.split()], **changes)


def songs_of(index: SongIndex, wanted: IndexQuery, limit: int) -> list[str]:
    return [index.song(hit.song_index).song_id for hit in index.search(wanted, limit)]


# Every home answers alike.


def test_the_best_line_and_its_song_are_found(home: Home) -> None:
    home.publish(SONGS)
    index = home.source.open()
    assert len(index) == len(SONGS)
    assert (index.manifest.songs, index.manifest.lines) == (40, sum(len(song.lines) for song in SONGS))
    for song in SONGS[3:30:5]:
        hit = index.search(query(song.lines[-1]), 5)[0]
        assert index.song(hit.song_index).song_id == song.song_id
        assert index.song(hit.song_index).lines == ()
        assert index.line(hit.line_id) == song.lines[-1]
        assert hit.semantic == pytest.approx(1.0, abs=2e-3)
        assert hit.lexical == pytest.approx(1.0, abs=5e-3)


def test_answers_are_those_of_the_exact_index(home: Home, tmp_path: Path) -> None:
    exact = write_catalog(tmp_path / "exact", SONGS)
    home.publish(SONGS)
    index = home.source.open()
    feeling = EmotionScores.from_mapping({"sad": 0.7, "neutral": 0.3})
    for text in ("7번째 노래의 2번째 문장", "비 오는 밤", "노래 12"):
        wanted = query(text, about_weight=0.5, emotion=feeling, emotion_weight=0.35)
        mine, theirs = index.search(wanted, 10), exact.search(wanted, 10)
        assert [index.song(hit.song_index) for hit in mine] == [exact.song(hit.song_index) for hit in theirs]
        for name in ("score", "semantic", "lexical", "affinity"):
            ours = [getattr(hit, name) for hit in mine]
            assert ours == pytest.approx([getattr(hit, name) for hit in theirs], abs=5e-3), name


def test_a_feeling_alone_ranks_songs(home: Home) -> None:
    home.publish(SONGS)
    index = home.source.open()
    wanted = EmotionScores.from_mapping({"happy": 1})
    empty = IndexQuery(vectors=vectors_of(["x"])[:0], tokens=[], emotion=wanted, emotion_weight=1.0)
    hits = index.search(empty, 10)
    songs = [index.song(hit.song_index) for hit in hits]
    assert all(song.emotions.top is Emotion.HAPPY for song in songs)
    assert all(hit.line_id == -1 and hit.affinity == pytest.approx(0.5**0.5, abs=1e-3) for hit in hits)


@pytest.mark.parametrize(
    ("chosen", "fits"),
    [
        (SongFilter(decades=(1990, 2000)), lambda song: 1990 <= song.year < 2010),
        (SongFilter(genres=("록", "없는 장르")), lambda song: song.genre == "록"),
        (SongFilter(genres=("없는 장르",)), lambda song: False),
        (SongFilter(artists=("가수3",)), lambda song: song.artist == "가수 3"),
        (SongFilter(exclude_artists=("가수 3",)), lambda song: song.artist != "가수 3"),
        (SongFilter(emotion=Emotion.SAD, decades=(2010,)), lambda s: s.emotions.top == "sad" and 2010 <= s.year < 2020),
    ],
)
def test_filters(home: Home, chosen: SongFilter, fits: Callable[[Song], bool]) -> None:
    home.publish(SONGS)
    found = songs_of(home.source.open(), query("문장", filter=chosen), 100)
    assert sorted(found) == sorted(song.song_id for song in SONGS if fits(song))


def test_a_newer_version_is_picked_up_and_the_open_one_goes_on(home: Home) -> None:
    home.publish(SONGS[:10])
    first = home.source.open()
    assert home.source.newer() is None
    home.publish([*SONGS[5:10], make_song(77)])
    second = home.source.newer()
    assert second is not None
    assert home.source.newer() is None
    assert (len(first), len(second)) == (10, 6)
    assert songs_of(second, query("77번째 노래의 0번째 문장"), 1) == ["s77"]
    assert sorted(songs_of(first, query("문장"), 100)) == sorted(song.song_id for song in SONGS[:10])


def test_no_catalogue_there(home: Home) -> None:
    with pytest.raises(CatalogMissingError):
        home.source.open()


TURNS = {"memory": 24, "folder": 24, "s3": 8, "lance-folder": 8, "lance-s3": 5}


def test_readers_during_publishing_see_one_version_whole(home: Home, request: pytest.FixtureRequest) -> None:
    """A version's songs all carry its number: any answer that mixes two versions would show both."""
    versions = [[make_song(n, lines=1, album=f"v{v}") for n in range(6 + v % 3)] for v in range(4)]
    home.publish(versions[0])
    turns = TURNS[request.node.callspec.params["home"]]
    done = threading.Event()
    seen: list[set[str]] = []
    failures: list[BaseException] = []

    def read(number: int) -> None:
        try:
            while not done.is_set() or len(seen) < 2 * turns:
                source = home.reader(f"cache{number}")
                index = source.open()
                for _ in range(3):
                    hits = index.search(query("문장"), 50)
                    assert len(hits) == len(index)
                    seen.append({index.song(hit.song_index).album for hit in hits})
                    index = source.newer() or index
        except BaseException as error:
            failures.append(error)
            done.set()

    threads = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(1, turns + 1):
        home.publish(versions[turn % len(versions)])
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert all(len(albums) == 1 for albums in seen)
    assert len(set().union(*seen)) > 1


# Pushing and pulling.


def test_push_uploads_only_what_is_absent(store: CatalogStore, tmp_path: Path) -> None:
    write_catalog(tmp_path / "c", SONGS)
    first = push(tmp_path / "c", store)
    assert (first.moved, first.removed) == (first.files, 0)
    assert push(tmp_path / "c", store).moved == 0
    write_catalog(tmp_path / "c", [*SONGS[:-1], make_song(39, lines=4, title="새 제목")])
    second = push(tmp_path / "c", store)
    assert 0 < second.moved < second.files
    assert second.etag != first.etag


def test_a_push_that_dies_leaves_the_old_version_whole(store: CatalogStore, tmp_path: Path) -> None:
    write_catalog(tmp_path / "old", SONGS[:10])
    write_catalog(tmp_path / "new", SONGS)
    push(tmp_path / "old", store)

    def die(path: str, size: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        push(tmp_path / "new", store, on_file=die)
    assert pull(store, tmp_path / "copy").manifest.songs == 10
    assert len(LyricIndex.open(tmp_path / "copy")) == 10


def test_two_pushes_at_once_do_not_overwrite_each_other(store: CatalogStore, tmp_path: Path) -> None:
    write_catalog(tmp_path / "mine", SONGS[:10])
    write_catalog(tmp_path / "theirs", SONGS[:20])

    def meanwhile(path: str, size: int) -> None:
        if "songs.jsonl" in path:
            push(tmp_path / "theirs", store)

    with pytest.raises(CatalogChangedError):
        push(tmp_path / "mine", store, on_file=meanwhile)
    assert pull(store, tmp_path / "copy").manifest.songs == 20


def test_old_files_are_removed_after_the_grace_time(store: CatalogStore, tmp_path: Path) -> None:
    for count in (5, 10, 15):
        write_catalog(tmp_path / "c", SONGS[:count])
        kept = push(tmp_path / "c", store)
    assert kept.removed == 0
    write_catalog(tmp_path / "c", SONGS[:20])
    assert push(tmp_path / "c", store, keep_s=0).removed > 0
    assert pull(store, tmp_path / "copy").manifest.songs == 20


def test_pull_fetches_only_what_is_absent_and_repairs(store: CatalogStore, tmp_path: Path) -> None:
    index = write_catalog(tmp_path / "c", SONGS)
    push(tmp_path / "c", store)
    assert pull(store, tmp_path / "copy").moved == len(index.manifest.files)
    assert pull(store, tmp_path / "copy").moved == 0
    damaged = tmp_path / "copy" / index.manifest.files["vectors.npy"].path
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x00")
    assert pull(store, tmp_path / "copy").moved == 1
    assert list(LyricIndex.open(tmp_path / "copy").files.songs()) == SONGS


def test_damage_in_the_store_is_refused_and_the_kept_version_stays(store: CatalogStore, tmp_path: Path) -> None:
    write_catalog(tmp_path / "c", SONGS[:10])
    push(tmp_path / "c", store)
    pull(store, tmp_path / "copy")
    index = write_catalog(tmp_path / "c", SONGS)
    push(tmp_path / "c", store)
    (tmp_path / "bad").write_bytes(b"\x00" * index.manifest.files["songs.jsonl"].size_bytes)
    store.upload(tmp_path / "bad", index.manifest.files["songs.jsonl"].path)
    with pytest.raises(CatalogDamagedError) as caught:
        pull(store, tmp_path / "copy")
    assert caught.value.details == {"file": "songs.jsonl"}
    assert len(LyricIndex.open(tmp_path / "copy")) == 10


def test_one_emotions_part_is_fetched_alone(store: CatalogStore, tmp_path: Path) -> None:
    whole = write_catalog(tmp_path / "c", SONGS)
    parts = split_by_emotion(whole.files, tmp_path / "parts", str.split)
    assert set(parts) == {emotion.value for emotion in EMOTIONS}
    push(tmp_path / "c", store, parts=parts)
    sad = pull(store, tmp_path / "sad", part="sad")
    assert sad.manifest.files == LyricIndex.open(parts["sad"]).manifest.files
    index = LyricIndex.open(tmp_path / "sad")
    assert list(index.files.songs()) == [song for song in SONGS if song.emotions.top is Emotion.SAD]
    assert len(list((tmp_path / "sad" / "files").iterdir())) == len(index.manifest.files)
    wanted = query(SONGS[2].lines[0], about_weight=0.3)
    theirs = [hit.semantic for hit in whole.search(replace_filter(wanted), 5)]
    assert [hit.semantic for hit in index.search(wanted, 5)] == pytest.approx(theirs)
    assert len(LyricIndex.open(local_copy(store, tmp_path))) == len(SONGS)


def replace_filter(wanted: IndexQuery) -> IndexQuery:
    from dataclasses import replace

    return replace(wanted, filter=SongFilter(emotion=Emotion.SAD))


def local_copy(store: CatalogStore, tmp_path: Path) -> Path:
    pull(store, tmp_path / "whole")
    return tmp_path / "whole"


def test_a_part_that_is_not_there(store: CatalogStore, tmp_path: Path) -> None:
    write_catalog(tmp_path / "c", SONGS[:4])
    push(tmp_path / "c", store)
    with pytest.raises(CatalogMissingError):
        pull(store, tmp_path / "copy", part="sad")


# Addresses, caches and outages.


def test_locations() -> None:
    assert split_location("s3://b/p#sad") == ("s3://b/p", "sad")
    assert split_location("/songs/#1") == ("/songs/#1", "")
    with pytest.raises(InputError):
        store_for("s3://")


def test_local_catalog_is_the_folder_itself(tmp_path: Path) -> None:
    assert local_catalog(tmp_path) == tmp_path


def test_a_kept_copy_answers_while_the_store_is_away(
    s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_catalog(tmp_path / "c", SONGS)
    push(tmp_path / "c", store_for(s3_url))
    cache = tmp_path / "cache"
    assert len(CatalogSource(s3_url, cache_dir=cache).open()) == len(SONGS)
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert len(CatalogSource(s3_url, cache_dir=cache).open()) == len(SONGS)
    with pytest.raises(CatalogUnreachableError):
        CatalogSource(s3_url, cache_dir=tmp_path / "empty").open()


def test_a_damaged_cache_is_repaired_at_opening(s3_url: str, tmp_path: Path) -> None:
    index = write_catalog(tmp_path / "c", SONGS)
    push(tmp_path / "c", store_for(s3_url))
    cache = tmp_path / "cache"
    CatalogSource(s3_url, cache_dir=cache).open()
    for name in ("vectors.npy", "lines.txt"):
        (cache_folder(s3_url, cache) / index.manifest.files[name].path).write_bytes(b"damage")
    assert len(CatalogSource(s3_url, cache_dir=cache).open()) == len(SONGS)


@pytest.mark.parametrize("bucket", ["no-such-bucket"])
def test_a_bucket_that_is_not_there(s3_url: str, tmp_path: Path, bucket: str) -> None:
    with pytest.raises(CatalogUnreachableError, match="NoSuchBucket"):
        CatalogSource(f"s3://{bucket}/x", cache_dir=tmp_path).open()
