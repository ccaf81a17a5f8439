// The page: its views, its address, and whether it is connected.

import { connect, on, readFunctions, state } from "./data.js";
import { byId, connectTabs } from "./dom.js";
import { showFunctions } from "./functions.js";
import { showImports } from "./imports.js";
import { showSizes } from "./sizes.js";
import { resizeTimeline, selectInvocation } from "./timeline.js";

const VIEWS = ["invocations", "functions", "sizes", "imports"];
const STATES = {
  live: "live",
  lost: "connecting again …",
  locked: "not signed in",
};

/** Show what the address says: #/invocations/12, #/functions, #/sizes/us-east-1/shop/3. */
function route(event) {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const index = Math.max(VIEWS.indexOf(name), 0);
  selectTab(index);
  VIEWS.forEach((view, number) => (byId(`view-${view}`).hidden = number !== index));
  if (index === 0) {
    resizeTimeline();
    selectInvocation(Number(rest[0]) || 0);
  } else if (index === 1) {
    showFunctions();
    if (event) readFunctions().catch(() => {}); // how many environments there are
  }
  else if (index === 2) showSizes(rest.join("/"));
  else showImports(rest.join("/"));
}

const selectTab = connectTabs(byId("views"), (index) => {
  location.hash = `#/${VIEWS[index]}`;
});

on("connection", (name) => {
  const node = byId("connection");
  if (node.textContent !== STATES[name]) node.textContent = STATES[name];
  node.className = name;
  const notice = byId("notice");
  notice.hidden = name !== "locked";
  notice.textContent = name === "locked" ? "The local Lambda was started again. Run lambent open --console in a terminal to sign in." : "";
});

on("functions", () => {
  const { url, version, engine } = state.service;
  byId("service").textContent = `${url.replace("http://", "")} · ${version} · ${engine.sandbox}`;
  if (!byId("view-invocations").hidden) return;
  route();
});

addEventListener("hashchange", route);
route();
connect();
