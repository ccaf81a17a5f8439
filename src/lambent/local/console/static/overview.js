// All invocations over time, as a small drawing above the list. The list has the same data for those who can't see it.

import { byId } from "./dom.js";
import { clock, isFailed } from "./format.js";

const canvas = byId("overview");
let drawn = [];
let span = [0, 1];
let start = null;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const total = (row) => (row.init_ms || 0) + (row.duration_ms || 0);
const label = (ms) => clock(ms).slice(0, 8);
const TOP = 20;

/** Draw invocations as bars: where they began, and how long they took on a logarithmic scale. */
export function drawOverview(rows, range, selected) {
  drawn = rows;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width) return;
  const ratio = devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.clearRect(0, 0, width, height);
  if (!rows.length) return;
  const newest = rows.reduce((most, row) => Math.max(most, row.ended_ms || row.started_ms), 0);
  const oldest = rows[rows.length - 1].started_ms;
  span = range || [oldest, Math.max(newest, oldest + 1000)];
  const base = height - 16;
  drawAxis(pen, width, base);
  const longest = rows.reduce((most, row) => Math.max(most, total(row)), 10);
  const size = (row) => Math.max(((base - TOP) * Math.log1p(total(row))) / Math.log1p(longest), 3);
  pen.globalAlpha = 0.85;
  for (const [kind, bars] of columns(rows, width, size)) {
    pen.fillStyle = colour(kind);
    for (const bar of bars.values()) pen.fillRect(bar.left, base - bar.tall, bar.wide, bar.tall);
  }
  pen.globalAlpha = 1;
  const chosen = rows.find((row) => row.id === selected);
  if (chosen) {
    pen.fillStyle = colour("text");
    pen.fillRect(toX(chosen.started_ms, width) - 1, Math.max(base - size(chosen) - 5, TOP - 3), Math.max(wideness(chosen, width), 4), 3);
  }
}

/** Return the bars by kind, failures last so that nothing hides them: one for each pixel, the longest invocation there. */
function columns(rows, width, size) {
  const kinds = new Map([["warm", new Map()], ["cold", new Map()], ["failed", new Map()]]);
  for (const row of rows) {
    const bars = kinds.get(isFailed(row) ? "failed" : row.init_ms === undefined ? "warm" : "cold");
    const left = Math.floor(toX(row.started_ms, width));
    const bar = { left, wide: wideness(row, width), tall: size(row) };
    if (!(bars.get(left)?.tall > bar.tall)) bars.set(left, bar);
  }
  return kinds;
}

const wideness = (row, width) => Math.max(toX(row.started_ms + total(row), width) - toX(row.started_ms, width), 2.5);

function drawAxis(pen, width, base) {
  pen.fillStyle = colour("line");
  pen.fillRect(0, base, width, 1);
  pen.fillStyle = colour("muted");
  pen.font = "11px system-ui, sans-serif";
  const count = Math.min(Math.max(Math.floor(width / 160), 1), Math.max(Math.floor((span[1] - span[0]) / 1000), 1));
  for (let number = 0; number <= count; number += 1) {
    const x = (width * number) / count;
    pen.textAlign = number === 0 ? "left" : number === count ? "right" : "center";
    pen.fillText(label(span[0] + ((span[1] - span[0]) * number) / count), x, base + 13);
  }
}

const toX = (ms, width) => ((ms - span[0]) / (span[1] - span[0])) * (width - 4) + 2;
const toTime = (x) => span[0] + ((x - 2) / (canvas.clientWidth - 4)) * (span[1] - span[0]);

/** A click chooses the nearest invocation, dragging limits the times. */
export function connectOverview({ choose, limit }) {
  canvas.addEventListener("pointerdown", (event) => {
    start = event.offsetX;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (start === null) return;
    const [from, to] = [start, event.offsetX].sort((left, right) => left - right);
    start = null;
    if (to - from > 6) {
      limit([toTime(from), toTime(to)]);
      return;
    }
    const nearest = drawn.reduce((best, row) => (distance(row, to) < distance(best, to) ? row : best), drawn[0]);
    if (nearest && distance(nearest, to) < 12) choose(nearest.id);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("resize")));
}

const distance = (row, x) => Math.abs(toX(row.started_ms, canvas.clientWidth) - x);
