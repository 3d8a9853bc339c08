// The findings as a table of which only what is in sight, and a little more, is in the document.
//
// The whole page scrolls; a row has one height, and a finding that is open adds what its details were measured to take.
const OVERSCAN = 8;
const MOST_PRINTED = 500;

const table = {
  shown: [],
  open: new Set(),
  heights: new Map(),
  live: new Map(),
  current: 0,
  rowHeight: 56,
  isPrinting: false,
};

function cells(row) {
  const severity = SEVERITIES[row.severity];
  const name = texts[row.name];
  return [
    ["severity", el("span", { class: `severity ${severity}` }, severity)],
    ["what", [
      el("button", { type: "button", class: "open", tabindex: -1, "aria-expanded": "false" },
        el("b", {}, texts[row.what]), " ", isolated(name)),
      isolated(summary(row), { class: "summary" }),
    ]],
    ["project", isolated(texts[row.project] || "–", { title: texts[row.project] })],
    ["team", isolated(texts[row.team] || "–", { title: texts[row.team] })],
    ["since", el("time", { datetime: new Date(row.first * 1000).toISOString(), title: dated(row.first) }, ago(row.first))],
    ["status", el("span", { class: `status ${STATUSES[row.status]}` }, STATUS_WORDS[STATUSES[row.status]])],
    ["actor", isolated(row.by < 0 ? "–" : texts[row.by], { title: row.by < 0 ? "not known" : texts[row.by] })],
  ];
}

function made(row, at) {
  const line = el("div", { role: "row", class: "row", "aria-rowindex": at + 2, "data-at": at },
    cells(row).map(([name, content]) => el("div", { role: "cell", class: `cell at-${name}` }, content)));
  return { row, line, more: null, button: line.querySelector("button.open") };
}

function top(at) {
  let offset = at * table.rowHeight;
  for (const [id, height] of table.heights) if (table.places.get(id) < at) offset += height;
  return offset;
}

/** The row at a height, counted from the top of the rows. */
function rowAt(height) {
  let least = 0;
  let most = table.shown.length - 1;
  while (least < most) {
    const middle = (least + most + 1) >> 1;
    if (top(middle) <= height) least = middle;
    else most = middle - 1;
  }
  return least;
}

const measuring = new ResizeObserver((entries) => {
  let changed = false;
  for (const { target } of entries) {
    const id = target.dataset.finding;
    const height = target.offsetHeight;
    if (height && table.heights.has(id) && table.heights.get(id) !== height) {
      table.heights.set(id, height);
      changed = true;
    }
  }
  if (changed) paint();
});

/** Put what is in sight into the document, in its order, and take out the rest; what has the focus stays. */
function paint() {
  const holder = $("rows");
  const count = table.shown.length;
  const total = top(count);
  holder.style.height = table.isPrinting ? "auto" : `${total}px`;
  let first = 0;
  let last = Math.min(count, MOST_PRINTED) - 1;
  if (!table.isPrinting) {
    const above = -holder.getBoundingClientRect().top;
    first = Math.max(0, rowAt(above) - OVERSCAN);
    last = Math.min(count - 1, rowAt(above + window.innerHeight) + OVERSCAN);
  }
  const wanted = new Set();
  for (let at = first; at <= last; at += 1) wanted.add(at);
  const focused = document.activeElement?.closest?.("[data-at]");
  if (focused && holder.contains(focused)) wanted.add(Number(focused.dataset.at));
  for (const [at, { line, more }] of table.live) {
    if (!wanted.has(at)) {
      line.remove();
      more?.remove();
      table.live.delete(at);
    }
  }
  let before = null;
  for (const at of [...wanted].sort((one, other) => one - other)) before = place(at, before, holder);
}

function place(at, before, holder) {
  const row = table.shown[at];
  let entry = table.live.get(at);
  if (!entry) {
    entry = made(row, at);
    table.live.set(at, entry);
  }
  const follow = (node) => {
    const next = before ? before.nextSibling : holder.firstChild;
    if (next !== node) holder.insertBefore(node, next);
    before = node;
  };
  follow(entry.line);
  entry.line.style.top = `${top(at)}px`;
  entry.button.tabIndex = at === table.current ? 0 : -1;
  const isOpen = table.open.has(row.id);
  entry.line.classList.toggle("is-open", isOpen);
  entry.button.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) {
    if (!entry.more) {
      entry.more = el("div", { role: "row", class: "detail", "data-finding": row.id, "data-at": at },
        el("div", { role: "cell", "aria-colspan": 7, id: `detail-${row.id}` }, detail(row)));
      entry.button.setAttribute("aria-controls", `detail-${row.id}`);
      measuring.observe(entry.more);
    }
    follow(entry.more);
    entry.more.style.top = `${top(at) + table.rowHeight}px`;
  } else if (entry.more) {
    entry.more.remove();
    entry.more = null;
    entry.button.removeAttribute("aria-controls");
  }
  return before;
}

/** Show other rows, or the same ones in another order. */
function show(found) {
  table.shown = found;
  table.places = new Map(found.map((row, at) => [row.id, at]));
  table.current = 0;
  $("rows").replaceChildren();
  table.live.clear();
  $("table").setAttribute("aria-rowcount", String(found.length + 1));
  setOpen(opened());
}

/** Open these findings and no others. */
function setOpen(ids) {
  table.open = new Set([...ids].filter((id) => byId.has(id)));
  for (const id of table.heights.keys()) if (!table.open.has(id) || !table.places.has(id)) table.heights.delete(id);
  for (const id of table.open) if (!table.heights.has(id) && table.places.has(id)) table.heights.set(id, 0);
  paint();
  let changed = false;
  for (const { row, more } of table.live.values()) {
    const height = more?.offsetHeight;
    if (height && table.heights.get(row.id) !== height) {
      table.heights.set(row.id, height);
      changed = true;
    }
  }
  if (changed) paint();
}

function toggle(row) {
  const ids = opened();
  if (!ids.delete(row.id)) ids.add(row.id);
  const wasAll = state.status;
  change({ finding: [...ids].join(","), status: wasAll });
}

/** Go to a row, and bring it into sight. */
function go(at) {
  if (!table.shown.length) return;
  table.current = Math.max(0, Math.min(table.shown.length - 1, at));
  const holder = $("rows").getBoundingClientRect();
  const head = $("head").offsetHeight;
  const y = holder.top + top(table.current);
  if (y < head) window.scrollBy(0, y - head - 4);
  else if (y + table.rowHeight > window.innerHeight) window.scrollBy(0, y + table.rowHeight - window.innerHeight + 4);
  paint();
  table.live.get(table.current)?.button.focus({ preventScroll: true });
  paint();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isRow = event.target.matches?.("button.open") || event.target === $("rows");
  const inside = event.target.closest?.(".detail");
  if (inside && event.key === "Escape") {
    const at = Number(inside.dataset.at);
    toggle(table.shown[at]);
    go(at);
    event.preventDefault();
    return;
  }
  if (!isRow) return;
  const page = Math.max(1, Math.floor(window.innerHeight / table.rowHeight) - 2);
  const steps = {
    ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page,
    Home: -table.shown.length, End: table.shown.length,
  };
  if (event.key in steps) {
    event.preventDefault();
    go(table.current + steps[event.key]);
  } else if (event.key === "Escape") {
    const row = table.shown[table.current];
    if (table.open.has(row.id)) toggle(row);
  }
}

function onClick(event) {
  if (event.target.closest(".detail, a") || window.getSelection().toString()) return;
  const line = event.target.closest("[data-at]");
  if (!line) return;
  table.current = Number(line.dataset.at);
  toggle(table.shown[table.current]);
  table.live.get(table.current)?.button.focus({ preventScroll: true });
}

function headings() {
  const { name, sign } = sorting();
  fill($("head"), Object.entries(COLUMNS).map(([column, { title, falls }]) => {
    const isSorted = column === name;
    const order = !isSorted ? "none" : sign > 0 ? "ascending" : "descending";
    return el("div", { role: "columnheader", class: `cell at-${column}`, "aria-sort": order },
      el("button", {
        type: "button",
        "data-column": column,
        click: () => {
          const isFalling = isSorted ? sign > 0 : Boolean(falls);
          change({ sort: `${isFalling ? "-" : ""}${column}` });
          $("head").querySelector(`[data-column=${column}]`).focus();
        },
      }, title, isSorted && el("span", { "aria-hidden": "true", class: "arrow" }, sign > 0 ? " ↑" : " ↓")));
  }));
}

function resized() {
  const height = Number.parseInt(getComputedStyle($("table")).getPropertyValue("--row"), 10) || 56;
  table.rowHeight = height;
  paint();
}

function watch() {
  let asked = false;
  window.addEventListener("scroll", () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; paint(); });
  }, { passive: true });
  window.addEventListener("resize", resized);
  $("rows").addEventListener("keydown", onKey);
  $("rows").addEventListener("click", onClick);
  $("rows").addEventListener("focusin", (event) => {
    const at = event.target.closest("[data-at]");
    if (!at || Number(at.dataset.at) === table.current) return;
    table.current = Number(at.dataset.at);
    paint();
  });
}

/** All of the rows at once, up to some hundred, for paper. */
function print(isPrinting) {
  table.isPrinting = isPrinting;
  const left = table.shown.length - MOST_PRINTED;
  $("printed").textContent = left > 0
    ? `The first ${MOST_PRINTED} of ${numbers.format(table.shown.length)} findings; filter to print others.` : "";
  paint();
}
