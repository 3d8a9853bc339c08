// Numbers, times and differences as text, in the same words and units as the command line.
const numbers = new Intl.NumberFormat("en");
const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];
const STATUS_WORDS = {
  open: "Open", awaiting: "Awaiting approval", remediating: "Being remediated",
  exempted: "Exempted", accepted: "Accepted", baseline: "Baseline", resolved: "Resolved",
};
const KIND_WORDS = { modified: "Modified", deleted: "Deleted", unmanaged: "Unmanaged" };
const WHOLE_RESOURCE = { deleted: "Declared, found nothing", unmanaged: "Unmanaged: no declaration has it" };
const ACTOR_KINDS = {
  person: "a person", service: "a service account", applier: "an applier", google: "Google itself",
};

function duration(seconds) {
  for (const [index, [unit, size]] of UNITS.entries()) {
    if (seconds < size) continue;
    const [smallerUnit, smallerSize] = UNITS[index + 1] ?? ["", 1];
    const rest = smallerUnit && seconds < 10 * size ? Math.floor((seconds % size) / smallerSize) : 0;
    return `${numbers.format(Math.floor(seconds / size))} ${unit}${rest ? ` ${rest} ${smallerUnit}` : ""}`;
  }
  return `${Math.max(0, Math.floor(seconds))} s`;
}

/** How long before the report a time was, in the largest unit that fits. */
function ago(seconds) {
  const elapsed = Math.max(0, report.generated_at - seconds);
  const [unit, size] = UNITS.find(([, least]) => elapsed >= least) ?? ["s", 1];
  return `${numbers.format(Math.floor(elapsed / size))} ${unit} ago`;
}

function dated(seconds) {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function plural(count, singular, several = `${singular}s`) {
  return `${numbers.format(count)} ${count === 1 ? singular : several}`;
}

/** The first difference in a line, and the number of others. */
function summary(row) {
  if (!row.fields.length) return WHOLE_RESOURCE[texts[row.kind]] ?? plural(row.fieldCount, "field");
  const field = fieldOf(row.fields[0]);
  const more = row.fieldCount > 1 ? ` and ${numbers.format(row.fieldCount - 1)} more` : "";
  if (field.grant) return `${field.operation === "missing" ? "−" : "+"} ${field.grant}${more}`;
  const path = field.path || "(all)";
  const lines = {
    changed: `${path}: ${field.declared} → ${field.observed}`,
    missing: `${path}: expected ${field.declared}, found nothing`,
    unexpected: `${path}: expected nothing, found ${field.observed}`,
  };
  return lines[field.operation] + more;
}

function shortType(text) {
  const [service, kind] = texts[text].split("/");
  return kind ? `${kind} · ${service.replace(".googleapis.com", "")}` : service;
}
