// Numbers and times as people read them.

export function bytes(count) {
  const units = ["bytes", "kB", "MB", "GB"];
  let unit = 0;
  let value = count;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function duration(ms) {
  if (ms >= 60000) return `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return ms >= 99.5 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

const pad = (number, width = 2) => String(number).padStart(width, "0");

/** Return the local time of day. */
export function clock(ms) {
  const date = new Date(ms);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

/** Return local date and time. */
export function moment(ms) {
  const date = new Date(ms);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${clock(ms).slice(0, 8)}`;
}

/** AWS writes 2026-11-30T12:20:33.304+0000. */
export const awsTime = (text) => Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));

export const percent = (share) => (share >= 0.0995 ? `${Math.round(share * 100)} %` : `${(share * 100).toFixed(1)} %`);

/** Return what an invocation was about: "GET /orders", "sqs event". */
export function subject(row) {
  if (row.kind === "http") return `${row.method || "?"} ${row.path || "/"}`;
  if (row.kind === "command") return `run ${row.path}`;
  return row.kind ? `${row.kind} event` : "event";
}

export const isFailed = (row) => row.state === "failed" || row.state === "refused" || (row.status || 0) >= 500;

/** Return the status of an invocation in a word. */
export function outcome(row) {
  if (row.state === "running" || !row.state) return "running";
  if (row.state === "refused") return row.error === "throttled" || row.error === "interrupted" ? row.error : "refused";
  if (row.state === "failed") return /^Sandbox\.Timedout|^timeout|Task timed out/.test(row.error) ? "timed out" : row.status ? `${row.status} failed` : "failed";
  return row.status ? String(row.status) : "ok";
}
