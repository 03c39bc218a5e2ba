/** All data sets side by side: the BD-rates of every codec on each, against the codec of the anchor's label, and their mean. */
const setsSorting = { key: "mean", descending: false };

/** What is compared: the chosen metric and, where every data set has one, the mean over several. */
function setsMeasures() {
  const inMetric = (anchor, index, of) => (index === anchor ? { value: 0 } : comparisonOf(anchor, index, state.metric, of));
  const found = [{ key: "", title: "", of: inMetric }];
  const titles = new Set(data.datasets.map((it) => it.meanBd?.metrics.join()));
  if (titles.size === 1 && dataset().meanBd) found.push({ key: "several", title: `${dataset().meanBd.title}: `, of: meanBdOf });
  return found;
}

/** The mean of changes of rate, in log-rate; null where one is missing. */
function meanChange(values) {
  if (!values.every(known)) return null;
  const logs = values.map((it) => Math.log10(1 + it / 100));
  return 100 * (10 ** (logs.reduce((sum, it) => sum + it, 0) / logs.length) - 1);
}

/** A row for each label; a data set that lacks label, anchor or metric has no value of it. */
function setsRows(measures, anchor) {
  const labels = [...new Set(data.datasets.flatMap((it) => it.entries.filter((one) => !one.lossless && matches(one)).map((one) => one.label)))];
  return labels.map((label, index) => {
    const row = { label, index };
    for (const measure of measures) {
      data.datasets.forEach((it, k) => {
        const [from, to] = [anchor, label].map((name) => it.entries.findIndex((one) => one.label === name));
        const found = (from >= 0 && to >= 0 && measure.of(from, to, it)) || { value: null, remark: `nothing to compare on ${it.dataset}` };
        row[`${measure.key}${k}`] = found.value;
        row[`${measure.key}${k}facts`] = found;
      });
      row[`${measure.key}mean`] = meanChange(data.datasets.map((_, k) => row[`${measure.key}${k}`]));
    }
    return row;
  });
}

function setsColumns(measures) {
  return [
    { key: "label", title: "Codec", text: (row) => row.label, head: true },
    ...measures.flatMap(({ key, title }) => [
      ...data.datasets.map((it, k) => number(`${key}${k}`, `${title}${it.dataset} %`, (row) => fixed(row[`${key}${k}`], 1, true), { remark: (row) => shortRemark(row[`${key}${k}facts`]), pale: (row) => partial(row[`${key}${k}facts`]) })),
      number(`${key}mean`, `${title}mean %`, (row) => fixed(row[`${key}mean`], 1, true)),
    ]),
  ];
}

function drawSets() {
  const section = byId("sets");
  section.hidden = data.datasets.length < 2 || state.coding === "lossless" || state.anchor === null || known(metric()?.ideal);
  if (section.hidden) return;
  const measures = setsMeasures();
  const anchor = entryOf(state.anchor).label;
  const columns = setsColumns(measures);
  if (!columns.some((it) => it.key === setsSorting.key)) Object.assign(setsSorting, { key: "mean", descending: false });
  drawRows(byId("sets-table"), columns, sortRows(setsRows(measures, anchor), setsSorting), { sorting: setsSorting, redraw: drawSets });
  byId("sets-note").textContent = `BD-rate in ${metric().title} against ${anchor} on each data set, image by image; hover for its interval, * has a remark. The mean is over the data sets, each of which counts the same, in log-rate, and only where every one has a value.`;
}
