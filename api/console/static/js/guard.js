// A click means what was under it when the hand set out. Cards come, go and move while somebody aims: whatever has just
// moved, and above all whatever has come to lie under a resting pointer, takes no click for a moment. Keys have a guard
// of their own, and go by the selected card.
import { afterClick } from "./hand.js";

const MOVED_MS = 400;
const SLID_UNDER_MS = 2000;
const AWAY_PX = 24;

const until = new Map(); // by the id of a card: when it takes clicks again, by performance.now()
let pointer = null;
let before = null;
let pressed = null;

function under() {
  if (!pointer) return { card: null, control: null };
  const element = document.elementFromPoint(pointer.x, pointer.y);
  return { card: element?.closest("[data-incident]") ?? null, control: element?.closest("[data-deed]") ?? null };
}

function places() {
  const found = new Map();
  for (const card of document.querySelectorAll("[data-incident]")) {
    const control = card.querySelector("[data-deed]") ?? card;
    const { left, top } = control.getBoundingClientRect();
    found.set(card.dataset.incident, { left, top });
  }
  return found;
}

function remember() {
  // A guarded control lets the pointer through to its card, so who lies under it is asked of the cards as well.
  const { card, control } = under();
  before = { places: places(), card: card?.dataset.incident ?? null, control: control?.id ?? null };
}

function guard(card, ms) {
  const end = performance.now() + ms;
  if ((until.get(card) ?? 0) < end) until.set(card, end);
}

function show() {
  const now = performance.now();
  for (const [card, end] of until) if (end <= now) until.delete(card);
  for (const card of document.querySelectorAll("[data-incident]")) {
    card.classList.toggle("just-moved", until.has(card.dataset.incident));
  }
  if (until.size) setTimeout(show, Math.max(20, Math.min(...until.values()) - now));
}

function compare() {
  if (!before) return;
  for (const [card, { left, top }] of places()) {
    const was = before.places.get(card);
    if (!was || Math.abs(was.left - left) > 2 || Math.abs(was.top - top) > 2) guard(card, MOVED_MS);
  }
  const { card, control } = under();
  const sameCard = card?.dataset.incident === before.card;
  if (card && (!sameCard || (control && control.id !== before.control))) guard(card.dataset.incident, SLID_UNDER_MS);
  before = null;
  show();
}

// A banner stands above everything: as it comes or goes, all cards move.
export function showBanner(banner, shown) {
  afterClick(banner, () => {
    if (banner.hidden !== shown) return;
    remember();
    banner.hidden = !shown;
    compare();
  });
}

function at(event) {
  const away = pointer && Math.hypot(event.clientX - pointer.x, event.clientY - pointer.y) > AWAY_PX;
  if (!pointer || away) {
    // Whoever aims anew sees what is there now.
    pointer = { x: event.clientX, y: event.clientY };
    if (away) {
      const now = performance.now();
      for (const [card, end] of until) until.set(card, Math.min(end, now + MOVED_MS));
      if (until.size) show();
    }
  }
}

// What is sent says what the person saw when they pressed, whatever the form has become since.
function seen(event) {
  const card = event.target.closest?.("[data-incident]");
  pressed = card ? { incident: card.dataset.incident, seen: card.dataset.seen } : null;
}

export function startGuard() {
  document.addEventListener("pointermove", at, { passive: true });
  document.addEventListener(
    "pointerdown",
    (event) => {
      pointer = { x: event.clientX, y: event.clientY };
      seen(event);
    },
    { capture: true, passive: true },
  );
  document.addEventListener(
    "keydown",
    () => {
      pressed = null;
    },
    { capture: true, passive: true },
  );
  document.body.addEventListener("htmx:configRequest", (event) => {
    const { parameters, elt } = event.detail;
    if (pressed && parameters.seen !== undefined && elt.closest("[data-incident]")) parameters.seen = pressed.seen;
  });
  document.body.addEventListener("htmx:beforeSwap", remember);
  document.body.addEventListener("htmx:afterSettle", compare);
}
