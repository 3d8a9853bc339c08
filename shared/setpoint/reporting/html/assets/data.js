// The report as `compact.py` packs it: each text once, and rows of numbers that refer to the texts.
const report = JSON.parse(document.getElementById("data").textContent);
const texts = report.texts;
const SEVERITIES = ["low", "medium", "high", "critical"];
const STATUSES = ["open", "awaiting", "remediating", "exempted", "accepted", "baseline", "resolved"];
const UNRESOLVED = new Set(["open", "awaiting", "remediating"]);
const OPERATIONS = { c: "changed", m: "missing", u: "unexpected" };

function decoded([
  id, resource, type, content, what, name, project, kind, status, mode, team, contact, severity,
  first, last, resolved, count, episodes, reason, source, group, watched, link, anchor, fieldCount, fields, steps, actor,
  origin, evidence = -1, atLeast = 0, onsets = [],
], order) {
  return {
    id, resource, type, content, what, name, project, kind, mode, team, contact, severity, count, episodes, reason, source,
    group, watched, link, anchor, fieldCount, fields, steps, order,
    first: report.generated_at - first,
    last: report.generated_at - last,
    resolved: resolved === null ? 0 : report.generated_at - resolved,
    status: STATUSES.indexOf(texts[status]),
    principal: actor.length ? actor[0] : -1,
    actor, origin, evidence, onsets,
    atLeast: atLeast === 1,
    searchText: "",
  };
}

const rows = report.rows.map(decoded);
const byId = new Map(rows.map((row) => [row.id, row]));

/** The numbers of the texts that any row has in a column, in alphabetical order. */
function distinct(key) {
  const entries = [...new Set(rows.map(key))].filter((text) => text >= 0).map((text) => [texts[text].toLowerCase(), text]);
  entries.sort(([first], [second]) => (first < second ? -1 : Number(first > second)));
  return entries.map(([, text]) => text);
}

function fieldOf([operation, path, declared, observed, grant, flags]) {
  return {
    operation: OPERATIONS[operation],
    path: texts[path],
    declared: texts[declared],
    observed: texts[observed],
    grant: texts[grant],
    immutable: flags % 2 === 1,
    undeclared: flags >= 2,
  };
}

/** The URL of the declaring line; the part before the file is common to many rows. */
function linkOf({ link, anchor, source }) {
  if (anchor < 0) return texts[link];
  const colon = texts[source].lastIndexOf(":");
  return texts[link] + texts[source].slice(0, colon) + texts[anchor] + texts[source].slice(colon + 1);
}

function actorOf(row) {
  if (row.principal < 0) return null;
  const [principal, kind, confidence, method, caller, ip, through, others] = row.actor.map((text) => texts[text]);
  return { principal, kind, confidence, method, caller, ip, through, others };
}

/** Everything that the search covers, in lower case; built once for each row. */
function searchTextOf(row) {
  if (!row.searchText) {
    const parts = [row.id, texts[row.resource], texts[row.type], texts[row.what], texts[row.project], texts[row.kind]];
    parts.push(texts[row.team], texts[row.contact], texts[row.reason], texts[row.source], SEVERITIES[row.severity]);
    for (const text of row.actor) parts.push(texts[text]);
    parts.push(texts[row.origin], texts[row.evidence] ?? "");
    for (const field of row.fields) for (let column = 1; column < 5; column += 1) parts.push(texts[field[column]]);
    row.searchText = parts.join("\n").toLowerCase();
  }
  return row.searchText;
}
