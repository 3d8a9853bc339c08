// The findings as a table.
//
// Up to a limit all rows are in the document, so that the browser's own search finds each. Above it only the rows in
// sight are; the whole page scrolls, a row has a fixed height, and open details add their measured height.
const MAX_WHOLE = 2000;
// Of more rows than this the browser lays out only those in sight; its search and the printer have all.
const MAX_LAYOUT_ROWS = 300;
const OVERSCAN = 8;

const table = {
  shown: [],
  places: new Map(),
  open: new Set(),
  heights: new Map(),
  entries: new Map(),
  live: new Map(),
  current: 0,
  rowHeight: 56,
  isPrinting: false,
};

function isWhole() {
  return table.isPrinting || table.shown.length <= MAX_WHOLE;
}

function cells(row) {
  const severity = SEVERITIES[row.severity];
  const [[label, command]] = commandsOf(row);
  return [
    ["severity", el("span", { class: `severity ${severity}` }, severity)],
    ["what", [
      el("button", { type: "button", class: "open", tabindex: -1, "aria-expanded": "false" },
        el("b", {}, texts[row.what]), " ", isolated(texts[row.name])),
      isolated(summary(row), { class: "summary" }),
    ]],
    ["project", isolated(texts[row.project] || "–", { title: texts[row.project] })],
    ["team", isolated(texts[row.team] || "–", { title: texts[row.team] })],
    ["since", el("time", { datetime: new Date(row.first * 1000).toISOString(), title: dated(row.first) }, `${row.atLeast ? "at least " : ""}${ago(row.first)}`)],
    ["status", [
      el("span", { class: `status ${STATUSES[row.status]}` }, STATUS_WORDS[STATUSES[row.status]]),
      copyButton(command, `Copy the command: ${label}`, { tabindex: -1, title: command }),
    ]],
    ["actor", isolated(row.principal < 0 ? "–" : texts[row.principal], { title: row.principal < 0 ? "not known" : texts[row.principal] })],
  ];
}

/** The elements of a row; they are created once. */
function entryOf(row, index) {
  let entry = table.entries.get(row.id);
  if (!entry) {
    const line = el("div", { role: "row", class: "row" },
      cells(row).map(([name, content]) => el("div", { role: "cell", class: `cell at-${name}` }, content)));
    entry = { row, line, more: null, button: line.querySelector("button.open") };
    table.entries.set(row.id, entry);
  }
  entry.line.setAttribute("aria-rowindex", String(index + 2));
  entry.line.dataset.index = String(index);
  if (entry.more) entry.more.dataset.index = String(index);
  setReachable(entry, index === table.current);
  return entry;
}

/** Whether the Tab key reaches a row; the arrow keys move between rows, and open details have the commands. */
function setReachable(entry, isReachable) {
  entry.button.tabIndex = isReachable ? 0 : -1;
}

function setCurrent(index) {
  const before = table.live.get(table.current);
  if (before) setReachable(before, false);
  table.current = index;
  const now = table.live.get(index);
  if (now) setReachable(now, true);
}

/** The details of a row, created where it is open and removed where it is not. */
function updateDetails(entry, index) {
  const { row } = entry;
  const isOpen = table.open.has(row.id);
  entry.line.classList.toggle("is-open", isOpen);
  entry.button.setAttribute("aria-expanded", String(isOpen));
  if (isOpen && !entry.more) {
    entry.more = el("div", { role: "row", class: "detail", "data-finding": row.id, "data-index": index },
      el("div", { role: "cell", "aria-colspan": 7, id: `detail-${row.id}` }, detail(row)));
    entry.button.setAttribute("aria-controls", `detail-${row.id}`);
    measuring.observe(entry.more);
  } else if (!isOpen && entry.more) {
    measuring.unobserve(entry.more);
    entry.more.remove();
    entry.more = null;
    entry.button.removeAttribute("aria-controls");
  }
}

function nodesOf(entry) {
  return entry.more ? [entry.line, entry.more] : [entry.line];
}

/** Put the rows into the document that belong there. */
function paint() {
  const holder = $("rows");
  holder.classList.toggle("is-whole", isWhole());
  holder.classList.toggle("is-long", isWhole() && table.shown.length > MAX_LAYOUT_ROWS);
  if (isWhole()) paintAll(holder);
  else paintVisible(holder);
}

function paintAll(holder) {
  holder.style.height = "auto";
  table.live.clear();
  const nodes = [];
  for (const [index, row] of table.shown.slice(0, MAX_WHOLE).entries()) {
    const entry = entryOf(row, index);
    table.live.set(index, entry);
    updateDetails(entry, index);
    nodes.push(...nodesOf(entry));
  }
  const isSame = holder.children.length === nodes.length && nodes.every((node, index) => holder.children[index] === node);
  if (!isSame) holder.replaceChildren(...nodes);
}

function paintVisible(holder) {
  const count = table.shown.length;
  holder.style.height = `${offsetOf(count)}px`;
  const above = -holder.getBoundingClientRect().top;
  const first = Math.max(0, indexAt(above) - OVERSCAN);
  const last = Math.min(count - 1, indexAt(above + window.innerHeight) + OVERSCAN);
  const wanted = new Set();
  for (let index = first; index <= last; index += 1) wanted.add(index);
  const focused = document.activeElement?.closest?.("[data-index]");
  if (focused && holder.contains(focused)) wanted.add(Number(focused.dataset.index));
  for (const [index, entry] of table.live) {
    if (wanted.has(index)) continue;
    for (const node of nodesOf(entry)) node.remove();
    table.live.delete(index);
  }
  let previous = null;
  for (const index of [...wanted].sort((first, second) => first - second)) {
    const entry = table.live.get(index) ?? entryOf(table.shown[index], index);
    table.live.set(index, entry);
    updateDetails(entry, index);
    for (const node of nodesOf(entry)) {
      const next = previous ? previous.nextSibling : holder.firstChild;
      if (next !== node) holder.insertBefore(node, next);
      previous = node;
    }
    entry.line.style.top = `${offsetOf(index)}px`;
    if (entry.more) entry.more.style.top = `${offsetOf(index) + table.rowHeight}px`;
  }
}

/** The distance of a row from the top of the rows, in pixels. */
function offsetOf(index) {
  let offset = index * table.rowHeight;
  for (const [id, height] of table.heights) if (table.places.get(id) < index) offset += height;
  return offset;
}

/** The row at a distance from the top of the rows. */
function indexAt(height) {
  let least = 0;
  let most = table.shown.length - 1;
  while (least < most) {
    const middle = (least + most + 1) >> 1;
    if (offsetOf(middle) <= height) least = middle;
    else most = middle - 1;
  }
  return least;
}

const measuring = new ResizeObserver((entries) => {
  if (isWhole()) return;
  const changed = entries.map(({ target }) => measured(target.dataset.finding, target.offsetHeight));
  if (changed.some(Boolean)) paint();
});

/** Note the height of open details; whether it has changed. */
function measured(id, height) {
  if (!height || !table.heights.has(id) || table.heights.get(id) === height) return false;
  table.heights.set(id, height);
  return true;
}

/** Show other rows, or the same rows in another order. */
function show(matching) {
  table.shown = matching;
  table.places = new Map(matching.map((row, index) => [row.id, index]));
  table.current = 0;
  table.live.clear();
  if (!isWhole()) $("rows").replaceChildren();
  $("table").setAttribute("aria-rowcount", String(matching.length + 1));
  $("hint").hidden = isWhole();
  setOpen(openIds());
}

/** Open the details of these findings and no others. */
function setOpen(ids) {
  table.open = new Set([...ids].filter((id) => byId.has(id)));
  for (const id of table.heights.keys()) if (!table.open.has(id) || !table.places.has(id)) table.heights.delete(id);
  for (const id of table.open) if (!table.heights.has(id) && table.places.has(id)) table.heights.set(id, 0);
  paint();
  if (isWhole()) return;
  const changed = [...table.live.values()].map(({ row, more }) => measured(row.id, more?.offsetHeight));
  if (changed.some(Boolean)) paint();
}

function toggle(row) {
  const ids = openIds();
  if (!ids.delete(row.id)) ids.add(row.id);
  change({ finding: [...ids].join(","), status: state.status });
}

/** Focus a row, and scroll it into sight. */
function go(index) {
  if (!table.shown.length) return;
  const last = (isWhole() ? Math.min(table.shown.length, MAX_WHOLE) : table.shown.length) - 1;
  setCurrent(Math.max(0, Math.min(last, index)));
  const line = isWhole() ? table.live.get(table.current)?.line : null;
  const top = line ? line.getBoundingClientRect().top : $("rows").getBoundingClientRect().top + offsetOf(table.current);
  const head = $("head").offsetHeight;
  if (top < head) window.scrollBy(0, top - head - 4);
  else if (top + table.rowHeight > window.innerHeight) window.scrollBy(0, top + table.rowHeight - window.innerHeight + 4);
  if (!isWhole()) paint();
  table.live.get(table.current)?.button.focus({ preventScroll: true });
  if (!isWhole()) paint();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isRow = event.target.matches?.("button.open") || event.target === $("rows");
  const details = event.target.closest?.(".detail");
  if (details && event.key === "Escape") {
    const index = Number(details.dataset.index);
    toggle(table.shown[index]);
    go(index);
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
  if (event.target.closest(".detail, a, .copy") || window.getSelection().toString()) return;
  const line = event.target.closest("[data-index]");
  if (!line) return;
  setCurrent(Number(line.dataset.index));
  toggle(table.shown[table.current]);
  table.live.get(table.current)?.button.focus({ preventScroll: true });
}

function showHeadings() {
  const { name, sign } = sorting();
  fill($("head"), Object.entries(COLUMNS).map(([column, { title, isDescendingFirst }]) => {
    const isSorted = column === name;
    const order = !isSorted ? "none" : sign > 0 ? "ascending" : "descending";
    return el("div", { role: "columnheader", class: `cell at-${column}`, "aria-sort": order },
      el("button", {
        type: "button",
        "data-column": column,
        click: () => {
          const isDescending = isSorted ? sign > 0 : Boolean(isDescendingFirst);
          change({ sort: `${isDescending ? "-" : ""}${column}` });
          $("head").querySelector(`[data-column=${column}]`).focus();
        },
      }, title, isSorted && el("span", { "aria-hidden": "true", class: "arrow" }, sign > 0 ? " ↑" : " ↓")));
  }));
}

function onResize() {
  table.rowHeight = Number.parseInt(getComputedStyle($("table")).getPropertyValue("--row"), 10) || 56;
  paint();
}

function listenToTable() {
  let isScheduled = false;
  window.addEventListener("scroll", () => {
    if (isScheduled || isWhole()) return;
    isScheduled = true;
    requestAnimationFrame(() => { isScheduled = false; paint(); });
  }, { passive: true });
  window.addEventListener("resize", onResize);
  $("rows").addEventListener("keydown", onKey);
  $("rows").addEventListener("click", onClick);
  $("rows").addEventListener("focusin", (event) => {
    const line = event.target.closest("[data-index]");
    if (!line || Number(line.dataset.index) === table.current) return;
    setCurrent(Number(line.dataset.index));
    if (!isWhole()) paint();
  });
}

/** Put all rows into the document for printing, up to the limit. */
function setPrinting(isPrinting) {
  table.isPrinting = isPrinting;
  const left = table.shown.length - MAX_WHOLE;
  $("printed").textContent = left > 0
    ? `The first ${numbers.format(MAX_WHOLE)} of ${numbers.format(table.shown.length)} findings; filter to print others.` : "";
  paint();
}
