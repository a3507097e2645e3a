// What a hand has pressed stays under it until the click is through. From pressing to letting go takes a tenth of a
// second, and a browser gives the click to nobody when something else lies there by then: whoever pressed "I go" would
// believe that it was said. So whatever moves the page waits for the click.
const LONGEST_MS = 2000; // whoever holds longer drags, or has let go outside the window
const CLICK_FOLLOWS_MS = 100; // on glass the click comes after the finger has left

const waiting = new Map(); // what is to be done, by what it changes: of several the last counts
let held = false;
let timer = 0;

function release() {
  held = false;
  const changes = [...waiting.values()];
  waiting.clear();
  for (const change of changes) change();
}

function releaseIn(ms) {
  clearTimeout(timer);
  timer = setTimeout(release, ms);
}

export function pressing() {
  return held;
}

export function afterClick(what, change) {
  if (held) waiting.set(what, change);
  else change();
}

export function startHand() {
  const early = { capture: true, passive: true };
  addEventListener(
    "pointerdown",
    () => {
      held = true;
      releaseIn(LONGEST_MS);
    },
    early,
  );
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => releaseIn(CLICK_FOLLOWS_MS), early);
}
