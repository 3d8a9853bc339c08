// Numbers, times and differences in words.
const numbers = new Intl.NumberFormat("en");
const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];
const STATUS_WORDS = {
  open: "Open", awaiting: "Awaiting approval", remediating: "Being remediated",
  exempted: "Exempted", accepted: "Accepted", resolved: "Resolved",
};
const KIND_WORDS = { modified: "Modified", deleted: "Deleted", unmanaged: "Unmanaged" };
const GONE = { deleted: "Declared, found nothing", unmanaged: "Unmanaged: no declaration has it" };
const HANDS = {
  person: "a person", service: "a service account", applier: "an applier", google: "Google itself",
};

function lasting(seconds) {
  for (const [at, [unit, size]] of UNITS.entries()) {
    if (seconds < size) continue;
    const [smaller, part] = UNITS[at + 1] ?? ["", 1];
    const rest = smaller && seconds < 10 * size ? Math.floor((seconds % size) / part) : 0;
    return `${numbers.format(Math.floor(seconds / size))} ${unit}${rest ? ` ${rest} ${smaller}` : ""}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}

function ago(seconds) {
  const passed = Math.max(0, report.at - seconds);
  const [unit, size] = UNITS.find(([, least]) => passed >= least) ?? ["s", 1];
  return `${numbers.format(Math.floor(passed / size))} ${unit} ago`;
}

function dated(seconds) {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function plural(count, one, several = `${one}s`) {
  return `${numbers.format(count)} ${count === 1 ? one : several}`;
}

/** The first difference in a line, and how many more there are. */
function summary(row) {
  if (!row.fields.length) return GONE[texts[row.kind]] ?? plural(row.fieldCount, "field");
  const field = fieldOf(row.fields[0]);
  const more = row.fieldCount > 1 ? ` and ${numbers.format(row.fieldCount - 1)} more` : "";
  if (field.grant) return `${field.operation === "missing" ? "−" : "+"} ${field.grant}${more}`;
  const path = field.path || "(all)";
  const told = {
    changed: `${path}: ${field.declared} → ${field.observed}`,
    missing: `${path}: expected ${field.declared}, found nothing`,
    unexpected: `${path}: expected nothing, found ${field.observed}`,
  };
  return told[field.operation] + more;
}

function shortType(at) {
  const [service, kind] = texts[at].split("/");
  return kind ? `${kind} · ${service.replace(".googleapis.com", "")}` : service;
}
