/** What the browser remembers: the draft for this tab, likes and skips for this browser. Never the photo. */

const DRAFT = "premu.draft";
const TASTE = "premu.taste";

function read(storage, key, fallback) {
  try {
    return { ...fallback, ...JSON.parse(storage.getItem(key) ?? "{}") };
  } catch {
    return { ...fallback };
  }
}

function write(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // Private windows can refuse; the page works without.
  }
}

export const readDraft = () => read(sessionStorage, DRAFT, { text: "", name: "" });
export const writeDraft = (draft) => write(sessionStorage, DRAFT, draft);

export const readTaste = () => read(localStorage, TASTE, { likes: {}, skips: {} });
export const writeTaste = (taste) => write(localStorage, TASTE, taste);
export function clearTaste() {
  localStorage.removeItem(TASTE);
}
