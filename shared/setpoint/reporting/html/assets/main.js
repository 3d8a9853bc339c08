// The page comes to life: controls say what is looked at, and everything follows from that.
const DIMENSIONS = ["team", "type", "kind"];
const THEMES = { "": ["Auto", "as the system"], light: ["Light", "light"], dark: ["Dark", "dark"] };

function choices() {
  fill($("status"), STATUS_CHOICES.map(([value, text]) => el("option", { value }, text)));
  const words = { team: (at) => texts[at], type: shortType, kind: (at) => KIND_WORDS[texts[at]] };
  const any = { team: "Any", type: "Any", kind: "Any" };
  for (const name of DIMENSIONS) {
    const options = distinct((row) => row[name]).map((at) => el("option", { value: texts[at] || UNKNOWN }, texts[at] ? words[name](at) : "no team"));
    fill($(name), el("option", { value: "" }, any[name]), options);
  }
  fill($("projects"), distinct((row) => row.project).map((at) => el("option", { value: texts[at] })));
  fill($("actors"), el("option", { value: UNKNOWN }), distinct((row) => row.by).map((at) => el("option", { value: texts[at] })));
  fill($("severity"), SEVERITIES.toReversed().map((name) => el("button", {
    type: "button",
    class: `chip ${name}`,
    "data-severity": name,
    click: () => {
      const chosen = new Set(state.severity ? state.severity.split(",") : []);
      if (!chosen.delete(name)) chosen.add(name);
      change({ severity: SEVERITIES.filter((one) => chosen.has(one)).join(",") });
    },
  })));
}

/** The controls as the address says; what somebody is writing in is left alone. */
function controls(counts) {
  for (const name of ["q", "project", "actor", "status", ...DIMENSIONS]) {
    const control = $(name);
    if (control.value === state[name]) continue;
    if (control.tagName === "SELECT" && ![...control.options].some((one) => one.value === state[name])) {
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

let drawing = 0;

function refresh() {
  const { found, counts } = chosen();
  controls(counts);
  headings();
  show(found);
  const all = rows.length;
  $("count").textContent = found.length === all ? plural(all, "finding") : `${numbers.format(found.length)} of ${plural(all, "finding")}`;
  $("shares-note").textContent = `of ${plural(found.length, "finding")} below`;
  $("table").hidden = !found.length;
  $("empty").hidden = found.length > 0;
  if (!found.length) fill($("empty"), ...nothing());
  // The bars come after the table: whoever types is not to wait for them.
  clearTimeout(drawing);
  drawing = setTimeout(() => drawShares(found), 60);
}

/** Why there is nothing to see. */
function nothing() {
  if (state.group && !rows.some((row) => texts[row.group] === state.group)) {
    return [el("h3", {}, "No finding of that message is here"), el("p", {}, "They may have been resolved long ago, or become something else."), clearing()];
  }
  const isPlain = NAMES.every((name) => state[name] === (DEFAULTS[name] ?? "") || name === "sort" || name === "finding");
  if (!isPlain) return [el("h3", {}, "No finding fits"), el("p", {}, "No finding of this report is like that."), clearing()];
  const { swept_at: at, unknown } = report.coverage;
  const known = at ? `The latest sweep, ${ago(at)}, found all that it could compare as declared${unknown ? `; of ${plural(unknown, "resource")} it could tell nothing` : ""}.`
    : "No sweep has ended yet: this is about what has changed since Setpoint began to watch, and about nothing else.";
  const past = rows.length ? `${plural(rows.length, "finding")} of this period ${rows.length === 1 ? "is" : "are"} resolved or left alone.` : "";
  return [el("h3", {}, "No open findings"), el("p", {}, known), past && el("p", {}, past, " ",
    el("button", { type: "button", click: () => change({ status: "all" }) }, "Show them"))];
}

function clearing() {
  return el("button", { type: "button", click: clear }, "Clear filters");
}

function clear() {
  change({ q: "", status: DEFAULTS.status, severity: "", team: "", project: "", type: "", kind: "", actor: "", group: "", finding: "" });
}

function listen() {
  for (const name of ["q", "project", "actor"]) {
    $(name).addEventListener("input", (event) => change({ [name]: event.target.value }, { keep: false }));
  }
  for (const name of ["status", ...DIMENSIONS]) {
    $(name).addEventListener("change", (event) => change({ [name]: event.target.value }));
  }
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", (event) => { event.preventDefault(); clear(); });
  document.addEventListener("keydown", (event) => {
    const isWriting = event.target.closest?.("input, select, textarea");
    if (event.key === "/" && !isWriting) {
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

function themed(name) {
  const [text, told] = THEMES[name] ?? THEMES[""];
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
  $("theme").textContent = text;
  $("theme").setAttribute("aria-label", `Colours: ${told}`);
}

function remembered(name) {
  try {
    if (name === undefined) return window.localStorage.getItem("setpoint-theme") ?? "";
    window.localStorage.setItem("setpoint-theme", name);
  } catch {
    // A browser that keeps nothing for this page: it follows the system.
  }
  return name ?? "";
}

function recolour() {
  if (!report.watched) return;
  drawCharts();
  drawShares(table.shown);
}

function themes() {
  themed(remembered());
  $("theme").addEventListener("click", () => {
    const names = Object.keys(THEMES);
    const next = names[(names.indexOf(document.documentElement.dataset.theme ?? "") + 1) % names.length];
    remembered(next);
    themed(next);
    recolour();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
}

function paper() {
  let before = "";
  window.addEventListener("beforeprint", () => {
    before = document.documentElement.dataset.theme ?? "";
    document.documentElement.dataset.theme = "light";
    recolour();
    print(true);
  });
  window.addEventListener("afterprint", () => {
    themed(before);
    recolour();
    print(false);
  });
}

/** Bring the finding that the address names into sight. */
function reveal() {
  const [first] = opened();
  if (first && table.places.has(first)) go(table.places.get(first));
}

function start() {
  themes();
  $("skip").addEventListener("click", (event) => {
    event.preventDefault();
    ($("findings") ?? document.querySelector("main")).focus();
  });
  if (!report.watched) return;
  document.body.classList.toggle("is-empty", !rows.length);
  read();
  choices();
  listen();
  watch();
  paper();
  drawFigures();
  drawCharts();
  resized();
  listeners.push((changes) => {
    const names = Object.keys(changes).filter((name) => name !== "finding");
    const same = names.every((name) => name === "status" && changes[name] === table.status);
    table.status = state.status;
    if (same) setOpen(opened());
    else refresh();
  });
  table.status = state.status;
  refresh();
  drawShares(table.shown);
  $("numbers").addEventListener("toggle", () => { if ($("numbers").open && $("numbers").children.length < 2) $("numbers").append(tabulated()); });
  reveal();
  setTimeout(() => { for (const row of rows) haystack(row); }, 300);
  performance.mark("setpoint-ready");
}

start();
