/** The table of a tab: one row a configuration, sorted by any column. */
const sorting = { key: "rank", descending: false };

const signedPercent = (value) => fixed(value, 1, true);
const intervalText = (low, high) => (known(low) ? `${signedPercent(low)} to ${signedPercent(high)}` : "–");
const placeText = (row) => (known(row.best) ? (row.best === row.worst ? `${row.best}` : `${row.best}–${row.worst}`) : "–");

/** A place, or a mean of places that the intervals leave open. */
const meanPlaces = (row) => (known(row.meanRank) ? `${fixed(row.meanRank, 1)} (${fixed(row.best, 1)}–${fixed(row.worst, 1)})` : "–");
const remarkOf = (name) => (row) => row[`remark_${name}`] && { text: row[`remark_${name}`], star: known(row[`bd_${name}`]) };

const timedRemark = (row) => row.timing && { text: row.timing, star: true };

function leading() {
  const it = metricsHere().find((one) => one.name === state.metric);
  return it ? [it, ...metricsHere().filter((one) => one !== it)] : metricsHere();
}

/** Columns of the tab; `extra` ones are shown where they are asked for. */
function boardColumns() {
  const name = { key: "label", title: "Entry", node: nameCell, head: true, always: true };
  const rank = number("rank", "#", onAll() || state.coding === "lossless" ? (row) => (known(row.rank) ? `${row.rank}` : "–") : placeText, { plain: true, spoken: "Rank", always: true });
  return [rank, name, ...(state.coding === "lossless" ? losslessColumns() : lossyColumns()), ...factColumns()];
}

function lossyColumns() {
  const metrics = leading();
  const bd = metrics.map((it, k) => number(`bd_${it.name}`, `${onAll() ? "mean " : ""}BD ${it.title} %`, (row) => signedPercent(row[`bd_${it.name}`]), { best: k === 0, remark: remarkOf(it.name), metric: it.title, help: `Difference in bits at equal ${it.title} against the anchor; negative means fewer bits` }));
  const interval = number("width", "95% interval", (row) => intervalText(row.low, row.high), { plain: true, spoken: "95% interval, by width" });
  if (onAll()) {
    const sets = data.datasets.map((of) => number(`set_${of.dataset}`, of.dataset, (row) => signedPercent(row[`set_${of.dataset}`]), { help: `BD-rate on ${of.dataset}, ${metrics[0]?.title}, %` }));
    return [number("meanRank", "mean rank", meanPlaces, { help: "Mean place over the data sets; between brackets the means of the best and of the worst places that the intervals leave open" }), bd[0], interval, ...bd.slice(1), ...sets, number("sets", "sets", (row) => `${row.sets ?? 0}/${data.datasets.length}`, { plain: true, falling: true, help: "On how many it is ranked" })].filter(Boolean);
  }
  return [
    bd[0],
    interval,
    ...bd.slice(1),
    number("wins", "wins", (row) => (row.count ? `${row.wins}/${row.count}` : "–"), { falling: true, plain: true, extra: true }),
    number("lowRate", "bpp range", (row) => (known(row.lowRate) ? `${fixed(row.lowRate, 2)}–${fixed(row.highRate, 2)}` : "–"), { plain: true, extra: true }),
  ].filter(Boolean);
}

function losslessColumns() {
  return [number("bpp", "bpp", (row) => fixed(row.bpp, 3), { best: true }), number("ratio", "ratio", (row) => fixed(row.ratio, 3), { falling: true })];
}

function factColumns() {
  const learned = data.rows.some((row) => row.learned);
  return [
    ...(onAll() ? [] : [number("encode", "enc MP/s", (row) => significant(row.encode), { falling: true, extra: true, remark: (row) => known(row.encode) && timedRemark(row) })]),
    number("decode", "dec MP/s", (row) => significant(row.decode), { falling: true, remark: (row) => known(row.decode) && timedRemark(row), help: "On the entry’s own machine" }),
    number("memory", "memory MB", (row) => significant(row.memory), { extra: true, help: "Most that the decoder took" }),
    ...(learned ? [number("kmac", "kMAC/px", (row) => significant(row.kmac), { help: "Of the decoder" }), number("weights", "weights MB", (row) => significant(row.weights))] : []),
    { key: "date", title: "date", text: (row) => row.date, part: "date" },
    { key: "verified", title: "verified", node: verifiedCell, remark: suspicionRemark },
    ...(data.conditions.length ? [{ key: "conditions", title: "conditions met", node: conditionsCell, part: "wordy", unsortable: true }] : []),
    { key: "licence", title: "licence", text: (row) => row.licence, part: "wordy", extra: true },
    { key: "links", title: "links", node: linksCell, saved: (row) => linksOf(row).join(" "), part: "links", unsortable: true },
  ];
}

const shownByDefault = (column) => !column.extra;
const isShown = (column) => column.always || (state.columns ? state.columns.has(column.key) : shownByDefault(column));

function nameCell(row) {
  const entry = data.entries[row.row.entry];
  const link = element("a", { href: addressWith({ entry: row.row.entry }), textContent: row.label });
  const tags = [row.index === anchorHere() && "anchor", !entry.current && "older"].filter(Boolean);
  return element("div", { className: "name" }, swatch(row.row), element("div", {}, link, ...tags.flatMap((text) => [" ", element("span", { className: "tag", textContent: text })])));
}

const anchorHere = () => (state.coding === "lossy" && !onAll() ? dataset().anchor : null);

/** In a word what a keeper's verification found; a suspicion is a word of its own, such as “memorised?”. */
const STATES = { verified: ["yes", "good"], "decode-only": ["decode-only", "good"], "in part": ["in part", ""], outdated: ["outdated", ""], contradicted: ["contradicted", "bad"], "not verified": ["no", ""] };
const verifiedWord = (row) => STATES[row.state] ?? [row.state, "bad"];
/** From the best to the worst, suspicions before what was contradicted. */
const verifiedOrder = (row) => (row.state in STATES ? Object.keys(STATES).indexOf(row.state) : 3.5);

function suspicionRemark(row) {
  const flags = data.entries[row.row.entry].verification?.flags ?? [];
  const [, flag, told] = flags.find(([label, flag]) => label === row.row.own && flag === row.row.state) ?? [];
  return flag && { text: `${flag} ${told}` };
}

function verifiedCell(row) {
  const [word, kind] = verifiedWord(row.row);
  return word === "no" ? element("span", { className: "muted", textContent: "–" }) : element("span", { className: `tag ${kind}`, textContent: word });
}

function conditionsCell(row) {
  return element("span", {}, ...(row.row.met.length ? row.row.met.flatMap((name, k) => [k ? " " : "", element("span", { className: "tag", textContent: name })]) : [element("span", { className: "muted", textContent: "–" })]));
}

const linksOf = (row) => [data.entries[row.row.entry].paper, data.entries[row.row.entry].code].filter(Boolean);

function linksCell(row) {
  const entry = data.entries[row.row.entry];
  const links = [outwards(entry.paper, "paper"), outwards(entry.code, "code")].filter(Boolean);
  return element("span", {}, ...(links.length ? links : ["–"]));
}

/** All rows of the chosen kind with their values, ranked before anything is filtered. */
function boardRows() {
  const lossless = state.coding === "lossless";
  const rows = data.rows.filter((row) => row.lossless === lossless && present(row.index)).map(lossless ? losslessRow : lossyRow);
  const key = lossless ? "bpp" : onAll() ? "meanRank" : "order";
  const ranked = rows.filter((row) => known(row[key]) && data.entries[row.row.entry].current).sort((a, b) => a[key] - b[key] || a.bd - b.bd);
  for (const [k, row] of ranked.entries()) row.rank = k + 1;
  return rows;
}

const present = (index) => onAll() || Boolean(dataset().facts[index]);

function factsOf(row) {
  const entry = data.entries[row.entry];
  return { row, index: row.index, label: row.label, encode: fact(row.index, "encode"), decode: fact(row.index, "decode"), memory: fact(row.index, "memory"), kmac: row.kmac[1], weights: row.weights, date: entry.date, verified: verifiedOrder(row), timing: timingRemark(row.index), licence: entry.licence };
}

function lossyRow(row) {
  const values = { ...factsOf(row), ...(onAll() ? overallValues(row.index) : setValues(row.index)) };
  for (const it of metricsHere()) {
    const found = onAll() ? overall(row.index, it.name) : comparison(row.index, it.name);
    values[`bd_${it.name}`] = found?.bd ?? null;
    values[`remark_${it.name}`] = found?.remark;
  }
  return values;
}

function setValues(index) {
  const it = comparison(index);
  const facts = dataset().facts[index];
  return { ...it, width: known(it?.low) ? it.high - it.low : null, order: known(it?.best) ? it.bd : null, lowRate: facts.low, highRate: facts.high };
}

function overallValues(index) {
  const it = overall(index);
  const sets = Object.fromEntries(data.datasets.map((of) => [`set_${of.dataset}`, comparison(index, state.metric, of)?.bd ?? null]));
  return { ...it, ...sets, meanRank: it?.rank ?? null, rank: null, width: known(it?.low) ? it.high - it.low : null };
}

function losslessRow(row) {
  const bpp = fact(row.index, "bpp");
  return { ...factsOf(row), bpp, bd: bpp, ratio: bpp ? dataset().raw / bpp : null };
}

function drawBoard() {
  const columns = boardColumns().filter(isShown);
  if (!columns.some((it) => it.key === sorting.key && !it.unsortable)) Object.assign(sorting, { key: "rank", descending: false });
  const all = onAll() && state.coding === "lossless" ? [] : boardRows();
  const shown = all.filter((row) => matches(row.row));
  const rows = sortRows(shown, sorting, (a, b) => (known(a.bd) && known(b.bd) ? a.bd - b.bd : Number(!known(a.bd)) - Number(!known(b.bd))));
  const redraw = () => {
    drawBoard();
    saveAddress();
  };
  drawRows(byId("board-table"), columns, rows, { sorting, redraw, best: all.find((row) => row.rank === 1)?.index ?? null });
  byId("board-empty").hidden = rows.length > 0;
  byId("board-empty").textContent = onAll() && state.coding === "lossless" ? "Lossless codecs have no BD-rate: choose a data set." : "No entry matches these filters.";
  const total = all.filter((row) => state.older || data.entries[row.row.entry].current).length;
  byId("board-title").textContent = `${onAll() ? "Over all data sets" : `Ranking on ${state.tab}`}: ${rows.length === total ? plural(total, "configuration") : `${rows.length} of ${plural(total, "configuration")}`}`;
  byId("board-live").textContent = `${rows.length} of ${total} configurations shown`;
  byId("board-note").textContent = boardNote();
  drawRemarks(rows, columns);
}

/** What the stars of the table stand for, and why somebody has no place: not all readers can hover. */
function drawRemarks(rows, columns) {
  const told = new Map();
  const metrics = columns.filter((column) => column.metric).length;
  for (const row of rows) {
    const own = new Map();
    for (const column of columns) {
      const text = column.remark?.(row)?.text;
      if (text) own.set(text, [...(own.get(text) ?? []), column.metric]);
    }
    for (const [text, titles] of own) {
      const whole = titles.every(known) && titles.length < metrics ? `${titles.join(", ")}: ${text}` : text;
      told.set(whole, [...(told.get(whole) ?? []), row.label]);
    }
  }
  const lines = [...told].map(([text, labels]) => element("li", {}, element("strong", { textContent: labels.length < rows.length || rows.length < 4 ? labels.join(", ") : "All" }), `: ${text}`));
  byId("board-remarks").hidden = !lines.length;
  byId("board-remarks").replaceChildren(...lines);
}

function boardNote() {
  if (state.coding === "lossless") return "bpp is the mean over the images; ratio is the bits of a raw pixel ÷ bpp. Every decoded pixel was compared with the original.";
  const it = metricsHere().find((one) => one.name === state.metric);
  if (!it) return "Nothing to compare: no entry has a curve.";
  const anchors = [...new Set(data.datasets.filter((of) => onAll() || of === dataset()).map((of) => known(of.anchor) && entryOf(of.anchor).label).filter(Boolean))].join(", ");
  const bd = `BD-rate: difference in bits at equal quality against ${anchors || "nobody"}, image by image (PCHIP, averaged in log-rate); negative means fewer bits. 95% interval: over images.`;
  const places = onAll()
    ? "Over all data sets every set counts the same; mean rank only for who is ranked on all of them, by the metric chosen above."
    : `Places are shared unless the interval of the direct comparison agrees with the order; who lacks an image of the anchor’s, or covers less than half of its range of quality${rangeOfAnchor()}, has none.`;
  const few = it.few && !onAll() ? " Too few images for intervals: the order is that of these images alone." : "";
  return `${bd} ${places}${few} * has a remark, below. Speeds and memory are of the entry’s own machine.`;
}

function rangeOfAnchor() {
  const its = known(dataset().anchor) ? dataset().facts[dataset().anchor] : null;
  return known(its?.low) ? ` (here from ${fixed(its.low, 2)} to ${fixed(its.high, 2)} bpp)` : "";
}

/** The choice of columns. */
function drawColumns() {
  const box = byId("columns");
  const choices = boardColumns().filter((column) => !column.always);
  const focused = box.contains(document.activeElement) ? document.activeElement.value : null;
  const toggle = (column) => (event) => {
    const shown = new Set(choices.filter(isShown).map((it) => it.key));
    if (event.target.checked) shown.add(column.key);
    else shown.delete(column.key);
    const usual = choices.every((it) => shown.has(it.key) === shownByDefault(it));
    change({ columns: usual ? null : shown });
  };
  const labels = choices.map((column) => element("label", { className: "check" }, element("input", { type: "checkbox", value: column.key, checked: isShown(column), onchange: toggle(column) }), column.title));
  box.replaceChildren(box.querySelector("legend"), ...labels);
  if (focused) [...box.querySelectorAll("input")].find((it) => it.value === focused)?.focus();
}
