// All that is known of one finding.
function detail(row) {
  return el("div", { class: "detail-inner" },
    el("div", { class: "main" }, differences(row), timeline(row), shortening()),
    el("div", { class: "side" }, facts(row), commands(row)),
  );
}

/** What this page has left out to stay small; the command shows all that is kept. */
function shortening() {
  if (!report.cut) return null;
  const [value, fields, steps] = report.cut;
  return el("p", { class: "muted" }, `To stay small, this page holds ${value} characters of a value, ${fields} fields and the latest ${steps} steps of a finding.`);
}

function differences(row) {
  const kind = texts[row.kind];
  const told = row.fields.map(fieldOf);
  const grants = told.filter((field) => field.grant);
  const fields = told.filter((field) => !field.grant);
  const more = row.fieldCount - told.length;
  return el("section", {},
    el("h3", {}, "What differs"),
    GONE[kind] && el("p", {}, `${GONE[kind]}.`),
    grants.length > 0 && el("ul", { class: "grants" }, grants.map((field) => el("li", { class: field.operation },
      el("span", { class: "sign" }, field.operation === "missing" ? "−" : "+"), isolated(field.grant)))),
    fields.length > 0 && el("table", { class: "fields" },
      el("thead", {}, el("tr", {}, ["Field", "Declared", "Observed"].map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, fields.map(fieldRow))),
    more > 0 && el("p", { class: "muted" }, `and ${numbers.format(more)} more; the command shows those that are kept.`),
  );
}

function fieldRow(field) {
  return el("tr", {},
    el("th", { scope: "row" }, isolated(field.path || "(all)"),
      field.immutable && el("span", { class: "tag" }, "immutable")),
    el("td", {}, field.declared ? isolated(field.declared, { class: "declared" }) : el("em", {}, "not declared")),
    el("td", {}, field.observed ? isolated(field.observed, { class: "observed" }) : el("em", {}, "nothing")),
  );
}

function timeline(row) {
  if (!row.steps.length) return null;
  return el("section", {},
    el("h3", {}, "What happened"),
    el("ol", { class: "steps" }, row.steps.map(([at, what, by, text]) => el("li", {},
      el("time", { datetime: new Date((report.at - at) * 1000).toISOString() }, dated(report.at - at)),
      el("div", {}, el("b", {}, texts[what]), texts[by] && [" by ", isolated(texts[by])],
        texts[text] && el("p", {}, isolated(texts[text]))),
    ))),
  );
}

function facts(row) {
  const source = texts[row.source];
  const link = linkOf(row);
  const known = [
    ["Resource", [isolated(texts[row.resource]), " ", copying(texts[row.resource], "Copy the resource name")]],
    ["Type", shortType(row.type)],
    ["Owner", [row.team, row.contact].filter((at) => texts[at]).flatMap((at) => [isolated(texts[at]), " "])],
    ["Changed by", who(row)],
    ["Declared in", source && (/^https:\/\//.test(link)
      ? el("a", { href: link, rel: "noopener noreferrer", target: "_blank" }, isolated(source))
      : isolated(source))],
    ["Status", [STATUS_WORDS[STATUSES[row.status]], texts[row.reason] && [": ", isolated(texts[row.reason])]].flat()],
    ["Mode", texts[row.mode]],
    ["Seen", `${plural(row.count, "time")}, last ${dated(row.last)}${row.episodes > 1 ? `; recurrence ${row.episodes}` : ""}`],
  ];
  return el("section", {}, el("h3", {}, "Facts"), el("dl", { class: "facts" },
    known.filter(([, value]) => (Array.isArray(value) ? value.length : value)).map(([name, value]) => el("div", {},
      el("dt", {}, name), el("dd", {}, value)))));
}

function who(row) {
  const actor = actorOf(row);
  if (!actor) return "not known";
  const how = [actor.method, actor.caller && `with ${actor.caller}`, actor.ip && `from ${actor.ip}`].filter(Boolean);
  return [
    isolated(actor.principal),
    el("p", { class: "muted" }, `${actor.confidence}; ${HANDS[actor.hand] ?? actor.hand}; ${how.join(" ")}`),
    actor.through && el("p", { class: "muted" }, `through ${actor.through}`),
    actor.others && el("p", { class: "muted" }, `or ${actor.others}`),
  ];
}

function commands(row) {
  const id = row.id.slice(0, 12);
  // What a shell would take apart is quoted.
  const store = /^[\w:/.-]+$/.test(report.store) ? report.store : `'${report.store.replaceAll("'", "'\\''")}'`;
  const told = [`setpoint findings show ${id} --store ${store}`];
  if (STATUSES[row.status] === "awaiting") told.push(`setpoint approve ${id} --store ${store}`);
  return el("section", {}, el("h3", {}, "Commands"),
    told.map((command) => el("div", { class: "command" }, el("code", {}, command), copying(command, "Copy the command"))),
    el("div", { class: "command" }, el("a", { href: `#finding=${row.id}` }, "Link to this finding"),
      copying(`${window.location.href.split("#")[0]}#finding=${row.id}`, "Copy the link to this finding")));
}
