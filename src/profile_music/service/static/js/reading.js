/** What the photo and the text said: faces to choose from, four bars that can be corrected, the text's mood. */

import { el, icon } from "./dom.js";
import { t } from "./i18n.js";
import { portraitSquare } from "./photo.js";

const EMOTIONS = ["happy", "sad", "angry", "neutral"];
const percent = (part) => Math.round(part * 100);

/**
 * @param {object} state the page's state (photo, reading, faceIndex, correction, textMood)
 * @param {{onCorrect: Function, onFace: Function, onOtherPhoto: Function}} actions
 */
export function readingPanel(state, actions) {
  const parts = [];
  if (state.reading) parts.push(photoPart(state, actions));
  if (state.textMood) parts.push(textPart(state, actions));
  return parts;
}

function photoPart(state, actions) {
  const { reading, photo, faceIndex } = state;
  const seen = reading.faces[faceIndex]?.emotion ?? reading.emotion.probabilities;
  const noFace = reading.faces.length === 0;
  const title = t(noFace ? "reading.colors" : "reading.photo");
  return el(
    "section",
    { class: "said said-photo", "aria-label": title },
    el("div", { class: "said-view" }, photo.url ? photoView(state, actions) : null, facesStrip(state, actions)),
    el(
      "div",
      { class: "said-words" },
      el("h3", { text: title }),
      noFace ? noFaceNote(actions) : null,
      bars(seen, state.correction, actions),
      fixLine(state, actions),
      noFace ? null : heatPart(state, actions),
    ),
  );
}

function heatPart({ heatUrl }, actions) {
  if (!heatUrl) return el("button", { type: "button", class: "text-button heat-ask", data: { key: "heat" }, text: t("reading.heat"), on: { click: actions.onHeat } });
  return el("figure", { class: "heat" }, el("img", { src: heatUrl, alt: t("reading.heatAlt"), width: 256, height: 256 }), el("figcaption", { class: "fine", text: t("reading.heatCaption") }));
}

function noFaceNote(actions) {
  return el(
    "p",
    { class: "no-face" },
    el("b", { text: t("reading.noFace") }),
    " ",
    t("reading.noFaceBody"),
    " ",
    el("button", { type: "button", class: "text-button", text: t("reading.otherPhoto"), on: { click: actions.onOtherPhoto } }),
  );
}

function photoView({ photo, reading, faceIndex }, actions) {
  const count = reading.faces.length;
  const alt = count ? t("reading.photoAlt", { count }) : t("reading.photoAltNone");
  const frame = el("div", { class: "said-frame" }, el("img", { src: photo.url, alt }));
  const [width, height] = reading.size ?? [1, 1];
  reading.faces.forEach(({ box }, number) => {
    // The strip below offers the same choice to keyboards and screen readers.
    const mark = el("div", { class: "face-box", "aria-hidden": "true", data: { face: number } });
    mark.classList.toggle("is-chosen", number === faceIndex);
    mark.style.left = `${(box.x1 / width) * 100}%`;
    mark.style.top = `${(box.y1 / height) * 100}%`;
    mark.style.width = `${((box.x2 - box.x1) / width) * 100}%`;
    mark.style.height = `${((box.y2 - box.y1) / height) * 100}%`;
    mark.addEventListener("click", () => actions.onFace(number));
    frame.append(mark);
  });
  return frame;
}

function facesStrip({ photo, reading, faceIndex }, actions) {
  if (reading.faces.length < 2) return null;
  const buttons = reading.faces.map((face, number) => {
    const canvas = el("canvas", { width: 88, height: 88, "aria-hidden": "true" });
    if (photo.picture) {
      const cut = portraitSquare(photo.picture, face);
      canvas.getContext("2d").drawImage(photo.picture, cut.x, cut.y, cut.side, cut.side, 0, 0, 88, 88);
    }
    return el(
      "button",
      {
        type: "button",
        class: "face",
        "aria-label": t("reading.face", { number: number + 1 }),
        "aria-pressed": String(number === faceIndex),
        data: { key: `face-${number}` },
        on: { click: () => actions.onFace(number) },
      },
      canvas,
    );
  });
  return el("div", { class: "faces", role: "group", "aria-label": t("reading.faces") }, ...buttons);
}

function bars(scores, correction, actions) {
  const rows = EMOTIONS.map((name) => {
    const part = correction ? Number(name === correction) : scores[name];
    const label = t(`emotion.${name}`);
    const fill = el("span", { class: "meter-fill" });
    fill.style.setProperty("--part", part.toFixed(3));
    return el(
      "button",
      {
        type: "button",
        class: `meter meter-${name}`,
        "aria-pressed": String(correction === name),
        data: { key: `emotion-${name}` },
        on: { click: () => actions.onCorrect(name) },
      },
      el("span", { class: "meter-name", text: label }),
      el("span", { class: "meter-track" }, fill),
      el("span", { class: "meter-part", text: correction ? (correction === name ? "✓" : "") : `${percent(scores[name])}%` }),
    );
  });
  return el("div", { class: "meters", role: "group", "aria-label": t("reading.fix") }, ...rows);
}

function fixLine({ correction }, actions) {
  if (!correction) return el("p", { class: "fine", text: t("reading.fix") });
  return el(
    "p",
    { class: "fine" },
    t("face.corrected", { emotion: t(`emotion.${correction}`) }),
    " · ",
    el("button", { type: "button", class: "text-button", data: { key: "undo" }, text: t("reading.undo"), on: { click: () => actions.onCorrect(null) } }),
  );
}

function textPart({ textMood, reading, correction }, actions) {
  const title = t("reading.text");
  const ordered = [...EMOTIONS].sort((a, b) => textMood[b] - textMood[a]);
  const blend = el("div", { class: "blend", "aria-hidden": "true" });
  for (const name of ordered) {
    const piece = el("span", { class: `blend-${name}` });
    piece.style.setProperty("--part", textMood[name].toFixed(3));
    blend.append(piece);
  }
  const words = ordered
    .filter((name) => textMood[name] >= 0.08)
    .map((name) => el("li", { class: `dot-${name}`, text: `${t(`emotion.${name}`)} ${percent(textMood[name])}%` }));
  const section = el("section", { class: "said said-text", "aria-label": title }, el("h3", { text: title }), blend, el("ul", { class: "blend-words" }, ...words));
  // Without a photo the correction lives here.
  if (!reading) section.append(el("details", { class: "fix" }, el("summary", {}, icon("tune"), t("reading.fix")), bars(textMood, correction, actions), correction ? fixLine({ correction }, actions) : null));
  return section;
}
