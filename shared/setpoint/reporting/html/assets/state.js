// The filters, as the address holds them: `#q=bucket&team=payments&finding=0123…`.
const NAMES = ["q", "status", "severity", "team", "project", "type", "kind", "origin", "actor", "group", "sort", "finding"];
const DEFAULTS = { status: "open", sort: "-severity" };

const state = {};
const listeners = [];

function readAddress() {
  const given = new URLSearchParams(window.location.hash.slice(1));
  for (const name of NAMES) state[name] = given.get(name) ?? DEFAULTS[name] ?? "";
  // A link to a finding or to a group shows it, whatever its status is by now.
  if ((state.finding || state.group) && !given.has("status")) state.status = "all";
}

function address() {
  const parameters = new URLSearchParams();
  const usualStatus = state.finding || state.group ? "all" : DEFAULTS.status;
  for (const name of NAMES) {
    const usual = name === "status" ? usualStatus : DEFAULTS[name];
    if (state[name] && state[name] !== usual) parameters.set(name, state[name]);
  }
  return `#${parameters}`;
}

/** Change filters; `keep` adds a step for the back button. */
function change(changes, { keep = true } = {}) {
  Object.assign(state, changes);
  const next = address();
  if (next !== (window.location.hash || "#")) window.history[keep ? "pushState" : "replaceState"](null, "", next);
  for (const listener of listeners) listener(changes);
}

/** The ids of the findings whose details are open. */
function openIds() {
  return new Set(state.finding ? state.finding.split(",") : []);
}

window.addEventListener("popstate", () => {
  const before = { ...state };
  readAddress();
  const changes = Object.fromEntries(NAMES.filter((name) => state[name] !== before[name]).map((name) => [name, state[name]]));
  for (const listener of listeners) listener(changes);
});
