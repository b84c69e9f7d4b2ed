/** Photos before they leave the device: shrunk to 1,280 px and redrawn, which leaves all metadata behind. */

import { Trouble } from "./api.js";

const LONGEST_PX = 1280;
const QUALITY = 0.9;
const OPEN_LIMIT_BYTES = 80 * 1024 * 1024;

/**
 * @typedef {object} Photo
 * @property {Blob} blob what is uploaded
 * @property {ImageBitmap|null} picture what is shown; null where this browser cannot decode the format (HEIC)
 * @property {string} url an object URL of `blob`, or "" where it cannot be shown
 */

/** Open a file as a photo. Throws Trouble. */
export async function openPhoto(file, uploadLimitBytes) {
  if (file.size > OPEN_LIMIT_BYTES) throw tooLarge(OPEN_LIMIT_BYTES);
  let full;
  try {
    full = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return asItIs(file, uploadLimitBytes);
  }
  const scale = Math.min(1, LONGEST_PX / Math.max(full.width, full.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(full.width * scale));
  canvas.height = Math.max(1, Math.round(full.height * scale));
  const pen = canvas.getContext("2d", { alpha: false });
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(full, 0, 0, canvas.width, canvas.height);
  full.close();
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  return { blob, picture: await createImageBitmap(canvas), url: URL.createObjectURL(blob) };
}

async function asItIs(file, uploadLimitBytes) {
  const head = new Uint8Array(await file.slice(0, 32).arrayBuffer());
  const kind = String.fromCharCode(...head.slice(4, 12));
  // HEIC is what iPhones make; browsers other than Safari cannot draw it, but the server reads it.
  if (!/^ftyp(hei|hev|mif|msf|avi)/.test(kind)) throw new Trouble(looksLikePhoto(head) ? "photo_damaged" : "photo_format_unsupported");
  if (file.size > uploadLimitBytes) throw tooLarge(uploadLimitBytes);
  return { blob: file, picture: null, url: "" };
}

function looksLikePhoto(head) {
  const text = String.fromCharCode(...head);
  return /^(\xff\xd8\xff|\x89PNG|GIF8|BM|RIFF.{4}WEBP)/s.test(text);
}

function tooLarge(bytes) {
  return new Trouble("photo_too_large", { values: { limit: `${Math.floor(bytes / (1024 * 1024))} MB` } });
}

/** Where the most prominent face is, as a square to cut out; the middle of the picture without one. */
export function portraitSquare(picture, face) {
  const { width, height } = picture;
  if (!face) {
    const side = Math.min(width, height);
    return { x: (width - side) / 2, y: (height - side) / 3, side };
  }
  const { x1, y1, x2, y2 } = face.box;
  const side = Math.min(width, height, Math.max(x2 - x1, y2 - y1) * 1.9);
  const fit = (centre, length) => Math.min(Math.max(0, centre - side / 2), length - side);
  return { x: fit((x1 + x2) / 2, width), y: fit((y1 + y2) / 2, height), side };
}

/** Where to keep the picture when it is cropped to cover: the face's place, in percent. */
export function focusOf(picture, face) {
  if (!picture || !face) return { x: 50, y: 35 };
  const { x1, y1, x2, y2 } = face.box;
  return { x: ((x1 + x2) / 2 / picture.width) * 100, y: ((y1 + y2) / 2 / picture.height) * 100 };
}
