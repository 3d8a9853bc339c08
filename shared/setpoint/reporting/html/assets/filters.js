// Which findings match the filters, and their order.
const COLUMNS = {
  severity: { title: "Severity", key: (row) => row.severity, isDescendingFirst: true },
  what: { title: "What", key: (row) => row.name, isText: true },
  project: { title: "Project", key: (row) => row.project, isText: true },
  team: { title: "Team", key: (row) => row.team, isText: true },
  since: { title: "Since", key: (row) => row.first, isDescendingFirst: true },
  status: { title: "Status", key: (row) => row.status },
  actor: { title: "Changed by", key: (row) => row.principal, isText: true },
};
const STATUS_CHOICES = [
  ["open", "Open", UNRESOLVED],
  ["awaiting", "Awaiting approval", new Set(["awaiting"])],
  ["remediating", "Being remediated", new Set(["remediating"])],
  ["exempted", "Exempted", new Set(["exempted"])],
  ["accepted", "Accepted", new Set(["accepted"])],
  ["baseline", "In the baseline", new Set(["baseline"])],
  ["resolved", "Resolved", new Set(["resolved"])],
  ["all", "All", null],
];
const UNKNOWN = "(unknown)";

/** The tests of a row for all filters but the severity. */
function rowTests() {
  const tests = [];
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const statuses = STATUS_CHOICES.find(([name]) => name === state.status)?.[2];
  if (statuses) tests.push((row) => statuses.has(STATUSES[row.status]));
  for (const name of ["team", "type", "kind", "origin"]) {
    if (!state[name]) continue;
    const wanted = state[name] === UNKNOWN ? "" : state[name];
    tests.push((row) => texts[row[name]] === wanted);
  }
  if (state.group) tests.push((row) => texts[row.group] === state.group);
  if (state.project) tests.push(containing((row) => row.project, state.project));
  if (state.actor) {
    tests.push(state.actor === UNKNOWN ? (row) => row.principal < 0 : containing((row) => row.principal, state.actor));
  }
  if (words.length) tests.push((row) => words.every((word) => searchTextOf(row).includes(word)));
  return tests;
}

/** Whether a text contains another; each distinct text is compared once. */
function containing(key, wanted) {
  const lowerCase = wanted.toLowerCase();
  const known = new Map();
  return (row) => {
    const text = key(row);
    if (!known.has(text)) known.set(text, text >= 0 && texts[text].toLowerCase().includes(lowerCase));
    return known.get(text);
  };
}

/** The rows that match, in order, and how many would match with each severity. */
function matchingRows() {
  const tests = rowTests();
  const severities = new Set(
    state.severity ? state.severity.split(",").map((name) => SEVERITIES.indexOf(name)) : SEVERITIES.keys(),
  );
  const counts = [0, 0, 0, 0];
  const matching = [];
  for (const row of rows) {
    if (!tests.every((test) => test(row))) continue;
    counts[row.severity] += 1;
    if (severities.has(row.severity)) matching.push(row);
  }
  return { matching: sorted(matching), counts };
}

function sorting() {
  const name = state.sort.replace(/^-/, "");
  return { name: name in COLUMNS ? name : "severity", sign: state.sort.startsWith("-") ? -1 : 1 };
}

const ranks = new Map();

/** The number that a column is sorted by; for texts their rank in the alphabet, which is computed once. */
function sortKey(name) {
  const { key, isText } = COLUMNS[name];
  if (!isText) return key;
  if (!ranks.has(name)) ranks.set(name, new Map(distinct(key).map((text, rank) => [text, rank])));
  const rank = ranks.get(name);
  return (row) => rank.get(key(row)) ?? -1;
}

function sorted(matching) {
  const { name, sign } = sorting();
  const key = sortKey(name);
  return matching.sort((first, second) => sign * (key(first) - key(second)) || first.order - second.order);
}
