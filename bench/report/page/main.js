const FINDINGS_SHOWN = 4;

/** The choices in the controls; those of the anchor are the curves in the chosen metric. */
function drawControls() {
  const it = dataset();
  const metrics = it.metrics.filter((one) => it.curves[one.name]);
  fillSelect(byId("metric"), metrics.map((one) => [one.name, one.title]), state.metric);
  const anchors = Object.keys(it.curves[state.metric] || {}).filter((index) => entryOf(index).provenance === "measured");
  fillSelect(byId("anchor"), anchors.map((index) => [index, entryOf(index).label]), String(state.anchor));
  state.anchor = anchors.length ? Number(byId("anchor").value) : null;
  const families = [...new Set(it.entries.map((entry) => entry.family))];
  fillSelect(byId("family"), [["", "All"], ...families.map((name) => [name, name])], state.family);
  const lossless = state.coding === "lossless";
  byId("metric").disabled = byId("anchor").disabled = lossless;
  for (const choice of document.querySelectorAll('input[name="coding"]')) {
    choice.checked = choice.value === state.coding;
    choice.disabled = !it.entries.some((entry) => entry.lossless === (choice.value === "lossless"));
  }
  if (byId("search").value !== state.search) byId("search").value = state.search;
}

/** A machine and its software; the id tells which trials are of it. */
function environmentFacts({ id, machine, software }) {
  return [["id", id], ...Object.entries(machine), ...Object.entries(software)];
}

function drawSummary() {
  const it = dataset();
  const runs = Object.keys(it.environments);
  const measured = it.entries.filter((entry) => entry.provenance === "measured");
  byId("subtitle").textContent = `${it.dataset}: ${plural(measured.length, "codec configuration")} on ${plural(it.images, "image")}, ${plural(runs.length, "run")}`;
  byId("footer").textContent = `Made by rdbench ${data.version}. Bits per pixel count every byte of the bitstream.`;
  byId("environments").replaceChildren(
    ...runs.flatMap((run) => it.environments[run].map((one) => element("div", {}, element("h3", { textContent: `Run ${run}` }), definitions(environmentFacts(one))))),
  );
}

function drawFindings() {
  const section = byId("findings");
  const { findings } = dataset();
  section.hidden = !findings.length;
  byId("findings-title").textContent = `${plural(findings.length, "thing")} to know before comparing`;
  const items = findings.map((it, k) =>
    element("li", { className: it.severity, hidden: k >= FINDINGS_SHOWN }, element("span", { className: "kind", textContent: it.severity === "warning" ? "Warning " : "Note " }), it.message),
  );
  section.querySelector("ul").replaceChildren(...items);
  const more = byId("findings-more");
  more.hidden = findings.length <= FINDINGS_SHOWN;
  more.setAttribute("aria-expanded", "false");
  more.textContent = `Show ${findings.length - FINDINGS_SHOWN} more`;
  more.onclick = () => {
    const open = more.getAttribute("aria-expanded") !== "true";
    items.forEach((item, k) => {
      item.hidden = !open && k >= FINDINGS_SHOWN;
    });
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? "Show fewer" : `Show ${findings.length - FINDINGS_SHOWN} more`;
  };
}

function drawFailures() {
  const { total, groups, hidden } = dataset().failures;
  byId("failures-summary").textContent = total ? `${plural(total, "planned trial")} ended without a result. Images that failed anywhere are left out of every compared curve.${hidden ? ` ${plural(hidden, "further kind")} of failure in tables/failures.csv.` : ""}` : "None: every planned trial has a result.";
  const table = byId("failures-table");
  table.hidden = !groups.length;
  for (const buttons of document.querySelectorAll('[data-table="failures-table"] .buttons')) buttons.hidden = table.hidden;
  const example = (it) => (known(it.quality) ? `${it.image} at ${it.quality}` : it.image);
  table.tBodies[0].replaceChildren(
    ...groups.map((it) => {
      const label = entryOf(it.entry).label;
      const name = element("button", { type: "button", className: "plain", textContent: label, onclick: () => showDetails(it.entry), "aria-haspopup": "dialog" });
      const cell = (text, className = "") => element("td", { className, textContent: text });
      return element("tr", {}, element("td", {}, name), cell(it.status, "bad"), cell(it.phase), cell(it.error), cell(String(it.count), "number"), cell(it.examples.map(example).join(", ")));
    }),
  );
}

function setUpControls() {
  byId("controls").onsubmit = (event) => event.preventDefault();
  fillSelect(byId("dataset"), data.datasets.map((it, k) => [String(k), it.dataset]), "0");
  byId("dataset-field").hidden = data.datasets.length < 2;
  byId("dataset").onchange = (event) => change(initial(Number(event.target.value)));
  byId("metric").onchange = (event) => change({ metric: event.target.value });
  byId("anchor").onchange = (event) => change({ anchor: Number(event.target.value) });
  byId("family").onchange = (event) => change({ family: event.target.value });
  byId("search").oninput = (event) => change({ search: event.target.value });
  for (const choice of document.querySelectorAll('input[name="coding"]')) choice.onchange = () => change({ coding: choice.value });
}

/** What the address keeps of the controls; each by a name that a report made again still has. */
function setUpAddress() {
  const start = () => initial(state.dataset);
  const called = (label) => dataset().entries.findIndex((entry) => entry.label === label);
  remember("set", () => (state.dataset ? dataset().dataset : ""), ([name]) => Object.assign(state, initial(Math.max(0, data.datasets.findIndex((it) => it.dataset === name)))));
  remember("metric", () => (state.metric === start().metric ? "" : state.metric), ([name]) => Object.assign(state, dataset().curves[name] ? { metric: name } : {}));
  remember("anchor", () => (state.anchor === start().anchor || state.anchor === null ? "" : entryOf(state.anchor).label), ([label]) => Object.assign(state, called(label) < 0 ? {} : { anchor: called(label) }));
  remember("coding", () => (state.coding === start().coding ? "" : state.coding), ([name]) => Object.assign(state, ["lossy", "lossless"].includes(name) ? { coding: name } : {}));
  remember("family", () => state.family, ([name = ""]) => Object.assign(state, { family: name }));
  remember("search", () => state.search, ([text = ""]) => Object.assign(state, { search: text }));
  remember("hide", () => [...state.hidden].map((index) => entryOf(index).label), (labels) => Object.assign(state, { hidden: new Set(labels.map(called).filter((index) => index >= 0)) }));
  rememberOrder("sort", sorting, "rank");
  rememberPlot();
  rememberViewer();
  window.addEventListener("popstate", () => {
    restoreAddress();
    drawAll({ dataset: state.dataset });
  });
}

/** A drawing that what changed does not touch is left alone: zoom and focus stay where they are. */
function drawAll(changes) {
  const newDataset = "dataset" in changes;
  if (newDataset) byId("dataset").value = String(state.dataset);
  drawControls();
  if (!("hidden" in changes) || newDataset) {
    drawRanking();
    drawSets();
  }
  if (newDataset || "metric" in changes) {
    plot.zoom = null;
    plot.current = null;
  }
  drawPlot();
  if (!newDataset) {
    drawPlane();
    return;
  }
  drawSummary();
  drawFindings();
  drawFailures();
  drawPerception();
  drawViewer();
}

setUpTheme();
if (data.title) byId("title").textContent = data.title;
if (data.datasets.length) {
  setUpControls();
  setUpPlot();
  setUpSaving();
  setUpTables((table) => `${table.replace("-table", "")}_${dataset().dataset}`);
  setUpPerception();
  setUpViewer();
  setUpAddress();
  views.push(drawAll, () => saveAddress());
  restoreAddress();
  change({ dataset: state.dataset });
} else {
  byId("subtitle").textContent = "The runs hold no measurements.";
  document.querySelector("main").hidden = true;
}
