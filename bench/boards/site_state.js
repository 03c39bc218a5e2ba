const data = JSON.parse(byId("data").textContent);
const ALL = "overall";

/** What is shown. Views read it and are called after every change; `change` and the address write it. */
const FILTERS = { search: "", verified: false, condition: "", decode: "", kmac: "", memory: "", weights: "", since: "", open: false, older: false };
const state = { tab: ALL, metric: "", coding: "lossy", entry: null, on: "", unknown: "", hidden: new Set(), columns: null, ...FILTERS };
const views = [];

function change(changes, step = false) {
  Object.assign(state, { unknown: "" }, changes);
  for (const view of views) view(changes);
  saveAddress(step);
}

for (const [index, row] of data.rows.entries()) row.index = index;
const entryOf = (index) => data.rows[index];
const entryById = (id) => data.entries.findIndex((entry) => entry.id === id);
const versionsOf = (entry) => data.entries.filter((other) => other.name === entry.name);

/** The data set of the tab; over all the one that was chosen for the curves of an entry, or its first. */
const dataset = () => data.datasets.find((it) => it.dataset === state.tab) ?? setsOfEntry().find((it) => it.dataset === state.on) ?? setsOfEntry()[0] ?? data.datasets[0];
const setsOfEntry = () => (state.entry === null ? [] : data.datasets.filter((it) => data.rows.some((row) => row.entry === state.entry && it.facts[row.index])));
const onAll = () => state.tab === ALL;
const metric = () => dataset().metrics.find((it) => it.name === state.metric) ?? null;
const allMetrics = () => [...new Map(data.datasets.flatMap((it) => it.metrics).map((it) => [it.name, it])).values()];
const metricsHere = () => (onAll() ? allMetrics() : dataset().metrics);

/** The parts of a comparison with the anchor, and of a row over all data sets. */
const COMPARISON = ["bd", "low", "high", "wins", "count", "coverage", "best", "worst", "remark"];
const OVERALL = ["sets", "bd", "low", "high", "rank", "best", "worst", "remark"];
const named = (names, cells) => (cells ? Object.fromEntries(names.map((name, k) => [name, cells[k]])) : null);
const comparison = (index, name = state.metric, of = dataset()) => named(COMPARISON, of.bd[name]?.[index]);
const overall = (index, name = state.metric) => named(OVERALL, data.overall[name]?.[index]);

/** A fact about a row here; over all data sets the least favourable one. */
function fact(index, name) {
  if (!onAll()) return dataset().facts[index]?.[name] ?? null;
  const values = data.datasets.map((it) => it.facts[index]?.[name]).filter(known);
  if (!values.length) return null;
  return name === "memory" ? Math.max(...values) : Math.min(...values);
}

/** What a reader has to know of speeds, by how they were taken. */
const TIMES = { load: "times taken under load: throughput, not latency", disturbed: "times are too long: other processes took part of the processor" };

/** That of a row here, or on any data set. */
function timingRemark(index) {
  const modes = (onAll() ? data.datasets : [dataset()]).map((it) => it.facts[index]?.timing);
  return TIMES[["load", "disturbed"].find((it) => modes.includes(it))] ?? "";
}

const below = (value, bound) => bound === "" || !(value > Number(bound));

/** Whether the filters let a row through; in the view of an entry its versions and the anchor pass. */
function matches(row) {
  if (row.lossless !== (state.coding === "lossless") && state.entry === null) return false;
  const entry = data.entries[row.entry];
  if (state.entry !== null) return row.index === dataset().anchor || entry.name === data.entries[state.entry].name;
  if (!entry.current && !state.older) return false;
  if (state.verified && !row.verified) return false;
  if (state.condition && !row.met.includes(state.condition)) return false;
  if (state.open && row.learned && !entry.openWeights) return false;
  if (state.since && entry.date < state.since) return false;
  if (state.decode !== "" && !(fact(row.index, "decode") >= Number(state.decode))) return false;
  if (state.memory !== "" && !(known(fact(row.index, "memory")) && below(fact(row.index, "memory"), state.memory))) return false;
  if (!below(row.kmac[1], state.kmac) || !below(row.weights, state.weights)) return false;
  const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  const options = Object.entries(row.options).map(([key, value]) => `${key}=${value}`);
  const text = [row.label, row.family, entry.name, entry.version, entry.licence, entry.note, ...entry.authors, ...options].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The address of this page with other settings. */
function addressWith(changes) {
  const before = { ...state };
  Object.assign(state, changes);
  const text = addressNow();
  Object.assign(state, before);
  return `#${text}`;
}
