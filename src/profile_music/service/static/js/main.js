/** What people do on the page. */

import { fetchConfig, fetchHeat, findSong, Trouble } from "./api.js";
import { ask, fail, finish } from "./asking.js";
import { $, announce, reveal } from "./dom.js";
import { changeLanguage, language, loadLanguage, t } from "./i18n.js";
import { openPhoto } from "./photo.js";
import { hideProblem, showProblem } from "./problem.js";
import { showProfile } from "./profile.js";
import { readLink, wireShare } from "./share.js";
import { actions, chosen, face, SHOWN, shown, startOver, state, text } from "./state.js";
import { addSkip, toggleLike } from "./taste.js";
import { clearTaste, readDraft, readTaste, writeDraft, writeTaste } from "./store.js";
import { countFilters, drawAll, drawCounter, drawFilters, drawProfile, drawReading, drawSongs } from "./view.js";
import { wirePhotoInputs } from "./inputs.js";
import "./kakao.js";

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

Object.assign(actions, {
  onChoose, onLike, onSkip, onCorrect, onFace, onHeat, useExample, dropPhoto, clearFilters,
  onOtherPhoto: () => $("file").click(),
});

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
