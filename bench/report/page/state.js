const data = JSON.parse(byId("data").textContent);

/** What is compared. Views read it and are called after every change; only `change` writes it. */
const state = { dataset: 0, metric: "", anchor: null, coding: "lossy", family: "", search: "", hidden: new Set() };
const views = [];

function change(changes) {
  Object.assign(state, changes);
  for (const view of views) view(changes);
}

const dataset = () => data.datasets[state.dataset];
const metric = () => dataset().metrics.find((it) => it.name === state.metric) || null;
const entryOf = (index) => dataset().entries[index];

/** Whether the filters let an entry through. */
function matches(entry) {
  if (entry.lossless !== (state.coding === "lossless")) return false;
  if (state.family && entry.family !== state.family) return false;
  const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  const options = Object.entries(entry.options || {}).map(([key, value]) => `${key}=${value}`);
  const text = [entry.label, entry.family, entry.version, entry.run, entry.provenance, ...options].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The parts of a comparison: the BD-rate by image with its interval, then that of the mean curves. */
const COMPARISON = ["value", "low", "high", "median", "wins", "count", "overlap", "partial", "mean", "meanLow", "meanHigh", "remark"];

/** The comparison of an entry with the anchor: its parts by name, or null. */
function comparison(index) {
  return comparisonOf(state.anchor, index);
}

/** The comparison of one entry with another. */
function comparisonOf(anchor, index, name = state.metric, of = dataset()) {
  const cells = of.bd[name]?.[anchor]?.[index];
  if (!cells) return null;
  return Object.fromEntries(COMPARISON.map((key, k) => [key, cells[k]]));
}

/** The parts of a mean BD-rate over several metrics. */
const MEAN = ["value", "low", "high", "partial", "remark"];

/** The mean BD-rate of one entry against another over several metrics; without a value the remark says why. */
function meanBdOf(anchor, index, of = dataset()) {
  const { bd, lacking } = of.meanBd;
  const remark = lacking[index] ?? lacking[anchor];
  if (index === anchor && !remark) return { value: 0 };
  const cells = bd[anchor]?.[index];
  return cells ? Object.fromEntries(MEAN.map((key, k) => [key, cells[k]])) : { value: null, remark };
}

/** The settings that a data set starts with. */
function initial(index) {
  const it = data.datasets[index];
  const lossy = it.entries.some((entry) => !entry.lossless);
  const metrics = it.metrics.map((one) => one.name).filter((name) => it.curves[name]);
  return { dataset: index, metric: metrics.find((name) => name === it.headline[0]) || metrics[0] || "", anchor: it.anchor, coding: lossy ? "lossy" : "lossless", family: "", search: "", hidden: new Set() };
}
