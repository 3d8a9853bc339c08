// What is looked at, as it stands in the address: `#q=bucket&team=payments&finding=0123…`.
const NAMES = ["q", "status", "severity", "team", "project", "type", "kind", "actor", "group", "sort", "finding"];
const DEFAULTS = { status: "open", sort: "-severity" };

const state = {};
const listeners = [];

function read() {
  const given = new URLSearchParams(window.location.hash.slice(1));
  for (const name of NAMES) state[name] = given.get(name) ?? DEFAULTS[name] ?? "";
  // Whoever is sent to a finding or to those of a message is to see them, whatever became of them.
  if ((state.finding || state.group) && !given.has("status")) state.status = "all";
}

function address() {
  const told = new URLSearchParams();
  const usual = state.finding || state.group ? "all" : DEFAULTS.status;
  for (const name of NAMES) {
    if (state[name] && state[name] !== (name === "status" ? usual : DEFAULTS[name])) told.set(name, state[name]);
  }
  return `#${told}`;
}

/** Change what is looked at; `keep` adds a step that the back button takes back. */
function change(changes, { keep = true } = {}) {
  Object.assign(state, changes);
  const next = address();
  if (next !== (window.location.hash || "#")) window.history[keep ? "pushState" : "replaceState"](null, "", next);
  for (const listener of listeners) listener(changes);
}

function opened() {
  return new Set(state.finding ? state.finding.split(",") : []);
}

window.addEventListener("popstate", () => {
  const before = { ...state };
  read();
  const changes = Object.fromEntries(NAMES.filter((name) => state[name] !== before[name]).map((name) => [name, state[name]]));
  for (const listener of listeners) listener(changes);
});
