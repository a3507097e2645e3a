// Runs before the first paint: "auto" becomes what the system prefers, and follows it.
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function apply() {
  root.dataset.theme = root.dataset.chosen === "auto" ? (dark.matches ? "dark" : "light") : root.dataset.chosen;
}

apply();
dark.addEventListener("change", apply);
