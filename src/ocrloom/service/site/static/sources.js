// Where the viewer has its pages from: a job, which may still be read, or a kept document.

import { ENDED, ask, exactly, follow, forget, plainly, sentence, whileSeen } from "./api.js";
import { fileName } from "./dom.js";

const KEPT = 40; // pages whose words are held at a time
const BATCH = 100; // pages without their words, or hits, that are asked for at a time
const AGAIN = 3000; // milliseconds after which is tried again what failed

/** Gives back the values that were used last; older ones are forgotten. */
class Recent extends Map {
  get(key) {
    const value = super.get(key);
    if (value !== undefined) {
      super.delete(key);
      super.set(key, value);
    }
    return value;
  }

  set(key, value) {
    super.set(key, value);
    if (this.size > KEPT) this.delete(this.keys().next().value);
    return this;
  }
}

/** Pages of a document and how far each is: `waiting`, `read` or `failed`. */
class Source extends EventTarget {
  pages = new Map();
  base = "";
  loaded = false; // whether it is known which pages are finished

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  get numbers() {
    return [...this.pages.keys()].sort((a, b) => a - b);
  }

  image(number, width) {
    return `${this.base}/pages/${number}/image?width=${width}`;
  }

  async text() {
    const answer = await fetch(`${this.base}/result?format=txt`);
    if (!answer.ok) throw new Error("The text cannot be had at the moment.");
    return answer.text();
  }

  fail({ number, message }) {
    this.pages.set(number, { state: "failed", message: sentence(message) });
  }
}

export class JobSource extends Source {
  #trees = new Recent();
  #cursors = new Map();
  #next = "0";
  #draining = null;
  #again = false;
  #stop = null;

  constructor(id) {
    super();
    this.base = `/v1/jobs/${id}`;
    this.id = id;
    this.job = null;
  }

  get ended() {
    return this.job !== null && ENDED.has(this.job.status);
  }

  get name() {
    return this.job?.name;
  }

  async start() {
    // A browser has few connections to a server: tabs that nobody sees must not hold them.
    whileSeen(
      () => this.#resume(),
      () => this.#rest(),
    );
    await this.#meet();
  }

  /** Gets all that is known by now, and listens to what comes. */
  async #meet() {
    const job = await ask(this.base);
    this.job ??= job;
    // First what it has read: of a job that is done, pages that are not known yet are no pages.
    await this.#drain();
    this.loaded = true;
    this.#put(job);
    this.#rest();
    if (!this.ended && !document.hidden)
      this.#stop = follow(this.id, (kind, data) => this.#hear(kind, data));
  }

  #rest() {
    this.#stop?.();
    this.#stop = null;
  }

  #resume() {
    if (this.ended || document.hidden) return;
    this.#meet().catch((problem) => problem.passing && setTimeout(() => this.#resume(), AGAIN));
  }

  /** What the next event tells anyway may get lost; what the last one tells may not. */
  #hear(kind, data) {
    this.#heard(kind, data).catch(
      () => ENDED.has(kind) && setTimeout(() => this.#hear(kind, data), AGAIN),
    );
  }

  /** The words of a page that was read. */
  async page(number) {
    const held = this.#trees.get(number);
    if (held) return held;
    const found = await this.#list(await this.#before(number), 1);
    const { page } = found.items[0];
    this.#trees.set(number, page);
    this.pages.set(number, { state: "read", turn: page.rotation });
    return page;
  }

  async cancel() {
    const job = await ask(this.base, { method: "DELETE" });
    if (job) this.#put(job);
    else await this.#meet();
  }

  async remove() {
    await forget(`${this.base}?purge=1`);
  }

  async #heard(kind, data) {
    if (ENDED.has(kind)) {
      await this.#meet();
      return;
    }
    this.#put({ ...this.job, status: data.status, progress: data.progress ?? this.job.progress });
    if (kind === "page" || kind === "page_failed") await this.#drain();
    if (kind === "canceling") this.#put({ ...this.job, canceling: true });
  }

  #put(job) {
    this.job = job;
    // Which pages they are is known beforehand only where all are read.
    const total = job.options?.pages ? 0 : (job.progress.pages_total ?? 0);
    for (let number = 1; number <= total; number += 1) {
      if (!this.pages.has(number)) this.pages.set(number, { state: "waiting" });
    }
    if (this.ended) {
      for (const [number, page] of this.pages)
        if (page.state === "waiting") this.pages.delete(number);
    }
    this.changed();
  }

  /** Gets all pages that were finished since; once more where that is asked for meanwhile. */
  async #drain() {
    this.#again = true;
    this.#draining ??= this.#all().finally(() => {
      this.#draining = null;
    });
    await this.#draining;
  }

  async #all() {
    while (this.#again) {
      this.#again = false;
      for (;;) {
        const found = await this.#batch(this.#next);
        if (found.items.length) this.changed();
        if (found.next === null || found.next === this.#next) break;
        this.#next = found.next;
        if (found.items.length < BATCH) break;
      }
    }
  }

  async #batch(cursor) {
    const found = await this.#list(cursor, BATCH, "none");
    found.items.forEach(({ number, failure }, place) => {
      this.#cursors.set(number, { cursor, place });
      if (failure) this.fail({ number, message: failure.message });
      else this.pages.set(number, { state: "read" });
    });
    return found;
  }

  /** The cursor after which a page comes first; the order is that in which they were finished. */
  async #before(number) {
    const { cursor, place } = this.#cursors.get(number);
    if (!place) return cursor;
    const { next } = await this.#list(cursor, place, "none");
    this.#cursors.set(number, { cursor: next, place: 0 });
    return next;
  }

  #list(cursor, limit, content = "page") {
    return ask(`${this.base}/pages?${new URLSearchParams({ cursor, limit, content })}`);
  }

  /** Why nothing was read. */
  get trouble() {
    const { error, status } = this.job;
    if (error) return [plainly(error), exactly(error)];
    return [
      status === "canceled" ? "It was canceled before a page was read." : "No page was read.",
    ];
  }
}

export class DocumentSource extends Source {
  #trees = new Recent();
  ended = true;
  trouble = ["No page of this document was read."];

  constructor(id) {
    super();
    this.base = `/v1/documents/${id}`;
    this.id = id;
    this.document = null;
  }

  get name() {
    return this.document?.title || fileName(this.document?.name ?? "");
  }

  async start() {
    const found = await ask(this.base);
    this.document = found;
    for (const number of await this.#numbers()) this.pages.set(number, { state: "read" });
    for (const failure of found.failures) this.fail(failure);
    this.loaded = true;
    this.changed();
  }

  async page(number) {
    const held = this.#trees.get(number);
    if (held) return held;
    const page = await ask(`${this.base}/pages/${number}`);
    this.#trees.set(number, page);
    this.pages.set(number, { state: "read", turn: page.rotation });
    return page;
  }

  async remove() {
    await forget(this.base);
  }

  /** Numbers of the pages that were read, in no order. */
  async #numbers() {
    const { pages, failures } = this.document;
    const total = pages + failures.length;
    // Where none has a higher number, they are all numbers up to that.
    const { items } = await ask(
      `/v1/search?${new URLSearchParams({ q: `document:${this.id} page:${total + 1}-`, limit: 1 })}`,
    );
    if (!items.length) {
      const failed = new Set(failures.map(({ number }) => number));
      return Array.from({ length: total }, (_, place) => place + 1).filter(
        (number) => !failed.has(number),
      );
    }
    return (await this.#found(`document:${this.id}`)).map(({ page }) => page);
  }

  /**
   * The pages on which a search finds something, with the places on each, in their order;
   * `manner` says how words are compared.
   */
  async search(query, manner, signal) {
    const hits = await this.#found(`document:${this.id} (${query})`, manner, signal);
    // A query with brackets of its own, such as "a) OR (b", finds something elsewhere.
    const own = hits.filter(
      ({ document, page }) => String(document.id) === this.id && this.pages.has(page),
    );
    return own.sort((a, b) => a.page - b.page);
  }

  async #found(query, manner = {}, signal = null) {
    const hits = [];
    let offset = 0;
    while (offset !== null) {
      const asked = new URLSearchParams({ ...manner, q: query, limit: BATCH, offset });
      const found = await ask(`/v1/search?${asked}`, { signal });
      hits.push(...found.items);
      offset = found.next;
    }
    return hits;
  }
}
