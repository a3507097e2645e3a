// One stream of events, followed for good: what it says is told as messages, and silence is said as well. Used by the
// worker that all windows of a browser share (a browser opens six connections to one host, and a stream keeps one for
// itself), and by a page where there is no such worker.
const QUIET_MS = 7000; // a pulse comes every 2.5 s
const RETRY_MS = [1000, 2000, 4000];

export function follow({ events, renew }, tell) {
  let source = null;
  let heardAt = 0;
  let failures = 0;
  let waiting = 0;
  let renewing = false;

  function heard(message) {
    heardAt = performance.now();
    failures = 0;
    tell(message);
  }

  function open() {
    source?.close();
    clearTimeout(waiting);
    waiting = 0;
    heardAt = performance.now();
    source = new EventSource(events);
    source.addEventListener("open", () => heard({ kind: "open" }));
    source.addEventListener("ping", () => heard({ kind: "ping" }));
    source.addEventListener("incident", () => heard({ kind: "incident" }));
    source.addEventListener("away", () => heard({ kind: "away" }));
    source.addEventListener("session", ({ data }) => prolong(JSON.parse(data)));
    source.addEventListener("error", () => {
      tell({ kind: "error" });
      if (source.readyState === EventSource.CLOSED) again();
    });
  }

  function again() {
    source?.close();
    if (waiting) return;
    waiting = setTimeout(open, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
    failures += 1;
  }

  // The session of a board that is in use begins anew before it ends; where that fails, the page says when it will.
  async function prolong({ ends_at: endsAt, renews }) {
    if (renewing) return;
    renewing = true;
    try {
      const answer = renews ? await fetch(renew, { method: "POST", credentials: "same-origin" }) : null;
      if (answer?.ok || answer?.status === 409) {
        tell({ kind: "renewed" });
        open();
      } else tell({ kind: "ends", at: endsAt });
    } catch {
      tell({ kind: "ends", at: endsAt });
    } finally {
      renewing = false;
    }
  }

  function watch() {
    if (waiting || performance.now() - heardAt <= QUIET_MS) return;
    tell({ kind: "error" });
    again();
  }

  open();
  const watching = setInterval(watch, 1000);
  return () => {
    clearInterval(watching);
    clearTimeout(waiting);
    source.close();
  };
}
