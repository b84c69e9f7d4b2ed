/** The page's state and what happens when. */

import { fetchConfig, fetchHeat, findSong, recommendPhoto, recommendSongs, Trouble } from "./api.js";
import { coverOn } from "./cover.js";
import { $, announce, calm, el, reveal } from "./dom.js";
import { changeLanguage, genreName, language, loadLanguage, pick, t } from "./i18n.js";
import { openPhoto } from "./photo.js";
import { hideProblem, showProblem } from "./problem.js";
import { showProfile } from "./profile.js";
import { readingPanel } from "./reading.js";
import { readLink, wireShare } from "./share.js";
import { showSkeleton, showSongs } from "./songs.js";
import { addSkip, byTaste, toggleLike } from "./taste.js";
import { clearTaste, readDraft, readTaste, writeDraft, writeTaste } from "./store.js";
import { wirePhotoInputs } from "./inputs.js";
import "./kakao.js";

const SHOWN = 5;
const POOL = 30;
const SLOW_MS = 4000;
const BUSY_RETRIES = 2;
const TEXT_LIMIT = 200;

const state = {
  config: { genres: [], decades: [], limits: { photo_bytes: 20 * 1024 * 1024 } },
  photo: null,
  reading: null,
  faceIndex: 0,
  correction: null,
  heatUrl: "",
  askedText: "",
  textMood: null,
  basis: null,
  candidates: [],
  gift: null,
  chosenId: null,
  fresh: 0,
  passed: new Set(),
  taste: readTaste(),
  waiting: false,
};
let asking = null;

const text = () => $("text").value.trim();
const face = () => state.reading?.faces[state.faceIndex] ?? null;
const checked = (name) => [...document.querySelectorAll(`input[name=${name}]:checked`)].map((box) => box.value);
const shown = () => byTaste(state.candidates, state.taste).slice(0, SHOWN);
const chosen = () => [...state.candidates, state.gift].find((entry) => entry?.song.song_id === state.chosenId) ?? null;

function drawProfile() {
  const entry = state.waiting ? null : chosen();
  showProfile({ photo: state.photo, face: face(), text: text(), song: entry?.song, waiting: state.waiting });
  $("dock").hidden = !entry;
  if (!entry) return;
  $("dock-title").textContent = `${entry.song.title} · ${entry.song.artist}`;
  coverOn($("dock-cover"), entry.song);
}

function drawSongs() {
  const entries = shown();
  if (!entries.some(({ song }) => song.song_id === state.chosenId) && state.gift?.song.song_id !== state.chosenId)
    state.chosenId = entries[0]?.song.song_id ?? null;
  const all = state.gift && !entries.some(({ song }) => song.song_id === state.gift.song.song_id) ? [state.gift, ...entries].slice(0, SHOWN) : entries;
  showSongs($("songs"), all, { chosenId: state.chosenId, taste: state.taste }, { onChoose, onLike, onSkip });
  drawTaste();
  drawProfile();
}

function drawTaste() {
  const [likes, skips] = [Object.keys(state.taste.likes).length, Object.keys(state.taste.skips).length];
  $("taste").hidden = likes + skips === 0;
  $("taste-text").textContent = t("taste.summary", { likes, skips });
}

function drawReading() {
  const panel = $("reading");
  const key = panel.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  panel.replaceChildren(...readingPanel(state, { onCorrect, onFace, onHeat, onOtherPhoto: () => $("file").click() }));
  if (key) (panel.querySelector(`[data-key="${key}"]`) ?? panel.querySelector("[data-key]"))?.focus();
}

function drawBasis() {
  const emotion = state.reading?.emotion;
  const seen = !emotion ? null : state.correction ? t("face.corrected", { emotion: t(`emotion.${state.correction}`) }) : photoWords(emotion);
  const said = state.askedText.length > 40 ? `${state.askedText.slice(0, 40)}…` : state.askedText;
  const kind = seen && said ? "both" : seen ? "photo" : said ? "text" : "song";
  $("basis").textContent = t(`basis.${kind}`, { photo: seen, text: said });
  const notes = (state.basis?.notes ?? []).map((note) => el("p", { class: "note", text: pick(note) }));
  // No face has its own place beside the photo, so its note is not said twice.
  $("notes").replaceChildren(...(emotion?.source === "colors" ? [] : notes));
}

function photoWords(emotion) {
  if (emotion.source === "colors") return t("face.colors");
  const scores = face()?.emotion ?? emotion.probabilities;
  if (emotion.abstained && state.faceIndex === 0) return t("face.unsure");
  return t(`face.${Object.keys(scores).reduce((a, b) => (scores[b] > scores[a] ? b : a))}`);
}

function drawCounter() {
  const count = $("text").value.length;
  $("counter").textContent = t("text.counter", { count, limit: TEXT_LIMIT });
  $("counter").classList.toggle("is-near", count > TEXT_LIMIT - 20);
}

function drawFilters() {
  const boxes = (name, values, label) =>
    values.map((value) => el("label", { class: "check" }, el("input", { type: "checkbox", name, value, checked: checked(name).includes(String(value)) }), el("span", { text: label(value) })));
  $("decades").replaceChildren(...boxes("decade", state.config.decades, (decade) => t("tune.decadeName", { decade })));
  $("genres").replaceChildren(...boxes("genre", state.config.genres, genreName));
  countFilters();
}

function countFilters() {
  const count = checked("decade").length + checked("genre").length;
  $("filter-count").hidden = count === 0;
  $("filter-count").textContent = count;
  $("filters-clear").hidden = count === 0;
}

function drawAll() {
  $("examples").replaceChildren(...t("examples").split("|").map((line) => el("button", { type: "button", class: "chip", lang: "ko", text: line, on: { click: () => useExample(line) } })));
  for (const link of document.querySelectorAll("[data-lang]"))
    if (link.dataset.lang === language()) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  drawCounter();
  drawFilters();
  drawGo();
  drawProfile();
  if ($("result").hidden || state.waiting) return;
  drawReading();
  drawBasis();
  drawSongs();
}

function drawGo() {
  const done = !$("result").hidden && !state.waiting;
  $("go-label").textContent = t(state.waiting ? "go.busy" : done ? "go.again" : "go");
  $("go").classList.toggle("is-busy", state.waiting);
}

/** The wishes that every question carries. */
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
      if (!(error instanceof Trouble) || error.code !== "server_busy" || left === 0) throw error;
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
async function ask({ whole = false, said = "result.updated", keepChoice = false } = {}) {
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

function finish(answer, { whole, said, keepChoice }) {
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

function fail(trouble) {
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
  const other = { key: "act.otherPhoto", run: () => $("file").click() };
  if (code.startsWith("photo_")) return text() ? [other, { key: "act.textOnly", run: () => (dropPhoto(), again.run()) }] : [other];
  if (code === "nothing_given") return [other, { key: "act.write", run: () => $("text").focus() }];
  if (code === "no_songs") return [{ key: "act.clearFilters", run: clearFilters }];
  if (code === "text_too_long") return [{ key: "act.write", run: () => $("text").focus() }];
  return code === "song_not_found" ? [] : [again];
}

function onChoose(entry) {
  state.chosenId = entry.song.song_id;
  drawSongs();
  announce(t("song.chosen", entry.song));
}

function onLike({ song }) {
  state.taste = toggleLike(state.taste, song);
  writeTaste(state.taste);
  const focused = document.activeElement;
  drawSongs();
  focused?.focus({ preventScroll: true });
  announce(t("taste.liked"));
}

function onSkip({ song }) {
  const place = [...$("songs").children].findIndex((item) => item.dataset.song === song.song_id);
  state.taste = addSkip(state.taste, song);
  writeTaste(state.taste);
  if (state.gift?.song.song_id === song.song_id) state.gift = null;
  drawSongs();
  announce(t("taste.skipped", song));
  // The card is gone; the reader goes on with the one that took its place.
  const next = $("songs").children[Math.min(place, $("songs").children.length - 1)];
  next?.querySelector(".skip-song")?.focus({ preventScroll: true });
  if (!next || shown().length < SHOWN) ask({ said: "result.updated" });
}

function onCorrect(emotion) {
  state.correction = emotion === state.correction ? null : emotion;
  startOver();
  drawReading();
  ask({ said: state.correction ? "reading.fixed" : "result.updated" });
}

function onFace(number) {
  if (number === state.faceIndex) return;
  Object.assign(state, { faceIndex: number, correction: null });
  forgetHeat();
  startOver();
  drawReading();
  ask();
}

async function onHeat({ currentTarget }) {
  const asked = [state.photo, state.faceIndex];
  currentTarget.disabled = true;
  try {
    const picture = await fetchHeat(state.photo.blob, state.faceIndex);
    if (asked[0] !== state.photo || asked[1] !== state.faceIndex) return;
    forgetHeat();
    state.heatUrl = URL.createObjectURL(picture);
    drawReading();
    announce(t("reading.heatCaption"));
  } catch (error) {
    currentTarget.disabled = false;
    showProblem(error instanceof Trouble ? error : new Trouble("internal_error"), []);
  }
}

function forgetHeat() {
  if (state.heatUrl) URL.revokeObjectURL(state.heatUrl);
  state.heatUrl = "";
}

function startOver() {
  state.fresh = 0;
  state.passed.clear();
}

function onFresh() {
  if (state.passed.size > 60) state.passed.clear();
  for (const { song } of shown()) if (!(song.song_id in state.taste.likes)) state.passed.add(song.song_id);
  state.fresh += 1;
  ask();
}

function clearFilters() {
  for (const box of document.querySelectorAll("#filters input:checked")) box.checked = false;
  countFilters();
  startOver();
  ask();
}

function useExample(line) {
  $("text").value = line;
  onText();
  $("text").focus();
}

function onText() {
  startOver();
  writeDraft({ text: $("text").value, name: $("name").value });
  drawCounter();
  showProfile({ photo: state.photo, face: face(), text: text(), song: chosen()?.song, waiting: state.waiting });
}

async function usePhoto(file) {
  hideProblem();
  let photo;
  try {
    photo = await openPhoto(file, state.config.limits.photo_bytes);
  } catch (error) {
    return fail(error instanceof Trouble ? error : new Trouble("photo_invalid"));
  }
  forgetPhoto();
  state.photo = photo;
  drawProfile();
  announce(t(photo.picture ? "photo.ready" : "photo.noPreview"));
  if (!$("result").hidden) ask({ whole: true, said: "result.ready" });
}

function forgetPhoto() {
  forgetHeat();
  if (state.photo?.url) URL.revokeObjectURL(state.photo.url);
  state.photo?.picture?.close();
  Object.assign(state, { photo: null, reading: null, faceIndex: 0, correction: null });
  startOver();
}

function dropPhoto() {
  forgetPhoto();
  drawProfile();
  announce(t("photo.removed"));
}

function submit(event) {
  event?.preventDefault();
  if (state.waiting) return;
  if (!state.photo && !text()) return fail(new Trouble("nothing_given"));
  ask({ whole: true, said: "result.ready" });
}

async function openLink() {
  const link = readLink(location.hash);
  if (!link) return;
  history.replaceState(null, "", location.pathname);
  if (link.text) $("text").value = link.text;
  onText();
  const gift = link.songId ? await findSong(link.songId, link.artist, link.text).catch(() => null) : null;
  if (gift) Object.assign(state, { gift, chosenId: gift.song.song_id });
  if (link.text) return ask({ whole: true, said: "result.ready", keepChoice: Boolean(gift) });
  if (gift) finish({ songs: [gift], text_mood: null, basis: null }, { whole: true, said: "result.ready", keepChoice: true });
  else showProblem(new Trouble("song_not_found"), []);
}

function wire() {
  const draft = readDraft();
  $("text").value = draft.text;
  $("name").value = draft.name;
  $("compose").addEventListener("submit", submit);
  $("text").addEventListener("input", onText);
  $("text").addEventListener("keydown", (event) => event.key === "Enter" && !event.shiftKey && !event.isComposing && submit(event));
  $("name").addEventListener("input", onText);
  $("fresh").addEventListener("click", onFresh);
  $("filters-clear").addEventListener("click", clearFilters);
  $("tune").addEventListener("change", () => (countFilters(), startOver(), ask()));
  $("photo-remove").addEventListener("click", () => (dropPhoto(), text() && !$("result").hidden && ask({ whole: true }), $("photo-pick").focus()));
  $("dock-song").addEventListener("click", () => reveal($("profile"), "center"));
  $("taste-clear").addEventListener("click", () => {
    clearTaste();
    state.taste = readTaste();
    drawSongs();
    announce(t("taste.cleared"));
    $("result-title").focus({ preventScroll: true });
  });
  for (const link of document.querySelectorAll("[data-lang]"))
    link.addEventListener("click", async (event) => (event.preventDefault(), await changeLanguage(link.dataset.lang), hideProblem(), drawAll()));
  wirePhotoInputs(usePhoto);
  wireShare(() => ({ photo: state.photo, face: face(), name: $("name").value.trim(), text: text(), song: chosen()?.song }));
  addEventListener("resize", drawProfile);
  addEventListener("hashchange", openLink);
}

async function start() {
  await loadLanguage(language());
  wire();
  drawAll();
  document.documentElement.dataset.ready = "true";
  navigator.serviceWorker?.register("/sw.js").catch(() => undefined);
  fetchConfig().then(
    (config) => (Object.assign(state.config, config), drawFilters()),
    () => undefined,
  );
  await openLink();
}

start();
