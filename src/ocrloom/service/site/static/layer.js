// The text over the page image: transparent, each word where its ink is, to be selected and copied.

import { Between, lineOf } from "./between.js";
import { el } from "./dom.js";

const SIZE = 32; // pixels of the letters before they are scaled, as in the style sheet
const pen = document.createElement("canvas").getContext("2d");
const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

/** How sure a word is: 0 for at least 98 of 100 right, 1 for 90, 2 for 70, 3 below. */
export function doubt(confidence) {
  const band = [0.98, 0.9, 0.7].findIndex((least) => confidence >= least);
  return band < 0 ? 3 : band;
}

export const DOUBTS = ["98 % or more", "90 to 98 %", "70 to 90 %", "under 70 %"];

/** Whether the first letter with a direction runs from right to left. */
export function rtl(text) {
  const letter = text.match(/\p{L}/u);
  return letter !== null && RTL.test(letter[0]);
}

const far = ([ax, ay], [bx, by]) => Math.hypot(bx - ax, by - ay);

/** How long the gap between two words of a line is, in pixels of the page; 0 after the last. */
function gap(word, next, backwards) {
  if (!next) return 0;
  const [from, to] = backwards
    ? [next.polygon[1], word.polygon[0]]
    : [word.polygon[1], next.polygon[0]];
  const across =
    (word.polygon[1][0] - word.polygon[0][0]) * (to[0] - from[0]) +
    (word.polygon[1][1] - word.polygon[0][1]) * (to[1] - from[1]);
  return across > 0 ? far(from, to) : 0;
}

function placed(word, next, backwards) {
  const [first, second, , last] = word.polygon;
  const wide = Math.max(1, far(first, second));
  const high = Math.max(1, far(first, last));
  const across = wide / (pen.measureText(word.text).width || 1);
  const span = el(
    "span",
    { class: `c${doubt(word.confidence)}` },
    next ? `${word.text} ` : word.text,
  );
  const { style } = span;
  if (next) {
    // The blank reaches to the next word, so that a selection has no holes.
    const blank = gap(word, next, backwards) / across - pen.measureText(" ").width;
    style.wordSpacing = `${Math.max(-pen.measureText(" ").width, blank)}px`;
  }
  const [[x, y], [tx, ty]] = backwards ? [second, first] : [first, second];
  const sign = backwards ? -1 : 1;
  const angle = Math.atan2(sign * (ty - y), sign * (tx - x));
  style.transform =
    `translate(${x}px, ${y}px) rotate(${angle}rad) scale(${across}, ${high / SIZE})` +
    (backwards ? " translateX(-100%)" : "");
  return span;
}

/** Fills a layer with the words of a page, in reading order, in pixels of the page. */
export function lay(layer, page) {
  pen.font = `${SIZE}px sans-serif`;
  layer.style.width = `${page.width}px`;
  layer.style.height = `${page.height}px`;
  const parts = document.createDocumentFragment();
  const between = new Between();
  for (const block of page.blocks) {
    const lines = block.lines.filter((line) => line.words.length);
    if (!lines.length) continue;
    if (between.blocks.length) parts.append(el("br"), el("br"));
    const laid = lines.map((line, place) => {
      const backwards = rtl(line.words.map((word) => word.text).join(" "));
      const nodes = line.words.map((word, at) => placed(word, line.words[at + 1], backwards));
      if (place) parts.append(el("br"));
      parts.append(el("span", { class: "row", dir: backwards ? "rtl" : "ltr" }, ...nodes));
      return lineOf(line.polygon, line.words, nodes, backwards);
    });
    between.add(block.polygon, laid);
  }
  between.spread();
  parts.append(between.node);
  layer.replaceChildren(parts);
}
