// The siren: two tones while an SOS waits for somebody, one while something urgent does. It says when the browser
// blocks sound, and is silenced per incident: another press or another round of the ladder sounds it again.
import { showBanner } from "./guard.js";

const STORE = "eldercare-silenced";
const TONES = { sos: [880, 660], urgent: [587, 0] };
const BEAT_S = 0.45;
const LOUDNESS = 0.25;

const { title } = document;
let context = null;
let timer = 0;
let playing = "";
let beat = 0;

function silenced() {
  try {
    return new Set(JSON.parse(localStorage.getItem(STORE) ?? "[]"));
  } catch {
    return new Set();
  }
}

function alarms() {
  return [...document.querySelectorAll("#alarms [data-alarm]")].map((element) => element.dataset);
}

function tone(frequency) {
  if (!frequency || context.state !== "running") return;
  const wave = context.createOscillator();
  const gain = context.createGain();
  const start = context.currentTime;
  wave.type = "triangle";
  wave.frequency.value = frequency;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
  gain.gain.setValueAtTime(LOUDNESS, start + BEAT_S - 0.05);
  gain.gain.linearRampToValueAtTime(0, start + BEAT_S);
  wave.connect(gain).connect(context.destination);
  wave.start(start);
  wave.stop(start + BEAT_S);
}

function sound(severity) {
  tone(TONES[severity][beat % 2]);
  beat += 1;
}

function play(severity) {
  if (severity === playing) return;
  playing = severity;
  clearInterval(timer);
  if (!severity) return;
  sound(severity);
  timer = setInterval(sound, BEAT_S * 1000, severity);
}

function update() {
  const quiet = silenced();
  const waiting = alarms();
  const loud = waiting.filter((alarm) => !quiet.has(alarm.alarm));
  const severity = loud.some((alarm) => alarm.severity === "sos") ? "sos" : "urgent";
  const blocked = context.state !== "running";
  play(loud.length && !blocked ? severity : "");
  document.title = waiting.length ? `(${waiting.length}) ${title}` : title;
  document.body.dataset.siren = loud.length ? (blocked ? "blocked" : "sounding") : "silent";
  showBanner(document.getElementById("banner-siren"), blocked);
  for (const button of document.querySelectorAll("[data-mute]")) {
    button.setAttribute("aria-pressed", String(quiet.has(button.dataset.mute)));
  }
}

function toggleMute(key) {
  const quiet = silenced();
  if (!quiet.delete(key)) quiet.add(key);
  localStorage.setItem(STORE, JSON.stringify([...quiet].slice(-200)));
  update();
}

async function unlock() {
  if (context.state === "running") return;
  await context.resume();
  update();
}

function startSiren() {
  context = new AudioContext();
  context.addEventListener("statechange", update);
  for (const gesture of ["pointerdown", "keydown"]) document.addEventListener(gesture, unlock);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-mute]");
    if (button) toggleMute(button.dataset.mute);
  });
  document.body.addEventListener("htmx:afterSettle", update);
  addEventListener("storage", (event) => {
    if (event.key === STORE) update();
  });
  update();
}

startSiren();
