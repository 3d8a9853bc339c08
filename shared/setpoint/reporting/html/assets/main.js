// Controls change the filters, and everything on the page follows the filters.
const SELECTS = ["team", "type", "kind", "origin"];
const THEMES = { "": "auto", light: "light", dark: "dark" };

function createControls() {
  fill($("status"), STATUS_CHOICES.map(([value, text]) => el("option", { value }, text)));
  const labels = { team: (text) => texts[text], type: shortType, kind: (text) => KIND_WORDS[texts[text]], origin: (text) => texts[text] };
  for (const name of SELECTS) {
    const options = distinct((row) => row[name]).map((text) => el("option", { value: texts[text] || UNKNOWN }, texts[text] ? labels[name](text) : "no team"));
    fill($(name), el("option", { value: "" }, "Any"), options);
  }
  fill($("projects"), distinct((row) => row.project).map((text) => el("option", { value: texts[text] })));
  fill($("actors"), el("option", { value: UNKNOWN }), distinct((row) => row.principal).map((text) => el("option", { value: texts[text] })));
  fill($("severity"), SEVERITIES.toReversed().map((name) => el("button", {
    type: "button",
    class: `chip ${name}`,
    "data-severity": name,
    click: () => {
      const chosen = new Set(state.severity ? state.severity.split(",") : []);
      if (!chosen.delete(name)) chosen.add(name);
      change({ severity: SEVERITIES.filter((severity) => chosen.has(severity)).join(",") });
    },
  })));
}

/** Set the controls to the filters; a control that is being typed in keeps its text. */
function updateControls(counts) {
  for (const name of ["q", "project", "actor", "status", ...SELECTS]) {
    const control = $(name);
    if (control.value === state[name]) continue;
    if (control.tagName === "SELECT" && ![...control.options].some((option) => option.value === state[name])) {
      control.append(el("option", { value: state[name] }, state[name]));
    }
    control.value = state[name];
  }
  const chosen = state.severity.split(",");
  for (const chip of $("severity").children) {
    const { severity } = chip.dataset;
    chip.setAttribute("aria-pressed", String(chosen.includes(severity)));
    fill(chip, severity, " ", el("span", { class: "number" }, numbers.format(counts[SEVERITIES.indexOf(severity)])));
  }
}

let sharesTimer = 0;

function refresh() {
  const { matching, counts } = matchingRows();
  updateControls(counts);
  showHeadings();
  show(matching);
  const total = rows.length;
  $("count").textContent = matching.length === total ? plural(total, "finding") : `${numbers.format(matching.length)} of ${plural(total, "finding")}`;
  $("shares-note").textContent = `of ${plural(matching.length, "finding")} below`;
  $("table").hidden = !matching.length;
  $("empty").hidden = matching.length > 0;
  if (!matching.length) fill($("empty"), ...emptyMessage());
  // The bars are drawn after the table, so that typing stays fast.
  clearTimeout(sharesTimer);
  sharesTimer = setTimeout(() => drawShares(matching), 60);
}

/** Why no finding is shown. */
function emptyMessage() {
  if (state.group && !rows.some((row) => texts[row.group] === state.group)) {
    return [el("h3", {}, "No finding of that message is here"), el("p", {}, "They may have been resolved long ago, or their drift has changed."), clearButton()];
  }
  const isUnfiltered = NAMES.every((name) => state[name] === (DEFAULTS[name] ?? "") || name === "sort" || name === "finding");
  if (!isUnfiltered) return [el("h3", {}, "No finding matches"), el("p", {}, "No finding of this report matches the filters."), clearButton()];
  const { swept_at: sweptAt, unknown } = report.coverage;
  const known = sweptAt
    ? `The latest sweep, ${ago(sweptAt)}, found everything that it could compare as declared${unknown ? `; ${plural(unknown, "resource")} could not be compared` : ""}.`
    : "No sweep has ended yet: only what has changed since Setpoint began to watch was compared.";
  const past = rows.length ? `${plural(rows.length, "finding")} of this period ${rows.length === 1 ? "is" : "are"} resolved, exempted or accepted.` : "";
  return [el("h3", {}, "No open findings"), el("p", {}, known), past && el("p", {}, past, " ",
    el("button", { type: "button", click: () => change({ status: "all" }) }, "Show them"))];
}

function clearButton() {
  return el("button", { type: "button", click: clearFilters }, "Clear filters");
}

function clearFilters() {
  change({ q: "", status: DEFAULTS.status, severity: "", team: "", project: "", type: "", kind: "", origin: "", actor: "", group: "", finding: "" });
}

function listenToControls() {
  for (const name of ["q", "project", "actor"]) {
    $(name).addEventListener("input", (event) => change({ [name]: event.target.value }, { keep: false }));
  }
  for (const name of ["status", ...SELECTS]) {
    $(name).addEventListener("change", (event) => change({ [name]: event.target.value }));
  }
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", (event) => { event.preventDefault(); clearFilters(); });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, select, textarea");
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      $("q").focus();
      $("q").select();
    } else if (event.key === "Escape" && event.target === $("q") && state.q) {
      change({ q: "" }, { keep: false });
    } else if (event.key === "ArrowDown" && event.target === $("q")) {
      event.preventDefault();
      go(0);
    }
  });
}

function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
  $("theme").textContent = `Theme: ${THEMES[name] ?? THEMES[""]}`;
}

/** The stored theme; stores one where it is given. */
function storedTheme(name) {
  try {
    if (name === undefined) return window.localStorage.getItem("setpoint-theme") ?? "";
    window.localStorage.setItem("setpoint-theme", name);
  } catch {
    // The browser stores nothing for this page: it follows the system.
  }
  return name ?? "";
}

function redrawCharts() {
  if (!report.watched) return;
  drawCharts();
  drawShares(table.shown);
}

function listenToTheme() {
  setTheme(storedTheme());
  $("theme").addEventListener("click", () => {
    const names = Object.keys(THEMES);
    const next = names[(names.indexOf(document.documentElement.dataset.theme ?? "") + 1) % names.length];
    storedTheme(next);
    setTheme(next);
    redrawCharts();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
}

/** Print in light colours, with all rows. */
function listenToPrinting() {
  let themeBefore = "";
  window.addEventListener("beforeprint", () => {
    themeBefore = document.documentElement.dataset.theme ?? "";
    document.documentElement.dataset.theme = "light";
    redrawCharts();
    setPrinting(true);
  });
  window.addEventListener("afterprint", () => {
    setTheme(themeBefore);
    redrawCharts();
    setPrinting(false);
  });
}

/** Scroll to the finding in the address. */
function reveal() {
  const [first] = openIds();
  if (first && table.places.has(first)) go(table.places.get(first));
}

function start() {
  document.documentElement.classList.add("has-script");
  listenToTheme();
  $("skip").addEventListener("click", (event) => {
    event.preventDefault();
    ($("findings") ?? document.querySelector("main")).focus();
  });
  if (!report.watched) return;
  document.body.classList.toggle("is-empty", !rows.length);
  readAddress();
  createControls();
  listenToControls();
  listenToTable();
  listenToPrinting();
  drawFigures();
  drawCharts();
  let statusBefore = state.status;
  listeners.push((changes) => {
    const names = Object.keys(changes).filter((name) => name !== "finding");
    const isSameTable = names.every((name) => name === "status" && changes[name] === statusBefore);
    statusBefore = state.status;
    if (isSameTable) setOpen(openIds());
    else refresh();
  });
  refresh();
  onResize();
  drawShares(table.shown);
  $("numbers").addEventListener("toggle", () => { if ($("numbers").open && $("numbers").children.length < 2) $("numbers").append(chartTable()); });
  reveal();
  setTimeout(() => { for (const row of rows) searchTextOf(row); }, 300);
  performance.mark("setpoint-ready");
}

start();
