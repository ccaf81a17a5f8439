// The log, the event and the response of an invocation, as text.

import { element, visible } from "./dom.js";
import { bytes } from "./format.js";

const PLATFORM = /^(INIT_START|INIT_REPORT|START|END|REPORT|RESTORE_\w+) |^\{"time":"[^"]*","type":"platform\.|^lambent: /;
const ERROR = /^\[?(ERROR|CRITICAL|FATAL)\b|^Traceback \(most recent call last\)|"level": ?"(ERROR|CRITICAL|FATAL)"|Task timed out after|Runtime exited/;
const WARNING = /^\[?(WARNING|WARN)\b|"level": ?"WARN(ING)?"/;
const SECRET = /authorization|cookie|passw|secret|token|api[-_]?key|credential|signature/i;
const HIDDEN = "••••••••";

let revealed = false;

export function logPanel(details) {
  const { lines, left_out: leftOut, after } = details.log;
  if (!lines.length) {
    const text = !details.summary.ended_ms
      ? "Nothing was logged yet."
      : details.summary.state === "refused"
        ? "The function was not called, so there is no log."
        : "Its log is no longer stored.";
    return [element("p", { class: "pad muted" }, text)];
  }
  const start = lines.find((line) => line.text.startsWith("START "))?.at ?? details.summary.started_ms;
  const list = element("ol", { class: "log" });
  lines.forEach((line, index) => {
    if (leftOut && index === after) list.append(element("li", { class: "gap muted" }, `${leftOut.toLocaleString("en")} lines are left out; lambent logs --raw shows them.`));
    list.append(logLine(line, start));
  });
  if (leftOut && after >= lines.length) list.append(element("li", { class: "gap muted" }, `${leftOut.toLocaleString("en")} lines are left out.`));
  return [list];
}

function logLine(line, start) {
  const kind = PLATFORM.test(line.text) ? "platform" : ERROR.test(line.text) ? "error" : WARNING.test(line.text) ? "warning" : "";
  const offset = line.at - start;
  const cut = line.cut ? element("span", { class: "muted" }, ` … ${line.cut.toLocaleString("en")} more characters`) : null;
  return element(
    "li",
    { class: kind },
    element("span", { class: "offset" }, `${offset < 0 ? "−" : "+"}${Math.abs(offset).toLocaleString("en")} ms`),
    element("span", { class: "text" }, visible(line.text), cut),
  );
}

/** The event, with its secrets hidden until they are asked for. `send` gets an edited one. */
export function eventPanel(details, send) {
  const document_ = parse(details.event);
  const isWhole = details.event_bytes <= details.event.length * 4 && document_ !== undefined;
  const text = element("pre", { class: "json" });
  const show = () => text.replaceChildren(...jsonLines(isWhole ? JSON.stringify(revealed ? document_ : hideSecrets(document_), null, 2) : details.event));
  show();
  const tools = element("p", { class: "tools" });
  const hasSecrets = isWhole && JSON.stringify(hideSecrets(document_)) !== JSON.stringify(document_);
  if (hasSecrets) {
    const box = element("input", { type: "checkbox", checked: revealed, on: { change: (event) => { revealed = event.target.checked; show(); } } });
    tools.append(element("label", {}, box, " Show secrets"));
  }
  if (details.replayable) tools.append(element("button", { type: "button", on: { click: edit } }, "Edit and send …"));
  tools.append(element("span", { class: "muted" }, isWhole ? bytes(details.event_bytes) : `the first ${bytes(details.event.length)} of ${bytes(details.event_bytes)}`));
  const parts = [tools, text, ...body(document_)];
  function edit() {
    const area = element("textarea", { class: "json", rows: "16", spellcheck: "false", "aria-label": "Event", value: JSON.stringify(document_, null, 2) });
    const ready = element("button", { type: "button", class: "primary", on: { click: () => send(area.value) } }, "Send");
    const cancel = element("button", { type: "button", on: { click: () => { area.replaceWith(text); tools.replaceChildren(...before); } } }, "Cancel");
    const before = [...tools.childNodes];
    tools.replaceChildren(ready, cancel);
    text.replaceWith(area);
    area.focus();
  }
  return parts;
}

/** The body of a request or response that is sent as base64, as text. */
function body(document_) {
  if (!document_?.isBase64Encoded || typeof document_.body !== "string") return [];
  try {
    const raw = Uint8Array.from(atob(document_.body), (character) => character.charCodeAt(0));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(raw);
    return [element("h4", {}, `Body, decoded (${bytes(raw.length)})`), element("pre", { class: "json" }, visible(text.slice(0, 20000)))];
  } catch {
    return [element("p", { class: "pad muted" }, "The body is binary.")];
  }
}

export function responsePanel(details) {
  if (details.response_bytes < 0) return [element("p", { class: "pad muted" }, "The response was streamed. It isn't kept.")];
  if (!details.response) return [element("p", { class: "pad muted" }, details.summary.ended_ms ? "There is no response." : "Still running …")];
  const document_ = parse(details.response);
  const isWhole = document_ !== undefined;
  const size = isWhole ? bytes(details.response_bytes) : `the first ${bytes(details.response.length)} of ${bytes(details.response_bytes)}`;
  const text = isWhole ? JSON.stringify(revealed ? document_ : hideSecrets(document_), null, 2) : details.response;
  const plain = isWhole && typeof document_?.body === "string" && !document_.isBase64Encoded && document_.body.length > 60;
  return [
    element("p", { class: "tools" }, element("span", { class: "muted" }, size)),
    element("pre", { class: "json" }, ...jsonLines(text)),
    ...(plain ? [element("h4", {}, "Body"), element("pre", { class: "json" }, visible(document_.body))] : body(document_)),
  ];
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function hideSecrets(value, name = "") {
  if (Array.isArray(value)) return value.map((each) => hideSecrets(each, name));
  if (value && typeof value === "object") {
    const isHidden = name === "environment"; // that of a command of lambent run
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, hideSecrets(each, isHidden ? "secret" : key)]));
  }
  return SECRET.test(name) && (typeof value === "string" || typeof value === "number") ? HIDDEN : value;
}

/** Return the lines of indented JSON, with the names of members set off. */
function jsonLines(text) {
  return visible(text)
    .split("\n")
    .flatMap((line, index) => {
      const match = /^(\s*"(?:[^"\\]|\\.)*":)(.*)$/.exec(line);
      const newline = index ? ["\n"] : [];
      return match ? [...newline, element("b", {}, match[1]), match[2]] : [...newline, line];
    });
}
