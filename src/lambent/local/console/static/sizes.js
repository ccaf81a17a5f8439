// How large the parts of a version's zip are: a treemap, and the same as a table.

import { request, versionKey } from "./data.js";
import { breadcrumbs, byId, element, table, visible } from "./dom.js";
import { bytes, percent } from "./format.js";
import { squarify } from "./squarify.js";
import { findVersion, hue, nothingDeployed, versionPicker } from "./version_picker.js";

const view = byId("view-sizes");
const LABEL = 18;
const DEEPEST = 5;

let shown = "";
let measure = "unpacked";
let path = [];
let root = null;

export async function showSizes(key) {
  const version = findVersion(key);
  if (!version) {
    view.replaceChildren(...nothingDeployed("Sizes"));
    return;
  }
  const identity = `${versionKey(version)} ${version.code_sha256}`;
  if (identity === shown && root) {
    build(version);
    return;
  }
  shown = identity;
  root = null;
  path = [];
  view.replaceChildren(versionPicker("sizes", "Sizes", version), element("p", { class: "muted" }, "Reading the zip …"));
  try {
    const tree = await request(`sizes/${versionKey(version)}`);
    if (shown !== identity) return;
    root = tree;
    build(version);
  } catch (error) {
    shown = "";
    view.replaceChildren(versionPicker("sizes", "Sizes", version), element("p", { class: "why" }, visible(error.message)));
  }
}

function build(version) {
  const current = path.at(-1) ?? root;
  const map = element("div", { class: "treemap", role: "img", "aria-label": `Treemap of ${current.name || "the zip"}. The table below has the same data.` });
  const choice = (value, text) => {
    const button = element("input", { type: "radio", name: "measure", value, checked: measure === value, on: { change: () => { measure = value; build(version); byId(`measure-${value}`).focus(); } }, id: `measure-${value}` });
    return element("label", {}, button, ` ${text}`);
  };
  const choices = element("fieldset", {}, element("legend", { class: "unseen" }, "Measure"), choice("unpacked", "unpacked"), choice("zipped", "in the zip"));
  const whole = element("span", { class: "muted" }, `${bytes(root.zipped)} zip, ${bytes(root.unpacked)} unpacked, ${root.files.toLocaleString("en")} files`);
  const crumbs = breadcrumbs("Folder", "/", ["zip", ...path.map((part) => part.name)], (index) => open(path.slice(0, index), version));
  view.replaceChildren(versionPicker("sizes", "Sizes", version, choices, whole), crumbs, map, partsTable(current, version));
  draw(map, current, version);
}

function open(to, version) {
  path = to;
  build(version);
  view.querySelector(".crumbs b").scrollIntoView({ block: "nearest" });
}

function draw(map, current, version) {
  const area = { left: 0, top: 0, width: map.clientWidth, height: map.clientHeight };
  fill(map, current, path, area, { version, total: current[measure], depth: 0 });
}

/** Draw the parts of a folder, and what is in them where there is room for it. */
function fill(node, part, trail, area, chart) {
  for (const { item, box } of layout(part, area)) {
    const inside = [...trail, item];
    const inner = cell(item, box, chart.depth ? "" : hue(item.name), chart.total);
    inner.addEventListener("click", (event) => {
      event.stopPropagation();
      const to = item.children ? inside : trail;
      if (to.length > path.length) open(to, chart.version);
    });
    node.append(inner);
    if (!item.children || box.width < 60 || box.height < 3 * LABEL || chart.depth >= DEEPEST) continue;
    fill(inner, item, inside, { left: 2, top: LABEL, width: box.width - 7, height: box.height - LABEL - 5 }, { ...chart, depth: chart.depth + 1 });
  }
}

const layout = (part, area) => squarify((part.children ?? [part]).filter((each) => each[measure] > 0), (each) => each[measure], area);

function cell(item, box, colour, total) {
  const share = percent(item[measure] / total);
  const node = element("div", { class: `cell ${colour}${item.children ? " folder" : ""}`, title: `${visible(item.name)}\n${bytes(item[measure])}, ${share}` });
  node.style.left = `${box.left}px`;
  node.style.top = `${box.top}px`;
  node.style.width = `${Math.max(box.width - 1, 0)}px`;
  node.style.height = `${Math.max(box.height - 1, 0)}px`;
  if (box.width > 34 && box.height > 15) {
    node.append(element("span", { class: "name" }, visible(item.name)));
    if (box.width > 120) node.append(element("span", { class: "size" }, bytes(item[measure])));
  }
  return node;
}

function partsTable(current, version) {
  const parts = [...(current.children ?? [])].sort((left, right) => right[measure] - left[measure]);
  const rows = parts.map((part) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, part.children ? element("button", { type: "button", class: "link", on: { click: () => open([...path, part], version) } }, `${visible(part.name)}/`) : visible(part.name)),
      element("td", { class: "number" }, bytes(part.zipped)),
      element("td", { class: "number" }, bytes(part.unpacked)),
      element("td", { class: "number" }, percent(part[measure] / (current[measure] || 1))),
      element("td", { class: "number" }, part.files.toLocaleString("en")),
    ),
  );
  const head = ["Name", "In the zip", "Unpacked", "Share", "Files"];
  return table({ class: "data" }, element("caption", { class: "unseen" }, `Parts of ${current.name || "the zip"}`), head, rows);
}

addEventListener("resize", () => {
  if (!view.hidden && root && shown) showSizes(shown.split(" ")[0]);
});
