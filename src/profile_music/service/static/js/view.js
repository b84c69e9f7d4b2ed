/** The state on the screen. */

import { coverOn } from "./cover.js";
import { $, el } from "./dom.js";
import { genreName, language, pick, t } from "./i18n.js";
import { showProfile } from "./profile.js";
import { readingPanel } from "./reading.js";
import { showSongs } from "./songs.js";
import { actions, checked, chosen, face, shown, state, text } from "./state.js";

const TEXT_LIMIT = 200;

export function drawProfile() {
  const entry = state.waiting ? null : chosen();
  showProfile({ photo: state.photo, face: face(), text: text(), song: entry?.song, waiting: state.waiting });
  $("dock").hidden = !entry;
  if (!entry) return;
  $("dock-title").textContent = `${entry.song.title} · ${entry.song.artist}`;
  coverOn($("dock-cover"), entry.song);
}

export function drawSongs() {
  const entries = shown();
  if (!entries.some(({ song }) => song.song_id === state.chosenId) && state.gift?.song.song_id !== state.chosenId)
    state.chosenId = entries[0]?.song.song_id ?? null;
  const all = state.gift && !entries.some(({ song }) => song.song_id === state.gift.song.song_id) ? [state.gift, ...entries].slice(0, SHOWN) : entries;
  showSongs($("songs"), all, { chosenId: state.chosenId, taste: state.taste }, actions);
  drawTaste();
  drawProfile();
}

function drawTaste() {
  const [likes, skips] = [Object.keys(state.taste.likes).length, Object.keys(state.taste.skips).length];
  $("taste").hidden = likes + skips === 0;
  $("taste-text").textContent = t("taste.summary", { likes, skips });
}

export function drawReading() {
  const panel = $("reading");
  const key = panel.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  panel.replaceChildren(...readingPanel(state, actions));
  if (key) (panel.querySelector(`[data-key="${key}"]`) ?? panel.querySelector("[data-key]"))?.focus();
}

export function drawBasis() {
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

export function drawCounter() {
  const count = $("text").value.length;
  $("counter").textContent = t("text.counter", { count, limit: TEXT_LIMIT });
  $("counter").classList.toggle("is-near", count > TEXT_LIMIT - 20);
}

export function drawFilters() {
  const boxes = (name, values, label) =>
    values.map((value) => el("label", { class: "check" }, el("input", { type: "checkbox", name, value, checked: checked(name).includes(String(value)) }), el("span", { text: label(value) })));
  $("decades").replaceChildren(...boxes("decade", state.config.decades, (decade) => t("tune.decadeName", { decade })));
  $("genres").replaceChildren(...boxes("genre", state.config.genres, genreName));
  countFilters();
}

export function countFilters() {
  const count = checked("decade").length + checked("genre").length;
  $("filter-count").hidden = count === 0;
  $("filter-count").textContent = count;
  $("filters-clear").hidden = count === 0;
}

export function drawAll() {
  $("examples").replaceChildren(...t("examples").split("|").map((line) => el("button", { type: "button", class: "chip", lang: "ko", text: line, on: { click: () => actions.useExample(line) } })));
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

export function drawGo() {
  const done = !$("result").hidden && !state.waiting;
  $("go-label").textContent = t(state.waiting ? "go.busy" : done ? "go.again" : "go");
  $("go").classList.toggle("is-busy", state.waiting);
}

/** The wishes that every question carries. */
