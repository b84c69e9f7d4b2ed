/** Sentences in two languages. The server fills the first page; this fills it again when the language changes. */

let strings = {};

export const language = () => document.documentElement.lang;

/** Read the sentences of a language. */
export async function loadLanguage(code) {
  const answer = await fetch(new URL(`../i18n/${code}.json`, import.meta.url));
  strings = await answer.json();
}

const LATIN_WITH_FINAL = /[lmnr013678]$/i;

function hasFinal(word) {
  const last = word.replace(/[\s)\]"'”’!?.]+$/u, "").slice(-1);
  const place = last.charCodeAt(0) - 0xac00;
  return place >= 0 && place < 11172 ? place % 28 !== 0 : LATIN_WITH_FINAL.test(last);
}

/** A sentence with its slots filled. `{title:을/를}` adds the particle that fits the word. */
export function t(key, values = {}) {
  return (strings[key] ?? key).replace(/\{(\w+)(?::([^/}]+)\/([^}]+))?\}/g, (_, name, withFinal, without) => {
    const value = String(values[name] ?? "");
    if (!withFinal) return value;
    return value + (hasFinal(value) ? withFinal : without);
  });
}

export const has = (key) => key in strings;

/** A genre of the catalogue in the page's language; as it is where there is no other name for it. */
export const genreName = (genre) => strings[`genre.${genre}`] ?? genre;

/** Of a pair {ko, en}, the one in the page's language. */
export const pick = (pair) => pair?.[language()] ?? pair?.ko ?? "";

function fillPage() {
  document.title = t("meta.title");
  for (const node of document.querySelectorAll("body [data-i18n]")) node.textContent = t(node.dataset.i18n);
  for (const node of document.querySelectorAll("body [data-i18n-attr]"))
    for (const pair of node.dataset.i18nAttr.split(";")) {
      const [name, key] = pair.split(":");
      node.setAttribute(name, t(key));
    }
}

/** Change the language in place; a cookie tells the server for the next visit. */
export async function changeLanguage(code) {
  await loadLanguage(code);
  document.documentElement.lang = code;
  document.cookie = `lang=${code}; path=/; max-age=31536000; samesite=lax`;
  fillPage();
}
