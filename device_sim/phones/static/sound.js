// The ringtone, made here so that nothing has to be loaded, and the reading voice of the browser.

const NOTES = [
  [784, 0],
  [988, 0.16],
  [784, 0.32],
  [988, 0.48],
  [784, 0.64],
  [988, 0.8],
];
const EVERY_MS = 2600;

export class Ringer {
  // `blocked` is the element that says that the browser allows no sound before a tap.
  constructor(blocked) {
    this.blocked = blocked;
    this.muted = false;
    this.timer = null;
    const Context = window.AudioContext ?? window.webkitAudioContext;
    this.audio = Context ? new Context() : null;
    this.show();
    const wake = () => this.wake();
    // Not at the press: the notice would vanish under the finger, and the release would hit something else.
    document.addEventListener("click", wake);
    document.addEventListener("keydown", wake);
    this.audio?.addEventListener("statechange", () => this.show());
  }

  async wake() {
    if (this.audio?.state === "suspended") await this.audio.resume();
    this.show();
  }

  show() {
    this.blocked.hidden = this.muted || this.audio?.state === "running";
  }

  mute(muted) {
    this.muted = muted;
    this.show();
  }

  ring(on) {
    if (on && this.timer === null) {
      this.play();
      this.timer = setInterval(() => this.play(), EVERY_MS);
    } else if (!on && this.timer !== null) {
      clearInterval(this.timer);
      this.timer = null;
    }
  }

  play() {
    if (this.muted || this.audio?.state !== "running") return;
    navigator.vibrate?.([300, 150, 300]);
    for (const [hertz, at] of NOTES) {
      const start = this.audio.currentTime + at;
      const tone = new OscillatorNode(this.audio, { type: "triangle", frequency: hertz });
      const loudness = new GainNode(this.audio, { gain: 0 });
      loudness.gain.setValueAtTime(0, start);
      loudness.gain.linearRampToValueAtTime(0.22, start + 0.02);
      loudness.gain.exponentialRampToValueAtTime(0.001, start + 0.15);
      tone.connect(loudness).connect(this.audio.destination);
      tone.start(start);
      tone.stop(start + 0.16);
    }
  }
}

export function speak(text) {
  if (!("speechSynthesis" in window)) return;
  const voice = new SpeechSynthesisUtterance(text);
  voice.lang = /[\u3400-\u9fff]/.test(text) ? "zh-CN" : "en-GB";
  speechSynthesis.speak(voice);
}
