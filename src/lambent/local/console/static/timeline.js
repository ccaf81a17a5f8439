// The list of invocations. Only the rows that can be seen are in the document, so that 10,000 are no more work than 50.

import { find, on, state } from "./data.js";
import { closeDetails, focusDetails, showDetails } from "./details.js";
import { byId, element, visible } from "./dom.js";
import { clock, duration, isFailed, outcome, subject } from "./format.js";
import { connectOverview, drawOverview } from "./overview.js";

const ROW = 28;
const MARGIN = 8;

const grid = byId("grid");
const rows = byId("rows");
let shown = [];
let selected = 0;
let range = null;
let awaited = "";
let longest = 1;
let scheduled = false;
let paused = 0;
let drawn = "";

function matches(row, filters) {
  if (paused && row.id > paused) return false;
  if (filters.function && row.function !== filters.function) return false;
  if (filters.state === "errors" && !isFailed(row)) return false;
  if (filters.state === "cold" && row.init_ms === undefined) return false;
  if (filters.state === "running" && row.ended_ms) return false;
  if (row.started_ms < filters.since) return false;
  if (range && (row.started_ms < range[0] || row.started_ms > range[1])) return false;
  if (!filters.text) return true;
  return `${subject(row)} ${row.function}:${row.version} ${row.alias || ""} ${row.request_id} ${row.error || ""} ${outcome(row)}`
    .toLowerCase()
    .includes(filters.text);
}

function readFilters() {
  const seconds = Number(byId("filter-since").value);
  return {
    function: byId("filter-function").value,
    state: byId("filter-state").value,
    since: seconds ? Date.now() - seconds * 1000 : 0,
    text: byId("filter-text").value.trim().toLowerCase(),
  };
}

/** Filter again, and keep the rows that are being read where they are. */
function refresh() {
  scheduled = false;
  const filters = readFilters();
  const anchor = grid.scrollTop > ROW ? shown[Math.floor(grid.scrollTop / ROW)] : undefined;
  const offset = grid.scrollTop % ROW;
  shown = state.invocations.filter((row) => matches(row, filters)).reverse();
  longest = shown.reduce((most, row) => Math.max(most, total(row)), 1);
  rows.style.height = `${shown.length * ROW}px`;
  if (anchor) {
    const index = shown.findIndex((row) => row.id === anchor.id);
    if (index >= 0) grid.scrollTop = index * ROW + offset;
  }
  grid.setAttribute("aria-rowcount", String(shown.length + 1));
  const newer = paused ? state.invocations.length - 1 - state.invocations.findLastIndex((row) => row.id <= paused) : 0;
  byId("count").textContent = newer ? `${newer.toLocaleString("en")} new` : `${shown.length.toLocaleString("en")} of ${state.invocations.length.toLocaleString("en")}`;
  const empty = byId("empty");
  empty.hidden = shown.length > 0;
  empty.textContent = state.invocations.length ? "No invocation matches." : "No invocations yet. Send a request to a function's URL, or use lambent invoke.";
  byId("clear-range").hidden = range === null;
  render();
  drawOverview(shown, range, selected);
}

function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(refresh);
}

const total = (row) => (row.init_ms || 0) + (row.ended_ms ? row.duration_ms || 0 : Date.now() - row.started_ms);

function render() {
  const first = Math.max(Math.floor(grid.scrollTop / ROW) - MARGIN, 0);
  const last = Math.min(first + Math.ceil(grid.clientHeight / ROW) + 2 * MARGIN, shown.length);
  const key = JSON.stringify([first, last, selected, longest, shown.slice(first, last).map((row) => [row.id, row.ended_ms || Date.now()])]);
  if (key === drawn) return; // what is being clicked, selected or read stays there
  drawn = key;
  rows.replaceChildren(...shown.slice(first, last).map((row, index) => rowElement(row, first + index)));
  const isRendered = shown.slice(first, last).some((row) => row.id === selected);
  if (isRendered) grid.setAttribute("aria-activedescendant", `row-${selected}`);
  else grid.removeAttribute("aria-activedescendant");
}

function rowElement(row, index) {
  const failed = isFailed(row);
  const running = !row.ended_ms;
  const node = element(
    "div",
    {
      role: "row",
      id: `row-${row.id}`,
      class: `row${failed ? " failed" : row.status >= 400 ? " refused" : ""}${running ? " running" : ""}`,
      "aria-rowindex": String(index + 2),
      "aria-selected": String(row.id === selected),
    },
    cell("time", clock(row.started_ms)),
    cell("status", outcome(row)),
    cell("subject", visible(subject(row)), row.replay_of ? element("b", { class: "tag" }, "replay") : null),
    cell("function", `${row.function}:${row.version}`),
    cell("duration", running ? "…" : row.state === "refused" ? "" : duration(row.duration_ms || 0), bar(row)),
    cell("memory", row.used_mb ? `${row.used_mb} MB` : "", row.init_ms === undefined ? null : element("b", { class: "tag cold" }, `cold ${duration(row.init_ms)}`)),
  );
  node.style.top = `${index * ROW}px`;
  return node;
}

function cell(name, text, ...extra) {
  return element("span", { role: "gridcell", class: name }, element("span", { class: "text" }, text), ...extra);
}

/** A bar of the time it took, the init phase of a cold start first. It repeats the numbers next to it. */
function bar(row) {
  const init = element("i", { class: "cold" });
  const run = element("i", { class: isFailed(row) ? "failed" : "warm" });
  const width = (ms) => `${(100 * Math.log1p(ms)) / Math.log1p(longest)}%`;
  const whole = width(total(row));
  init.style.width = row.init_ms ? `calc(${whole} * ${row.init_ms / total(row)})` : "0";
  run.style.width = row.init_ms ? `calc(${whole} * ${1 - row.init_ms / total(row)})` : whole;
  return element("span", { class: "bar", "aria-hidden": "true" }, init, run);
}

function choose(id) {
  location.hash = `#/invocations/${id}`;
}

/** Select an invocation and show its details. 0 selects none. */
export function selectInvocation(id) {
  selected = id;
  if (id) {
    showDetails(id, { close: () => choose(""), replayed: (requestId) => (awaited = requestId) });
    reveal(id);
  } else closeDetails();
  byId("split").classList.toggle("open", Boolean(id));
  schedule();
}

function reveal(id) {
  const index = shown.findIndex((row) => row.id === id);
  if (index < 0) return;
  const height = grid.clientHeight - ROW;
  if (index * ROW < grid.scrollTop) grid.scrollTop = index * ROW;
  else if ((index + 1) * ROW > grid.scrollTop + height) grid.scrollTop = (index + 1) * ROW - height;
}

export function resizeTimeline() {
  schedule();
}

// Not "click": the rows may have moved before the button is released.
rows.addEventListener("mousedown", (event) => {
  const row = shown[Math.floor((event.clientY - rows.getBoundingClientRect().top) / ROW)];
  if (row && event.button === 0) choose(row.id);
});
byId("pause").addEventListener("click", () => {
  paused = paused ? 0 : state.invocations.at(-1)?.id ?? 0;
  byId("pause").setAttribute("aria-pressed", String(paused > 0));
  schedule();
});
grid.addEventListener("scroll", render, { passive: true });
grid.addEventListener("keydown", (event) => {
  const page = Math.max(Math.floor(grid.clientHeight / ROW) - 2, 1);
  const current = shown.findIndex((row) => row.id === selected);
  const steps = { ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + page, PageUp: current - page, Home: 0, End: shown.length - 1 };
  if (event.key === "Enter" && selected) focusDetails();
  else if (event.key === "Escape") choose("");
  else if (event.key in steps && shown.length) choose(shown[Math.min(Math.max(steps[event.key], 0), shown.length - 1)].id);
  else return;
  event.preventDefault();
});
byId("filters").addEventListener("input", schedule);
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("clear-range").addEventListener("click", () => {
  range = null;
  schedule();
});
connectOverview({
  choose,
  limit: (times) => {
    range = times;
    schedule();
  },
});
addEventListener("resize", schedule);

on("invocations", (changed) => {
  const replayed = awaited && changed.find((row) => row.request_id === awaited);
  if (replayed) {
    awaited = "";
    if (paused) byId("pause").click();
    choose(replayed.id);
  }
  const current = changed.find((row) => row.id === selected);
  if (current) showDetails(selected);
  schedule();
});
on("functions", () => {
  const select = byId("filter-function");
  const names = [...new Set([...state.functions.map((each) => each.name), ...state.invocations.map((row) => row.function)])].sort();
  const value = select.value;
  select.replaceChildren(element("option", { value: "" }, "all"), ...names.map((name) => element("option", { value: name }, name)));
  select.value = names.includes(value) ? value : "";
});
setInterval(() => {
  if (!byId("view-invocations").hidden && (byId("filter-since").value !== "0" || state.invocations.some((row) => !row.ended_ms))) schedule();
}, 1000);

/** Show only one function, from another view. */
export function showOnly(name) {
  byId("filter-function").value = name;
  choose(find(selected)?.function === name ? selected : "");
}
