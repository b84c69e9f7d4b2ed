/** Asking the server: with patience when it is busy, with words when it is slow, with a way on when it fails. */

import { recommendPhoto, recommendSongs, Trouble } from "./api.js";
import { $, announce, calm } from "./dom.js";
import { t } from "./i18n.js";
import { hideProblem, showProblem } from "./problem.js";
import { showSkeleton } from "./songs.js";
import { actions, checked, face, shown, state, text } from "./state.js";
import { drawBasis, drawGo, drawProfile, drawReading, drawSongs } from "./view.js";

const POOL = 30;
const SLOW_MS = 4000;
const BUSY_RETRIES = 2;
const WAIT_CODES = new Set(["server_busy", "not_ready"]);

let asking = null;

function wishes() {
  const skipped = Object.keys(state.taste.skips).slice(-200);
  return {
    text: text(),
    top_k: POOL,
    mood: checked("mood")[0] ?? "match",
    fresh: state.fresh || null,
    decades: checked("decade").map(Number),
    genres: checked("genre"),
    exclude: [...skipped, ...state.passed],
  };
}

async function askOnce(signal) {
  const wanted = wishes();
  if (state.photo && !state.reading) {
    const answer = await recommendPhoto(state.photo.blob, wanted, signal);
    state.reading = { emotion: answer.emotion, faces: answer.faces, size: answer.photo_size };
    return answer;
  }
  // From here on the photo stays here: what it said travels instead of it.
  const seen = state.reading && { probabilities: face()?.emotion ?? state.reading.emotion.probabilities, source: state.reading.emotion.source };
  return recommendSongs({ ...wanted, emotion: state.correction, photo: seen }, signal);
}

async function askPatiently(signal) {
  for (let left = BUSY_RETRIES; ; left--) {
    try {
      return await askOnce(signal);
    } catch (error) {
      if (!(error instanceof Trouble) || !WAIT_CODES.has(error.code) || left === 0) throw error;
      const seconds = Math.min(10, Math.max(1, error.retryAfter));
      say(t("wait.busy", { seconds }));
      await new Promise((done) => setTimeout(done, seconds * 1000));
      signal.throwIfAborted();
    }
  }
}

function say(sentence) {
  $("basis").textContent = sentence;
  announce(sentence);
}

/** Ask for songs and show them. `whole` shows the skeleton; otherwise the old answer stays until the new one is in. */
export async function ask({ whole = false, said = "result.updated", keepChoice = false } = {}) {
  asking?.abort();
  const mine = (asking = new AbortController());
  hideProblem();
  begin(whole);
  const slow = setTimeout(() => say(t("wait.slow")), SLOW_MS);
  try {
    const answer = await askPatiently(mine.signal);
    if (mine.signal.aborted) return;
    finish(answer, { whole, said, keepChoice });
  } catch (error) {
    if (mine !== asking || error.name === "AbortError") return;
    fail(error instanceof Trouble ? error : new Trouble("internal_error"));
  } finally {
    clearTimeout(slow);
    if (mine === asking) asking = null;
  }
}

function begin(whole) {
  $("songs").setAttribute("aria-busy", "true");
  if (!whole) return;
  state.waiting = true;
  $("result").hidden = false;
  $("main").dataset.phase = "waiting";
  $("reading").replaceChildren();
  $("notes").replaceChildren();
  showSkeleton($("songs"));
  say(t("wait.start"));
  drawGo();
  drawProfile();
}

export function finish(answer, { whole, said, keepChoice }) {
  const [first] = answer.songs;
  if (!first) return fail(new Trouble("no_songs"));
  Object.assign(state, { waiting: false, candidates: answer.songs, textMood: answer.text_mood, basis: answer.basis, askedText: text() });
  if (!keepChoice) state.chosenId = null;
  if (!keepChoice) state.gift = null;
  $("songs").removeAttribute("aria-busy");
  $("main").dataset.phase = "result";
  drawGo();
  drawReading();
  drawBasis();
  drawSongs();
  const top = shown()[0]?.song ?? first.song;
  announce(t(said, { ...top, emotion: state.correction ? t(`emotion.${state.correction}`) : "", count: shown().length }));
  if (!whole) return;
  $("result-title").focus({ preventScroll: true });
  scrollTo({ top: 0, behavior: calm() ? "auto" : "smooth" });
}

export function fail(trouble) {
  const had = state.candidates.length > 0;
  state.waiting = false;
  $("songs").removeAttribute("aria-busy");
  if (had) {
    drawSongs();
    drawReading();
    drawBasis();
  } else {
    $("result").hidden = true;
    $("main").dataset.phase = "start";
  }
  drawGo();
  drawProfile();
  showProblem(trouble, waysOn(trouble.code));
}

function waysOn(code) {
  const again = { key: "act.retry", run: () => ask({ whole: true, said: "result.ready" }) };
  const other = { key: "act.otherPhoto", run: actions.onOtherPhoto };
  if (code.startsWith("photo_")) return text() ? [other, { key: "act.textOnly", run: () => (actions.dropPhoto(), again.run()) }] : [other];
  if (code === "nothing_given") return [other, { key: "act.write", run: () => $("text").focus() }];
  if (code === "no_songs") return [{ key: "act.clearFilters", run: actions.clearFilters }];
  if (code === "text_too_long") return [{ key: "act.write", run: () => $("text").focus() }];
  return code === "song_not_found" ? [] : [again];
}
