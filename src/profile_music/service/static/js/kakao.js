/**
 * Kakao Login on the page: draws into #kakao where the server has it on, and does nothing otherwise.
 *
 * It needs no wiring: the photo goes in as if chosen (#file), the nickname as if typed (#name), and the form is sent.
 */

const WORDS = {
  ko: {
    button: "카카오 로그인",
    hint: "프로필 사진을 한 번만 보고, 보관하지 않아요.",
    who: "님, 반가워요",
    someone: "카카오 로그인됨",
    logout: "로그아웃",
    unlink: "연결 끊기",
    failed: "서버에 닿지 않아요. 잠시 뒤에 다시 눌러 주세요.",
  },
  en: {
    button: "Login with Kakao",
    hint: "Looks at your profile photo once and never keeps it.",
    who: ", welcome",
    someone: "Logged in with Kakao",
    logout: "Log out",
    unlink: "Unlink",
    failed: "The server cannot be reached: try again shortly.",
  },
};
const SYMBOL =
  "M9 .6C4.03.6 0 3.71 0 7.55c0 2.39 1.56 4.5 3.93 5.75l-1 3.64c-.09.33.28.58.57.4l4.37-2.9c.37.04.75.06 1.13.06 4.97 0 9-3.11 9-6.95C18 3.71 13.97.6 9 .6";
const READY_MS = 10_000;

const box = document.getElementById("kakao");
const page = document.documentElement;
const words = () => WORDS[page.lang] ?? WORDS.ko;
let me = null;

function make(tag, text, attributes = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function symbol() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 18 18");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SYMBOL);
  svg.append(path);
  return svg;
}

function loginButton() {
  const link = make("a", "", { class: "kakao-button", href: "/kakao/login" });
  link.append(symbol(), make("span", words().button));
  return [link, make("p", words().hint, { class: "kakao-hint" })];
}

function who() {
  const line = make("p", "", { class: "kakao-who" });
  const name = make("span", me.nickname ? "" : words().someone);
  if (me.nickname) name.append(make("b", me.nickname), words().who);
  const buttons = [["logout", logout], ["unlink", unlink]].map(([key, run]) => {
    const button = make("button", words()[key], { type: "button", id: `kakao-${key}` });
    button.addEventListener("click", () => run().catch(() => notice(words().failed)));
    return button;
  });
  line.append(name, ...buttons);
  return [line];
}

function draw() {
  box.className = "kakao";
  box.replaceChildren(...(me.logged_in ? who() : loginButton()));
  const message = me.notice?.message;
  if (message) notice(message[page.lang] ?? message.ko);
}

function notice(sentence) {
  box.querySelector(".kakao-notice")?.remove();
  box.append(make("p", sentence, { class: "kakao-notice", role: "status" }));
}

async function ask(path, method = "GET") {
  const response = await fetch(path, { method, headers: { accept: "application/json" } });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response;
}

async function logout() {
  await ask("/v1/kakao/logout", "POST");
  if (me.nickname && document.getElementById("name").value === me.nickname) fillName("");
  me = { logged_in: false };
  draw();
  box.querySelector("a").focus();
}

async function unlink() {
  location.assign((await (await ask("/v1/kakao/unlink", "POST")).json()).redirect);
}

/** Wait until `holds`, looking again whenever an attribute below `node` changes. */
function until(node, holds) {
  return new Promise((done, fail) => {
    const look = () => holds() && (watch.disconnect(), clearTimeout(limit), done());
    const watch = new MutationObserver(look);
    const limit = setTimeout(() => (watch.disconnect(), fail(new Error("not ready"))), READY_MS);
    watch.observe(node, { attributes: true });
    look();
  });
}

function fillName(name) {
  const field = document.getElementById("name");
  field.value = name.slice(0, field.maxLength > 0 ? field.maxLength : undefined);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Hand the photo over as if somebody had chosen it, and ask for songs. */
async function bringPhoto() {
  const blob = await (await ask("/v1/kakao/photo")).blob();
  const files = new DataTransfer();
  files.items.add(new File([blob], "kakao-profile", { type: blob.type }));
  const input = document.getElementById("file");
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  const profile = document.getElementById("profile");
  await until(profile, () => profile.classList.contains("has-photo"));
  document.getElementById("compose").requestSubmit();
}

async function start() {
  const config = await (await ask("/v1/config")).json();
  if (!config.kakao_login) return;
  const sheet = make("link", "", { rel: "stylesheet", href: new URL("../css/kakao.css", import.meta.url).href });
  sheet.addEventListener("load", () => (box.hidden = false));
  document.head.append(sheet);
  me = await (await ask("/v1/kakao/me")).json();
  draw();
  new MutationObserver(draw).observe(page, { attributes: true, attributeFilter: ["lang"] });
  await until(page, () => page.dataset.ready === "true");
  if (me.nickname && !document.getElementById("name").value) fillName(me.nickname);
  if (me.photo) await bringPhoto();
}

// Without Kakao the page is whole, so a failure here stays quiet.
if (box) start().catch(() => undefined);
