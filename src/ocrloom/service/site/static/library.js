// The library: its documents, and searching them.

import { ask, forget } from "./api.js";
import { announce, byId, confirmed, el, fileName, icon, plural, svg, when } from "./dom.js";

const CROP = 800; // pixels of the page image that hits show a part of
const SHOWN = 0.55; // the share of the page's width that is visible
const LIMIT = 20;
const form = byId("search");
const list = byId("found");
const title = byId("found-title");
const further = byId("further");
let asked = new AbortController();
let more = null; // gets what comes next

const named = ({ title: given, name, id }) => given || fileName(name) || `Document ${id}`;

// What is searched for is what the address says: somebody may be typing something else already.
const address = () => new URL(location.href).searchParams;

/** How words are compared, where that is not as usual. */
function manner() {
  const told = ["tolerance", "accents"].filter((name) => address().has(name));
  return Object.fromEntries(told.map((name) => [name, address().get(name)]));
}

/** The part of a page where its first hit stands. */
function crop(hit) {
  const polygons = hit.matches.flatMap((match) => match.polygons);
  const image = el("img", {
    src: `/v1/documents/${hit.document.id}/pages/${hit.page}/image?width=${CROP}`,
    alt: "",
    loading: "lazy",
    width: hit.width,
    height: hit.height,
  });
  const marks = svg("svg", {
    viewBox: `0 0 ${hit.width} ${hit.height}`,
    width: hit.width,
    height: hit.height,
  });
  for (const polygon of polygons) {
    marks.append(
      svg("polygon", {
        points: polygon.map((point) => point.join()).join(" "),
        fill: "rgb(255 200 0 / 45%)",
      }),
    );
  }
  const frame = el("div", { class: "crop", "aria-hidden": "true" }, image, marks);
  const [[x, y]] = polygons[0] ?? [[0, 0]];
  new ResizeObserver(() => {
    const k = frame.clientWidth / (SHOWN * hit.width);
    const left = Math.min(Math.max(0, x - 0.15 * hit.width), (1 - SHOWN) * hit.width);
    const top = Math.min(
      Math.max(0, y - frame.clientHeight / (2 * k)),
      Math.max(0, hit.height - frame.clientHeight / k),
    );
    for (const part of [image, marks])
      part.style.transform = `scale(${k}) translate(${-left}px, ${-top}px)`;
  }).observe(frame);
  return frame;
}

function marked({ text, marks }) {
  // Marks count characters, which JavaScript's strings do not: they count halves of some.
  const letters = [...text];
  const parts = [];
  let end = 0;
  for (const [from, to] of marks) {
    parts.push(letters.slice(end, from).join(""), el("mark", {}, letters.slice(from, to).join("")));
    end = to;
  }
  return [...parts, letters.slice(end).join("")];
}

function hitNode(hit, query) {
  const place = new URLSearchParams({ page: hit.page, q: query, ...manner() });
  const many = hit.matches.length > 1 ? ` · ${plural(hit.matches.length, "place")}` : "";
  return el(
    "li",
    { class: "hit" },
    crop(hit),
    el(
      "a",
      { class: "title", href: `/documents/${hit.document.id}?${place}` },
      named(hit.document),
    ),
    el("p", { class: "snippet", dir: "auto" }, ...marked(hit.snippet)),
    el("p", { class: "place" }, `Page ${hit.page}${many}`),
  );
}

function documentNode(found) {
  const name = named(found);
  const source = `/v1/documents/${found.id}/pages/1/image?width=200`;
  const thumb = el("img", { class: "thumb", src: source, alt: "", loading: "lazy" });
  thumb.addEventListener("error", () => thumb.replaceWith(el("span", { class: "thumb" })));
  const about = [
    plural(found.pages, "page"),
    found.failures.length ? `${found.failures.length} could not be read` : "",
    found.languages.filter((code) => code !== "auto").join(", "),
    found.date ?? "",
    `added ${when(found.added)}`,
  ];
  const node = el(
    "li",
    { class: "kept" },
    thumb,
    el(
      "div",
      {},
      el("a", { class: "title", href: `/documents/${found.id}` }, name),
      el("p", { class: "about" }, about.filter(Boolean).join(" · ")),
    ),
    el(
      "button",
      {
        class: "tool danger",
        type: "button",
        "aria-label": `Delete ${name}`,
        title: "Delete",
        onclick: () => remove(found.id, name, node),
      },
      icon("bin"),
    ),
  );
  return node;
}

async function remove(id, name, node) {
  if (
    !(await confirmed(
      `Delete “${name}”?`,
      "The document, its text and the kept copy are removed for good.",
    ))
  )
    return;
  try {
    await forget(`/v1/documents/${id}`);
  } catch (problem) {
    announce(problem.message);
    return;
  }
  const next = node.nextElementSibling ?? node.previousElementSibling;
  node.remove();
  announce(`${name} is deleted.`);
  if (next) next.querySelector("a").focus();
  else load();
}

async function documents(cursor, signal) {
  const asking = new URLSearchParams({ order: "newest", limit: LIMIT, ...(cursor ? { cursor } : {}) });
  const found = await ask(`/v1/documents?${asking}`, { signal });
  title.textContent = "Documents";
  list.append(...found.items.map(documentNode));
  return [
    found.next,
    "Nothing is kept here yet. What is read on the first page comes into the library.",
  ];
}

async function hits(query, offset, signal) {
  const asking = new URLSearchParams({
    q: query,
    limit: LIMIT,
    offset: offset ?? 0,
    ...manner(),
  });
  const found = await ask(`/v1/search?${asking}`, { signal });
  list.append(...found.items.map((hit) => hitNode(hit, query)));
  const count = list.children.length;
  title.textContent = count
    ? `${found.next === null ? "" : "The first "}${plural(count, "page")} with a hit`
    : "No hits";
  return [
    found.next,
    "Nothing was found. Fewer words, a * at the end of one, or misread letters may help.",
  ];
}

async function load(from = null) {
  asked.abort();
  asked = new AbortController();
  const { signal } = asked;
  const query = (address().get("q") ?? "").trim();
  if (from === null) list.replaceChildren();
  byId("trouble").replaceChildren();
  try {
    const [next, nothing] = await (query ? hits(query, from, signal) : documents(from, signal));
    byId("nothing").textContent = nothing;
    byId("nothing").hidden = list.children.length > 0;
    further.hidden = next === null;
    more = () => load(next);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    title.textContent = query ? "No hits" : "Documents";
    further.hidden = true;
    byId("nothing").hidden = true;
    const said = [problem.message, problem.detail].filter(Boolean).join(" ");
    byId("trouble").replaceChildren(el("div", { class: "notice" }, el("p", {}, said)));
  }
}

function search() {
  const target = new URL("/library", location.origin);
  const query = form.q.value.trim();
  if (query) target.searchParams.set("q", query);
  if (form.tolerance.value !== "0") target.searchParams.set("tolerance", form.tolerance.value);
  if (form.accents.checked) target.searchParams.set("accents", "true");
  if (target.href !== location.href) history.pushState(null, "", target);
  load();
}

function restore() {
  form.q.value = address().get("q") ?? "";
  form.tolerance.value = address().get("tolerance") ?? "0";
  form.accents.checked = address().get("accents") === "true";
  load();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  search();
});
form.q.addEventListener("search", () => form.q.value || search());
form.tolerance.addEventListener("change", () => form.q.value && search());
form.accents.addEventListener("change", () => form.q.value && search());
further.addEventListener("click", () => more?.());
addEventListener("popstate", restore);
load();
