/** Tabs, controls and the address; then everything is drawn. */
const tabNames = () => [...(data.datasets.length > 1 ? [ALL] : []), ...data.datasets.map((it) => it.dataset)];
const firstTab = () => tabNames()[0] ?? ALL;
const usualMetric = () => metricsHere()[0]?.name ?? "";

function drawTabs() {
  const list = byId("tabs");
  const focused = list.contains(document.activeElement);
  const tab = (name) =>
    element("button", {
      type: "button",
      role: "tab",
      id: `tab-${name}`,
      textContent: name === ALL ? "All data sets" : name,
      "aria-selected": String(name === state.tab),
      "aria-controls": "panel",
      tabIndex: name === state.tab ? 0 : -1,
      onclick: () => chooseTab(name),
    });
  list.replaceChildren(...tabNames().map(tab));
  list.hidden = tabNames().length < 2;
  const chosen = list.querySelector('[aria-selected="true"]');
  if (focused) chosen?.focus();
  byId("panel").setAttribute("aria-labelledby", `tab-${state.tab}`);
}

function chooseTab(name) {
  change({ tab: name }, true);
}

/** Arrow keys, Home and End move between tabs, as in any list of tabs. */
function tabKeys(event) {
  const names = tabNames();
  const at = names.indexOf(state.tab);
  const to = { ArrowRight: (at + 1) % names.length, ArrowLeft: (at + names.length - 1) % names.length, Home: 0, End: names.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  chooseTab(names[to]);
}

function drawControls() {
  const metrics = metricsHere();
  if (!metrics.some((it) => it.name === state.metric)) state.metric = usualMetric();
  fillSelect(byId("metric"), metrics.map((it) => [it.name, it.title]), state.metric);
  fillSelect(byId("condition"), [["", "any"], ...data.conditions.map((it) => [it.name, it.name])], state.condition);
  byId("condition-field").hidden = !data.conditions.length;
  byId("metric").disabled = state.coding === "lossless";
  byId("coding").hidden = !data.rows.some((row) => row.lossless);
  for (const choice of document.querySelectorAll('input[name="coding"]')) choice.checked = choice.value === state.coding;
  for (const [name, usual] of Object.entries(FILTERS)) {
    const control = byId(name);
    if (typeof usual === "boolean") control.checked = state[name];
    else if (control.value !== state[name]) control.value = state[name];
  }
  const set = Object.keys(FILTERS).filter((name) => state[name] !== FILTERS[name] && byId("more").contains(byId(name)));
  byId("more-count").textContent = set.length ? `(${set.length} set)` : "";
}

function setUpControls() {
  byId("controls").onsubmit = (event) => event.preventDefault();
  byId("metric").onchange = (event) => change({ metric: event.target.value });
  for (const choice of document.querySelectorAll('input[name="coding"]')) choice.onchange = () => change({ coding: choice.value });
  for (const [name, usual] of Object.entries(FILTERS)) {
    const control = byId(name);
    if (typeof usual === "boolean") control.onchange = () => change({ [name]: control.checked });
    else control[control.tagName === "SELECT" ? "onchange" : "oninput"] = () => change({ [name]: control.value });
  }
  byId("on").onchange = (event) => change({ on: event.target.value });
  byId("clear").onclick = () => change({ ...FILTERS });
  byId("tabs").onkeydown = tabKeys;
  byId("skip").onclick = (event) => {
    event.preventDefault();
    byId(state.entry === null ? "board-title" : "entry-title").focus();
  };
}

/** The address keeps every control; what it says of things that are not there is left out. */
function setUpAddress() {
  const text = (name, isGood = () => true) => remember(name, () => state[name], ([word = ""]) => Object.assign(state, { [name]: isGood(word) ? word : "" }));
  const flag = (name) => remember(name, () => (state[name] ? "yes" : ""), ([word]) => Object.assign(state, { [name]: word === "yes" }));
  const isBound = (word) => word === "" || Number(word) >= 0;
  remember("set", () => (state.tab === firstTab() ? "" : state.tab), ([name]) => Object.assign(state, { tab: tabNames().includes(name) ? name : firstTab() }));
  remember("metric", () => (state.metric === usualMetric() ? "" : state.metric), ([name]) => Object.assign(state, { metric: metricsHere().some((it) => it.name === name) ? name : usualMetric() }));
  remember("coding", () => (state.coding === usualCoding() ? "" : state.coding), ([name]) => Object.assign(state, { coding: ["lossy", "lossless"].includes(name) ? name : usualCoding() }));
  text("search");
  text("condition", (word) => data.conditions.some((it) => it.name === word));
  for (const name of ["decode", "kmac", "memory", "weights"]) text(name, isBound);
  text("since", (word) => /^(\d{4}-\d\d-\d\d)?$/.test(word));
  for (const name of ["verified", "open", "older"]) flag(name);
  remember("hide", () => [...state.hidden].map((index) => `${data.entries[entryOf(index).entry].id}#${entryOf(index).own}`), hideCalled);
  remember("columns", () => (state.columns ? [...state.columns].join(" ") || "none" : ""), ([words]) => Object.assign(state, { columns: words ? new Set(words.split(" ")) : null }));
  rememberOrder("sort", sorting, "rank");
  rememberPlot();
  remember("entry", () => (state.entry === null ? "" : data.entries[state.entry].id), ([id]) => Object.assign(state, { entry: entryById(id) < 0 ? null : entryById(id), unknown: id && entryById(id) < 0 ? id : "" }));
  remember("on", () => (state.entry !== null && onAll() ? state.on : ""), ([name = ""]) => Object.assign(state, { on: setsOfEntry().some((it) => it.dataset === name) ? name : "" }));
  window.addEventListener("popstate", () => {
    const before = state.entry;
    restoreAddress();
    drawAll({ tab: state.tab });
    if (before === state.entry) return;
    window.scrollTo(0, 0);
    byId(state.entry === null ? "board-title" : "entry-title")?.focus({ preventScroll: true });
  });
}

const usualCoding = () => (data.rows.some((row) => !row.lossless) ? "lossy" : "lossless");

function hideCalled(names) {
  const place = (name) => data.rows.findIndex((row) => `${data.entries[row.entry].id}#${row.own}` === name);
  Object.assign(state, { hidden: new Set(names.map(place).filter((index) => index >= 0)) });
}

function drawConditions() {
  byId("conditions").hidden = !data.conditions.length || state.entry !== null;
  byId("conditions-body").replaceChildren(definitions(data.conditions.map((it) => [it.name, it.about || "–"])));
}

/** A drawing that what changed does not touch is left alone: zoom and focus stay where they are. */
function drawAll(changes) {
  drawTabs();
  drawControls();
  if (!("hidden" in changes)) {
    drawBoard();
    drawColumns();
    drawEntry();
    drawSetOfEntry();
    drawPictures();
    drawConditions();
  }
  byId("unknown").hidden = !state.unknown;
  byId("unknown").textContent = `This board has no entry ${state.unknown}: it was renamed or removed, or the address is mistyped.`;
  if ("tab" in changes || "metric" in changes || "on" in changes) Object.assign(plot, { zoom: null, current: null });
  byId("plot").hidden = (onAll() || state.coding === "lossless") && state.entry === null;
  if (!byId("plot").hidden) drawPlot();
}

setUpTheme();
byId("about").textContent = data.about;
byId("left-out").hidden = !data.leftOut.length;
byId("left-out").replaceChildren("Left out of this board:", element("ul", {}, ...data.leftOut.map((text) => element("li", { textContent: text }))));
byId("subtitle").textContent = `${plural(new Set(data.entries.map((it) => it.name)).size, "entry", "entries")}, ${plural(data.datasets.length, "data set")}`;
byId("footer").replaceChildren(`Made by rdbench ${data.version}. Bits per pixel count every byte of the bitstream. The tables as files: `, ...[ALL, ...data.datasets.map((it) => `set-${it.dataset}`)].flatMap((name, k) => [k ? ", " : "", element("a", { href: `tables/${name}.csv`, textContent: `${name}.csv` })]));
if (data.datasets.length) {
  setUpControls();
  setUpPlot();
  setUpSaving();
  setUpTables(() => `board_${state.tab}`);
  setUpAddress();
  views.push(drawAll);
  restoreAddress();
  drawAll({ tab: state.tab });
} else {
  byId("panel").hidden = true;
}
