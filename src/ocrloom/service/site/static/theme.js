// Loaded before the page is drawn, so that the remembered appearance is there from the start.
(() => {
  const KEY = "ocrloom.theme";
  const root = document.documentElement;
  let kept = null;
  try {
    kept = localStorage.getItem(KEY);
  } catch {
    // Storage may be forbidden; the appearance then lasts for this page only.
  }
  const system = matchMedia("(prefers-color-scheme: dark)");

  const show = () => {
    const theme = kept === "dark" || kept === "light" ? kept : system.matches ? "dark" : "light";
    root.dataset.theme = theme;
    const button = document.getElementById("theme");
    if (!button) return;
    button.setAttribute("aria-pressed", String(theme === "dark"));
    button
      .querySelector("use")
      .setAttribute("href", `/static/icons.svg#${theme === "dark" ? "sun" : "moon"}`);
  };

  show();
  system.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme").addEventListener("click", () => {
      kept = root.dataset.theme === "dark" ? "light" : "dark";
      try {
        localStorage.setItem(KEY, kept);
      } catch {
        // As above.
      }
      show();
    });
  });
})();
