// Charts by Chart.js, in the page's colours; each has its figures in words or as a table beside it.
const MAX_BARS = 8;
const BAR = 30;
const charts = [];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function timeLabel(seconds) {
  const time = new Date(seconds * 1000);
  const options = report.span >= 86400 ? { day: "numeric", month: "short" }
    : { day: report.span >= 3600 ? "numeric" : undefined, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }).format(time);
}

function axes() {
  const text = { color: colour("muted"), font: { family: "system-ui, sans-serif", size: 11 } };
  return {
    x: { stacked: true, grid: { display: false }, border: { color: colour("line") }, ticks: { ...text, maxRotation: 0, autoSkipPadding: 24 } },
    y: { stacked: true, beginAtZero: true, grid: { color: colour("line") }, border: { display: false }, ticks: { ...text, precision: 0, maxTicksLimit: 5 } },
  };
}

function options() {
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    plugins: { legend: { display: false }, tooltip: { itemSort: (first, second) => second.datasetIndex - first.datasetIndex } },
  };
}

function legend(id, entries) {
  fill($(id), entries.map(([name, text]) => el("span", { class: `key ${name}` }, text)));
}

function openChart() {
  const labels = report.spans.map(([start]) => timeLabel(start));
  return new Chart($("open-chart"), {
    type: "line",
    data: {
      labels,
      datasets: SEVERITIES.map((name, index) => ({
        label: name,
        data: report.spans.map((span) => span[3 + index]),
        fill: true,
        stepped: report.spans.length < 60 ? "middle" : false,
        pointRadius: 0,
        borderWidth: 1,
        borderColor: colour(name),
        backgroundColor: colour(name),
      })),
    },
    options: { ...options(), scales: axes() },
  });
}

function flowChart() {
  const bars = (name, column) => ({
    label: name, data: report.spans.map((span) => span[column]), backgroundColor: colour(name), stack: name, maxBarThickness: 18,
  });
  const scales = axes();
  return new Chart($("flow-chart"), {
    type: "bar",
    data: { labels: report.spans.map(([start]) => timeLabel(start)), datasets: [bars("opened", 1), bars("resolved", 2)] },
    options: { ...options(), scales: { x: scales.x, y: { ...scales.y, stacked: false } } },
  });
}

/** How many rows have each value, by severity; the most frequent value first. */
function shares(matching, key) {
  const counts = new Map();
  for (const row of matching) {
    const text = row[key];
    let count = counts.get(text);
    if (!count) counts.set(text, count = [0, 0, 0, 0, 0]);
    count[row.severity] += 1;
    count[4] += 1;
  }
  return [...counts].sort(([first, count], [second, other]) => other[4] - count[4] || texts[first].localeCompare(texts[second]));
}

function bars(key) {
  const holder = $(`${key}-bars`);
  const canvas = el("canvas", { "aria-hidden": "true" });
  const list = el("ul", {});
  const plot = el("div", { class: "bar-plot" }, canvas);
  const rest = el("p", { class: "rest muted" });
  fill(holder, plot, list, rest);
  const none = { display: false };
  const chart = new Chart(canvas, {
    type: "bar",
    data: { labels: [], datasets: SEVERITIES.toReversed().map((name) => ({ label: name, data: [], backgroundColor: colour(name), barThickness: 10 })) },
    options: {
      ...options(),
      indexAxis: "y",
      events: [],
      plugins: { legend: none, tooltip: { enabled: false } },
      scales: { x: { stacked: true, display: false, beginAtZero: true }, y: { stacked: true, display: false } },
    },
  });
  return { chart, key, list, rest };
}

function fillBars({ chart, key, list, rest }, matching) {
  const all = shares(matching, key);
  const most = all.slice(0, MAX_BARS);
  const padded = Array.from({ length: MAX_BARS }, (_, index) => most[index]?.[1] ?? [0, 0, 0, 0, 0]);
  chart.data.labels = padded.map((_, index) => index);
  chart.data.datasets.forEach((set, index) => { set.data = padded.map((count) => count[3 - index] || null); });
  chart.options.scales.x.max = Math.max(1, most[0]?.[1][4] ?? 0);
  chart.update("none");
  const none = key === "team" ? "no team" : "(none)";
  fill(list, most.map(([text, count]) => {
    const value = texts[text];
    const name = key === "type" ? shortType(text) : value || none;
    const wanted = value || UNKNOWN;
    const isChosen = state[key] === wanted;
    const critical = count[3] ? `, ${numbers.format(count[3])} critical` : "";
    return el("li", {}, el("button", {
      type: "button",
      "aria-pressed": String(isChosen),
      title: value,
      "data-value": value,
      click: () => change({ [key]: isChosen ? "" : wanted }),
    }, isolated(name, { class: "name" }), el("span", { class: "number" }, numbers.format(count[4]), el("span", { class: "hidden" }, critical))));
  }));
  const more = all.length - most.length;
  rest.textContent = more > 0 ? `and ${plural(more, "other")}` : all.length ? "" : "None.";
}

let shareBars = [];

function drawCharts() {
  for (const chart of charts.splice(0)) chart.destroy();
  charts.push(openChart(), flowChart());
  shareBars = ["team", "project", "type"].map(bars);
  charts.push(...shareBars.map(({ chart }) => chart));
  legend("open-legend", SEVERITIES.toReversed().map((name) => [name, name]));
  legend("flow-legend", [["opened", "opened"], ["resolved", "resolved"]]);
  const opens = report.spans.map((span) => span[3] + span[4] + span[5] + span[6]);
  $("open-chart").setAttribute("aria-label", `Open findings over time: ${opens[0]} at the beginning, ${opens.at(-1)} now, ${Math.max(...opens)} at most. The table below has the figures.`);
  $("flow-chart").setAttribute("aria-label", `Findings opened and resolved over time: ${plural(report.figures.opened, "opened", "opened")}, ${plural(report.figures.resolved, "resolved", "resolved")}. The table below has the figures.`);
}

function drawShares(matching) {
  for (const share of shareBars) fillBars(share, matching);
}

/** The figures of the charts over time, for whoever does not see them. */
function chartTable() {
  const heads = ["From", "Opened", "Resolved", "Open", ...SEVERITIES.toReversed().map((name) => `Open, ${name}`)];
  const body = report.spans.map(([start, begun, ended, ...open]) => el("tr", {},
    el("th", { scope: "row" }, dated(start)),
    [begun, ended, open.reduce((sum, count) => sum + count), ...open.toReversed()].map((count) => el("td", {}, numbers.format(count)))));
  return el("div", { class: "scrolling", tabindex: 0, role: "region", "aria-label": "Figures of the charts" }, el("table", {},
    el("thead", {}, el("tr", {}, heads.map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, body)));
}
