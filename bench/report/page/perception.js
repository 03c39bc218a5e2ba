/** Distortion against perception: the plane at a matched rate, decoders of the same bytes, complexity, studies. */
const plane = { index: 0 };
const planeMargin = { left: 62, right: 18, top: 12, bottom: 46 };
const NAME_HEIGHT = 15;

const directed = (it, arrows) => (it.ideal !== null ? `${it.ideal} is ideal` : it.higher ? arrows[0] : arrows[1]);
const measureDigits = (it) => (it.unit === "dB" ? 2 : 3);

function setUpPerception() {
  byId("plane-choice").onchange = (event) => {
    plane.index = Number(event.target.value);
    drawPlane();
  };
  let width = 0;
  new ResizeObserver(() => {
    if (byId("plane-area").clientWidth !== width) drawPlane();
    width = byId("plane-area").clientWidth;
  }).observe(byId("plane-area"));
}

/** A data set was chosen. */
function drawPerception() {
  const { planes, pairs, complexity } = dataset().perception;
  byId("perception").hidden = !planes.length && !pairs.length;
  byId("plane-part").hidden = !planes.length;
  plane.index = 0;
  fillSelect(byId("plane-choice"), planes.map((it, k) => [String(k), `${it.x.title} and ${it.y.title} at ${it.rate} bpp`]), "0");
  drawPlane();
  byId("pairs").replaceChildren(...pairs.flatMap(pairNodes));
  byId("complexity").hidden = !complexity;
  if (complexity) drawComplexity(complexity);
  drawStudies();
}

function drawPlane() {
  const area = byId("plane-area");
  const it = dataset().perception.planes[plane.index];
  if (!it || !area.clientWidth) return;
  const points = it.points.map(([entry, x, y]) => ({ entry: entryOf(entry), x, y })).filter((point) => matches(point.entry));
  area.setAttribute("aria-label", `${it.x.title} and ${it.y.title} of ${plural(points.length, "codec")} at ${it.rate} bpp: ${points.map((point) => `${point.entry.label} ${fixed(point.x, measureDigits(it.x))} and ${fixed(point.y, measureDigits(it.y))}`).join(", ")}`);
  if (!points.length) {
    area.replaceChildren(element("p", { className: "notice", textContent: "No codec matches these filters at this rate." }));
    return;
  }
  const width = Math.max(280, area.clientWidth);
  const height = Math.round(clamp(width * 0.42, 280, 430));
  const x = planeScale(points.map((point) => point.x), planeMargin.left, width - planeMargin.right);
  const y = planeScale(points.map((point) => point.y), height - planeMargin.bottom, planeMargin.top);
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, height, "aria-hidden": "true" });
  drawPlaneAxes(svg, { width, height, x, y }, it);
  const placed = points.map((point) => ({ ...point, left: x.of(point.x), top: y.of(point.y) }));
  for (const point of placed) {
    const title = svgElement("title", {}, `${point.entry.label}: ${fixed(point.x, measureDigits(it.x))}, ${fixed(point.y, measureDigits(it.y))}`);
    svg.append(ink(svgElement("g", { transform: `translate(${point.left.toFixed(1)} ${point.top.toFixed(1)})` }, mark(point.entry), title), point.entry));
  }
  area.replaceChildren(svg);
  namePoints(svg, placed, [width, height]);
}

/** From values to pixels, with room around them. */
function planeScale(values, from, to) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = 0.1 * (high - low) || 0.05 * Math.abs(high) || 1;
  const range = [low - room, high + room];
  return { range, of: (value) => from + ((to - from) * (value - range[0])) / (range[1] - range[0]) };
}

function drawPlaneAxes(svg, { width, height, x, y }, it) {
  const [left, right, top, bottom] = [planeMargin.left, width - planeMargin.right, planeMargin.top, height - planeMargin.bottom];
  for (const value of niceTicks(...x.range, Math.max(3, width / 130))) {
    const at = x.of(value).toFixed(1);
    svg.append(svgElement("path", { d: `M${at},${top}V${bottom}`, class: "grid" }), svgElement("text", { x: at, y: bottom + 18, class: "axis", "text-anchor": "middle" }, String(value)));
  }
  for (const value of niceTicks(...y.range, 5)) {
    const at = y.of(value);
    svg.append(svgElement("path", { d: `M${left},${at.toFixed(1)}H${right}`, class: "grid" }), svgElement("text", { x: left - 8, y: (at + 4).toFixed(1), class: "axis", "text-anchor": "end" }, String(value).replace("-", "−")));
  }
  const title = (one) => `${measureTitle(one)}, ${directed(one, ["better →", "← better"])}`;
  svg.append(svgElement("rect", { x: left, y: top, width: right - left, height: bottom - top, class: "frame" }));
  svg.append(svgElement("text", { x: (left + right) / 2, y: height - 8, class: "axis-title", "text-anchor": "middle" }, title(it.x)));
  svg.append(svgElement("text", { transform: `translate(14 ${(top + bottom) / 2}) rotate(-90)`, class: "axis-title", "text-anchor": "middle" }, title(it.y)));
}

/** Write each name beside its mark where it covers nothing; the mark's tip has it where there is no such place. */
function namePoints(svg, points, [width, height]) {
  const taken = points.map((it) => [it.left - 6, it.top - 6, it.left + 6, it.top + 6]);
  const inside = ([left, top, right, bottom]) => left > planeMargin.left && right < width - planeMargin.right && top > planeMargin.top && bottom < height - planeMargin.bottom;
  const free = (box) => inside(box) && taken.every((it) => box[2] < it[0] || it[2] < box[0] || box[3] < it[1] || it[3] < box[1]);
  for (const point of [...points].sort((a, b) => a.top - b.top)) {
    const name = svgElement("text", { class: "axis point-name" }, point.entry.label);
    svg.append(name);
    const length = name.getComputedTextLength();
    const lines = [0, -10, 10, -18, 18];
    const places = lines.flatMap((down) => [point.left + 10, point.left - 10 - length].map((left) => [left, point.top + down - NAME_HEIGHT / 2]));
    const place = places.find(([left, top]) => free([left, top, left + length, top + NAME_HEIGHT]));
    if (!place) {
      name.remove();
      continue;
    }
    taken.push([place[0], place[1], place[0] + length, place[1] + NAME_HEIGHT]);
    name.setAttribute("x", place[0].toFixed(1));
    name.setAttribute("y", (place[1] + 11.5).toFixed(1));
  }
}

/** Two decoders of the same bytes: a table of every metric at every shared operating point, and crops. */
function pairNodes(pair) {
  const [first, second] = [entryOf(pair.first), entryOf(pair.second)];
  const head = ["quality", "bpp", "metric", first.label, second.label, "difference", "95% interval"];
  const cell = (text, className = "number") => element("td", { className, textContent: text });
  let before = null;
  const rows = pair.rows.map((it) => {
    const digits = measureDigits(it.measure);
    const [low, high] = it.interval;
    const opens = it.quality !== before;
    before = it.quality;
    const values = it.values.map((value, k) => cell(fixed(value, digits), it.better === k ? "number best" : "number"));
    return element(
      "tr",
      { className: opens ? "opens" : "" },
      cell(opens ? String(it.quality) : ""),
      cell(opens ? fixed(it.bpp, 3) : ""),
      cell(`${measureTitle(it.measure)}, ${directed(it.measure, ["higher is better", "lower is better"])}`, ""),
      ...values,
      cell(fixed(it.values[1] - it.values[0], digits, true)),
      cell(known(low) ? `${fixed(low, digits, true)} to ${fixed(high, digits, true)}` : "–"),
    );
  });
  const titles = element("tr", {}, ...head.map((text, k) => element("th", { scope: "col", className: k === 2 ? "" : "number", textContent: text })));
  const table = element("table", { className: "pair" }, element("thead", {}, titles), element("tbody", {}, ...rows));
  return [
    element("h3", { textContent: `${first.label} and ${second.label}: identical bitstreams` }),
    element("p", { className: "note", textContent: "Both spend the same bytes on every picture, so each difference is the decoder’s alone. Means over the images; the interval is that of the difference (paired, over images); bold is better, and nothing is bold where the interval holds 0." }),
    element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": `${first.label} and ${second.label}` }, table),
    ...cropNodes(pair),
  ];
}

function cropNodes({ crops, first, second }) {
  if (crops.problem) return [element("p", { className: "notice", textContent: `No crops: ${crops.problem}.` })];
  if (!crops.rows.length) return [];
  const picture = (url, name, lines, problem) =>
    element(
      "figure",
      {},
      url ? element("img", { src: url, alt: name, width: crops.side, height: crops.side }) : element("div", { className: "absent", textContent: problem || "no picture" }),
      element("figcaption", {}, element("strong", { textContent: lines[0] }), ...lines.slice(1).map((text) => element("span", { textContent: text }))),
    );
  const values = (cell) => crops.measures.map((it, k) => (it.unit === "dB" ? `${fixed(cell.values[k], 1)} dB` : `${it.title} ${fixed(cell.values[k], 3)}`)).join(", ");
  const rows = crops.rows.map((row) =>
    element(
      "div",
      { className: "crops" },
      ...(row.original ? [picture(row.original, `${row.image}, original`, ["original", row.image, row.reason], "")] : []),
      ...row.cells.map((cell) => picture(cell.url, `${row.image}, ${entryOf(cell.entry).label}`, [entryOf(cell.entry).label, `${fixed(cell.bpp, 3)} bpp`, values(cell)], cell.problem)),
    ),
  );
  const gain = crops.measures.length && crops.rows.some((row) => row.reason) ? ` The images are those with the largest, the median and the smallest gain in ${crops.measures[crops.measures.length - 1].title}.` : "";
  const note = `Crops of ${crops.side}×${crops.side} pixels, placed where ${entryOf(first).label} and ${entryOf(second).label} differ most; other codecs at the operating point with the nearest rate.${gain} Values are those of the whole picture.`;
  return [...rows, element("p", { className: "note", textContent: note })];
}

function drawComplexity({ columns, rows, notes }) {
  const table = byId("complexity-table");
  const cells = (texts) => texts.map((text) => element("td", { className: "number", textContent: text }));
  const name = (index) => element("button", { type: "button", className: "plain", textContent: entryOf(index).label, onclick: () => showDetails(index), "aria-haspopup": "dialog" });
  table.tHead.replaceChildren(element("tr", {}, element("th", { scope: "col", textContent: "Codec" }), ...columns.map((text) => element("th", { scope: "col", className: "number", textContent: text }))));
  table.tBodies[0].replaceChildren(...rows.map((row) => element("tr", {}, element("th", { scope: "row" }, element("div", { className: "name" }, swatch(entryOf(row.entry)), name(row.entry))), ...cells(row.cells))));
  byId("complexity-note").textContent = notes.join(" ");
}

function drawStudies() {
  const found = dataset().studies;
  byId("studies").hidden = !found.length;
  byId("studies-body").replaceChildren(
    ...found.flatMap((it) => [
      element("p", {}, `${it.title} of run ${it.run}: `, element("a", { href: it.page, textContent: "tables and figures" })),
      ...it.figures.map((path) => element("img", { src: path, alt: path.replace(/^.*\//, "").replace(/\.png$/, "").replaceAll("_", " "), className: "sheet", loading: "lazy" })),
    ]),
  );
}
