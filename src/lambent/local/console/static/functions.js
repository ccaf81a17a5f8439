// The functions: URLs, versions, and where their aliases point.

import { state } from "./data.js";
import { byId, element, table, visible } from "./dom.js";
import { awsTime, bytes, moment } from "./format.js";
import { showOnly } from "./timeline.js";

export function showFunctions() {
  const view = byId("view-functions");
  if (!state.functions.length) {
    view.replaceChildren(element("h2", {}, "Functions"), element("p", { class: "muted" }, "Nothing is deployed here yet: lambent deploy --local"));
    return;
  }
  view.replaceChildren(element("h2", { class: "unseen" }, "Functions"), ...state.functions.map(functionCard));
}

function functionCard(each) {
  const facts = [each.runtime, `${each.memory_mb} MB`, `time-out ${each.timeout_s} s`, each.handler, each.region];
  const calls = element("button", { type: "button", on: { click: () => { location.hash = "#/invocations"; showOnly(each.name); } } }, "Invocations");
  return element(
    "section",
    { class: "card", "aria-label": each.name },
    element("div", { class: "title" }, element("h3", {}, each.name), element("span", { class: "muted" }, facts.join(" · ")), calls),
    ...each.urls.map(urlLine),
    each.urls.length ? null : element("p", { class: "muted" }, "It has no URL."),
    versionTable(each),
  );
}

function urlLine(url) {
  const notes = [url.qualifier || "$LATEST", url.auth === "NONE" ? "open to everyone on this machine" : "takes signed requests only", url.mode === "RESPONSE_STREAM" ? "streams" : ""];
  return element(
    "p",
    { class: "url" },
    element("a", { href: url.url, target: "_blank", rel: "noreferrer" }, url.url),
    element("span", { class: "muted" }, ` ${notes.filter(Boolean).join(" · ")}`),
  );
}

function versionTable(each) {
  const head = ["Version", "Aliases", "Published", "Description", "Zip", "Environments", ""];
  const caption = element("caption", { class: "unseen" }, `Versions of ${each.name}`);
  return table({}, caption, head, each.versions.map((version) => versionRow(each, version)));
}

function versionRow(each, version) {
  const address = `${encodeURIComponent(each.region)}/${encodeURIComponent(each.name)}/${encodeURIComponent(version.version)}`;
  const environments = [version.busy ? `${version.busy} busy` : "", version.idle ? `${version.idle} idle` : ""].filter(Boolean).join(", ");
  const state_ = version.state === "Active" || !version.state ? null : element("b", { class: "chip failed" }, `${version.state} ${version.reason}`.trim());
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, version.version, state_),
    element("td", {}, ...aliases(each, version.version)),
    element("td", {}, moment(awsTime(version.modified))),
    element("td", { class: "wide" }, visible(version.description)),
    element("td", { class: "number" }, bytes(version.code_bytes)),
    element("td", {}, environments || "–"),
    element("td", { class: "links" }, element("a", { href: `#/sizes/${address}` }, "Sizes"), element("a", { href: `#/imports/${address}` }, "Imports")),
  );
}

/** Return the aliases that point to a version, with its share of their traffic if that isn't all. */
function aliases(each, version) {
  return each.aliases.flatMap((alias) => {
    const others = Object.values(alias.weights).reduce((sum, weight) => sum + weight, 0);
    const share = alias.version === version ? 1 - others : alias.weights[version] || 0;
    if (!share) return [];
    const text = share === 1 ? alias.name : `${alias.name} ${Math.round(share * 100)} %`;
    return [element("b", { class: "chip live", title: visible(alias.description) }, text)];
  });
}
