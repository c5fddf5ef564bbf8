// The text of a page as text: headings, paragraphs and tables, line by line.

import { el } from "./dom.js";
import { doubt, rtl } from "./layer.js";

const percent = (share) => `${Math.round(100 * share)} %`;

function words(list) {
  const parts = [];
  for (const word of list) {
    if (parts.length) parts.push(" ");
    const title = `${percent(word.confidence)}${word.raw ? `, read as “${word.raw}”` : ""}`;
    parts.push(el("span", { class: `c${doubt(word.confidence)}`, title }, word.text));
  }
  return parts;
}

function line(each, pointed) {
  const made = el("span", { class: "ln" }, ...words(each.words));
  made.addEventListener("mouseenter", () => pointed(each.polygon));
  made.addEventListener("mouseleave", () => pointed(null));
  return made;
}

/** Whether the text goes on in a new line on purpose: the next word would have had room. */
function ends(each, next, block, backwards) {
  const x = (polygon, corner) => polygon[corner][0];
  const word = next.words[0].polygon;
  const needed = Math.abs(x(word, 1) - x(word, 0));
  const room = backwards
    ? x(each.polygon, 0) - x(block.polygon, 0)
    : x(block.polygon, 1) - x(each.polygon, 1);
  const high = Math.abs(each.polygon[3][1] - each.polygon[0][1]);
  return room > needed + high / 2;
}

/** The lines of a block as they run on. */
function running(block, pointed, backwards) {
  const lines = block.lines.filter((each) => each.words.length);
  return lines.flatMap((each, place) => {
    const made = line(each, pointed);
    const next = lines[place + 1];
    if (!next) return [made];
    if (ends(each, next, block, backwards)) return [made, el("br")];
    return /\p{L}-$/u.test(each.words.at(-1).text) ? [made] : [made, " "];
  });
}

function table(block) {
  const all = block.lines.flatMap((each) => each.words);
  const rows = Array.from({ length: block.table.rows }, () => el("tr"));
  const cells = new Map(block.table.cells.map((cell) => [`${cell.row} ${cell.column}`, cell]));
  const covered = new Set();
  for (let row = 0; row < block.table.rows; row += 1) {
    for (let column = 0; column < block.table.columns; column += 1) {
      if (covered.has(`${row} ${column}`)) continue;
      const cell = cells.get(`${row} ${column}`);
      if (!cell) {
        rows[row].append(el("td"));
        continue;
      }
      for (let down = 0; down < cell.row_span; down += 1) {
        for (let along = 0; along < cell.column_span; along += 1) {
          covered.add(`${row + down} ${column + along}`);
        }
      }
      rows[row].append(
        el(
          "td",
          {
            rowspan: cell.row_span > 1 ? cell.row_span : null,
            colspan: cell.column_span > 1 ? cell.column_span : null,
          },
          ...words(cell.words.map((place) => all[place])),
        ),
      );
    }
  }
  return el(
    "div",
    { class: "rows", tabindex: "0", role: "group", "aria-label": "Table" },
    el("table", {}, el("tbody", {}, ...rows)),
  );
}

function part(block, pointed) {
  const text = block.lines.flatMap((each) => each.words.map((word) => word.text)).join(" ");
  const backwards = rtl(text);
  const dir = backwards ? "rtl" : "ltr";
  if (block.table) {
    const made = table(block);
    made.dir = dir;
    return made;
  }
  // Below the heading of the panel; more than three levels cannot be told apart here.
  const tag = block.kind === "heading" ? `h${Math.min(5, 2 + Math.max(1, block.level))}` : "p";
  return el(tag, { class: `k-${block.kind}`, dir }, ...running(block, pointed, backwards));
}

/** Shows a page's text; `pointed` is given the polygon of the line below the pointer, or null. */
export function read(panel, page, pointed) {
  const parts = page.blocks
    .filter((block) => block.lines.length)
    .map((block) => part(block, pointed));
  panel.replaceChildren(
    ...(parts.length ? parts : [el("p", { class: "nothing" }, "There is no text on this page.")]),
  );
}

/** What is known of a page, in a few words. */
export function facts(page) {
  const known = [];
  if (page.read_by === "text_layer") known.push("The PDF’s own text");
  else if (page.blocks.length) known.push(`Confidence ${percent(page.confidence)}`);
  if (page.languages.length) known.push(page.languages.join(", "));
  known.push(`${page.width} × ${page.height} pixels`);
  if (page.rotation) known.push(`turned by ${page.rotation}°`);
  return known.join(" · ");
}
