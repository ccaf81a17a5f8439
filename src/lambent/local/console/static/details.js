// One invocation: its numbers, log, event and response, and the button that sends its event again.

import { find, request, state } from "./data.js";
import { byId, connectTabs, element, visible } from "./dom.js";
import { bytes, duration, isFailed, moment, outcome, subject } from "./format.js";
import { eventPanel, logPanel, responsePanel } from "./panels.js";

const panel = byId("details");
const TABS = ["Log", "Event", "Response"];
let actions = {};
let current = 0;
let tab = 0;
let ticket = 0;
let refreshLog = null;

export function closeDetails() {
  const hadFocus = panel.contains(document.activeElement);
  current = 0;
  refreshLog = null;
  panel.hidden = true;
  panel.replaceChildren();
  if (hadFocus) byId("grid").focus();
}

export function focusDetails() {
  panel.querySelector("h3")?.focus();
}

/** Load and show an invocation. Called again when it has ended. */
export async function showDetails(id, given = actions) {
  actions = given;
  const isOther = id !== current;
  current = id;
  panel.hidden = false;
  ticket += 1;
  const mine = ticket;
  try {
    const details = await request(`invocations/${id}`);
    if (mine === ticket && current === id) build(details, isOther);
  } catch (error) {
    if (mine === ticket && current === id) panel.replaceChildren(heading("Invocation", ""), element("p", { class: "pad" }, error.message));
  }
}

function heading(text, status) {
  const close = element("button", { type: "button", class: "plain", "aria-label": "Close details", on: { click: () => actions.close() } }, "✕");
  return element("div", { class: "title" }, element("h3", { tabindex: "-1" }, text), status ? element("b", { class: status.class }, status.text) : null, close);
}

function build(details, isOther) {
  const row = details.summary;
  const focused = document.activeElement?.id;
  const hadFocus = panel.contains(document.activeElement);
  const status = { class: `chip ${isFailed(row) ? "failed" : "fine"}`, text: outcome(row) };
  const makers = [() => logPanel(details), () => eventPanel(details, (text) => replay(row, text)), () => responsePanel(details)];
  const body = element("div", { role: "tabpanel", id: "detail-panel", tabindex: "0", class: "panel" });
  const list = element(
    "div",
    { role: "tablist", "aria-label": "Of this invocation", class: "tabs small" },
    ...TABS.map((name, index) => element("button", { role: "tab", id: `detail-tab-${index}`, "aria-controls": "detail-panel" }, name)),
  );
  const select = connectTabs(list, open);
  function open(index) {
    tab = index;
    select(index);
    body.setAttribute("aria-labelledby", `detail-tab-${index}`);
    body.replaceChildren(...makers[index]());
  }
  const why = failure(row);
  panel.replaceChildren(heading(visible(subject(row)), status), ...(why ? [why] : []), facts(row, details), replayForm(row, details), list, body);
  open(tab);
  refreshLog = row.ended_ms ? null : (newer) => tab === 0 && body.replaceChildren(...logPanel(newer));
  if (hadFocus) (byId(focused) || panel.querySelector("h3")).focus();
  if (isOther) panel.scrollTop = 0;
}

function failure(row) {
  if (!row.error || row.state === "running") return null;
  const why = { throttled: "Throttled: its reserved concurrency, or what this machine can run, was used up.", interrupted: "Cut off: the local Lambda was stopped." };
  return element("p", { class: "why" }, why[row.error] || visible(row.error));
}

function facts(row, details) {
  const list = element("dl", { class: "facts" });
  const add = (name, ...value) => list.append(element("div", {}, element("dt", {}, name), element("dd", {}, ...value)));
  add("Started", moment(row.started_ms));
  if (row.ended_ms && row.state !== "refused") add("Duration", duration(row.duration_ms || 0));
  if (row.ended_ms && row.state !== "refused") add("Start", row.init_ms === undefined ? "warm" : `cold, init ${duration(row.init_ms)}`);
  if (row.used_mb) add("Memory", element("meter", { min: "0", max: String(row.memory_mb), value: String(row.used_mb), "aria-label": "Memory used" }), ` ${row.used_mb} of ${row.memory_mb} MB`);
  add("Function", `${row.function} version ${row.version}${row.alias && row.alias !== row.version ? `, called as ${row.alias}` : ""}`);
  add("Request ID", element("code", {}, row.request_id));
  if (row.replay_of) add("Replay of", element("a", { href: `#/invocations/${row.replay_of}` }, `invocation ${row.replay_of}`));
  if (details.log_stream) add("Log stream", element("code", {}, details.log_stream));
  return list;
}

function replayForm(row, details) {
  const owner = state.functions.find((each) => each.name === row.function && each.region === row.region);
  if (!owner || !row.ended_ms) return element("p", { class: "replay muted" }, row.ended_ms ? "This function was deleted." : "Still running …");
  if (!details.replayable) return element("p", { class: "replay muted" }, `This event (${bytes(details.event_bytes)}) was too large to be kept, so it can't be sent again.`);
  const target = element("select", { id: "replay-target", "aria-label": "Version to call" });
  for (const alias of owner.aliases) target.append(element("option", { value: alias.name }, `${alias.name} (version ${alias.version})`));
  for (const version of owner.versions) target.append(element("option", { value: version.version }, version.version === "$LATEST" ? "$LATEST" : `version ${version.version}`));
  target.value = row.alias || "$LATEST";
  if (!target.value) target.selectedIndex = 0;
  const send = element("button", { type: "button", id: "replay", class: "primary", on: { click: () => replay(row) } }, "Replay");
  return element("p", { class: "replay" }, send, element("span", { class: "muted" }, "on"), target, element("span", { role: "status", id: "replay-status", class: "muted" }));
}

/** Send the event again, or an edited one. The page goes to the new invocation when it begins. */
async function replay(row, text) {
  const status = byId("replay-status");
  status.textContent = "sending …";
  try {
    const body = { qualifier: byId("replay-target").value.replace("$LATEST", "") };
    if (text !== undefined) body.event = text;
    const answer = await request(`invocations/${row.id}/replay`, body);
    actions.replayed(answer.request_id);
    const arrived = state.invocations.findLast((each) => each.request_id === answer.request_id);
    if (arrived && find(arrived.id)) location.hash = `#/invocations/${arrived.id}`;
  } catch (error) {
    status.textContent = visible(error.message);
  }
}

/** While an invocation runs, follow its log. When it has ended, it is shown again as a whole. */
setInterval(async () => {
  const refresh = refreshLog;
  if (!refresh || document.hidden) return;
  const details = await request(`invocations/${current}`).catch(() => null);
  if (details && refresh === refreshLog && !details.summary.ended_ms) refresh(details);
}, 1000);

panel.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && event.target.tagName !== "TEXTAREA") {
    byId("grid").focus();
    event.preventDefault();
  }
});
