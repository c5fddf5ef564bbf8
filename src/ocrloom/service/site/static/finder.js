// Finding in a document: marks on the image, and going from hit to hit over its pages.

import { announce, byId, plural } from "./dom.js";

export class Finder {
  #places = []; // every hit of the document: its page, and its number among those of the page
  #pages = new Map(); // the hits of each page: lists of polygons
  #at = -1;
  #asked = null;

  constructor(source, stage, strip, show) {
    Object.assign(this, { source, stage, strip, show });
    this.input = byId("find");
    this.tally = byId("tally");
    byId("finder").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.input.value.trim() === this.query) this.step(1);
      else this.search(this.input.value.trim());
    });
    this.input.addEventListener("search", () => this.input.value || this.search(""));
    byId("hit-before").addEventListener("click", () => this.step(-1));
    byId("hit-after").addEventListener("click", () => this.step(1));
  }

  /** Searches for what the address says, and goes to the first hit of the page that it names. */
  async start() {
    const query = this.input.value.trim();
    if (query)
      await this.search(query, Number(new URLSearchParams(location.search).get("page")) || 1);
  }

  async search(query, from = 1) {
    this.#asked?.abort();
    this.#asked = new AbortController();
    this.query = query;
    const address = new URL(location.href);
    if (query) address.searchParams.set("q", query);
    else address.searchParams.delete("q");
    history.replaceState(null, "", address);
    const told = ["tolerance", "accents"].filter((name) => address.searchParams.has(name));
    const manner = Object.fromEntries(told.map((name) => [name, address.searchParams.get(name)]));
    let hits = [];
    try {
      if (query) hits = await this.source.search(query, manner, this.#asked.signal);
    } catch (problem) {
      if (problem.name === "AbortError") return;
      this.#take([]);
      this.tally.textContent = "No search";
      announce(problem.message);
      return;
    }
    this.#take(hits);
    const first = this.#places.findIndex(({ page }) => page >= from);
    if (this.#places.length) await this.#go(Math.max(0, first));
    else this.tally.textContent = query && !hits.length ? "Not found" : "";
  }

  /** Goes on by so many hits, around the end too. */
  step(by) {
    const { length } = this.#places;
    if (length) this.#go((this.#at + by + length) % length);
  }

  /** A page is shown: its hits are marked. */
  shown(number) {
    const at = this.#places[this.#at];
    this.stage.mark(this.#pages.get(number) ?? [], at?.page === number ? at.place : -1);
  }

  #take(hits) {
    this.#at = -1;
    this.#pages = new Map(
      hits.map((hit) => [hit.page, hit.matches.map((match) => match.polygons)]),
    );
    this.#places = hits.flatMap((hit) =>
      hit.matches.map((_, place) => ({ page: hit.page, place })),
    );
    this.strip.count(new Map([...this.#pages].map(([page, places]) => [page, places.length])));
    const none = !this.#places.length;
    byId("hit-before").disabled = none;
    byId("hit-after").disabled = none;
    if (this.stage.marks) this.stage.mark([], -1);
  }

  async #go(at) {
    this.#at = at;
    const { page } = this.#places[at];
    this.tally.textContent = `${at + 1} of ${plural(this.#places.length, "hit")}`;
    await this.show(page);
    this.shown(page);
  }
}
