// Choosing languages: chips, and a list that narrows while one types (ARIA's combobox pattern).

import { ask } from "./api.js";
import { byId, el, icon } from "./dom.js";

const KEY = "ocrloom.languages";
const AUTO = { code: "auto", name: "Automatic", installed: true };
const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export class LanguagePicker {
  #known = [AUTO];
  #chosen = new Set();
  #shown = [];
  #at = -1;

  constructor(root) {
    this.input = byId("language");
    this.list = byId("language-list");
    this.chips = root.querySelector(".chips ul");
    root.querySelector(".chips").addEventListener("click", () => this.input.focus());
    this.input.addEventListener("input", () => this.#open());
    this.input.addEventListener("click", () => this.#open());
    this.input.addEventListener("keydown", (event) => this.#pressed(event));
    this.input.addEventListener("blur", () => this.#close());
    // The field keeps the focus while the list is clicked.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const item = event.target.closest("li");
      if (item) this.#toggle(this.#shown[Number(item.dataset.place)]);
    });
    this.#drawChips();
    this.#load();
  }

  /** Codes of the chosen languages; none for automatic. */
  get value() {
    return [...this.#chosen];
  }

  async #load() {
    const found = await ask("/v1/languages").catch(() => null);
    if (!found) return;
    const others = found.items.filter((language) => language.code !== "auto");
    this.#known = [AUTO, ...others.sort((a, b) => a.name.localeCompare(b.name))];
    let kept = [];
    try {
      kept = JSON.parse(localStorage.getItem(KEY)) ?? [];
    } catch {
      // Nothing that was kept can be used.
    }
    const usable = new Set(others.filter((each) => each.installed).map((each) => each.code));
    this.#chosen = new Set(Array.isArray(kept) ? kept.filter((code) => usable.has(code)) : []);
    this.#drawChips();
  }

  #open() {
    const wanted = fold(this.input.value.trim());
    const fits = ({ name, code, native }) =>
      !wanted || [name, code, native ?? ""].some((text) => fold(text).includes(wanted));
    // What is installed and what begins so come first; the rest keeps its order.
    const rank = (each) => (each.installed ? 0 : 2) + (fold(each.name).startsWith(wanted) ? 0 : 1);
    this.#shown = this.#known.filter(fits).sort((a, b) => rank(a) - rank(b));
    this.#at = this.#shown.length ? 0 : -1;
    this.#drawList();
  }

  #close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  #drawList() {
    const items = this.#shown.map((each, place) => {
      const chosen = each === AUTO ? !this.#chosen.size : this.#chosen.has(each.code);
      return el(
        "li",
        {
          role: "option",
          id: `language-${place}`,
          "aria-selected": String(chosen),
          "aria-disabled": each.installed ? null : "true",
          data: { place },
        },
        icon("check"),
        el("span", {}, each.installed ? each.name : `${each.name} (not installed)`),
        el("span", { class: "code" }, each.code),
      );
    });
    this.list.replaceChildren(...items);
    this.list.hidden = !items.length;
    this.input.setAttribute("aria-expanded", String(items.length > 0));
    this.#move(0);
  }

  #move(step) {
    if (!this.#shown.length) return;
    this.#at = (this.#at + step + this.#shown.length) % this.#shown.length;
    for (const item of this.list.children) {
      const at = Number(item.dataset.place) === this.#at;
      item.toggleAttribute("data-at", at);
      if (at) item.scrollIntoView({ block: "nearest" });
    }
    this.input.setAttribute("aria-activedescendant", `language-${this.#at}`);
  }

  #toggle(language) {
    if (!language?.installed) return;
    if (language === AUTO) this.#chosen.clear();
    else if (!this.#chosen.delete(language.code)) this.#chosen.add(language.code);
    this.input.value = "";
    this.#drawChips();
    this.#close();
    try {
      localStorage.setItem(KEY, JSON.stringify(this.value));
    } catch {
      // The choice then lasts for this page only.
    }
  }

  #drawChips() {
    if (!this.#chosen.size) {
      this.chips.replaceChildren(el("li", { class: "chip fixed" }, AUTO.name));
      return;
    }
    const named = (code) => this.#known.find((each) => each.code === code);
    this.chips.replaceChildren(
      ...this.value.map((code) =>
        el(
          "li",
          { class: "chip" },
          named(code).name,
          el(
            "button",
            {
              type: "button",
              "aria-label": `Remove ${named(code).name}`,
              onclick: () => this.#toggle(named(code)),
            },
            icon("cross"),
          ),
        ),
      ),
    );
  }

  #pressed(event) {
    const open = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (open) this.#move(event.key === "ArrowDown" ? 1 : -1);
      else this.#open();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (open) this.#toggle(this.#shown[this.#at]);
    } else if (event.key === "Escape" && open) {
      event.stopPropagation();
      this.#close();
    } else if (event.key === "Backspace" && !this.input.value && this.#chosen.size) {
      this.#toggle(this.#known.find((each) => each.code === this.value.at(-1)));
    }
  }
}
