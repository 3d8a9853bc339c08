// The report as it was packed (see packing.py): texts by number, each once, and rows of numbers.
const report = JSON.parse(document.getElementById("data").textContent);
const texts = report.texts;
const SEVERITIES = ["low", "medium", "high", "critical"];
const STATUSES = ["open", "awaiting", "remediating", "exempted", "accepted", "resolved"];
const OPERATIONS = { c: "changed", m: "missing", u: "unexpected" };

function decoded([
  id, resource, type, content, what, name, project, kind, status, mode, team, contact, severity,
  first, last, resolved, count, episodes, reason, source, group, link, anchor, fieldCount, fields, steps, actor,
], order) {
  return {
    id, resource, type, content, what, name, project, kind, mode, team, contact, severity, count, episodes, reason, source,
    group, link, anchor, fieldCount, fields, steps, order,
    first: report.at - first,
    last: report.at - last,
    resolved: resolved === null ? 0 : report.at - resolved,
    status: STATUSES.indexOf(texts[status]),
    by: actor.length ? actor[0] : -1,
    actor,
    haystack: "",
  };
}

const rows = report.rows.map(decoded);
/** The numbers of the texts that rows have somewhere, in the order of the alphabet. */
function distinct(key) {
  const found = [...new Set(rows.map(key))].filter((at) => at >= 0).map((at) => [texts[at].toLowerCase(), at]);
  return found.sort(([one], [other]) => (one < other ? -1 : Number(one > other))).map(([, at]) => at);
}

const byId = new Map(rows.map((row) => [row.id, row]));

function fieldOf([operation, path, declared, observed, grant, immutable]) {
  return {
    operation: OPERATIONS[operation],
    path: texts[path],
    declared: texts[declared],
    observed: texts[observed],
    grant: texts[grant],
    immutable: immutable === 1,
  };
}

/** The address of the line that declares it; what comes before the file is the same for many. */
function linkOf({ link, anchor, source }) {
  if (anchor < 0) return texts[link];
  const at = texts[source].lastIndexOf(":");
  return texts[link] + texts[source].slice(0, at) + texts[anchor] + texts[source].slice(at + 1);
}

function actorOf(row) {
  if (row.by < 0) return null;
  const [principal, hand, confidence, method, caller, ip, through, others] = row.actor.map((at) => texts[at]);
  return { principal, hand, confidence, method, caller, ip, through, others };
}

/** All that a search looks into, in small letters; made once for each finding. */
function haystack(row) {
  if (!row.haystack) {
    const parts = [row.id, texts[row.resource], texts[row.type], texts[row.what], texts[row.project], texts[row.kind]];
    parts.push(texts[row.team], texts[row.contact], texts[row.reason], texts[row.source], SEVERITIES[row.severity]);
    for (const at of row.actor) parts.push(texts[at]);
    for (const field of row.fields) for (let at = 1; at < 5; at += 1) parts.push(texts[field[at]]);
    row.haystack = parts.join("\n").toLowerCase();
  }
  return row.haystack;
}
