// The choice of a version, for views about one of them.

import { state, versionKey, versionLabel, versions } from "./data.js";
import { element } from "./dom.js";

/** Return the version that an address names, or the live one of the first function. Undefined if there is none. */
export function findVersion(key) {
  const list = versions();
  return list.find((version) => versionKey(version) === key) ?? list[0];
}

/** Return the line above a view: its title and the choice of a version. */
export function versionPicker(view, title, current, ...extra) {
  const select = element("select", { on: { change: () => (location.hash = `#/${view}/${select.value.split("/").map(encodeURIComponent).join("/")}`) } });
  for (const version of versions()) select.append(element("option", { value: versionKey(version) }, versionLabel(version)));
  if (current) select.value = versionKey(current);
  return element("div", { class: "toolbar" }, element("h2", {}, title), element("label", {}, "Version ", select), ...extra);
}

export function nothingDeployed(title) {
  const text = state.service ? "Nothing is deployed here yet: lambent deploy --local" : "Loading …";
  return [element("h2", {}, title), element("p", { class: "muted" }, text)];
}

/** Return one of the colours of a chart, the same for the same name. */
export function hue(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 9973;
  return `hue${hash % 8}`;
}
