/** The ranking: one row an entry, sorted by any column. */
const sorting = { key: "", descending: false };
/** Times of different machines are not compared, so that there is no order of them. */
const speed = (key, title) => number(key, title, (row) => significant(row[key]), { part: "p2", falling: true, unsortable: severalMachines() });
const lossyColumns = () => [
  number("rank", "#", placeText, { plain: true, spoken: "Rank" }),
  { key: "label", title: "Codec", node: nameCell, head: true },
  number("bd", "BD-rate %", (row) => fixed(row.bd, 1, true), { best: true, remark: bdRemark, pale: partial }),
  number("width", "95% interval", (row) => intervalText(row) || row.reason, { part: "p2", plain: true, spoken: "95% interval, by width" }),
  { key: "chart", title: "", node: intervalChart, part: "p3 range-chart", unsortable: true },
  number("wins", "wins", (row) => (row.count ? `${row.wins}/${row.count}` : "–"), { part: "p3", falling: true, plain: true }),
  ...(dataset().meanBd ? [number("meanBd", `${dataset().meanBd.title} %`, (row) => fixed(row.meanBd, 1, true), { remark: (row) => shortRemark(row.several), pale: (row) => partial(row.several) })] : []),
  number("mean", "mean curve %", (row) => fixed(row.mean, 1, true), { part: "p3" }),
  number("lowRate", "bpp range", (row) => (known(row.lowRate) ? `${fixed(row.lowRate, 2)}–${fixed(row.highRate, 2)}` : "–"), { part: "p2", plain: true }),
  speed("encode", "enc MP/s"),
  speed("decode", "dec MP/s"),
  number("ok", "ok", okText, { plain: true, bad: (row) => row.ok !== null && row.ok < 1 }),
];
const losslessColumns = () => [
  number("rank", "#", (row) => (row.rank ? String(row.rank) : "–"), { spoken: "Rank" }),
  { key: "label", title: "Codec", node: nameCell, head: true },
  number("bpp", "bpp", (row) => fixed(row.bpp, 3), { best: true }),
  number("ratio", "ratio", (row) => fixed(row.ratio, 3), { falling: true }),
  speed("encode", "enc MB/s"),
  speed("decode", "dec MB/s"),
  number("ok", "ok", okText, { plain: true, bad: (row) => row.ok !== null && row.ok < 1 }),
];

/** Whether the entries of the chosen kind were timed on different machines. */
function severalMachines() {
  const shown = dataset().entries.filter((entry) => entry.machines && entry.lossless === (state.coding === "lossless"));
  return new Set(shown.flatMap((entry) => Object.keys(entry.machines))).size > 1;
}

/** What there is to know of a BD-rate; of one that is there it is marked with a star. */
const bdRemark = (row) => row.remark && { text: row.remark, star: known(row.bd) };

/** The same of a value whose interval has no column. */
function shortRemark(it) {
  const parts = [known(it.low) && `95% interval: ${intervalText(it)}`, it.remark].filter(Boolean);
  return parts.length ? { text: parts.join("; "), star: Boolean(it.remark) && known(it.value) } : null;
}

const intervalText = (it) => (known(it.low) ? `${fixed(it.low, 1, true)} to ${fixed(it.high, 1, true)}` : "");

function okText(row) {
  return row.entry.provenance === "measured" ? `${row.entry.ok}/${row.entry.planned}` : "–";
}

/** The place, or the places that the intervals leave open. */
function placeText(row) {
  if (!row.rank) return "–";
  return row.best === row.worst ? String(row.best) : `${row.best}–${row.worst}`;
}

/** All entries of the chosen kind with their values; ranks count measured entries with a value over enough of the range. */
function rankingRows() {
  const lossless = state.coding === "lossless";
  const directed = !known(metric()?.ideal);
  const rows = [];
  dataset().entries.forEach((entry, index) => {
    if (entry.lossless !== lossless) return;
    const row = { entry, index, label: entry.label, bpp: entry.bpp, ratio: entry.ratio, lowRate: entry.low, highRate: entry.high, encode: entry.encode, decode: entry.decode, ok: entry.planned ? entry.ok / entry.planned : null, reason: "" };
    const it = comparison(index);
    if (index === state.anchor && directed) Object.assign(row, { bd: 0, mean: 0, reason: "anchor" });
    else if (it) Object.assign(row, { ...it, bd: it.value, reason: it.value === null ? it.remark : "" });
    row.several = state.anchor === null || !dataset().meanBd ? {} : meanBdOf(state.anchor, index);
    row.meanBd = row.several.value;
    row.width = known(row.low) ? row.high - row.low : null;
    rows.push(row);
  });
  const key = lossless ? "bpp" : "bd";
  const ranked = rows.filter((row) => row.entry.provenance === "measured" && known(row[key]) && !partial(row)).sort((a, b) => a[key] - b[key]);
  ranked.forEach((row, k) => {
    row.rank = k + 1;
    // Lossless rates are facts about the same images; BD-rates are told apart by their own paired comparison.
    const apart = lossless ? (upper, lower) => upper[key] !== lower[key] : toldApart;
    row.best = 1 + ranked.slice(0, k).filter((upper) => apart(upper, row)).length;
    row.worst = ranked.length - ranked.slice(k + 1).filter((lower) => apart(row, lower)).length;
  });
  // Comparisons over ranges of their own need not be transitive; places never run against the order.
  for (let k = ranked.length - 2; k >= 0; k--) ranked[k].best = Math.min(ranked[k].best, ranked[k + 1].best);
  for (let k = 1; k < ranked.length; k++) ranked[k].worst = Math.max(ranked[k].worst, ranked[k - 1].worst);
  return rows;
}

/** Whether one needs more bits than the other beyond doubt; too few images for an interval leave the order as it is. */
function toldApart(upper, lower) {
  const it = comparisonOf(upper.index, lower.index);
  if (!it) return true;
  return metric().few ? it.value !== 0 : known(it.low) && it.low > 0;
}

/** Whether a BD-rate, or a row with one, is of too little of the range of quality, or of too few images, to rank anybody. */
function partial(it) {
  return Boolean(it.partial);
}

/** Among rows without a value those with a BD-rate come first, in its order. */
function byBdRate(a, b) {
  return Number(!known(a.bd)) - Number(!known(b.bd)) || (known(a.bd) && a.bd - b.bd);
}

function nameCell(row) {
  const button = element("button", { type: "button", className: "plain", textContent: row.label, onclick: () => showDetails(row.index) });
  button.setAttribute("aria-haspopup", "dialog");
  const tag = row.index === state.anchor && !row.entry.lossless ? "anchor" : row.entry.provenance === "measured" ? null : row.entry.provenance;
  return element("div", { className: "name" }, swatch(row.entry), element("div", {}, button, " ", tag && element("span", { className: "tag", textContent: tag })));
}

/** The interval as a line with the BD-rate on it, on one scale for all rows. */
function intervalChart(row, extent) {
  if (!known(row.bd) || !extent) return "";
  const x = (value) => (4 + (192 * (value - extent[0])) / (extent[1] - extent[0] || 1)).toFixed(1);
  const chart = ink(svgElement("svg", { viewBox: "0 0 200 20", preserveAspectRatio: "none", "aria-hidden": "true" }), row.entry);
  chart.append(svgElement("path", { d: `M${x(0)},0V20`, class: "grid" }));
  if (known(row.low)) chart.append(svgElement("path", { d: `M${x(row.low)},10H${x(row.high)}`, class: "curve" }));
  chart.append(svgElement("circle", { cx: x(row.bd), cy: 10, r: 4, class: "mark" }));
  return chart;
}

function drawRanking() {
  const lossless = state.coding === "lossless";
  const columns = lossless ? losslessColumns() : lossyColumns();
  if (!columns.some((it) => it.key === sorting.key && !it.unsortable)) Object.assign(sorting, { key: "rank", descending: false });
  const all = rankingRows();
  const ends = all.flatMap((row) => [row.bd, row.low, row.high]).filter(known);
  const extent = ends.length ? [Math.min(0, ...ends), Math.max(0, ...ends)] : null;
  const rows = sortRows(all.filter((row) => matches(row.entry)), sorting, byBdRate);
  const best = Math.min(...all.filter((row) => row.rank === 1).map((row) => row.index));

  const table = byId("ranking-table");
  drawRows(table, columns, rows, { sorting, redraw: drawSorted, extent, best });
  byId("ranking-empty").hidden = rows.length > 0;
  byId("ranking-live").textContent = `${rows.length} of ${all.length} configurations shown`;
  byId("ranking-note").textContent = lossless ? losslessNote() : lossyNote();
}

function drawSorted() {
  drawRanking();
  saveAddress();
}

function lossyNote() {
  const it = metric();
  if (state.anchor === null || !it) return "Nothing to compare: no lossy configuration has a curve.";
  if (known(it.ideal)) return `${it.title} is best at ${it.ideal} and worse on both sides of it: it has no BD-rate and ranks nothing. Choose another metric to compare.`;
  const hasRemarks = rankingRows().some((row) => (row.remark && known(row.bd)) || (row.several.remark && known(row.meanBd)));
  return (
    `BD-rate: difference in bits at equal ${it.title} against ${entryOf(state.anchor).label}, image by image (PCHIP, averaged in log-rate) over ${it.images} of ${dataset().images} images, those that every compared configuration finished; negative means fewer bits. ` +
    "95% interval: over images. Wins: images with fewer bits. “Mean curve” is the BD-rate of averaged curves, as most papers report it; it also depends on how a codec divides its bits among the images, and is all that published curves have. Places are shared unless the interval of the direct comparison agrees with the order." +
    (it.few ? " Too few images to tell places apart: the order is that of these images alone." : "") +
    (hasRemarks ? " * has a remark: hover, or see the details." : "") +
    (rankingRows().some((row) => known(row.bd) && partial(row)) ? ` Who shares less than ${fixed(100 * data.ranked_overlap, 0)} % of the range of quality with the anchor, or has a BD-rate on fewer than half of the images, is not ranked, and pale.` : "") +
    meanNote() +
    " MP/s: megapixels of all images ÷ seconds for all of them." +
    speedNote()
  );
}

/** What the mean over several metrics is of. */
function meanNote() {
  const { meanBd, metrics, images } = dataset();
  if (!meanBd) return "";
  const titles = meanBd.metrics.map((name) => metrics.find((it) => it.name === name).title);
  const over = meanBd.images < images ? `, over ${meanBd.images} of ${images} images, compared in all of them` : "";
  const pale = rankingRows().some((row) => known(row.meanBd) && partial(row.several));
  return (
    ` The ${meanBd.title} is the mean BD-rate over ${titles.join(", ")}${over}; averaged in log-rate over the metrics of each image, then over the images that have a BD-rate in every one; hover for its interval.` +
    (pale ? ` A pale one is of less than ${fixed(100 * data.ranked_overlap, 0)} % of the range of quality in one of them, or of fewer than half of the images.` : "")
  );
}

function speedNote() {
  return severalMachines() ? " Times come from different machines and are not compared; who ran on several has no speed. The details of a codec name its machines." : "";
}

function losslessNote() {
  const over = { images: "images", pixels: "pixels (total bits ÷ total pixels)" }[dataset().average];
  return `bpp is the mean over ${over}, ratio is ${dataset().rawPixel} ÷ that mean; MB are millions of raw sample bytes. Every decoded pixel was compared with the original. Metric and anchor do not apply.${speedNote()}`;
}
