/** The page's state, what follows from it, and the table of what people can do. */

import { $ } from "./dom.js";
import { readTaste } from "./store.js";
import { byTaste } from "./taste.js";

export const SHOWN = 5;

export const state = {
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

/** What people can do; main.js fills it, so that the views need not know how. */
export const actions = {};

export const text = () => $("text").value.trim();
export const face = () => state.reading?.faces[state.faceIndex] ?? null;
export const checked = (name) => [...document.querySelectorAll(`input[name=${name}]:checked`)].map((box) => box.value);
export const shown = () => byTaste(state.candidates, state.taste).slice(0, SHOWN);
export const chosen = () => [...state.candidates, state.gift].find((entry) => entry?.song.song_id === state.chosenId) ?? null;

/** Forget which songs were passed over: the question has changed. */
export function startOver() {
  state.fresh = 0;
  state.passed.clear();
}
