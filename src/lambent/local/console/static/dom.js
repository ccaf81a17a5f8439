// Elements and text. Everything from outside becomes a text node: nothing here reads HTML.

const PROPERTIES = new Set(["checked", "disabled", "hidden", "selected", "tabIndex", "value"]);

/** Return an element. `options` are attributes; `class`, `on` (listeners) and some properties are special. */
export function element(name, options = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key === "class") node.className = value;
    else if (key === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (PROPERTIES.has(key)) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Return a table that scrolls sideways where it is too wide. `caption` is an element, `rows` are too. */
export function table(options, caption, head, rows) {
  const titles = head.map((text) => (text ? element("th", { scope: "col" }, text) : element("td")));
  const parts = [caption, element("thead", {}, element("tr", {}, ...titles)), element("tbody", {}, ...rows)];
  return element("div", { class: "scroll" }, element("table", options, ...parts));
}

/** Return the names of what is shown and of all that it is in. `open` gets the index of one that was clicked. */
export function breadcrumbs(label, separator, names, open) {
  const list = element("nav", { class: "crumbs", "aria-label": label });
  names.forEach((name, index) => {
    if (index) list.append(element("span", { "aria-hidden": "true" }, separator));
    if (index === names.length - 1) list.append(element("b", { "aria-current": "true" }, visible(name)));
    else list.append(element("button", { type: "button", class: "link", on: { click: () => open(index) } }, visible(name)));
  });
  return list;
}

export const byId = (id) => document.getElementById(id);

const ANSI = /\x1b\[[0-9;:]*m/g;
const UNSAFE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Return a text whose control characters can be seen: it can't change its direction, or hide a part of itself. */
export function visible(text) {
  return text
    .replace(ANSI, "")
    .replace(/\r\n/g, "\n")
    .replaceAll("\u00a0", " ")
    .replace(UNSAFE, (character) => {
      const code = character.charCodeAt(0);
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
    });
}

/** Make the tabs of a tablist work as screen readers and keyboards expect. `choose` gets the index of a tab. */
export function connectTabs(list, choose) {
  const tabs = [...list.querySelectorAll('[role="tab"]')];
  const select = (index) => {
    tabs.forEach((tab, number) => {
      tab.setAttribute("aria-selected", String(number === index));
      tab.tabIndex = number === index ? 0 : -1;
    });
  };
  tabs.forEach((tab, index) => tab.addEventListener("click", () => choose(index)));
  list.addEventListener("keydown", (event) => {
    const current = tabs.indexOf(document.activeElement);
    const steps = { ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: tabs.length - 1 };
    if (current < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const next = (steps[event.key] + tabs.length) % tabs.length;
    choose(next);
    tabs[next].focus();
  });
  return select;
}
