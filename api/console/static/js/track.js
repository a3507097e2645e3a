// A resident's track of the last day: a line between good fixes, circles of accuracy, the newest with its age.
import { ago, atWall, now, word } from "./clock.js";
import { createMap, pin, text } from "./map.js";

const { L } = window;
const HOUR_MS = 3600e3;
const LONGEST_PAUSE_MS = HOUR_MS / 2;
const WORST_ACCURACY_M = 100;
// On a smaller map the label of the newest fix would lie over the buttons; it stands below the map in any case.
const LABEL_FROM_PX = 480;
const element = document.getElementById("track-map");
const over = document.getElementById("track-over");
const { map, point } = createMap(element);
const layer = L.featureGroup().addTo(map);

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function label(fix) {
  const at = Date.parse(fix.ts);
  const accuracy =
    fix.accuracy_m === null ? word("accuracy_unknown") : word("accuracy", { n: Math.round(fix.accuracy_m) });
  return `${atWall(at)} · ${ago(now() - at)} · ${accuracy}`;
}

// A line joins good fixes only, and not over a pause: where nothing was heard, nobody knows the way.
function legs(fixes) {
  const found = [];
  let before = -Infinity;
  for (const fix of fixes) {
    if (fix.accuracy_m > WORST_ACCURACY_M) continue;
    const at = Date.parse(fix.ts);
    if (at - before > LONGEST_PAUSE_MS) found.push([]);
    found.at(-1).push(fix);
    before = at;
  }
  return found;
}

function drawTrack(fixes) {
  const track = colour("track");
  const at = fixes.map((fix) => point(fix.lat, fix.lon));
  for (const leg of legs(fixes)) {
    L.polyline(
      leg.map((fix) => point(fix.lat, fix.lon)),
      { color: track, weight: 3, opacity: 0.6 },
    ).addTo(layer);
  }
  fixes.forEach((fix, index) => {
    const newest = index === fixes.length - 1;
    if (fix.accuracy_m)
      L.circle(at[index], {
        radius: fix.accuracy_m,
        color: track,
        weight: newest ? 2 : 0,
        fillOpacity: newest ? 0.12 : 0.04,
        interactive: false,
      }).addTo(layer);
    if (!newest)
      L.circleMarker(at[index], { radius: 3, color: track, weight: 1, fillOpacity: 0.7 })
        .bindTooltip(text(label(fix)))
        .addTo(layer);
  });
  const last = fixes.at(-1);
  const old = now() - Date.parse(last.ts) > HOUR_MS;
  L.marker(at.at(-1), { icon: pin(old ? "old" : "person", "watch", 28), keyboard: false })
    .bindTooltip(text(label(last)), {
      permanent: element.clientWidth >= LABEL_FROM_PX,
      direction: "top",
      offset: [0, -14],
    })
    .addTo(layer);
}

function drawHome() {
  const { homeLat, homeLon, homeLabel, radius } = element.dataset;
  if (!homeLat) return;
  const at = point(Number(homeLat), Number(homeLon));
  if (radius)
    L.circle(at, {
      radius: Number(radius),
      color: colour("line-strong"),
      weight: 1,
      dashArray: "4 6",
      fill: false,
      interactive: false,
    }).addTo(layer);
  L.marker(at, { icon: pin("home", "home", 26), keyboard: false })
    .bindTooltip(text(homeLabel))
    .addTo(layer);
}

async function load() {
  const to = new Date(now() + 1000);
  const query = new URLSearchParams({ from: new Date(to - 24 * HOUR_MS).toISOString(), to: to.toISOString() });
  const answer = await fetch(`${element.dataset.url}?${query}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`locations: ${answer.status}`);
  const { items } = await answer.json();
  return items.sort((a, b) => Date.parse(a.ts) - Date.parse(b.ts));
}

drawHome();
try {
  const fixes = await load();
  element.dataset.points = String(fixes.length);
  if (fixes.length) drawTrack(fixes);
  over.textContent = fixes.length ? label(fixes.at(-1)) : word("track_empty");
} catch (error) {
  console.error(error);
  over.textContent = word("track_error");
}
if (layer.getBounds().isValid()) map.fitBounds(layer.getBounds(), { padding: [24, 24], maxZoom: 17, animate: false });
