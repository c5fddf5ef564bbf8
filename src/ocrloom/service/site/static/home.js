// The first page: files come in by drop, choice or paste.

import { announce, byId, bytes, plural } from "./dom.js";
import { Jobs } from "./jobs.js";
import { LanguagePicker } from "./languages.js";

const limit = Number(byId("home").dataset.limit);
const drop = byId("drop");
const files = byId("files");
const picker = new LanguagePicker(byId("picker"));
const jobs = new Jobs(byId("jobs"), byId("no-jobs"), byId("trouble"), byId("further"));

function options() {
  const chosen = { mode: byId("mode").value };
  if (picker.value.length) chosen.languages = picker.value;
  const pages = byId("pages").value.trim();
  if (pages) chosen.pages = pages;
  return chosen;
}

function take(list) {
  const given = [...list];
  const fitting = given.filter((file) => file.size <= limit);
  const chosen = options();
  const store = byId("store").checked;
  for (const file of fitting) jobs.add(file, chosen, store);
  if (fitting.length < given.length) {
    const over = given.find((file) => file.size > limit);
    announce(
      `${over.name} is larger than ${bytes(limit)}, which is the most that this server takes.`,
    );
  } else if (given.length > 1) {
    announce(`${plural(given.length, "file")} added.`);
  }
}

byId("settings").addEventListener("submit", (event) => event.preventDefault());
byId("choose").addEventListener("click", () => files.click());
files.addEventListener("change", () => {
  take(files.files);
  files.value = "";
});

// A file that misses the zone would otherwise replace the page.
let depth = 0;
const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
addEventListener("dragenter", (event) => {
  if (!carries(event)) return;
  depth += 1;
  drop.classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (!carries(event)) return;
  depth = Math.max(0, depth - 1);
  if (!depth) drop.classList.remove("over");
});
addEventListener("dragover", (event) => {
  if (carries(event)) event.preventDefault();
});
addEventListener("drop", (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  depth = 0;
  drop.classList.remove("over");
  take(event.dataTransfer.files);
});
addEventListener("paste", (event) => {
  const pasted = [...(event.clipboardData?.files ?? [])];
  if (!pasted.length) return;
  event.preventDefault();
  take(pasted);
});
