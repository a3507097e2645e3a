// Live by events: an event only says "look again", and the parts of the page that can change fetch themselves anew.
// Without the event stream the same parts are polled; when that fails too, the banner says so until it works again.
import { atWall, now } from "./clock.js";
import { word } from "./words.js";

const POLL_WITHOUT_STREAM_MS = 4000;
const POLL_AS_A_NET_MS = 30000;
const QUIET_TOO_LONG_MS = 25000; // the server says "ping" every 10 s
const LEAVING_MS = 2000;
const RETRY_MS = [1000, 2000, 4000, 8000];

let source = null;
let heardAt = 0;
let failures = 0;
let reaching = true;
let lastGood = now();
let settled = false;
let pending = 0;
let leaving = 0;

function show() {
  const open = source?.readyState === EventSource.OPEN;
  const state = !reaching ? "lost" : open ? "live" : settled ? "polling" : "connecting";
  const sign = document.getElementById("link-state");
  if (sign.dataset.state !== state) {
    sign.dataset.state = state;
    sign.querySelector("[data-text]").textContent = word(`link_${state}`);
  }
  const banner = document.getElementById("banner-lost");
  if (banner.hidden !== (state !== "lost")) {
    banner.hidden = state !== "lost";
    if (!banner.hidden) banner.querySelector("[data-text]").textContent = word("lost", { time: atWall(lastGood) });
  }
}

function look() {
  pending = 0;
  document.body.dispatchEvent(new CustomEvent("live:changed"));
}

function lookSoon() {
  // Several changes of one transaction arrive together; one look is enough for them.
  if (!pending) pending = setTimeout(look, 40);
}

function heard() {
  heardAt = performance.now();
}

function open() {
  source?.close();
  source = new EventSource(document.body.dataset.events);
  heard();
  source.addEventListener("open", () => {
    failures = 0;
    heard();
    lookSoon();
    show();
  });
  source.addEventListener("error", () => {
    settled = true;
    look();
    if (source.readyState === EventSource.CLOSED) again();
    show();
  });
  for (const name of ["message", "ping"]) source.addEventListener(name, heard);
  source.addEventListener("incident", () => {
    heard();
    lookSoon();
  });
}

function again() {
  const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];
  failures += 1;
  setTimeout(open, wait);
}

function watch() {
  const quiet = performance.now() - heardAt;
  if (source?.readyState === EventSource.OPEN && quiet > QUIET_TOO_LONG_MS) open();
  show();
}

// Whoever follows a link ends the requests under way; that is no lost connection. A link to a telephone stays here.
function leave() {
  clearTimeout(leaving);
  leaving = setTimeout(() => { leaving = 0; }, LEAVING_MS);
}

function reached(yes) {
  if (!yes && leaving) return;
  settled = settled || !yes;
  if (yes) lastGood = now();
  if (reaching === yes) return;
  reaching = yes;
  if (yes && source?.readyState === EventSource.CLOSED) open();
  show();
}

export function connect() {
  document.body.addEventListener("htmx:sendError", () => reached(false));
  document.body.addEventListener("htmx:timeout", () => reached(false));
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const { status } = event.detail.xhr;
    if (status === 401) location.reload();
    if (status) reached(![502, 503, 504].includes(status));
  });
  addEventListener("offline", () => reached(false));
  addEventListener("online", look);
  addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  addEventListener("beforeunload", leave);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
  setInterval(watch, 1000);
  setInterval(() => { if (source?.readyState !== EventSource.OPEN || !reaching) look(); }, POLL_WITHOUT_STREAM_MS);
  setInterval(look, POLL_AS_A_NET_MS);
}
