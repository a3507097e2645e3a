// The duty board: the map drawn from the tiles and cards, search and filter, and the keyboard.
import { ago, now } from "./clock.js";
import { createMap, markers, pin } from "./map.js";

const LEVELS = { sos: 4, urgent: 3, warning: 2 };
const element = document.getElementById("board-map");
const { map, point } = createMap(element);
const draw = markers(map);
let fitted = "";

function number(data, name) {
  return data[name] ? Number(data[name]) : null;
}

function wantedMarkers() {
  const wanted = new Map();
  for (const { dataset } of document.querySelectorAll("#tiles [data-resident]")) {
    const label = dataset.name;
    const href = `/residents/${dataset.resident}`;
    if (dataset.homeLat) {
      const at = point(number(dataset, "homeLat"), number(dataset, "homeLon"));
      wanted.set(`home-${dataset.resident}`, { at, icon: pin("home", "home", 20), label, href, z: 0 });
    }
    if (dataset.lat && dataset.away === "true") {
      const at = point(number(dataset, "lat"), number(dataset, "lon"));
      const icon = dataset.old === "true" ? pin("old", "watch", 22) : pin("person", "watch", 22);
      wanted.set(`person-${dataset.resident}`, {
        at,
        icon,
        label: `${label} · ${ago(now() - Date.parse(dataset.positionAt))}`,
        href,
        z: 200,
      });
    }
  }
  for (const { dataset } of document.querySelectorAll("#incidents [data-incident]")) {
    const lat = number(dataset, "lat") ?? number(dataset, "homeLat");
    const lon = number(dataset, "lon") ?? number(dataset, "homeLon");
    if (lat === null || !LEVELS[dataset.severity]) continue;
    const icon = pin(dataset.severity, dataset.icon, 34);
    const z = 500 * LEVELS[dataset.severity];
    wanted.set(`incident-${dataset.incident}`, {
      at: point(lat, lon),
      icon,
      label: dataset.label,
      href: `/incidents/${dataset.incident}`,
      z,
    });
  }
  return wanted;
}

function redraw() {
  const wanted = wantedMarkers();
  draw(wanted);
  // Fit again only when an incident came or went: a map that moves by itself is a map nobody can use.
  const incidents = [...wanted.keys()].filter((key) => key.startsWith("incident-")).join();
  if (wanted.size && fitted !== `has ${incidents}`) {
    map.fitBounds(
      [...wanted.values()].map(({ at }) => at),
      { padding: [28, 28], maxZoom: 16, animate: false },
    );
    fitted = `has ${incidents}`;
  }
}

const search = document.getElementById("tile-search");

function filter() {
  const text = search.value.trim().toLowerCase();
  const level = document.querySelector("[data-filter][aria-pressed=true]").dataset.filter;
  let shown = 0;
  for (const tile of document.querySelectorAll("#tiles [data-resident]")) {
    const fits = (!text || tile.dataset.search.includes(text)) && (level === "all" || tile.dataset.level !== "ok");
    tile.hidden = !fits;
    shown += fits;
  }
  const none = document.getElementById("tiles-none");
  if (none) none.hidden = shown > 0;
}

search.addEventListener("input", filter);
for (const button of document.querySelectorAll("[data-filter]")) {
  button.addEventListener("click", () => {
    for (const other of document.querySelectorAll("[data-filter]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    filter();
  });
}

const cards = () => [...document.querySelectorAll("#incidents [data-incident]")];

// A pressed button is disabled, and gone with the state it belonged to: the focus falls to the page until it is put back.
// The selection outlasts that by the card's id, or the next key would begin again at the first card, somebody else's.
let lastCard = null;

function selected() {
  const { activeElement } = document;
  if (activeElement && activeElement !== document.body) return activeElement.closest("[data-incident]");
  return lastCard && document.getElementById(lastCard);
}

function remember(event) {
  lastCard = event.target.closest("[data-incident]")?.id ?? null;
}
document.addEventListener("focusin", remember);
document.addEventListener("pointerdown", remember); // beside all cards it selects none, and focuses nothing

function putBack() {
  if (lastCard && !document.getElementById(lastCard)) lastCard = null; // should it come back, it is not selected
  if (document.activeElement === document.body) selected()?.focus({ preventScroll: true });
}

function move(step) {
  const all = cards();
  if (!all.length) return;
  const at = all.indexOf(selected());
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
  select(all[next]);
}

function select(card) {
  card.focus();
  card.scrollIntoView({ block: "nearest" });
}

function inView(card) {
  const { top, bottom } = card.getBoundingClientRect();
  return bottom > 120 && top < innerHeight - 120;
}

function act(key) {
  const card = selected();
  const control = card?.querySelector(`[data-key="${key}"]`);
  // What is out of view is shown first, or for a key that it does not know is no longer meant: with somebody else's
  // card before the eyes nothing is done to this one.
  if (card && inView(card)) {
    control?.click();
    return Boolean(control);
  }
  if (control) {
    card.scrollIntoView({ block: "center" });
    return true;
  }
  // Without a selection a key only selects: the first card may have become another's since it was looked at.
  const [first] = cards();
  if (!first?.querySelector(`[data-key="${key}"]`)) return false;
  select(first);
  return true;
}

const keys = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  o: () => selected()?.querySelector("a[data-page]")?.click(),
  "/": () => search.focus(),
  n: () => document.getElementById("new-incident").click(),
  "?": () => document.getElementById("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.target.closest("input, textarea, select, .leaflet-container")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key in keys) {
    keys[event.key]();
    event.preventDefault();
  } else if (!event.repeat && /^[a-z0-9+]$/.test(event.key) && act(event.key)) {
    event.preventDefault();
  }
});

document.body.addEventListener("htmx:afterSettle", () => {
  redraw();
  filter();
  putBack();
});
document.body.addEventListener("htmx:afterRequest", putBack); // refused or lost, it draws nothing anew
redraw();
filter();
