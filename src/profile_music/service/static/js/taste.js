/** Re-ranking by likes and skips, in the browser alone. */

const LIKE_PULL = 0.14;
const SKIP_PUSH = 0.12;
const LIKED_ITSELF = 0.04;

const brief = ({ title, artist, genre, year, moods }) => ({ title, artist, genre, year, moods });

/** A taste in which `song` is liked or not. */
export function toggleLike(taste, song) {
  const likes = { ...taste.likes };
  if (song.song_id in likes) delete likes[song.song_id];
  else likes[song.song_id] = brief(song);
  return { ...taste, likes };
}

/** A taste in which `song` is skipped (and no longer liked). */
export function addSkip(taste, song) {
  const { [song.song_id]: _, ...likes } = taste.likes;
  return { likes, skips: { ...taste.skips, [song.song_id]: brief(song) } };
}

/** How alike two songs are, 0 to 1, by artist, genre, moods and time. */
export function likeness(a, b) {
  const shared = a.moods.filter((mood) => b.moods.includes(mood)).length;
  const moods = shared / Math.max(1, Math.min(a.moods.length, b.moods.length));
  const near = a.year && b.year ? Math.max(0, 1 - Math.abs(a.year - b.year) / 15) : 0;
  return 0.35 * (a.artist === b.artist) + 0.25 * (a.genre === b.genre) + 0.25 * moods + 0.15 * near;
}

const closest = (song, others) => Math.max(0, ...Object.values(others).map((other) => likeness(song, other)));

/** Candidates without the skipped ones, in the order of their score and the taste; equal ones keep their order. */
export function byTaste(candidates, taste) {
  const worth = ({ song, score }) => {
    const liked = song.song_id in taste.likes;
    const pull = liked ? LIKE_PULL + LIKED_ITSELF : LIKE_PULL * closest(song, taste.likes);
    return score + pull - SKIP_PUSH * closest(song, taste.skips);
  };
  return candidates
    .filter(({ song }) => !(song.song_id in taste.skips))
    .map((candidate) => [worth(candidate), candidate])
    .sort((a, b) => b[0] - a[0])
    .map(([, candidate]) => candidate);
}
