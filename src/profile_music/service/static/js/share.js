/** Sharing: a picture drawn on a canvas, the words, and a link that carries words and song but never the photo. */

import { paintCover, paintDusk } from "./cover.js";
import { $ } from "./dom.js";
import { t } from "./i18n.js";
import { focusOf, portraitSquare } from "./photo.js";

const WIDTH = 1080;
const HEIGHT = 1350;
const FONTS = getComputedStyle(document.documentElement).fontFamily;

/** The link: words and song sit behind the #, so no server sees them. */
export function linkFor({ text, song }) {
  const parts = new URLSearchParams();
  if (text) parts.set("text", text);
  if (song) parts.set("song", song.song_id), parts.set("by", song.artist);
  return `${location.origin}/#${parts}`;
}

/** What a shared link carries, or null. */
export function readLink(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const text = (parts.get("text") ?? "").slice(0, 200);
  const songId = (parts.get("song") ?? "").slice(0, 80);
  const artist = (parts.get("by") ?? "").slice(0, 80);
  return text || songId ? { text, songId, artist } : null;
}

export function wordsFor({ text, song }) {
  return [text ? `“${text}”` : "", `♪ ${t("share.body", song)}`].filter(Boolean).join("\n");
}

/** Draw the profile as a picture and return it as a PNG blob. */
export async function cardPicture({ photo, face, name, text, song }) {
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const pen = canvas.getContext("2d");
  paintBack(pen, photo?.picture, face, song);
  const top = HEIGHT - 226;
  paintMusicBar(pen, song, top);
  paintWho(pen, { picture: photo?.picture, face, name, text, song }, top - 52);
  paintSignature(pen);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function paintBack(pen, picture, face, song) {
  if (picture) {
    const scale = Math.max(WIDTH / picture.width, HEIGHT / picture.height);
    const [width, height] = [picture.width * scale, picture.height * scale];
    const focus = focusOf(picture, face);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(picture, ((WIDTH - width) * focus.x) / 100, ((HEIGHT - height) * focus.y) / 100, width, height);
  } else if (song) paintCover(pen, song, 0, 0, WIDTH, HEIGHT);
  else paintDusk(pen, WIDTH, HEIGHT);
  const shade = pen.createLinearGradient(0, 0, 0, HEIGHT);
  for (const [stop, colour] of [[0, "#150a1859"], [0.25, "#150a1800"], [0.45, "#150a1826"], [0.75, "#150a18b3"], [1, "#150a18eb"]]) shade.addColorStop(stop, colour);
  pen.fillStyle = shade;
  pen.fillRect(0, 0, WIDTH, HEIGHT);
}

function shortened(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  let end = text.length;
  while (end > 0 && pen.measureText(`${text.slice(0, end)}…`).width > room) end--;
  return `${text.slice(0, end).trimEnd()}…`;
}

/** Break text between words (the canvas's keep-all), and inside a word only where it alone is too long. */
function lines(pen, text, room, most) {
  const made = [""];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = made.at(-1) ? `${made.at(-1)} ${word}` : word;
    if (pen.measureText(longer).width <= room) made[made.length - 1] = longer;
    else made.push(word);
  }
  const full = made.filter(Boolean);
  const cut = full.slice(0, most);
  if (full.length > most) cut[most - 1] += ` ${full.slice(most).join(" ")}`;
  return cut.map((line) => shortened(pen, line, room));
}

function paintMusicBar(pen, song, y) {
  pen.beginPath();
  pen.roundRect(72, y, WIDTH - 144, 136, 68);
  pen.fillStyle = "#ffffff2b";
  pen.fill();
  pen.strokeStyle = "#ffffff3d";
  pen.lineWidth = 2;
  pen.stroke();
  pen.save();
  pen.beginPath();
  pen.arc(144, y + 68, 50, 0, 7);
  pen.clip();
  paintCover(pen, song, 94, y + 18, 100, 100);
  pen.restore();
  pen.fillStyle = "#fff";
  pen.font = `700 40px ${FONTS}`;
  pen.fillText(shortened(pen, song.title, 640), 220, y + 62);
  pen.fillStyle = "#ffffffd9";
  pen.font = `400 32px ${FONTS}`;
  pen.fillText(shortened(pen, song.artist, 640), 220, y + 106);
  pen.fillStyle = "#ffb491";
  [34, 62, 46, 26].forEach((height, bar) => {
    pen.beginPath();
    pen.roundRect(896 + bar * 18, y + 68 - height / 2, 9, height, 5);
    pen.fill();
  });
}

function paintWho(pen, { picture, face, name, text, song }, bottom) {
  const [x, radius, left] = [156, 76, 264];
  pen.font = `500 44px ${FONTS}`;
  const said = text ? lines(pen, text, WIDTH - left - 90, 3) : [];
  const height = Math.max(radius * 2, (name ? 72 : 0) + said.length * 62);
  const top = bottom - height;
  paintFace(pen, picture, face, song, x, top + height / 2, radius);
  let y = top + (height - (name ? 72 : 0) - said.length * 62) / 2;
  pen.fillStyle = "#fff";
  if (name) {
    pen.font = `800 54px ${FONTS}`;
    pen.fillText(shortened(pen, name, WIDTH - left - 90), left, y + 54);
    y += 72;
  }
  pen.font = `500 44px ${FONTS}`;
  said.forEach((line, number) => pen.fillText(line, left, y + 46 + number * 62));
}

function paintFace(pen, picture, face, song, x, y, radius) {
  pen.save();
  circle(pen, x, y, radius);
  pen.clip();
  if (picture) {
    const cut = portraitSquare(picture, face);
    pen.drawImage(picture, cut.x, cut.y, cut.side, cut.side, x - radius, y - radius, radius * 2, radius * 2);
  } else paintCover(pen, song, x - radius, y - radius, radius * 2, radius * 2);
  pen.restore();
  circle(pen, x, y, radius);
  pen.strokeStyle = "#fff";
  pen.lineWidth = 6;
  pen.stroke();
}

function circle(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, Math.PI * 2);
}

function paintSignature(pen) {
  pen.fillStyle = "#fff";
  pen.font = `800 38px ${FONTS}`;
  const width = pen.measureText(t("brand.name")).width;
  pen.fillText(t("brand.name"), WIDTH - 80 - width, 110);
  pen.beginPath();
  pen.arc(WIDTH - 80 - width - 40, 83, 7, 0, 7);
  pen.fill();
  [8, 15, 19, 15, 8].forEach((height, bar) => {
    pen.beginPath();
    pen.roundRect(WIDTH - 80 - width - 57 + bar * 7.4, 115 - height, 5, height, 2.5);
    pen.fill();
  });
}

/** Wire the sheet. `current()` gives {photo, face, name, text, song}. */
export function wireShare(current) {
  const sheet = $("share");
  let picture = null;
  let drawn = null;
  const draw = () => (drawn = redraw());
  const redraw = async () => {
    const what = current();
    picture = await cardPicture($("share-photo").checked ? what : { ...what, photo: null, face: null });
    const image = $("share-card");
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(picture);
    image.alt = t("share.cardAlt", what.song);
  };
  const say = (key) => ($("share-said").textContent = t(key));
  const copy = async (text) => say(await navigator.clipboard.writeText(text).then(() => "share.copied", () => "share.failed"));
  $("share-open").addEventListener("click", async () => {
    $("share-said").textContent = "";
    $("share-photo-row").hidden = !current().photo?.picture;
    $("share-native").hidden = !navigator.share;
    await draw();
    sheet.showModal();
  });
  $("share-close").addEventListener("click", () => sheet.close());
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
  $("share-photo").addEventListener("change", draw);
  $("share-save").addEventListener("click", async () => {
    // Who takes the photo out and saves at once must not get the picture from before.
    await drawn;
    const link = document.createElement("a");
    link.href = $("share-card").src;
    link.download = "premu.png";
    link.click();
    say("share.saved");
  });
  $("share-text").addEventListener("click", () => copy(`${wordsFor(current())}\n${linkFor(current())}`));
  $("share-link").addEventListener("click", () => copy(linkFor(current())));
  $("share-native").addEventListener("click", async () => (await drawn, sendWithApp(current(), picture)));
}

async function sendWithApp(what, picture) {
  const files = [new File([picture], "premu.png", { type: "image/png" })];
  const message = { title: t("brand.name"), text: wordsFor(what), url: linkFor(what) };
  const whole = navigator.canShare?.({ ...message, files }) ? { ...message, files } : message;
  // The person may close the app chooser; that is no error.
  await navigator.share(whole).catch(() => undefined);
}
