// One document: its pages, the page that is shown, its text, and what can be done with it.

import { ENDED, download as fetched } from "./api.js";
import { announce, byId, confirmed, copy, disclosure, el, plural } from "./dom.js";
import { Finder } from "./finder.js";
import { WORDS, described } from "./jobs.js";
import { DOUBTS } from "./layer.js";
import { facts, read } from "./reading.js";
import { DocumentSource, JobSource } from "./sources.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";

const { kind, id } = byId("viewer").dataset;
const source = kind === "job" ? new JobSource(id) : new DocumentSource(id);
const stage = new Stage(source);
const strip = new Strip(source, (number) => choose(number));
const finder =
  kind === "document" ? new Finder(source, stage, strip, (number) => choose(number)) : null;
const download = disclosure(byId("download"));

let chosen = Number(new URLSearchParams(location.search).get("page")) || null;
let current = null; // number of the page that is shown
let drawn = ""; // the page and its state, to draw each once
let page = null; // its words

/** Shows a page because somebody wants to see this one. */
function choose(number) {
  chosen = number;
  const address = new URL(location.href);
  address.searchParams.set("page", number);
  history.replaceState(null, "", address);
  return show(number);
}

/** Shows a page; resolves once its words are laid over it. */
async function show(number) {
  if (!source.pages.has(number)) return;
  current = number;
  strip.current(number);
  const { numbers } = source;
  const place = numbers.indexOf(number);
  byId("where").textContent =
    numbers.length > 1 ? `Page ${number} of ${numbers.at(-1)}` : `Page ${number}`;
  byId("before").disabled = place <= 0;
  byId("after").disabled = place < 0 || place >= numbers.length - 1;
  const { state, message } = source.pages.get(number);
  const drawing = `${number} ${state}`;
  if (drawing === drawn) return;
  drawn = drawing;
  if (state !== "read") {
    empty(
      state === "failed"
        ? ["This page could not be read.", message]
        : ["This page waits to be read."],
    );
    return;
  }
  let got;
  try {
    got = await source.page(number);
  } catch (problem) {
    drawn = "";
    empty([problem.message, problem.detail]);
    return;
  }
  if (current !== number) return; // another one was chosen meanwhile
  page = got;
  stage.show(page);
  strip.turn(number, page.rotation);
  read(byId("reading"), page, (polygon) => stage.point(polygon));
  byId("page-facts").textContent = facts(page);
  byId("copy-page").disabled = !page.text;
  finder?.shown(number);
}

function empty([first, second]) {
  page = null;
  stage.say(el("p", {}, first), ...(second ? [el("p", { class: "small" }, second)] : []));
  byId("reading").replaceChildren();
  byId("page-facts").textContent = "";
  byId("copy-page").disabled = true;
}

function opening(text = "") {
  drawn = "";
  stage.say(el("progress", { "aria-label": "Opening" }), el("p", {}, text));
}

function turn(by) {
  const { numbers } = source;
  const next = numbers[numbers.indexOf(current) + by];
  if (next !== undefined) choose(next);
}

function header() {
  const has = [...source.pages.values()].some(({ state }) => state === "read");
  download.disabled = !(source.ended && has);
  byId("copy-all").disabled = !(source.ended && has);
  const name = source.name || "Untitled";
  byId("name").textContent = name;
  if (kind === "document") {
    const { pages, failures, added, date } = source.document;
    const parts = [
      plural(pages, "page"),
      failures.length ? `${failures.length} could not be read` : "",
      date ?? "",
    ];
    byId("facts").textContent = [...parts, `added ${new Date(added).toLocaleDateString()}`]
      .filter(Boolean)
      .join(" · ");
    byId("state").hidden = true;
    return;
  }
  const { job } = source;
  const state = byId("state");
  if (state.dataset.status !== job.status) {
    state.dataset.status = job.status;
    state.textContent = WORDS[job.status];
  }
  byId("facts").textContent = described(job);
  const bar = byId("progress");
  bar.hidden = ENDED.has(job.status);
  if (job.progress.pages_total) {
    bar.max = job.progress.pages_total;
    bar.value = job.progress.pages_done;
  }
  byId("cancel").hidden = source.ended;
  byId("cancel").disabled = job.canceling;
  byId("delete").hidden = !source.ended;
  const other = byId("other");
  other.hidden = job.document === null;
  if (job.document !== null) {
    other.href = `/documents/${job.document}`;
    other.textContent = "In the library";
  }
}

function update() {
  header();
  strip.draw();
  const { numbers, pages } = source;
  if (!source.loaded) {
    // A page may be finished although that is not known yet.
    const known = chosen ?? numbers.find((number) => pages.get(number).state !== "waiting");
    if ((pages.get(known)?.state ?? "waiting") === "waiting") opening();
    else show(known);
    return;
  }
  if (!numbers.length) {
    if (source.ended) empty(source.trouble);
    else opening("Waiting for the first page");
    return;
  }
  if (pages.has(chosen)) show(chosen);
  else if (pages.has(current) && pages.get(current).state !== "waiting") show(current);
  // Who has chosen no page sees the first that is ready.
  else show(numbers.find((number) => pages.get(number).state !== "waiting") ?? numbers[0]);
}

function doubts() {
  const button = byId("doubts");
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  byId("legend").hidden = !on;
  for (const part of [byId("stage"), byId("reading")]) part.classList.toggle("doubts", on);
}

async function doing(task) {
  try {
    await task();
  } catch (problem) {
    announce(problem.message);
  }
}

async function remove() {
  const name = source.name || "Untitled";
  const text =
    kind === "job" && source.job.document !== null
      ? "The upload and its result are removed. The document in the library stays."
      : "The document, its text and the kept copy are removed for good.";
  if (!(await confirmed(`Delete “${name}”?`, text))) return;
  await source.remove();
  location.assign(kind === "job" ? "/" : "/library");
}

/** Saves a result in a format; the browser would only say that a download failed, and not why. */
async function save(link) {
  announce("The file is being made.");
  const { blob, name } = await fetched(link.href);
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  // Not at once: some browsers have not begun to read it then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const KEYS = {
  PageDown: () => turn(1),
  PageUp: () => turn(-1),
  n: () => finder?.step(1),
  p: () => finder?.step(-1),
  c: doubts,
  "+": () => stage.step(1),
  "-": () => stage.step(-1),
  0: () => stage.zoom(1),
  9: () => stage.zoom(0),
};

addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
});
byId("before").addEventListener("click", () => turn(-1));
byId("after").addEventListener("click", () => turn(1));
byId("doubts").addEventListener("click", doubts);
byId("formats").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  doing(() => save(link));
});
byId("copy-page").addEventListener("click", () => copy(page.text, "The page’s text is copied."));
byId("copy-all").addEventListener("click", () =>
  doing(async () => copy(await source.text(), "All text is copied.")),
);
byId("delete").addEventListener("click", () => doing(remove));
byId("cancel")?.addEventListener("click", () => doing(() => source.cancel()));
byId("legend").replaceChildren(
  ...DOUBTS.map((text, band) => el("li", {}, el("i", { class: `c${band}` }), text)),
);

opening();
source.addEventListener("change", update);
source.start().then(
  () => finder?.start(),
  (problem) => empty([problem.message, problem.detail]),
);
