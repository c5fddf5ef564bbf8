// Selecting between the words. A browser takes a point where no word is for the beginning of the
// layer; so that it takes it for the nearest word's end, an element behind all words, which catches
// the pointer there, moves to that place in the text.

import { el } from "./dom.js";

const dot = ([ax, ay], [bx, by]) => ax * bx + ay * by;
const middle = (polygon) =>
  [0, 1].map((axis) => polygon.reduce((sum, point) => sum + point[axis], 0) / 4);
const outside = (value, from, to) => Math.max(from - value, 0, value - to);

function direction(polygon) {
  const [x, y] = [polygon[1][0] - polygon[0][0], polygon[1][1] - polygon[0][1]];
  const long = Math.hypot(x, y) || 1;
  return [x / long, y / long];
}

/** Words of a line, in reading order, with their places along it. */
export function lineOf(polygon, words, nodes, backwards) {
  const along = direction(polygon);
  const sign = backwards ? -1 : 1;
  return {
    along: along.map((part) => sign * part),
    down: dot(middle(polygon), [-along[1], along[0]]),
    across: [-along[1], along[0]],
    words: words.map((word, place) => ({
      at: sign * dot(middle(word.polygon), along),
      node: nodes[place],
    })),
  };
}

function nearest(list, distance) {
  let best = null;
  let least = Infinity;
  for (const each of list) {
    const far = distance(each);
    if (far < least) [best, least] = [each, far];
  }
  return best;
}

export class Between {
  constructor() {
    this.node = el("span", { class: "between" });
    this.blocks = [];
    for (const kind of ["pointermove", "pointerdown"]) {
      this.node.addEventListener(kind, (event) => {
        this.#settle([event.offsetX, event.offsetY]);
        // The browser has looked where the pointer is before the element moved.
        if (kind === "pointermove" && event.buttons & 1)
          requestAnimationFrame(() => this.#extend());
      });
    }
  }

  /** Takes a block whose lines are in the layer. */
  add(polygon, lines) {
    const [xs, ys] = [0, 1].map((axis) => polygon.map((point) => point[axis]));
    const sides = {
      left: Math.min(...xs),
      right: Math.max(...xs),
      top: Math.min(...ys),
      bottom: Math.max(...ys),
    };
    this.blocks.push({ ...sides, lines, from: 0, to: Infinity });
  }

  /** Gives each block the blank beside it, as far as the next block. */
  spread() {
    for (const one of this.blocks) {
      for (const other of this.blocks) {
        if (other.top >= one.bottom || other.bottom <= one.top) continue;
        if (other.right <= one.left) one.from = Math.max(one.from, (other.right + one.left) / 2);
        if (other.left >= one.right) one.to = Math.min(one.to, (one.right + other.left) / 2);
      }
    }
  }

  #extend() {
    const selection = getSelection();
    const layer = this.node.closest(".layer");
    if (!layer?.contains(selection.anchorNode)) return;
    const around = this.node.parentNode;
    selection.extend(around, [...around.childNodes].indexOf(this.node));
  }

  #settle(point) {
    const [x, y] = point;
    // Blocks first: the end of a short line may be nearer to the next column than to its own line.
    const far = ({ from, to, top, bottom }) =>
      Math.hypot(outside(x, from, to), outside(y, top, bottom));
    const block = nearest(this.blocks, far);
    const line =
      block && nearest(block.lines, ({ across, down }) => Math.abs(dot(point, across) - down));
    if (!line) return;
    const at = dot(point, line.along);
    const next = line.words.find((word) => word.at > at);
    if (next) next.node.before(this.node);
    else line.words.at(-1).node.after(this.node);
  }
}
