/** The five song cards. Cards are kept and moved, not rebuilt, so that focus and playing previews survive. */

import { coverOn } from "./cover.js";
import { el, glide, icon } from "./dom.js";
import { genreName, has, language, pick, t } from "./i18n.js";

const player = new Audio();
player.preload = "none";
let playing = null;

/** How well a song fits, 0 to 1, from the parts of its score: the line's closeness, the topics' and the feeling's. */
export function fitOf({ parts, matched_line: line }) {
  const words = Math.min(1, Math.max(0, (parts.semantic + 0.8 * parts.lexical + 0.9 * (parts.topic ?? 0) - 0.25) / 0.6));
  const feeling = Math.min(1, Math.max(0, (parts.emotion - 0.35) / 0.63));
  return line ? 0.6 * words + 0.4 * feeling : feeling;
}

const gradeOf = (fit) => (fit >= 0.8 ? 4 : fit >= 0.6 ? 3 : fit >= 0.4 ? 2 : 1);

/**
 * Show cards for `entries` in `list`.
 * @param {{chosenId: string, taste: object, hasText: boolean}} view
 * @param {{onChoose: Function, onLike: Function, onSkip: Function}} actions
 */
export function showSongs(list, entries, view, actions) {
  const kept = new Map([...list.querySelectorAll(":scope > li[data-song]")].map((item) => [item.dataset.song, item]));
  const items = entries.map((entry, number) => {
    const key = entry.song.song_id;
    const old = kept.get(key);
    const item = old && old.entry === entry && old.language === language() ? old : card(entry, actions);
    dress(item, entry, number, view);
    return item;
  });
  glide(list, () => list.replaceChildren(...items));
  for (const item of items) if (!item.painted) item.painted = (coverOn(item.querySelector("canvas"), item.entry.song), true);
}

/** Paint placeholder cards while waiting. */
export function showSkeleton(list) {
  const ghost = () => el("li", { class: "song ghost", "aria-hidden": "true" }, el("div", { class: "ghost-cover" }), el("div", { class: "ghost-lines" }, el("i"), el("i"), el("i")));
  list.replaceChildren(...Array.from({ length: 5 }, ghost));
}

function card(entry, actions) {
  const { song } = entry;
  const item = el("li", { class: "song", data: { song: song.song_id } });
  item.entry = entry;
  item.language = language();
  item.append(coverBox(song), head(entry, actions), quote(entry), why(entry), footer(entry, actions));
  return item;
}

function coverBox(song) {
  const box = el("div", { class: "cover" }, el("canvas", { width: 176, height: 176, "aria-hidden": "true" }), el("span", { class: "eq", "aria-hidden": "true" }, el("i"), el("i"), el("i"), el("i")));
  if (/^https:\/\//.test(song.cover_url)) {
    const image = el("img", { src: song.cover_url, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
    image.addEventListener("error", () => image.remove());
    box.append(image);
  }
  if (/^https:\/\//.test(song.preview_url)) box.append(previewButton(song));
  return box;
}

function previewButton(song) {
  const button = el("button", { type: "button", class: "preview", "aria-label": `${t("song.play")}: ${song.title}` }, icon("play"));
  const stop = () => {
    button.classList.remove("is-playing");
    button.replaceChildren(icon("play"));
    button.setAttribute("aria-label", `${t("song.play")}: ${song.title}`);
  };
  button.addEventListener("click", () => {
    playing?.();
    if (button.classList.contains("is-playing")) return void ((playing = null), player.pause(), stop());
    player.src = song.preview_url;
    player.onended = player.onerror = stop;
    player.play().catch(stop);
    button.classList.add("is-playing");
    button.replaceChildren(icon("pause"));
    button.setAttribute("aria-label", `${t("song.pause")}: ${song.title}`);
    playing = stop;
  });
  return button;
}

// Tables of songs put producers behind a semicolon; a card names the guest only.
const withGuest = ({ featured }) => (featured ? ` (feat. ${featured.split(";")[0].trim()})` : "");

function head(entry, actions) {
  const { song } = entry;
  const facts = [song.year, song.genre && genreName(song.genre)].filter(Boolean).join(" · ");
  const title = el("button", { type: "button", class: "song-title", on: { click: () => actions.onChoose(entry) } }, el("span", { text: song.title }));
  return el("div", { class: "song-head" }, el("h3", {}, title), el("p", { class: "song-artist", text: song.artist + withGuest(song) }), el("p", { class: "song-facts" }, el("span", { text: facts }), el("span", { class: "fit" })));
}

const quote = ({ matched_line: line }) =>
  line ? el("p", { class: "song-line" }, el("span", { class: "sr", text: `${t("song.line")}: ` }), `“${line}”`) : null;

const why = ({ reason }) => el("p", { class: "song-why", text: pick(reason) });

function footer(entry, actions) {
  const { song, links } = entry;
  const out = Object.entries(links)
    .filter(([name, url]) => has(`link.${name}`) && /^https:\/\//.test(url))
    .map(([name, url]) => {
      const label = t(`link.${name}`);
      return el("a", { href: url, target: "_blank", rel: "noopener noreferrer", "aria-label": `${song.title}, ${label} (${t("song.newTab")})` }, label, icon("out"));
    });
  const like = el("button", { type: "button", class: "icon-button like", on: { click: () => actions.onLike(entry) } }, icon("heart"));
  const skip = el("button", { type: "button", class: "icon-button skip-song", "aria-label": `${song.title}: ${t("song.skip")}`, title: t("song.skip"), on: { click: () => actions.onSkip(entry) } }, icon("skip"));
  return el("div", { class: "song-foot" }, el("div", { class: "outs", role: "group", "aria-label": t("song.listen") }, ...out), el("div", { class: "marks" }, like, skip));
}

function dress(item, entry, number, { chosenId, taste }) {
  const { song } = entry;
  const chosen = song.song_id === chosenId;
  item.classList.toggle("is-chosen", chosen);
  const title = item.querySelector(".song-title");
  title.setAttribute("aria-pressed", String(chosen));
  title.title = t(chosen ? "song.on" : "song.choose");
  const liked = song.song_id in taste.likes;
  const like = item.querySelector(".like");
  like.setAttribute("aria-pressed", String(liked));
  like.setAttribute("aria-label", `${song.title}: ${t("song.like")}`);
  like.title = t(liked ? "song.liked" : "song.like");
  item.style.setProperty("--order", number);
  dressFit(item.querySelector(".fit"), entry);
}

function dressFit(line, entry) {
  const fit = fitOf(entry);
  const bar = el("span", { class: "fit-bar", "aria-hidden": "true" }, el("span"));
  bar.style.setProperty("--part", Math.max(0.08, fit).toFixed(2));
  line.replaceChildren(bar, el("span", { class: "sr", text: `${t("song.fit")}: ` }), t(`song.fit${gradeOf(fit)}`));
}
