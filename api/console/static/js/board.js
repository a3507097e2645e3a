// The duty board: the map drawn from the tiles and cards, search and filter, and the keyboard.
import { createMap, markers, pin } from "./map.js";
import { toggleMute } from "./siren.js";

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
      wanted.set(`person-${dataset.resident}`, { at, icon, label: `${label} · ${dataset.positionAge}`, href, z: 200 });
    }
  }
  for (const { dataset } of document.querySelectorAll("#incidents [data-incident]")) {
    const lat = number(dataset, "lat") ?? number(dataset, "homeLat");
    const lon = number(dataset, "lon") ?? number(dataset, "homeLon");
    if (lat === null || !LEVELS[dataset.severity]) continue;
    const icon = pin(dataset.severity, dataset.icon, 34);
    const z = 500 * LEVELS[dataset.severity];
    wanted.set(`incident-${dataset.incident}`, { at: point(lat, lon), icon, label: dataset.label, href: `/incidents/${dataset.incident}`, z });
  }
  return wanted;
}

function redraw() {
  const wanted = wantedMarkers();
  draw(wanted);
  // Fit again only when an incident came or went: a map that moves by itself is a map nobody can use.
  const incidents = [...wanted.keys()].filter((key) => key.startsWith("incident-")).join();
  if (wanted.size && fitted !== `has ${incidents}`) {
    map.fitBounds([...wanted.values()].map(({ at }) => at), { padding: [28, 28], maxZoom: 16, animate: false });
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

function selected() {
  return document.activeElement?.closest?.("[data-incident]") ?? null;
}

function move(step) {
  const all = cards();
  if (!all.length) return;
  const at = all.indexOf(selected());
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
  all[next].focus();
  all[next].scrollIntoView({ block: "nearest" });
}

function act(key) {
  // Without a selection the keys mean the first card, the gravest one.
  const card = selected() ?? cards()[0];
  const control = card?.querySelector(`[data-key="${key}"]`);
  if (!control) return false;
  card.focus();
  control.click();
  return true;
}

const keys = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  o: () => selected()?.querySelector("a[data-page]")?.click(),
  m: () => {
    const mute = (selected() ?? cards()[0])?.querySelector("[data-mute]");
    if (mute) toggleMute(mute.dataset.mute);
  },
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
  } else if (/^[a-z0-9]$/.test(event.key) && act(event.key)) {
    event.preventDefault();
  }
});

let lastCard = null;
document.addEventListener("focusin", (event) => {
  lastCard = event.target.closest("[data-incident]")?.id ?? null;
});

document.body.addEventListener("htmx:afterSettle", () => {
  redraw();
  filter();
  // The button that was pressed is gone with the state it belonged to; the keyboard goes on from its card.
  if (lastCard && document.activeElement === document.body) document.getElementById(lastCard)?.focus({ preventScroll: true });
});
redraw();
filter();
