// What a version's start imports, and how long that takes: a flame graph, and the slowest modules as a table.

import { request, versionKey } from "./data.js";
import { breadcrumbs, byId, element, table, visible } from "./dom.js";
import { percent } from "./format.js";
import { findVersion, hue, nothingDeployed, versionPicker } from "./version_picker.js";

const view = byId("view-imports");
const ROW = 20;
const NARROWEST = 0.0012;
const DEEPEST = 60;
const TABLE_ROWS = 40;

const measured = new Map();
let shown = "";
let focus = [];

const time = (us) => (us >= 100000 ? `${(us / 1000000).toFixed(2)} s` : us >= 1000 ? `${(us / 1000).toFixed(1)} ms` : `${us} µs`);

export function showImports(key) {
  const version = findVersion(key);
  if (!version) {
    view.replaceChildren(...nothingDeployed("Imports"));
    return;
  }
  const identity = `${versionKey(version)} ${version.code_sha256}`;
  if (identity !== shown) focus = [];
  shown = identity;
  build(version, identity);
}

function build(version, identity) {
  const result = measured.get(identity);
  const start = element("button", { type: "button", class: "primary", id: "measure", on: { click: () => measure(version, identity) } }, result ? "Measure again" : "Measure imports");
  const status = element("span", { role: "status", id: "imports-status", class: "muted" });
  if (result) status.textContent = `${result.imports.modules.toLocaleString("en")} modules in ${time(result.imports.total_us)}`;
  const parts = [versionPicker("imports", "Imports", version, start, status)];
  if (!result) parts.push(element("p", { class: "muted prose" }, "Starts this version once more, in an environment of its own that gets no request, with Python's -X importtime."));
  else {
    if (!result.succeeded) parts.push(element("p", { class: "why" }, "The start failed. These are the imports up to there; its log is in the first invocation's."));
    parts.push(...flame(result.imports, version, identity), slowestTable(result.imports));
  }
  view.replaceChildren(...parts);
}

async function measure(version, identity) {
  const button = byId("measure");
  const status = byId("imports-status");
  button.disabled = true;
  status.textContent = "starting it …";
  try {
    measured.set(identity, await request(`imports/${versionKey(version)}`, {}));
    if (shown !== identity) return;
    focus = [];
    build(version, identity);
    byId("measure").focus();
  } catch (error) {
    if (shown === identity) status.textContent = visible(error.message);
    button.disabled = false;
  }
}

/** Return the flame graph, the first import at the top, and the way back from the module that fills its width. */
function flame(tree, version, identity) {
  const root = focus.at(-1) ?? tree;
  const crumbs = breadcrumbs("Module", "›", [tree, ...focus].map((node) => node.name), (index) => zoom(focus.slice(0, index)));
  const graph = element("div", { class: "flame", role: "img", "aria-label": `Flame graph of ${root.name}. The table below has the slowest modules.` });
  const zoom = (to) => {
    focus = to;
    build(version, identity);
  };
  const total = root.total_us || 1;
  let deepest = 0;
  const add = (node, left, depth, trail) => {
    const width = node.total_us / total;
    if (width < NARROWEST || depth > DEEPEST) return;
    deepest = Math.max(deepest, depth);
    graph.append(frame(node, left, width, depth, total, () => zoom(trail)));
    let offset = left;
    for (const child of node.children) {
      add(child, offset, depth + 1, [...trail, child]);
      offset += child.total_us / total;
    }
  };
  add(root, 0, 0, focus);
  graph.style.height = `${(deepest + 1) * ROW}px`;
  return [crumbs, element("div", { class: "scroll tall" }, graph)];
}

function frame(node, left, width, depth, total, click) {
  const title = `${visible(node.name)}\n${time(node.total_us)} with its imports, ${percent(node.total_us / total)}\n${time(node.self_us)} itself`;
  const box = element("div", { class: `frame ${hue(node.name.split(".")[0])}`, title, on: { click } });
  box.style.left = `${left * 100}%`;
  box.style.width = `${width * 100}%`;
  box.style.top = `${depth * ROW}px`;
  if (width > 0.02) box.append(element("span", { class: "name" }, visible(node.name)), width > 0.1 ? element("span", { class: "size" }, time(node.total_us)) : "");
  return box;
}

function slowestTable(tree) {
  const all = [];
  const walk = (node) => {
    all.push(node);
    node.children.forEach(walk);
  };
  tree.children.forEach(walk);
  const slowest = all.sort((left, right) => right.self_us - left.self_us).slice(0, TABLE_ROWS);
  const head = ["Module", "Itself", "Share", "With its imports"];
  const rows = slowest.map((node) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, visible(node.name)),
      element("td", { class: "number" }, time(node.self_us)),
      element("td", { class: "number" }, percent(node.self_us / (tree.total_us || 1))),
      element("td", { class: "number" }, time(node.total_us)),
    ),
  );
  return table({ class: "data" }, element("caption", {}, "The slowest modules"), head, rows);
}
