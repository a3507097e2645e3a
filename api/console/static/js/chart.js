// The heart-rate chart: gaps stay gaps, nights are shaded, incidents are marked, wide views carry a min/max band.
import { now, word } from "./clock.js";

const { uPlot } = window;
const DAY_S = 86400;
const VIEWS = {
  day: { days: 1, bucket: "1m", step: 60 },
  week: { days: 7, bucket: "15m", step: 900 },
  month: { days: 30, bucket: "1h", step: 3600 },
};
const NIGHT = [22, 6];
const HEIGHT = 260;

const box = document.getElementById("heart-chart");
const over = document.getElementById("heart-over");
const { zone } = document.body.dataset;
const marks = JSON.parse(document.getElementById("heart-marks").textContent);
const local = new Intl.DateTimeFormat("en-GB", {
  timeZone: zone,
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
let chart = null;
let asked = 0;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// Rows of what was measured become columns of equal steps; where nothing was measured the line ends.
// Some bands measure every half hour: a gap is what is long for this band.
function columns(points, step) {
  const data = [[], [], [], []];
  const times = points.map((point) => Date.parse(point.ts) / 1000);
  const pauses = times
    .slice(1)
    .map((at, index) => at - times[index])
    .sort((a, b) => a - b);
  const longest = 2.5 * Math.max(step, pauses[Math.floor(pauses.length / 2)] ?? step);
  let before = null;
  for (const [index, point] of points.entries()) {
    const at = times[index];
    if (before !== null && at - before > longest) {
      data[0].push(before + step);
      for (const column of data.slice(1)) column.push(null);
    }
    data[0].push(at);
    data[1].push(point.avg);
    data[2].push(point.max);
    data[3].push(point.min);
    before = at;
  }
  return data;
}

function hourOf(seconds) {
  return Number(local.format(seconds * 1000).slice(0, 2));
}

// The nights between two moments, in the community's zone, found hour by hour so that changes of clocks do not matter.
function nights(from, to) {
  const found = [];
  const isNight = (at) => hourOf(at) >= NIGHT[0] || hourOf(at) < NIGHT[1];
  let start = null;
  for (let at = Math.floor(from / 3600) * 3600; at <= to; at += 3600) {
    if (isNight(at) && start === null) start = Math.max(at, from);
    if (!isNight(at) && start !== null) {
      found.push([start, at]);
      start = null;
    }
  }
  if (start !== null) found.push([start, to]);
  return found;
}

function drawNights(u) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.fillStyle = colour("night");
  for (const [from, to] of nights(u.scales.x.min, u.scales.x.max)) {
    const left = Math.max(u.valToPos(from, "x", true), bbox.left);
    const right = Math.min(u.valToPos(to, "x", true), bbox.left + bbox.width);
    if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

function drawMarks(u) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.font = `600 ${12 * devicePixelRatio}px ${getComputedStyle(document.body).fontFamily}`;
  for (const { at, label, severity } of marks) {
    const seconds = Date.parse(at) / 1000;
    if (seconds < u.scales.x.min || seconds > u.scales.x.max) continue;
    const x = u.valToPos(seconds, "x", true);
    ctx.strokeStyle = ctx.fillStyle = colour(`${severity}-ink`);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const right = x + ctx.measureText(label).width + 8 > bbox.left + bbox.width;
    ctx.textAlign = right ? "right" : "left";
    ctx.fillText(label, x + (right ? -6 : 6) * devicePixelRatio, bbox.top + 14 * devicePixelRatio);
  }
  ctx.restore();
}

function axisTime(_u, splits, _axis, _space, step) {
  const date = new Intl.DateTimeFormat(document.documentElement.lang, {
    timeZone: zone,
    month: "numeric",
    day: "numeric",
  });
  return splits.map((at) => (step >= DAY_S || local.format(at * 1000) === "00:00" ? date : local).format(at * 1000));
}

function legendTime(_u, at) {
  if (at === null) return "–";
  return new Intl.DateTimeFormat(document.documentElement.lang, {
    timeZone: zone,
    dateStyle: "medium",
    timeStyle: "short",
  }).format(at * 1000);
}

function options(from, to, wide) {
  const heart = colour("heart");
  const axis = {
    stroke: colour("muted"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { show: false },
    font: "12px sans-serif",
  };
  const value = (_u, bpm) => (bpm === null ? "–" : Math.round(bpm));
  const edge = { stroke: "transparent", points: { show: false }, value };
  return {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
    scales: {
      x: { time: true, range: (_u, low, high) => (low === null ? [from, to] : [low, high]) },
      y: { range: (_u, low, high) => [Math.min(40, (low ?? 60) - 5), Math.max(120, (high ?? 100) + 5)] },
    },
    axes: [
      { ...axis, values: axisTime, size: 28 },
      { ...axis, size: 44 },
    ],
    series: [
      { label: word("time"), value: legendTime },
      {
        label: word("bpm"),
        stroke: heart,
        width: 1.75,
        spanGaps: false,
        value,
        points: { show: (_u, _i, first, last) => last - first < 60, size: 3 },
      },
      ...(wide
        ? [
            { ...edge, label: word("max") },
            { ...edge, label: word("min") },
          ]
        : []),
    ],
    bands: wide ? [{ series: [2, 3], fill: `color-mix(in srgb, ${heart} 25%, transparent)` }] : [],
    cursor: { drag: { x: true, y: false } },
    hooks: { drawClear: [drawNights], draw: [drawMarks] },
  };
}

function say(text) {
  over.hidden = !text;
  over.querySelector("[data-text]").textContent = text;
}

async function load(view) {
  const turn = (asked += 1);
  const { days, bucket, step } = VIEWS[view];
  const to = Math.ceil(now() / 1000);
  const from = to - days * DAY_S;
  const query = new URLSearchParams({
    from: new Date(from * 1000).toISOString(),
    to: new Date(to * 1000).toISOString(),
    bucket,
  });
  say(word("loading"));
  try {
    const points = await pages(`${box.dataset.url}?${query}`);
    if (turn === asked) plot(view, from, to, points, step);
  } catch (error) {
    console.error(error);
    if (turn === asked) say(word("chart_error"));
  }
}

async function pages(url) {
  const points = [];
  let cursor = null;
  do {
    const answer = await fetch(cursor ? `${url}&cursor=${encodeURIComponent(cursor)}` : url, {
      headers: { Accept: "application/json" },
    });
    if (!answer.ok) throw new Error(`heart rate: ${answer.status}`);
    const page = await answer.json();
    points.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return points;
}

function plot(view, from, to, points, step) {
  const wide = view !== "day";
  chart?.destroy();
  const data = columns(points, step);
  chart = new uPlot(options(from, to, wide), wide ? data : data.slice(0, 2), box);
  box.dataset.wide = String(wide);
  chart.setScale("x", { min: from, max: to });
  box.dataset.points = String(points.length);
  box.dataset.gaps = String(data[0].length - points.length);
  say(points.length ? "" : word("chart_empty"));
}

let current = "day";
for (const button of document.querySelectorAll("[data-view]")) {
  button.addEventListener("click", () => {
    current = button.dataset.view;
    for (const other of document.querySelectorAll("[data-view]"))
      other.setAttribute("aria-pressed", String(other === button));
    load(current);
  });
}
new ResizeObserver(() => chart?.setSize({ width: box.clientWidth, height: HEIGHT })).observe(box);
new MutationObserver(() => load(current)).observe(document.documentElement, {
  attributes: true,
  attributeFilter: ["data-theme"],
});
load(current);
