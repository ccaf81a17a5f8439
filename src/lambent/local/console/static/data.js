// What the page knows, and its connection to the local Lambda.

const COUNT_MAX = 10000;

/** `invocations` are in the order in which they began. */
export const state = { invocations: [], functions: [], service: null };

const listeners = { invocations: [], functions: [], connection: [] };

export function on(kind, listener) {
  listeners[kind].push(listener);
}

function tell(kind, ...values) {
  for (const listener of listeners[kind]) listener(...values);
}

/** Return the JSON of a response. Throws an Error with a sentence for people. */
export async function request(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(`/api/${path}`, options);
  } catch {
    throw new Error("The local Lambda doesn't answer.");
  }
  if (response.status === 401) tell("connection", "locked");
  const content = await response.json().catch(() => ({ message: `The local Lambda answered ${response.status}.` }));
  if (!response.ok) throw new Error(content.message);
  return content;
}

export function find(id) {
  const index = position(id);
  return state.invocations[index]?.id === id ? state.invocations[index] : undefined;
}

/** Return where an invocation is, or would be. */
function position(id) {
  let low = 0;
  let high = state.invocations.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (state.invocations[middle].id < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function put(row) {
  const index = position(row.id);
  const known = state.invocations[index];
  if (known?.id !== row.id) state.invocations.splice(index, 0, row);
  else if (!known.ended_ms) state.invocations[index] = row;
}

function take(rows) {
  rows.forEach(put);
  if (state.invocations.length > COUNT_MAX) state.invocations.splice(0, state.invocations.length - COUNT_MAX);
  tell("invocations", rows);
}

async function readInvocations() {
  const rows = await request("invocations");
  state.invocations.length = 0;
  take(rows.reverse());
}

export async function readFunctions() {
  const content = await request("functions");
  state.functions = content.functions;
  state.service = content.service;
  tell("functions");
}

const ignore = () => {};

/** Read everything, and follow what happens from then on. */
export function connect() {
  const stream = new EventSource("/api/stream");
  stream.addEventListener("open", () => {
    tell("connection", "live");
    readInvocations().catch(ignore);
    readFunctions().catch(ignore);
  });
  stream.addEventListener("error", () => {
    tell("connection", "lost");
    if (stream.readyState === EventSource.CLOSED) setTimeout(reconnect, 1000);
  });
  stream.addEventListener("invocations", (event) => take(JSON.parse(event.data)));
  stream.addEventListener("functions", () => readFunctions().catch(ignore));
  stream.addEventListener("lost", () => readInvocations().catch(ignore));
}

/** The browser gives up when it gets anything but a stream: the session may have ended with the service. */
function reconnect() {
  request("functions").then(connect, () => {
    setTimeout(reconnect, 3000);
  });
}

/** Return the versions of all functions, the one with the alias `live` of each function first. */
export function versions() {
  return state.functions.flatMap((each) => {
    const live = each.aliases.find((alias) => alias.name === "live")?.version;
    const list = each.versions.map((version) => ({ function: each, ...version, isLive: version.version === live }));
    return list.sort((left, right) => Number(right.isLive) - Number(left.isLive));
  });
}

export const versionKey = (version) => `${version.function.region}/${version.function.name}/${version.version}`;

export const versionLabel = (version) =>
  `${version.function.name} ${version.version === "$LATEST" ? "$LATEST" : `version ${version.version}`}${version.isLive ? " (live)" : ""}`;
