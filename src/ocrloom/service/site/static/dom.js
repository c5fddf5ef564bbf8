// Small helpers for the page. Text from outside gets in as text nodes only, never as markup.

export const byId = (id) => document.getElementById(id);

/** An element with properties (`class`, `on…`, `data`, attributes) and children: nodes or text. */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name === "data") Object.assign(made.dataset, value);
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export function icon(name) {
  const made = svg("svg", { class: "icon", "aria-hidden": "true" });
  made.append(svg("use", { href: `/static/icons.svg#${name}` }));
  return made;
}

let fading;

/** Says something for a moment, to eyes and to screen readers. */
export function announce(text) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => toast.classList.remove("shown"), 3000);
}

export const plural = (count, one, many = `${one}s`) =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

export function bytes(size) {
  if (size < 1024) return plural(size, "byte");
  const power = Math.min(3, Math.floor(Math.log2(size) / 10));
  const value = size / 1024 ** power;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${["", "kB", "MB", "GB"][power]}`;
}

/** The name of a file without its folders, which are named for those that lie on the server. */
export const fileName = (name) =>
  /^([/\\]|[A-Za-z]:[/\\])/.test(name) ? name.split(/[/\\]/).at(-1) : name;

/** A time as RFC 3339 for people: the time of day if it was today, else the date. */
export function when(text) {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return "";
  const today = time.toDateString() === new Date().toDateString();
  return today
    ? time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : time.toLocaleDateString([], { year: "numeric", month: "short", day: "numeric" });
}

/** Seconds for people. */
export function lasting(seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 90) return plural(Math.round(seconds), "second");
  return plural(Math.round(seconds / 60), "minute");
}

/** Asks before something is lost; whether it was confirmed. */
export function confirmed(title, text) {
  const dialog = byId("ask");
  byId("ask-title").textContent = title;
  if (text) byId("ask-text").textContent = text;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}

/** Puts text on the clipboard, also where the page came over plain HTTP. */
export async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
    area.value = text;
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus();
    if (!done) {
      announce("The browser does not let this page copy. Select the text and copy it yourself.");
      return;
    }
  }
  announce(said);
}

/** A button that shows and hides what it controls; Escape and a press elsewhere hide it. */
export function disclosure(root) {
  const button = root.querySelector("button");
  const sheet = byId(button.getAttribute("aria-controls"));
  const show = (open) => {
    sheet.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", () => show(sheet.hidden));
  document.addEventListener("pointerdown", (event) => {
    if (!root.contains(event.target)) show(false);
  });
  root.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !root.contains(event.relatedTarget)) show(false);
  });
  root.addEventListener("keydown", (event) => {
    const links = [...sheet.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (event.key === "Escape" && !sheet.hidden) {
      show(false);
      button.focus();
      event.stopPropagation();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      show(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      links[(at + step + links.length) % links.length].focus();
    }
  });
  sheet.addEventListener("click", (event) => {
    if (event.target.closest("a")) show(false);
  });
  return button;
}
