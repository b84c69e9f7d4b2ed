/** The ways a photo comes in: chosen, taken, dropped, pasted. */

import { $ } from "./dom.js";

const firstImage = (files) => [...(files ?? [])].find((file) => file.type.startsWith("image/")) ?? files?.[0];

/** Wire every way to `use(file)`. */
export function wirePhotoInputs(use) {
  for (const id of ["file", "camera"])
    $(id).addEventListener("change", (event) => {
      const [file] = event.target.files;
      event.target.value = "";
      if (file) use(file);
    });
  for (const id of ["photo-pick", "photo-change"]) $(id).addEventListener("click", () => $("file").click());
  $("photo-camera").addEventListener("click", () => $("camera").click());
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file) use(file);
  });
  wireDrop(use);
}

function wireDrop(use) {
  const carriesFile = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const mark = (change) => {
    depth = Math.max(0, depth + change);
    document.documentElement.classList.toggle("is-dropping", depth > 0);
  };
  document.addEventListener("dragenter", (event) => carriesFile(event) && mark(1));
  document.addEventListener("dragleave", (event) => carriesFile(event) && mark(-1));
  document.addEventListener("dragover", (event) => carriesFile(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    mark(-depth);
    const file = firstImage(event.dataTransfer.files);
    if (file) use(file);
  });
}
