// Live by events: an event only says "look again", and the parts of the page that can change fetch themselves anew.
// All windows of a browser share one stream; without one the same parts are polled. A page that knows nothing new says
// so: within ten seconds of the last word, the banner shows from when the picture is.
import { atWall, now, word } from "./clock.js";
import { showBanner } from "./guard.js";
import { afterClick, pressing } from "./hand.js";

const POLL_WITHOUT_STREAM_MS = 4000;
const POLL_AS_A_NET_MS = 30000;
const QUIET_TOO_LONG_MS = 7000; // the stream has a pulse of 2.5 s
const READ_WITHIN_MS = 4000;
const LEAVING_MS = 2000;
const LOOK_AT_ONCE_MS = 40;
const LOOK_AGAIN_MS = 1000;
const PARTS = "[hx-trigger^='live:changed']";

let port = null;
let own = null; // a stream of this page's own, whose `stop` ends it once it has begun
let quietTimes = 0;
let heardAt = 0;
let fresh = false;
let away = false;
let reaching = true;
let lastGood = now();
let settled = false;
let pending = 0;
let lookedAt = -Infinity;
let leaving = 0;
const shownTags = new Map(); // by the id of a part: how it looked when it was put in

function show() {
  const state = away || !reaching ? "lost" : fresh ? "live" : settled ? "polling" : "connecting";
  const sign = document.getElementById("link-state");
  if (sign.dataset.state !== state) {
    sign.dataset.state = state;
    sign.querySelector("[data-text]").textContent = word(`link_${state}`);
  }
  const banner = document.getElementById("banner-lost");
  const lost = state === "lost";
  if (lost && banner.hidden) banner.querySelector("[data-text]").textContent = word("lost", { time: atWall(lastGood) });
  showBanner(banner, lost);
}

function look() {
  clearTimeout(pending);
  pending = 0;
  lookedAt = performance.now();
  afterClick(look, () => document.body.dispatchEvent(new CustomEvent("live:changed")));
}

function lookSoon() {
  // Several changes of one transaction arrive together, and one look is enough for them; so it is for a burst of them.
  if (pending) return;
  pending = setTimeout(look, Math.max(LOOK_AT_ONCE_MS, lookedAt + LOOK_AGAIN_MS - performance.now()));
}

function told({ kind, at }) {
  if (kind === "error") {
    settled = true;
    if (fresh) look();
    fresh = false;
  } else if (kind === "ends") {
    showEnd(at);
  } else if (kind === "renewed") {
    showEnd(null);
  } else {
    heardAt = performance.now();
    quietTimes = 0;
    const back = !fresh || (away && kind !== "away");
    away = kind === "away";
    fresh = !away;
    if (fresh && reaching) lastGood = now();
    if (kind === "incident" || (fresh && back)) lookSoon();
  }
  show();
}

function showEnd(at) {
  const banner = document.getElementById("banner-session");
  if (at !== null)
    banner.querySelector("[data-text]").textContent = word("session_ends", { time: atWall(Date.parse(at)) });
  showBanner(banner, at !== null);
}

function join() {
  const { events, renew, worker, person } = document.body.dataset;
  heardAt = performance.now();
  endOwn();
  // A worker that stays silent though the service answers is given up: then the page follows by itself.
  if (window.SharedWorker && quietTimes < 2) {
    port?.postMessage({ kind: "leave" });
    const shared = new SharedWorker(worker, { type: "module", name: `live of ${person}` });
    shared.addEventListener("error", () => {
      quietTimes = 2;
    });
    ({ port } = shared);
    port.addEventListener("message", ({ data }) => told(data));
    port.start();
    port.postMessage({ kind: "join", events, renew });
  } else if (!document.hidden) {
    followAlone({ events, renew });
  }
}

// Most browsers have the worker, and no need of this script.
function followAlone(addresses) {
  const stream = { stop: null };
  own = stream;
  import("./stream.js").then(({ follow }) => {
    if (own === stream) stream.stop = follow(addresses, told);
  });
}

function endOwn() {
  own?.stop?.();
  own = null;
}

function part() {
  port?.postMessage({ kind: "leave" });
  endOwn();
}

function watch() {
  if (performance.now() - heardAt > QUIET_TOO_LONG_MS) {
    if (fresh || !settled) reaching = false; // until a look succeeds
    settled = true;
    fresh = false;
    quietTimes += 1;
    join();
    look();
  }
  show();
}

// Whoever follows a link ends the requests under way; that is no lost connection. A link to a telephone stays here.
function leave() {
  clearTimeout(leaving);
  leaving = setTimeout(() => {
    leaving = 0;
  }, LEAVING_MS);
}

function reached(yes) {
  if (!yes && leaving) return;
  settled = settled || !yes;
  if (yes) lastGood = now();
  reaching = yes;
  show();
}

export function connect() {
  document.body.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.verb !== "get") return;
    detail.timeout = READ_WITHIN_MS;
    const tag = detail.elt.matches(PARTS) && shownTags.get(detail.elt.id);
    if (tag) detail.headers["If-None-Match"] = tag;
  });
  document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.xhr.status === 304) detail.shouldSwap = false; // it looks as it is shown
  });
  // What had been asked for before the hand came down is asked for again when it has let go.
  document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (!pressing() || !detail.target.matches(PARTS) || detail.requestConfig.verb !== "get") return;
    detail.shouldSwap = false;
    afterClick(look, look);
  });
  // Only what has been put in is known: a swap that waited for the hand is asked for again as a whole.
  document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
    const tag = detail.xhr.getResponseHeader("ETag");
    if (tag && detail.target.matches(PARTS)) shownTags.set(detail.target.id, tag);
  });
  document.body.addEventListener("htmx:sendError", () => reached(false));
  document.body.addEventListener("htmx:timeout", () => reached(false));
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const { status } = event.detail.xhr;
    if (status === 401 && !leaving) location.reload();
    if (status) reached(![502, 503, 504].includes(status));
  });
  addEventListener("offline", () => reached(false));
  addEventListener("online", look);
  addEventListener("visibilitychange", () => {
    if (document.hidden) {
      endOwn();
    } else {
      if (!fresh) join();
      look();
    }
  });
  addEventListener("beforeunload", leave);
  addEventListener("pagehide", part);
  addEventListener("pageshow", (event) => {
    if (event.persisted) join();
  });
  join();
  setInterval(watch, 1000);
  setInterval(() => {
    if (!fresh || !reaching) look();
  }, POLL_WITHOUT_STREAM_MS);
  setInterval(look, POLL_AS_A_NET_MS);
}
