// What every page does: words, clocks, toasts, dialogs, and morphing swaps that leave focus and half-typed text alone.
import { startClock, word } from "./clock.js";
import { startGuard } from "./guard.js";
import { startHand } from "./hand.js";
import { connect } from "./live.js";

const { htmx, Idiomorph } = window;

// Swaps settle at once (base.html says so): a form that was just drawn must not be sent by the browser itself because
// HTMX had not taken it over yet.
htmx.config.timeout = 8000;

// Own extension: idiomorph's own one builds its options with eval, which the content security policy forbids.
htmx.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap: (style, target, fragment) => {
    if (style !== "morph") return false;
    const content = fragment.firstElementChild ?? fragment;
    return Idiomorph.morph(target, content.outerHTML ?? fragment, {
      morphStyle: "outerHTML",
      callbacks: {
        // What the person opened or is typing is theirs; the server does not know it.
        beforeNodeMorphed: (node) => !isBeingFilledIn(node),
        beforeAttributeUpdated: (name, node) => !(name === "open" && node.matches("details, dialog")),
      },
    });
  },
});

// A text that somebody has begun stays, also while they look something up elsewhere on the page.
function isBeingFilledIn(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return false;
  if (node === document.activeElement && node.matches("input, textarea, select")) return true;
  return node.matches("textarea") && node.value !== node.defaultValue;
}

function toast(text, kind = "info") {
  const region = document.getElementById("toasts");
  const box = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  box.classList.toggle("toast-error", kind === "error");
  box.querySelector("[data-text]").textContent = text;
  box.querySelector("button").addEventListener("click", () => box.remove());
  region.append(box);
  setTimeout(() => box.remove(), kind === "error" ? 12000 : 5000);
}

document.body.addEventListener("toast", (event) => toast(event.detail.text, event.detail.kind));
document.body.addEventListener("field:reset", (event) => {
  document.getElementById(event.detail.id).value = "";
});
document.body.addEventListener("dialog:close", () => document.getElementById("dialog").close());

// What the server explains it says by a toast event of its own; for the rest there are words by status.
document.body.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (event.target.closest("#alarms, #incidents, #tiles, #incident, #family") === event.target) return;
  if (!xhr.getResponseHeader("HX-Trigger"))
    toast(word([401, 403, 404, 409, 422].includes(xhr.status) ? `error_${xhr.status}` : "error_other"), "error");
});

// What a person asked for and never left the browser must not look as if it had.
for (const lost of ["htmx:sendError", "htmx:timeout"]) {
  document.body.addEventListener(lost, (event) => {
    if (event.detail.requestConfig?.verb !== "get") toast(word("error_unsent"), "error");
  });
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) document.getElementById(opener.dataset.open).showModal();
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "dialog") event.detail.target.showModal();
});
// A form that has just been sent cannot be sent again by an impatient second click; the server takes doubles anyway.
document.addEventListener("submit", (event) => {
  if (event.target.matches("[hx-post]")) return;
  const button = event.submitter;
  if (button)
    setTimeout(() => {
      button.disabled = true;
    }, 0);
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[type=submit][disabled]")) button.disabled = false;
});

startClock();
startHand();
startGuard();
if (document.getElementById("link-state")) connect();
