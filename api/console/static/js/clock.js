// The server's clock, which replay may run at another speed than the wall's, every text that depends on it, and the few
// texts that scripts say, in the page's language, from the catalogue on the server.
const { zone, locale } = document.body.dataset;
const wall = new Intl.DateTimeFormat("en-GB", {
  timeZone: zone,
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
// The same words as on the server (`times.py`), where Babel has them from the same source.
const relative = new Intl.RelativeTimeFormat(locale, { style: "short" });
const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const texts = JSON.parse(document.getElementById("words").textContent);
let origin = Date.now();
let speed = 1;
let heardAt = performance.now();

export function word(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function now() {
  return origin + (performance.now() - heardAt) * speed;
}

export function atWall(ms) {
  return wall.format(ms);
}

function listen(element) {
  origin = Date.parse(element.dataset.now);
  speed = Number(element.dataset.speed);
  heardAt = performance.now();
}

function running(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}

export function ago(ms) {
  const seconds = Math.floor(ms / 1000);
  const found = UNITS.find(([, size]) => seconds >= size);
  if (!found) return word("just_now");
  const [unit, size] = found;
  const parts = relative.formatToParts(-Math.floor(seconds / size), unit);
  // 1000 days, not 1,000: as the server writes it.
  return parts.map(({ type, value }) => (type === "group" ? "" : value)).join("");
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tick() {
  const moment = now();
  for (const element of document.querySelectorAll("[data-running]")) {
    put(element, running(moment - Date.parse(element.dataset.running)));
  }
  for (const element of document.querySelectorAll("time[data-ago]")) {
    put(element, ago(moment - Date.parse(element.dateTime)));
  }
  for (const element of document.querySelectorAll("time[data-exact]")) {
    const title = `${element.dataset.exact} · ${ago(moment - Date.parse(element.dateTime))}`;
    if (element.title !== title) element.title = title;
  }
  for (const element of document.querySelectorAll("[data-wall]")) put(element, wall.format(moment));
}

export function startClock() {
  listen(document.body);
  tick();
  setInterval(tick, 1000);
  document.body.addEventListener("htmx:afterSettle", (event) => {
    const element = event.detail.elt.closest?.("[data-now]");
    if (element && element !== document.body) listen(element);
    tick();
  });
}
