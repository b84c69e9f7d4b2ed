/** The server's API, and one error class for everything that can go wrong on the way. */

const DEADLINE_MS = 20_000;

/** `code` names a sentence (`error.<code>`); `message` is the server's own pair {ko, en} where it sent one. */
export class Trouble extends Error {
  constructor(code, { message = null, retryAfter = 0, values = {} } = {}) {
    super(code);
    this.code = code;
    this.pair = message;
    this.retryAfter = retryAfter;
    this.values = values;
  }
}

async function ask(path, options, signal) {
  if (!navigator.onLine) throw new Trouble("offline");
  const stop = new AbortController();
  let late = false;
  const timer = setTimeout(() => stop.abort((late = true)), DEADLINE_MS);
  signal?.addEventListener("abort", () => stop.abort(), { once: true });
  try {
    const answer = await fetch(path, { ...options, signal: stop.signal });
    if (answer.ok) return await (answer.headers.get("content-type")?.startsWith("image/") ? answer.blob() : answer.json());
    throw await troubleOf(answer);
  } catch (error) {
    if (error instanceof Trouble || signal?.aborted) throw error;
    throw new Trouble(late ? "slow" : navigator.onLine ? "network" : "offline");
  } finally {
    clearTimeout(timer);
  }
}

async function troubleOf(answer) {
  const retryAfter = Number(answer.headers.get("retry-after")) || 0;
  const body = await answer.json().catch(() => ({}));
  const usual = { 429: "rate_limited", 503: "server_busy", 504: "deadline_exceeded", 413: "photo_too_large" };
  const code = body.error?.code ?? usual[answer.status] ?? "internal_error";
  return new Trouble(code, { message: body.error?.message, retryAfter });
}

const jsonBody = (body) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

/** A picture of one face, warm where it spoke for its emotion. Sends the photo again, only where somebody asks for it. */
export function fetchHeat(blob, face, signal) {
  const form = new FormData();
  form.append("photo", blob, "photo");
  form.append("face", face);
  return ask("/v1/emotion/heatmap", { method: "POST", body: form }, signal);
}

/** Photo (a blob) with text and wishes. */
export function recommendPhoto(blob, wishes, signal) {
  const form = new FormData();
  form.append("photo", blob, "photo");
  for (const [name, value] of Object.entries(wishes)) {
    if (value === null || value === "" || value?.length === 0) continue;
    form.append(name, Array.isArray(value) ? value.join(",") : value);
  }
  return ask("/v1/recommendations", { method: "POST", body: form }, signal);
}

/** Songs for a text, a feeling, or what an earlier answer read from the photo. */
export const recommendSongs = (wishes, signal) => ask("/v1/songs", jsonBody(wishes), signal);

/** One song by its id, found among its artist's songs; null where it is not in the catalogue. */
export async function findSong(id, artist, text) {
  const found = await recommendSongs({ text, emotion: text ? null : "neutral", artists: [artist], top_k: 50 });
  return found.songs.find(({ song }) => song.song_id === id) ?? null;
}

export const fetchConfig = () => ask("/v1/config", {});
