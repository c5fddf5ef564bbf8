// The strip of pages: small images of those that were read, and how far the others are.

import { byId, el, icon } from "./dom.js";

const WIDTH = 200; // pixels of the small images
const SAID = { waiting: "waiting", read: "read", failed: "could not be read" };

export class Strip {
  #items = new Map();
  #current = null;

  constructor(source, choose) {
    this.source = source;
    this.choose = choose;
    this.root = byId("strip");
    this.list = this.root.querySelector("ol");
  }

  /** Brings the strip up to date with the pages of the source. */
  draw() {
    const { numbers, pages } = this.source;
    for (const [number, item] of this.#items) {
      if (!pages.has(number)) {
        item.node.remove();
        this.#items.delete(number);
      }
    }
    numbers.forEach((number, place) => {
      const item = this.#item(number);
      if (this.list.children[place] !== item.node)
        this.list.insertBefore(item.node, this.list.children[place] ?? null);
      const { state, turn } = pages.get(number);
      if (item.button.dataset.state !== state) this.#state(item, number, state);
      this.turn(number, turn);
    });
    this.root.classList.toggle("alone", numbers.length < 2);
  }

  /** Turns the small image of a page to stand upright. */
  turn(number, degrees) {
    const image = this.#items.get(number)?.leaf.querySelector("img");
    if (image && degrees) image.dataset.turn = degrees;
  }

  /** Says which page is shown. */
  current(number) {
    this.#items.get(this.#current)?.button.removeAttribute("aria-current");
    this.#current = number;
    const item = this.#items.get(number);
    if (!item) return;
    item.button.setAttribute("aria-current", "page");
    const { list } = this;
    const { offsetLeft, offsetTop, offsetWidth, offsetHeight } = item.node;
    // Not scrollIntoView, which would move the whole document on a phone.
    list.scrollTo({
      left: offsetLeft - list.offsetLeft - (list.clientWidth - offsetWidth) / 2,
      top: offsetTop - list.offsetTop - (list.clientHeight - offsetHeight) / 2,
    });
  }

  /** Says how many hits are on each page. */
  count(hits) {
    for (const [number, { count }] of this.#items) {
      const found = hits.get(number) ?? 0;
      count.textContent = found;
      count.hidden = !found;
    }
  }

  #item(number) {
    const held = this.#items.get(number);
    if (held) return held;
    const leaf = el("span", { class: "leaf" });
    const count = el("span", { class: "count", hidden: true });
    const button = el(
      "button",
      { type: "button", onclick: () => this.choose(number) },
      leaf,
      el("span", { "aria-hidden": "true" }, String(number)),
      count,
    );
    const item = { leaf, button, count, node: el("li", {}, button) };
    if (number === this.#current) button.setAttribute("aria-current", "page");
    this.#items.set(number, item);
    return item;
  }

  #state(item, number, state) {
    item.button.dataset.state = state;
    item.button.setAttribute("aria-label", `Page ${number}, ${SAID[state]}`);
    const image = {
      src: this.source.image(number, WIDTH),
      alt: "",
      loading: "lazy",
      decoding: "async",
    };
    // Nothing is better than the sign for an image that is not there.
    image.onerror = (event) => event.target.remove();
    if (state === "read") item.leaf.replaceChildren(el("img", image));
    else item.leaf.replaceChildren(...(state === "failed" ? [icon("cross")] : []));
  }
}
