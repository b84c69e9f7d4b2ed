/** Small helpers for the document. Nothing here builds HTML from strings. */

export const $ = (id) => document.getElementById(id);

/** Make an element: attributes as given, `class`, `text`, `on` (listeners) and `data` treated apart. */
export function el(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") node.textContent = value;
    else if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const sprite = new URL("../icons/sprite.svg", import.meta.url).pathname;

/** An icon of the sprite, hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** Say something to screen readers. */
export function announce(sentence) {
  const live = $("live");
  live.textContent = "";
  requestAnimationFrame(() => (live.textContent = sentence));
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Scroll an element into view, without motion where that is asked for. */
export function reveal(node, block = "start") {
  node.scrollIntoView({ behavior: calm() ? "auto" : "smooth", block });
}

/** Move list items from where they were to where they are (FLIP). */
export function glide(list, change) {
  const before = new Map([...list.children].map((item) => [item, item.getBoundingClientRect().top]));
  change();
  if (calm()) return;
  for (const item of list.children) {
    const shift = before.has(item) ? before.get(item) - item.getBoundingClientRect().top : 24;
    if (Math.abs(shift) < 1) continue;
    const from = { transform: `translateY(${shift}px)`, opacity: before.has(item) ? 1 : 0 };
    item.animate([from, { transform: "none", opacity: 1 }], { duration: 320, easing: "cubic-bezier(.2,.8,.2,1)" });
  }
}
