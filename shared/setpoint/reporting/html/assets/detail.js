// The details of a finding.
function detail(row) {
  return el("div", { class: "detail-inner" },
    el("div", { class: "main" }, differences(row), onsets(row), timeline(row), omissions()),
    el("div", { class: "side" }, commandList(row), facts(row)),
  );
}

/** What the page has omitted to stay small. */
function omissions() {
  if (!report.cut) return null;
  const [value, fields, steps] = report.cut;
  return el("p", { class: "muted" }, `To stay small, this page holds ${value} characters of a value, ${fields} fields and the latest ${steps} steps of a finding.`);
}

function differences(row) {
  const kind = texts[row.kind];
  const shown = row.fields.map(fieldOf);
  const grants = shown.filter((field) => field.grant);
  const fields = shown.filter((field) => !field.grant);
  const more = row.fieldCount - shown.length;
  return el("section", {},
    el("h3", {}, "What differs"),
    WHOLE_RESOURCE[kind] && el("p", {}, `${WHOLE_RESOURCE[kind]}.`),
    grants.length > 0 && el("ul", { class: "grants" }, grants.map((field) => el("li", { class: field.operation },
      el("span", { class: "sign" }, field.operation === "missing" ? "−" : "+"), isolated(field.grant)))),
    fields.length > 0 && el("table", { class: "fields" },
      el("thead", {}, el("tr", {}, ["Field", "Declared", "Observed"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, fields.map(fieldRow))),
    more > 0 && el("p", { class: "muted" }, `and ${numbers.format(more)} more; \`setpoint findings show\` lists those that are stored.`),
  );
}

function fieldRow(field) {
  return el("tr", {},
    el("th", { scope: "row" }, isolated(field.path || "(all)"),
      field.immutable && el("span", { class: "tag" }, "immutable"),
      field.undeclared && el("span", { class: "tag" }, "nobody declares it: last known good value")),
    el("td", {}, field.declared ? isolated(field.declared, { class: "declared" }) : el("em", {}, "not declared")),
    el("td", {}, field.observed ? isolated(field.observed, { class: "observed" }) : el("em", {}, "nothing")),
  );
}

/** Since when each field has its value, from the history of the inventory and the audit logs. */
function onsets(row) {
  if (!row.onsets.length) return null;
  return el("section", {},
    el("h3", {}, "Since when"),
    el("table", { class: "fields" },
      el("thead", {}, el("tr", {}, ["Field", "Since", "Before", "Changed by"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, row.onsets.map(([age, atLeast, path, before, by, reason]) => el("tr", {},
        el("th", { scope: "row" }, isolated(texts[path] || "(all)")),
        el("td", {}, age === null ? "not known" : `${dated(report.generated_at - age)}${atLeast ? " or earlier" : ""}`,
          texts[reason] && el("p", { class: "muted" }, texts[reason])),
        el("td", {}, texts[before] ? isolated(texts[before]) : el("em", {}, "–")),
        el("td", {}, texts[by] ? isolated(texts[by]) : el("em", {}, "not known")),
      )))),
  );
}

function timeline(row) {
  if (!row.steps.length) return null;
  return el("section", {},
    el("h3", {}, "What happened"),
    el("ol", { class: "steps" }, row.steps.map(([age, what, by, text]) => el("li", {},
      el("time", { datetime: new Date((report.generated_at - age) * 1000).toISOString() }, dated(report.generated_at - age)),
      el("div", {}, el("b", {}, texts[what]), texts[by] && [" by ", isolated(texts[by])],
        texts[text] && el("p", {}, isolated(texts[text]))),
    ))),
  );
}

function facts(row) {
  const source = texts[row.source];
  const link = linkOf(row);
  const known = [
    ["Resource", [isolated(texts[row.resource]), " ", copyButton(texts[row.resource], "Copy the resource name")]],
    ["Type", shortType(row.type)],
    ["Team", [row.team, row.contact].filter((text) => texts[text]).flatMap((text) => [isolated(texts[text]), " "])],
    ["Changed by", changedBy(row)],
    ["Origin", [texts[row.origin], texts[row.evidence] && el("p", { class: "muted" }, isolated(texts[row.evidence]))]],
    ["Declared in", source && (/^https:\/\//.test(link)
      ? el("a", { href: link, rel: "noopener noreferrer", target: "_blank" }, isolated(source))
      : isolated(source))],
    ["Status", [STATUS_WORDS[STATUSES[row.status]], texts[row.reason] && [": ", isolated(texts[row.reason])]].flat()],
    ["Mode", texts[row.mode]],
    ["Watched", texts[row.watched]],
    ["Seen", `${plural(row.count, "time")}, last ${dated(row.last)}${row.episodes > 1 ? `; recurrence ${row.episodes}` : ""}`],
  ];
  return el("section", {}, el("h3", {}, "Facts"), el("dl", { class: "facts" },
    known.filter(([, value]) => (Array.isArray(value) ? value.length : value)).map(([name, value]) => el("div", {},
      el("dt", {}, name), el("dd", {}, value)))));
}

function changedBy(row) {
  const actor = actorOf(row);
  if (!actor) return "not known";
  const how = [actor.method, actor.caller && `with ${actor.caller}`, actor.ip && `from ${actor.ip}`].filter(Boolean);
  return [
    isolated(actor.principal),
    el("p", { class: "muted" }, `${actor.confidence}; ${ACTOR_KINDS[actor.kind] ?? actor.kind}; ${how.join(" ")}`),
    actor.through && el("p", { class: "muted" }, `through ${actor.through}`),
    actor.others && el("p", { class: "muted" }, `or ${actor.others}`),
  ];
}

function commandList(row) {
  const link = `#finding=${row.id}`;
  return el("section", {}, el("h3", {}, "Commands"),
    commandsOf(row).map(([label, command]) => el("div", { class: "command" },
      el("div", {}, el("p", { class: "muted" }, label), el("code", {}, command)), copyButton(command, `Copy: ${label}`))),
    el("div", { class: "command" }, el("a", { href: link }, "Link to this finding"),
      copyButton(`${window.location.href.split("#")[0]}${link}`, "Copy the link to this finding")));
}
