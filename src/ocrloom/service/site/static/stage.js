// The page image, with its text laid over it, marks, and how large it is shown.

import { byId, el, svg } from "./dom.js";
import { lay } from "./layer.js";

const WIDTHS = [800, 1200, 1600, 2400, 4000];
const ZOOMS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4, 6];
const points = (polygon) => polygon.map(([x, y]) => `${x},${y}`).join(" ");

function size({ style }, width, height) {
  style.width = `${width}px`;
  style.height = `${height}px`;
}

export class Stage {
  #page = null;
  #zoom = 1; // times the width of the stage; 0 for the whole page
  #image = null;
  #loaded = 0;
  #pointed = null;

  constructor(source) {
    this.source = source;
    this.root = byId("stage");
    new ResizeObserver(() => this.#fit()).observe(this.root);
    byId("smaller").addEventListener("click", () => this.step(-1));
    byId("larger").addEventListener("click", () => this.step(1));
    byId("fit").addEventListener("click", () => this.zoom(1));
    byId("whole").addEventListener("click", () => this.zoom(0));
    this.root.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        this.step(event.deltaY < 0 ? 1 : -1);
      },
      { passive: false },
    );
  }

  /** Shows a page that was read. */
  show(page) {
    this.#page = page;
    this.#loaded = 0;
    this.#image = el("img", {
      alt: `Page ${page.number} as it was scanned`,
      width: page.width,
      height: page.height,
    });
    // A scan that is gone is shown as its text, at its places.
    this.#image.addEventListener("error", () => this.sheet.classList.add("bare"));
    // The same text stands beside the image, in the order and with the headings that it has.
    this.layer = el("div", { class: "layer", "aria-hidden": "true" });
    this.marks = svg("svg", { viewBox: `0 0 ${page.width} ${page.height}`, "aria-hidden": "true" });
    this.upright = el("div", { class: "upright" }, this.#image, this.marks, this.layer);
    this.sheet = el("div", { class: "leafage" }, this.upright);
    this.root.replaceChildren(this.sheet);
    this.root.scrollTo(0, 0);
    lay(this.layer, page);
    this.#pointed = null;
    this.#fit();
  }

  /** Shows something else than a page. */
  say(...parts) {
    this.#page = null;
    this.root.replaceChildren(el("div", { class: "instead" }, ...parts));
  }

  /** Marks places on the page: lists of polygons, of which one is the current. */
  mark(places, current) {
    if (!this.#page) return;
    const made = places.flatMap((polygons, place) =>
      polygons.map((polygon) =>
        svg("polygon", { points: points(polygon), class: place === current ? "now" : "" }),
      ),
    );
    this.marks.replaceChildren(...made);
    this.marks.querySelector(".now")?.scrollIntoView({ block: "center", inline: "center" });
  }

  /** Marks the line that is pointed at elsewhere; null for none. */
  point(polygon) {
    this.#pointed?.remove();
    this.#pointed = polygon && svg("polygon", { points: points(polygon), class: "pointed" });
    if (polygon) this.marks.append(this.#pointed);
  }

  step(by) {
    const now = this.#page ? this.sheet.clientWidth / this.#room() : 1;
    const further =
      by > 0
        ? ZOOMS.find((each) => each > now + 0.01)
        : ZOOMS.findLast((each) => each < now - 0.01);
    this.zoom(further ?? (by > 0 ? ZOOMS.at(-1) : ZOOMS[0]));
  }

  zoom(value) {
    const { scrollLeft, scrollTop, scrollHeight, scrollWidth, clientHeight, clientWidth } =
      this.root;
    const middle = [
      (scrollLeft + clientWidth / 2) / scrollWidth,
      (scrollTop + clientHeight / 2) / scrollHeight,
    ];
    this.#zoom = value;
    this.#fit();
    this.root.scrollTo({
      left: middle[0] * this.root.scrollWidth - clientWidth / 2,
      top: middle[1] * this.root.scrollHeight - clientHeight / 2,
      behavior: "instant",
    });
  }

  #room() {
    const style = getComputedStyle(this.root);
    // Also where no scroll bar is there yet: the page must not jump when one comes.
    return this.root.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  }

  #fit() {
    byId("fit").setAttribute("aria-pressed", String(this.#zoom === 1));
    byId("whole").setAttribute("aria-pressed", String(this.#zoom === 0));
    if (!this.#page) return;
    const { width, height, rotation } = this.#page;
    const [across, down] = rotation % 180 ? [height, width] : [width, height];
    const room = this.#room();
    // On a phone the stage is as high as the page.
    const tall =
      Math.min(this.root.clientHeight, innerHeight) -
      2 * parseFloat(getComputedStyle(this.root).paddingTop);
    const wide = Math.max(
      50,
      this.#zoom ? room * this.#zoom : Math.min(room, (tall * across) / down),
    );
    const k = wide / across;
    byId("zoom").textContent = `${Math.round((100 * wide) / room)} %`;
    size(this.sheet, k * across, k * down);
    size(this.upright, k * width, k * height);
    // Its corner that becomes the upper left one goes there.
    const [x, y] = { 90: [across, 0], 180: [across, down], 270: [0, down] }[rotation] ?? [0, 0];
    this.upright.style.transform = `translate(${k * x}px, ${k * y}px) rotate(${rotation}deg)`;
    this.layer.style.setProperty("--k", k);
    this.#load(k * width * devicePixelRatio);
  }

  /** Gets the image in a size that is enough; a larger one replaces it once it is there. */
  #load(needed) {
    const { number, width } = this.#page;
    const step = WIDTHS.find((each) => each >= Math.min(needed, width)) ?? WIDTHS.at(-1);
    if (step <= this.#loaded) return;
    this.#loaded = step;
    const url = this.source.image(number, step);
    const image = this.#image;
    if (!image.hasAttribute("src")) {
      image.src = url;
      return;
    }
    const next = new Image();
    next.src = url;
    next.decode().then(
      () => {
        if (this.#loaded === step) image.src = url;
      },
      () => {},
    );
  }
}
