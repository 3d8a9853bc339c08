// The headline figures, with where they come from.
const SVG = "http://www.w3.org/2000/svg";

function sparkline(values) {
  const most = Math.max(1, ...values);
  const points = values.map((value, index) => `${(index / Math.max(1, values.length - 1)) * 100},${22 - (value / most) * 20}`);
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 100 24", class: "spark", "aria-hidden": "true", preserveAspectRatio: "none" })) {
    svg.setAttribute(name, value);
  }
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", points.join(" "));
  svg.append(line);
  return svg;
}

/** How a figure has changed; more is worse, unless `good` says otherwise. */
function trend(now, before, format) {
  if (before === null || now === null) return null;
  const change = now - before;
  if (!change) return el("span", {}, "as before");
  const sign = change > 0 ? "▲" : "▼";
  return el("span", { class: change > 0 ? "worse" : "better" }, `${sign} ${format(Math.abs(change))} ${change > 0 ? "more" : "less"}`);
}

function card(name, value, details, values) {
  return el("div", { class: "card" }, el("dt", {}, name),
    el("dd", {}, el("span", { class: "value" }, value), values && sparkline(values), el("span", { class: "details" }, details)));
}

function percent(share) {
  // Rounded down: what was not compared must not round away.
  return `${(Math.floor(share * 1000) / 10).toLocaleString("en")} %`;
}

/** The share of compared resources, and what it is a share of. */
function coverageFigure() {
  const { declared, swept, in_sync: inSync, drifted, unknown, swept_at: sweptAt } = report.coverage;
  if (!sweptAt) return ["None yet", [`${numbers.format(declared ?? 0)} declared; only what has changed since was compared`]];
  const compared = (inSync ?? 0) + (drifted ?? 0);
  const details = `${numbers.format(compared)} of ${numbers.format(swept ?? 0)} compared, ${numbers.format(unknown ?? 0)} unknown; swept ${ago(sweptAt)}`;
  return [swept ? percent(compared / swept) : "Nothing", [details]];
}

/** Counts with their words, those that are not zero. */
function counted(counts) {
  return counts.filter(([count]) => count).map(([count, what]) => `${numbers.format(count)} ${what}`).join(" · ");
}

function drawFigures() {
  const { figures, spans } = report;
  const period = duration(report.generated_at - report.since);
  const opens = spans.map((span) => span[3] + span[4] + span[5] + span[6]);
  const [share, coverage] = coverageFigure();
  const waiting = counted([[figures.awaiting, "to approve"], [figures.remediating, "under way"], [figures.stopped, "stopped"]]);
  const suppressed = counted([
    [figures.exempted - figures.accepted, "exempted"],
    [figures.accepted - figures.baseline, "accepted"],
    [figures.baseline, "in the baseline"],
  ]);
  fill($("figures"),
    card("Open findings", numbers.format(figures.open),
      [trend(figures.open, figures.open_before, numbers.format), ` than ${period} ago`].map(asBefore), opens),
    card("Critical", numbers.format(figures.critical),
      [trend(figures.critical, figures.critical_before, numbers.format), ` than ${period} ago`].map(asBefore), spans.map((span) => span[6])),
    card("Opened", numbers.format(figures.opened), [perSpan(figures.opened)], spans.map((span) => span[1])),
    card("Resolved", numbers.format(figures.resolved), [perSpan(figures.resolved)], spans.map((span) => span[2])),
    card("Mean time to resolve", figures.seconds_to_resolve === null ? "–" : duration(figures.seconds_to_resolve),
      [figures.seconds_to_resolve === null ? "none was resolved in this time"
        : trend(figures.seconds_to_resolve, figures.seconds_before, duration) ?? `none was resolved in the ${period} before`,
      figures.seconds_before !== null && figures.seconds_to_resolve !== null && ` than in the ${period} before`].map(asBefore)),
    card("Exempted or accepted", numbers.format(figures.exempted), [suppressed || "none"]),
    card("Coverage", share, coverage),
    card("Remediated by Setpoint", numbers.format(figures.put_back), [waiting || "nothing waits"]),
  );
}

/** The end of a sentence that begins with a trend, also after "as before". */
function asBefore(part, _, parts) {
  return typeof part === "string" && parts[0]?.textContent === "as before" ? part.replace(/^ than (in )?/, ", ") : part;
}

function perSpan(count) {
  const unit = { 300: "5 minutes", 3600: "hour" }[report.span] ?? "day";
  const each = count / Math.max(1, (report.generated_at - report.since) / report.span);
  return `in ${duration(report.generated_at - report.since)}; ${each.toLocaleString("en", { maximumFractionDigits: 1 })} per ${unit}`;
}
