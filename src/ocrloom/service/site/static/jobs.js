// The list of recent files: those that are being sent, those that are read, those that are done.

import { ENDED, ask, follow, forget, fresh, plainly, send, whileSeen } from "./api.js";
import { announce, bytes, confirmed, el, icon, lasting, plural, when } from "./dom.js";

/** The statuses for people. */
export const WORDS = {
  sending: "Sending",
  queued: "Waiting",
  running: "Reading",
  succeeded: "Read",
  partial: "Read in part",
  failed: "Failed",
  canceled: "Canceled",
};
const STREAMS = 1; // a browser has six connections to a server for all of its windows
const STEP = 20; // jobs that are shown at first, and more of them each time
const MOST = 100; // jobs that the server gives at a time
const POLL = 2500; // milliseconds
const TRIES = 5;
const ATONCE = 2; // files that are sent at a time

const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

/** What a job is, in a few words. */
export function described(job) {
  const { progress: done } = job;
  const pages = done.pages_total ?? done.pages_done;
  if (job.canceling && !ENDED.has(job.status)) return "Ending…";
  if (job.status === "queued") {
    return job.position > 1 ? `${plural(job.position - 1, "file")} before it` : "Next in line";
  }
  if (job.status === "running") {
    const left = done.remaining ? `, about ${lasting(done.remaining)} left` : "";
    return done.pages_total ? `${done.pages_done} of ${plural(pages, "page")}${left}` : "Opening…";
  }
  const failed = done.pages_failed
    ? `, ${plural(done.pages_failed, "page")} could not be read`
    : "";
  const cut = job.status === "canceled" || job.status === "failed";
  const part = cut && done.pages_done < pages ? `${done.pages_done} of ` : "";
  const read = pages ? `${part}${plural(pages, "page")}${failed}` : "";
  return [read, job.size ? bytes(job.size) : "", when(job.created)].filter(Boolean).join(" · ");
}

class Row {
  job = null;
  stop = null;

  constructor(name) {
    this.name = el("span", { class: "name" }, name);
    this.state = el("span", { class: "state" });
    this.about = el("p", { class: "about" });
    this.wrong = el("p", { class: "wrong", hidden: true });
    this.bar = el("progress", { max: 1, "aria-label": "Progress" });
    this.act = el("button", { class: "tool act", type: "button" }, icon("cross"));
    this.node = el(
      "li",
      { class: "job" },
      this.name,
      this.about,
      this.state,
      this.act,
      this.bar,
      this.wrong,
    );
    this.act.addEventListener("click", () => this.onact?.());
  }

  #say(status, about) {
    this.state.dataset.status = status;
    this.state.textContent = WORDS[status];
    this.about.textContent = about;
  }

  #named(name, verb) {
    this.act.setAttribute("aria-label", `${verb} ${name}`);
    this.act.title = verb;
  }

  sending(name, share, about) {
    this.#say("sending", about ?? (share < 1 ? `${Math.round(100 * share)} %` : "Almost there"));
    this.bar.value = share;
    this.#named(name, "Cancel");
  }

  wrongly(name, problem) {
    this.#say("failed", "");
    this.bar.hidden = true;
    this.wrong.hidden = false;
    this.wrong.textContent = [problem.message, problem.detail].filter(Boolean).join(" ");
    this.#named(name, "Remove");
  }

  show(job) {
    const name = job.name || "Untitled";
    const ended = ENDED.has(job.status);
    this.job = job;
    if (this.name.tagName !== "A") {
      const link = el("a", { class: "name", href: `/jobs/${job.id}` }, name);
      this.name.replaceWith(link);
      this.name = link;
    }
    this.#say(job.status, described(job));
    this.bar.hidden = ended;
    if (job.progress.pages_total)
      this.bar.value = job.progress.pages_done / job.progress.pages_total;
    else this.bar.removeAttribute("value");
    this.wrong.hidden = !job.error;
    this.wrong.textContent = plainly(job.error);
    this.#named(name, ended ? "Remove" : "Cancel");
  }
}

export class Jobs {
  #rows = new Map();
  #timer = 0;
  #sending = 0;
  #line = [];
  #shown = STEP;

  constructor(list, empty, trouble, more) {
    Object.assign(this, { list, empty, trouble, more });
    whileSeen(
      () => this.refresh(),
      () => this.#rest(),
    );
    more.addEventListener("click", () => {
      this.#shown += STEP;
      this.refresh();
    });
    this.refresh();
  }

  /** Gets the list anew, and again while something in it is unfinished. */
  async refresh() {
    clearTimeout(this.#timer);
    try {
      this.#list(await this.#newest());
      this.trouble.replaceChildren();
    } catch (problem) {
      this.trouble.replaceChildren(el("div", { class: "notice" }, el("p", {}, problem.message)));
    }
    this.#count();
    if (document.hidden) return;
    this.#listen();
    const open = [...this.#rows.values()].some(({ job }) => job && !ENDED.has(job.status));
    clearTimeout(this.#timer);
    if (open) this.#timer = setTimeout(() => this.refresh(), POLL);
  }

  /** The newest jobs, back to the oldest that is unfinished as far as this page knows. */
  async #newest() {
    const rows = [...this.#rows.values()];
    const open = new Map(
      rows.filter(({ job }) => !ENDED.has(job.status)).map((row) => [row.job.id, row]),
    );
    const jobs = [];
    const asked = new URLSearchParams({ limit: Math.min(MOST, this.#shown) });
    let next;
    do {
      const found = await ask(`/v1/jobs?${asked}`);
      jobs.push(...found.items);
      for (const { id } of found.items) open.delete(id);
      next = found.next;
      asked.set("cursor", next);
      asked.set("limit", MOST);
    } while (next !== null && (jobs.length < this.#shown || open.size));
    // Those that are nowhere were removed by somebody else.
    for (const row of open.values()) this.#remove(row);
    this.#shown = Math.max(this.#shown, jobs.length);
    this.more.hidden = next === null;
    return jobs;
  }

  /** Sends a file and shows what becomes of it. */
  async add(file, options, store) {
    const name = file.name || "Pasted image";
    const row = new Row(name);
    const stopping = new AbortController();
    row.onact = () => {
      stopping.abort();
      row.node.remove();
      this.#count();
    };
    this.list.prepend(row.node);
    this.#count();
    const form = new FormData();
    form.append("options", JSON.stringify(options));
    form.append("store", String(store));
    form.append("file", file, name);
    row.sending(name, 0, "Waiting to be sent");
    await this.#turn();
    try {
      const job = await this.#sent(row, name, form, stopping.signal);
      this.#put(job, row);
      announce(`${name} is sent.`);
      this.refresh();
    } catch (problem) {
      if (problem.name === "AbortError") return;
      row.wrongly(name, problem);
      announce(`${name}: ${problem.message}`);
    } finally {
      this.#sending -= 1;
      this.#line.shift()?.();
    }
  }

  /** Waits until fewer files are being sent. */
  async #turn() {
    if (this.#sending >= ATONCE) await new Promise((go) => this.#line.push(go));
    this.#sending += 1;
  }

  async #sent(row, name, form, signal) {
    // One key for all tries: an answer that got lost must not make a second job.
    const key = fresh();
    for (let tries = 1; ; tries += 1) {
      signal.throwIfAborted();
      row.sending(name, 0);
      try {
        return await send(form, { key, signal, onsent: (share) => row.sending(name, share) });
      } catch (problem) {
        if (!problem.passing || tries === TRIES) throw problem;
        const wait = problem.retry ?? 2 ** tries;
        row.sending(name, 0, `${problem.message} Next try in ${lasting(wait)}.`);
        await pause(wait);
      }
    }
  }

  /** Brings the rows up to date; the newest jobs come first. */
  #list(jobs) {
    let before = null;
    for (const job of jobs) {
      const known = this.#rows.get(job.id);
      if (known) known.show(job);
      // One that is unknown may be that of a row whose answer is still on its way.
      else if (this.#sending) continue;
      else {
        const row = new Row(job.name);
        this.#put(job, row);
        if (before) before.after(row.node);
        else this.list.prepend(row.node);
      }
      before = this.#rows.get(job.id).node;
    }
  }

  #put(job, row) {
    row.onact = () => this.#drop(row);
    this.#rows.set(job.id, row);
    row.show(job);
  }

  async #drop(row) {
    const { id, status, name, document: stored } = row.job;
    const ended = ENDED.has(status);
    const loses = ended && !stored && row.job.progress.pages_done > 0;
    if (loses && !(await confirmed(`Delete “${name || "Untitled"}”?`))) return;
    try {
      await forget(`/v1/jobs/${id}${ended ? "?purge=1" : ""}`);
    } catch (problem) {
      if (problem.status !== 409) {
        announce(problem.message);
        return;
      }
    }
    if (ended) this.#remove(row);
    else this.refresh();
  }

  #remove(row) {
    this.#deaf(row);
    this.#rows.delete(row.job.id);
    row.node.remove();
    this.#count();
  }

  #listen() {
    const rows = [...this.#rows.values()];
    for (const row of rows.filter(({ stop, job }) => stop && ENDED.has(job.status)))
      this.#deaf(row);
    const free = STREAMS - rows.filter(({ stop }) => stop).length;
    const mute = rows.filter(({ stop, job }) => !stop && !ENDED.has(job.status));
    mute.sort((a, b) => Number(b.job.status === "running") - Number(a.job.status === "running"));
    for (const row of mute.slice(0, Math.max(0, free))) {
      row.stop = follow(row.job.id, (kind, data) => {
        row.show({ ...row.job, status: data.status, progress: data.progress ?? row.job.progress });
        if (ENDED.has(kind)) {
          announce(`${row.job.name || "A file"}: ${WORDS[kind].toLowerCase()}.`);
          this.#end(row);
        }
      });
    }
  }

  /** Shows what the last event of a job does not tell: why it failed, where it is kept. */
  async #end(row) {
    try {
      row.show(await ask(`/v1/jobs/${row.job.id}`));
    } catch (problem) {
      announce(problem.message);
    }
    this.refresh();
  }

  #deaf(row) {
    row.stop?.();
    row.stop = null;
  }

  #rest() {
    clearTimeout(this.#timer);
    for (const row of this.#rows.values()) this.#deaf(row);
  }

  #count() {
    this.empty.hidden = this.list.children.length > 0;
  }
}
