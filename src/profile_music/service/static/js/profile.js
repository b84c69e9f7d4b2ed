/** The live profile: photo or art behind, name, line, and the music bar. */

import { coverOn, paintCover, paintDusk, paintOn } from "./cover.js";
import { $, calm } from "./dom.js";
import { t } from "./i18n.js";
import { focusOf, portraitSquare } from "./photo.js";

/** Show the state's photo, line and song. `waiting` says that songs are being looked for. */
export function showProfile({ photo, face, text, song, waiting }) {
  $("profile").classList.toggle("has-photo", Boolean(photo));
  $("profile").classList.toggle("has-song", Boolean(song));
  $("profile").classList.toggle("is-waiting", Boolean(waiting));
  $("pick").hidden = Boolean(photo) || Boolean(song);
  $("photo-change").hidden = !photo && !song;
  $("photo-change").textContent = t(photo ? "photo.change" : "photo.pick");
  $("photo-remove").hidden = !photo;
  $("profile-line").textContent = text || t("profile.empty");
  $("profile-line").classList.toggle("is-empty", !text);
  showBackground(photo, face, song);
  showAvatar(photo, face, song);
  showBar(song, waiting);
}

function showBackground(photo, face, song) {
  const image = $("profile-photo");
  image.hidden = !photo?.url;
  if (photo?.url) {
    const focus = focusOf(photo.picture, face);
    if (image.getAttribute("src") !== photo.url) image.src = photo.url;
    image.style.objectPosition = `${focus.x.toFixed(1)}% ${focus.y.toFixed(1)}%`;
    return;
  }
  paintOn($("profile-art"), (pen, width, height) => {
    if (song) paintCover(pen, song, 0, 0, width, height);
    else paintDusk(pen, width, height, horizonOf(height));
  });
}

/** Just above the name, so that white words stand on the dark sea. */
function horizonOf(height) {
  const box = $("profile").getBoundingClientRect();
  const body = document.querySelector(".profile-body").getBoundingClientRect();
  return ((body.top - box.top - 14) / box.height) * height;
}

function showAvatar(photo, face, song) {
  const canvas = $("avatar");
  const pen = canvas.getContext("2d");
  const side = canvas.width;
  pen.clearRect(0, 0, side, side);
  if (photo?.picture) {
    const cut = portraitSquare(photo.picture, face);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(photo.picture, cut.x, cut.y, cut.side, cut.side, 0, 0, side, side);
    return;
  }
  if (song) paintCover(pen, song, 0, 0, side, side);
  else paintPerson(pen, side);
}

/** A person made of an equaliser: the brand's mark, larger. */
function paintPerson(pen, side) {
  pen.fillStyle = "#ffe7d6";
  pen.fillRect(0, 0, side, side);
  pen.fillStyle = "#d63a14";
  pen.beginPath();
  pen.arc(side / 2, side * 0.345, side * 0.115, 0, 7);
  pen.fill();
  [0.13, 0.21, 0.25, 0.21, 0.13].forEach((height, number) => {
    pen.beginPath();
    pen.roundRect(side * (0.226 + number * 0.117), side * (0.77 - height), side * 0.08, side * height, side * 0.04);
    pen.fill();
  });
}

function showBar(song, waiting) {
  const text = $("bar-text");
  const words = song ? `${song.title} · ${song.artist}` : t(waiting ? "profile.listening" : "profile.waiting");
  $("bar").classList.toggle("has-song", Boolean(song));
  if (song) coverOn($("bar-cover"), song);
  if (text.dataset.words === words) return;
  text.dataset.words = words;
  text.replaceChildren(words);
  const room = text.parentElement.clientWidth;
  const runs = Boolean(song) && text.scrollWidth > room && !calm();
  text.classList.toggle("is-running", runs);
  if (!runs) return;
  // The second copy follows the first so that the text goes round without a gap; readers hear it once.
  const again = document.createElement("span");
  again.textContent = words;
  again.setAttribute("aria-hidden", "true");
  text.append(again);
  text.style.setProperty("--run-s", `${Math.max(7, words.length * 0.42).toFixed(1)}s`);
}
