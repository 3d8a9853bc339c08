// Which findings are meant, in which order.
const COLUMNS = {
  severity: { title: "Severity", key: (row) => row.severity, falls: true },
  what: { title: "What", key: (row) => row.name, isText: true },
  project: { title: "Project", key: (row) => row.project, isText: true },
  team: { title: "Owner", key: (row) => row.team, isText: true },
  since: { title: "Since", key: (row) => row.first, falls: true },
  status: { title: "Status", key: (row) => row.status },
  actor: { title: "Changed by", key: (row) => row.by, isText: true },
};
const STATUS_CHOICES = [
  ["open", "Open", new Set([0, 1, 2])],
  ["awaiting", "Awaiting approval", new Set([1])],
  ["remediating", "Being remediated", new Set([2])],
  ["exempted", "Exempted", new Set([3])],
  ["accepted", "Accepted", new Set([4])],
  ["resolved", "Resolved", new Set([5])],
  ["all", "All", null],
];
const UNKNOWN = "(unknown)";

/** Tests of a row for everything that is asked for but its severity. */
function tests() {
  const found = [];
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const statuses = STATUS_CHOICES.find(([name]) => name === state.status)?.[2];
  if (statuses) found.push((row) => statuses.has(row.status));
  for (const name of ["team", "type", "kind"]) {
    if (!state[name]) continue;
    const wanted = state[name] === UNKNOWN ? "" : state[name];
    found.push((row) => texts[row[name]] === wanted);
  }
  if (state.group) found.push((row) => texts[row.group] === state.group);
  if (state.project) found.push(containing((row) => row.project, state.project));
  if (state.actor) {
    found.push(state.actor === UNKNOWN ? (row) => row.by < 0 : containing((row) => row.by, state.actor));
  }
  if (words.length) found.push((row) => words.every((word) => haystack(row).includes(word)));
  return found;
}

/** Whether a text contains another; each text of the table is looked at once. */
function containing(key, wanted) {
  const small = wanted.toLowerCase();
  const known = new Map();
  return (row) => {
    const at = key(row);
    if (!known.has(at)) known.set(at, at >= 0 && texts[at].toLowerCase().includes(small));
    return known.get(at);
  };
}

/** The rows that are meant, in order; and how many there would be of each severity. */
function chosen() {
  const all = tests();
  const severities = new Set(state.severity ? state.severity.split(",").map((one) => SEVERITIES.indexOf(one)) : [0, 1, 2, 3]);
  const counts = [0, 0, 0, 0];
  const found = [];
  for (const row of rows) {
    if (!all.every((test) => test(row))) continue;
    counts[row.severity] += 1;
    if (severities.has(row.severity)) found.push(row);
  }
  return { found: sorted(found), counts };
}

function sorting() {
  const name = state.sort.replace(/^-/, "");
  return { name: name in COLUMNS ? name : "severity", sign: state.sort.startsWith("-") ? -1 : 1 };
}

const ranks = new Map();

/** By what number a column is sorted: of texts their place in the alphabet, which is found out once. */
function keyOf(name) {
  const { key, isText } = COLUMNS[name];
  if (!isText) return key;
  if (!ranks.has(name)) ranks.set(name, new Map(distinct(key).map((at, rank) => [at, rank])));
  const rank = ranks.get(name);
  return (row) => rank.get(key(row)) ?? -1;
}

function sorted(found) {
  const { name, sign } = sorting();
  const key = keyOf(name);
  return found.sort((one, other) => sign * (key(one) - key(other)) || one.order - other.order);
}
