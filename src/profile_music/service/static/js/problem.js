/** When something goes wrong: one plain sentence and a way on. */

import { $, el, reveal } from "./dom.js";
import { has, pick, t } from "./i18n.js";

/** @param {{key: string, run: Function}[]} ways what the person can do now */
export function showProblem(trouble, ways) {
  const key = `error.${trouble.code}`;
  const own = has(key) && !(trouble.code === "photo_too_large" && !trouble.values.limit);
  const sentence = own ? t(key, trouble.values) : pick(trouble.pair) || t("error.internal_error");
  const buttons = ways.map((way) => el("button", { type: "button", class: "wide", text: t(way.key), on: { click: () => (hideProblem(), way.run()) } }));
  const box = $("problem");
  box.dataset.code = trouble.code;
  box.replaceChildren(el("p", { class: "problem-text", text: sentence }), el("div", { class: "ways" }, ...buttons));
  box.hidden = false;
  reveal(box, "center");
}

export function hideProblem() {
  $("problem").hidden = true;
  $("problem").replaceChildren();
}
