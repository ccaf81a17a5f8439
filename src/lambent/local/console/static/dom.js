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
