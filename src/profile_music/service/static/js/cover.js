/** Cover art for songs without one: drawn from title, artist and feeling, the same every time. */

const PALETTES = {
  happy: [
    ["#ff8348", "#ffd493", "#ff4f63", "#fff3d6", "#d63a14"],
    ["#ff6d8f", "#ffc7ab", "#ffe26a", "#fff4ea", "#b3205f"],
    ["#ffad33", "#fff0c4", "#ff7336", "#2f9c95", "#c4531a"],
  ],
  angry: [
    ["#2a0d18", "#941228", "#ff4430", "#ffb59e", "#14060b"],
    ["#cf2138", "#f5683a", "#1c0f20", "#ffd8ca", "#7a0f22"],
    ["#3b0c2f", "#bd1d40", "#ff7d0a", "#ffe2d4", "#19050f"],
  ],
  sad: [
    ["#1b2a55", "#5c7bcb", "#a9c2f7", "#eceaff", "#0f1836"],
    ["#2c2153", "#7d6dbd", "#c9b9f0", "#f8dbe8", "#170f33"],
    ["#103645", "#528fa5", "#b6dce1", "#f5ecdb", "#0a232d"],
  ],
  neutral: [
    ["#2e7061", "#abd0b6", "#f4e8cb", "#e8a974", "#17443c"],
    ["#c79d74", "#f5e6d1", "#7c9079", "#fdf8ee", "#5d4a3a"],
    ["#6a98af", "#dfeae8", "#f6d5b2", "#ffffff", "#2f5468"],
  ],
};

function hashOf(text) {
  let hash = 2166136261;
  for (const character of text) hash = Math.imul(hash ^ character.codePointAt(0), 16777619);
  return hash >>> 0;
}

/** A small seeded generator of numbers in 0..1 (mulberry32). */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function mainFeeling(song) {
  const feelings = Object.entries(song.emotions ?? {});
  return feelings.length ? feelings.reduce((best, next) => (next[1] > best[1] ? next : best))[0] : "neutral";
}

const circle = (pen, x, y, radius) => {
  pen.beginPath();
  pen.arc(x, y, Math.max(0, radius), 0, Math.PI * 2);
};

function grooves(pen, x, y, radius, count, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = radius / count / 5;
  for (let ring = 1; ring < count; ring++) {
    circle(pen, x, y, (radius * ring) / count);
    pen.stroke();
  }
}

const COMPOSITIONS = [
  function sun(pen, [, , shape, light, deep], roll) {
    const x = 0.3 + roll() * 0.4;
    const radius = 0.3 + roll() * 0.1;
    circle(pen, x, 0.62, radius);
    pen.fillStyle = shape;
    pen.fill();
    grooves(pen, x, 0.62, radius, 7, light + "66");
    pen.fillStyle = deep;
    pen.fillRect(0, 0.74, 1, 0.26);
    pen.fillStyle = light + "55";
    for (let line = 0; line < 4; line++) pen.fillRect(x - radius * (0.9 - line * 0.18), 0.78 + line * 0.05, radius * (1.8 - line * 0.36), 0.012);
  },
  function waves(pen, [top, , shape, light, deep], roll) {
    [light + "cc", shape, top, deep].forEach((colour, layer) => {
      const phase = roll() * 6.28;
      const height = 0.05 + roll() * 0.06;
      pen.beginPath();
      pen.moveTo(0, 1);
      for (let x = 0; x <= 1.001; x += 0.02) pen.lineTo(x, 0.4 + layer * 0.15 + Math.sin(x * (3 + layer) + phase) * height);
      pen.lineTo(1, 1);
      pen.fillStyle = colour;
      pen.fill();
    });
    circle(pen, 0.72, 0.22, 0.09);
    pen.fillStyle = light;
    pen.fill();
  },
  function arches(pen, [top, bottom, shape, light, deep], roll) {
    const x = 0.35 + roll() * 0.3;
    [deep, shape, light, top, bottom].forEach((colour, ring) => {
      const radius = 0.46 - ring * 0.085;
      pen.beginPath();
      pen.arc(x, 0.62, radius, Math.PI, 0);
      pen.lineTo(x + radius, 1);
      pen.lineTo(x - radius, 1);
      pen.fillStyle = colour;
      pen.fill();
    });
  },
  function bars(pen, [, , shape, light, deep], roll) {
    const count = 7;
    const width = 1 / (count * 1.5);
    for (let bar = 0; bar < count; bar++) {
      const height = 0.2 + roll() * 0.6;
      pen.beginPath();
      pen.roundRect(0.06 + (bar * 0.88) / count + width * 0.2, 0.92 - height, width, height, width / 2);
      pen.fillStyle = [shape, light, deep][Math.floor(roll() * 3)];
      pen.fill();
    }
  },
  function orbit(pen, [top, , shape, light, deep], roll) {
    const turn = Math.floor(roll() * 4);
    const quarters = [shape, light, deep, top];
    for (let cell = 0; cell < 4; cell++) {
      const [column, row] = [cell % 2, cell >> 1];
      const corner = (cell + turn) % 4;
      pen.beginPath();
      pen.moveTo((column + (corner % 2)) / 2, (row + (corner >> 1)) / 2);
      const begin = [0, Math.PI / 2, -Math.PI / 2, Math.PI][corner];
      pen.arc((column + (corner % 2)) / 2, (row + (corner >> 1)) / 2, 0.5, begin, begin + Math.PI / 2);
      pen.fillStyle = quarters[(cell + (roll() > 0.5 ? 1 : 0)) % 4];
      pen.fill();
    }
    circle(pen, 0.5, 0.5, 0.11);
    pen.fillStyle = light;
    pen.fill();
  },
  function rays(pen, [, , shape, light, deep], roll) {
    const count = 9;
    for (let ray = 0; ray < count; ray++) {
      const begin = Math.PI + (Math.PI * ray) / count;
      pen.beginPath();
      pen.moveTo(0.5, 0.84);
      pen.arc(0.5, 0.84, 1.2, begin, begin + Math.PI / count / 2);
      pen.fillStyle = light + "8c";
      pen.fill();
    }
    circle(pen, 0.5, 0.84, 0.24 + roll() * 0.1);
    pen.fillStyle = shape;
    pen.fill();
    pen.fillStyle = deep;
    pen.fillRect(0, 0.84, 1, 0.16);
  },
  function moons(pen, [, , shape, light, deep], roll) {
    for (let row = 0; row < 3; row++)
      for (let column = 0; column < 3; column++) {
        const [x, y] = [0.2 + column * 0.3, 0.2 + row * 0.3];
        circle(pen, x, y, 0.12);
        pen.fillStyle = [shape, light, deep][Math.floor(roll() * 3)];
        pen.fill();
        if (roll() < 0.45) continue;
        const begin = Math.floor(roll() * 4) * (Math.PI / 2);
        pen.beginPath();
        pen.arc(x, y, 0.12, begin, begin + Math.PI);
        pen.fillStyle = [deep, shape, light][Math.floor(roll() * 3)];
        pen.fill();
      }
  },
  function letter(pen, [, , shape, light, deep], roll, song) {
    const glyph = [...song.title.replace(/[^\p{L}\p{N}]/gu, "")][0] ?? "♪";
    circle(pen, 0.2 + roll() * 0.6, 0.24, 0.2);
    pen.fillStyle = shape;
    pen.fill();
    pen.font = "900 1px system-ui, 'Apple SD Gothic Neo', 'Noto Sans KR', 'Noto Sans CJK KR', sans-serif";
    pen.textAlign = "center";
    pen.fillStyle = roll() > 0.5 ? deep : light;
    pen.fillText(glyph.toUpperCase(), 0.5, 0.98);
    pen.textAlign = "start";
  },
  function record(pen, [, , shape, light, deep], roll) {
    const x = roll() > 0.5 ? 0.78 : 0.24;
    circle(pen, x, 0.7, 0.55);
    pen.fillStyle = deep;
    pen.fill();
    grooves(pen, x, 0.7, 0.55, 9, light + "3d");
    circle(pen, x, 0.7, 0.2);
    pen.fillStyle = shape;
    pen.fill();
    circle(pen, x, 0.7, 0.035);
    pen.fillStyle = light;
    pen.fill();
  },
];

/** Draw a song's cover over the whole canvas area given (cropped to fill, kept square inside). */
export function paintCover(pen, song, x, y, width, height) {
  const seed = hashOf(`${song.title}|${song.artist}`);
  const roll = dice(seed);
  const palettes = PALETTES[mainFeeling(song)];
  const palette = palettes[seed % palettes.length];
  const side = Math.max(width, height);
  pen.save();
  pen.beginPath();
  pen.rect(x, y, width, height);
  pen.clip();
  pen.translate(x + (width - side) / 2, y + (height - side) / 2);
  pen.scale(side, side);
  const sky = pen.createLinearGradient(0, 0, 0.3 * roll(), 1);
  sky.addColorStop(0, palette[0]);
  sky.addColorStop(1, palette[1]);
  pen.fillStyle = sky;
  pen.fillRect(0, 0, 1, 1);
  COMPOSITIONS[Math.floor(roll() * COMPOSITIONS.length)](pen, palette, roll, song);
  pen.restore();
}

/** Draw the page's own picture, a record setting like a sun, for a profile without photo and song. */
export function paintDusk(pen, width, height, horizon = height * 0.74) {
  const sky = pen.createLinearGradient(0, 0, 0, height);
  for (const [stop, colour] of [[0, "#2b1440"], [0.38, "#8d2a5b"], [0.64, "#e5532d"], [0.82, "#ffab5e"], [1, "#ffd9a0"]]) sky.addColorStop(stop, colour);
  pen.fillStyle = sky;
  pen.fillRect(0, 0, width, height);
  const [x, y, radius] = [width / 2, horizon, Math.min(width * 0.56, horizon * 0.8)];
  const disc = pen.createLinearGradient(0, y - radius, 0, y + radius * 0.4);
  disc.addColorStop(0, "#ffcf7d");
  disc.addColorStop(0.7, "#ff7048");
  circle(pen, x, y, radius);
  pen.fillStyle = disc;
  pen.fill();
  grooves(pen, x, y, radius, 16, "#fff2d63d");
  const sea = pen.createLinearGradient(0, y, 0, height);
  sea.addColorStop(0, "#4a1845");
  sea.addColorStop(1, "#1c0d24");
  pen.fillStyle = sea;
  pen.fillRect(0, y, width, height - y);
  pen.fillStyle = "#ffb06a40";
  for (let line = 0; line < 2; line++) {
    const reach = radius * (0.86 - line * 0.16);
    pen.beginPath();
    pen.roundRect(x - reach, y + radius * (0.05 + line * 0.05), reach * 2, radius / 90, 2);
    pen.fill();
  }
}

/** Fit a canvas to its box and the screen, and paint on it. */
export function paintOn(canvas, paint) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const box = canvas.getBoundingClientRect();
  if (box.width && box.height) {
    canvas.width = Math.round(box.width * ratio);
    canvas.height = Math.round(box.height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  paint(pen, canvas.width, canvas.height);
}

/** Paint a song's cover on a canvas. */
export function coverOn(canvas, song) {
  paintOn(canvas, (pen, width, height) => paintCover(pen, song, 0, 0, width, height));
}
