/** The RD plot. `zoom` is the visible range on both axes, in axis units (log10 of bpp on a log axis). */
const plot = { log: true, zoom: null, size: null, full: null, curves: [], current: null, drag: null };
const margin = { left: 54, right: 14, top: 10, bottom: 46 };

/** The curves that the filters let through, whether or not the legend hides them. */
function plottedCurves() {
  const curves = dataset().curves[state.metric] || {};
  return Object.keys(curves)
    .map(Number)
    .filter((index) => matches(entryOf(index)))
    .map((index) => ({ index, entry: entryOf(index), points: curves[index].filter(([, rate, value]) => known(rate) && known(value)).map(([quality, rate, value]) => ({ quality, rate, value })) }))
    .filter((it) => it.points.length);
}

const axisRate = (rate) => (plot.log ? Math.log10(rate) : rate);

function fullRange(curves) {
  const points = curves.flatMap((it) => it.points);
  if (!points.length) return null;
  const spread = (values) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = 0.04 * (high - low) || 0.5;
    return [low - room, high + room];
  };
  const x = spread(points.map((it) => axisRate(it.rate)));
  if (!plot.log) x[0] = 0;
  const ideal = metric() ? metric().ideal : null;
  return { x, y: spread([...points.map((it) => it.value), ...(known(ideal) ? [ideal] : [])]) };
}

function scales() {
  const range = plot.zoom || plot.full;
  const { width, height } = plot.size;
  const inner = { x: width - margin.left - margin.right, y: height - margin.top - margin.bottom };
  return {
    range,
    inner,
    x: (value) => margin.left + (inner.x * (value - range.x[0])) / (range.x[1] - range.x[0]),
    y: (value) => margin.top + inner.y - (inner.y * (value - range.y[0])) / (range.y[1] - range.y[0]),
    toX: (pixel) => range.x[0] + ((pixel - margin.left) / inner.x) * (range.x[1] - range.x[0]),
    toY: (pixel) => range.y[0] + ((margin.top + inner.y - pixel) / inner.y) * (range.y[1] - range.y[0]),
  };
}

function niceTicks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((it) => it * power).find((it) => it >= raw);
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k += 1) ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}

/** Ticks of the rate axis as (axis position, text). */
function rateTicks(range, count) {
  if (!plot.log) return niceTicks(range[0], range[1], count).map((it) => [it, String(it)]);
  const [low, high] = [10 ** range[0], 10 ** range[1]];
  let ticks = [];
  for (let power = Math.floor(range[0]); power <= range[1]; power += 1) {
    for (const digit of [1, 2, 5]) ticks.push(digit * 10 ** power);
  }
  ticks = ticks.filter((it) => it >= low && it <= high);
  if (ticks.length < 3) ticks = niceTicks(low, high, count).filter((it) => it > 0);
  return ticks.map((it) => [Math.log10(it), String(Number(it.toPrecision(6)))]);
}

function drawPlot() {
  const area = byId("plot-area");
  plot.curves = plottedCurves();
  const it = metric();
  const width = Math.max(280, area.clientWidth);
  plot.size = { width, height: Math.round(clamp(width * 0.52, 300, 520)) };
  const shown = plot.curves.filter((curve) => !state.hidden.has(curve.index));
  plot.full = fullRange(shown.length ? shown : plot.curves);
  area.setAttribute("aria-label", it ? `${it.title} over rate, ${shown.length} curves` : "No curves");
  drawLegend();
  if (!plot.full) {
    area.replaceChildren(element("p", { className: "notice", textContent: state.coding === "lossless" ? "Lossless configurations have no rate–distortion curve." : "No curve matches these filters." }));
    return;
  }
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${plot.size.height}`, height: plot.size.height, "aria-hidden": "true" });
  const scale = scales();
  drawAxes(svg, scale, it);
  const clip = svgElement("clipPath", { id: "plot-clip" }, svgElement("rect", { x: margin.left, y: margin.top, width: scale.inner.x, height: scale.inner.y }));
  const layer = svgElement("g", { "clip-path": "url(#plot-clip)" });
  for (const curve of shown) layer.append(drawCurve(curve, scale));
  svg.append(clip, layer, svgElement("g", { id: "plot-focus" }), svgElement("rect", { id: "plot-box", class: "zoom-box", width: 0, height: 0 }));
  area.replaceChildren(svg, element("div", { id: "tip", hidden: true }));
  listenToPointer(svg);
  if (plot.current) showPoint(shown.find((curve) => curve.index === plot.current.index), plot.current.point, false);
}

function drawAxes(svg, scale, it) {
  const { width, height } = plot.size;
  const bottom = margin.top + scale.inner.y;
  for (const [position, text] of rateTicks(scale.range.x, Math.max(3, width / 110))) {
    const x = scale.x(position).toFixed(1);
    svg.append(svgElement("path", { d: `M${x},${margin.top}V${bottom}`, class: "grid" }));
    svg.append(svgElement("text", { x, y: bottom + 18, class: "axis", "text-anchor": "middle" }, text));
  }
  for (const value of niceTicks(...scale.range.y, 6)) {
    const y = scale.y(value).toFixed(1);
    svg.append(svgElement("path", { d: `M${margin.left},${y}H${width - margin.right}`, class: "grid" }));
    svg.append(svgElement("text", { x: margin.left - 8, y: Number(y) + 4, class: "axis", "text-anchor": "end" }, String(value).replace("-", "−")));
  }
  svg.append(svgElement("rect", { x: margin.left, y: margin.top, width: scale.inner.x, height: scale.inner.y, class: "frame" }));
  if (known(it.ideal) && it.ideal > scale.range.y[0] && it.ideal < scale.range.y[1]) {
    svg.append(svgElement("path", { d: `M${margin.left},${scale.y(it.ideal).toFixed(1)}H${width - margin.right}`, class: "ideal" }));
  }
  const quality = measureTitle(it) + (known(it.ideal) ? `, ${it.ideal} is ideal` : it.higher ? "" : ", lower is better");
  svg.append(svgElement("text", { x: margin.left + scale.inner.x / 2, y: height - 8, class: "axis-title", "text-anchor": "middle" }, "rate (bits per pixel)"));
  svg.append(svgElement("text", { transform: `translate(14 ${margin.top + scale.inner.y / 2}) rotate(-90)`, class: "axis-title", "text-anchor": "middle" }, quality));
}

function drawCurve(curve, scale) {
  const places = curve.points.map((it) => [scale.x(axisRate(it.rate)).toFixed(1), scale.y(it.value).toFixed(1)]);
  const group = ink(svgElement("g", { "data-curve": curve.index }), curve.entry);
  group.append(svgElement("path", { d: `M${places.map((it) => it.join(",")).join("L")}`, class: "curve", "stroke-dasharray": curve.entry.dash.join(" ") }));
  for (const [x, y] of places) group.append(svgElement("g", { transform: `translate(${x} ${y})` }, mark(curve.entry)));
  return group;
}

function drawLegend() {
  const legend = byId("legend");
  const focused = document.activeElement?.dataset.toggle;
  const buttons = plot.curves.map((curve) => {
    const on = !state.hidden.has(curve.index);
    const toggle = () => {
      const hidden = new Set(state.hidden);
      if (!hidden.delete(curve.index)) hidden.add(curve.index);
      change({ hidden });
    };
    const button = element("button", { type: "button", "aria-pressed": String(on), "data-toggle": String(curve.index), onclick: toggle }, swatch(curve.entry), curve.entry.label);
    button.addEventListener("pointerenter", () => emphasise(curve.index));
    button.addEventListener("pointerleave", () => emphasise(null));
    return button;
  });
  if (buttons.length > 2) {
    const all = !plot.curves.some((curve) => state.hidden.has(curve.index));
    const flip = () => change({ hidden: new Set(all ? plot.curves.map((curve) => curve.index) : []) });
    buttons.push(element("button", { type: "button", "data-toggle": "all", textContent: all ? "Hide all" : "Show all", onclick: flip }));
  }
  legend.replaceChildren(...buttons);
  if (focused) legend.querySelector(`[data-toggle="${focused}"]`)?.focus();
}

function emphasise(index) {
  for (const group of byId("plot-area").querySelectorAll("[data-curve]")) group.classList.toggle("faded", index !== null && Number(group.dataset.curve) !== index);
}

/** Mark a point and say what it is, in a box beside it and to screen readers. */
function showPoint(curve, position, spoken) {
  const tip = byId("tip");
  const focus = byId("plot-focus");
  if (!tip || !focus) return;
  const point = curve?.points[position];
  focus.replaceChildren();
  tip.hidden = !point;
  plot.current = point ? { index: curve.index, point: position } : null;
  if (!point) return;
  const scale = scales();
  const [x, y] = [scale.x(axisRate(point.rate)), scale.y(point.value)];
  const it = metric();
  const lines = [known(point.quality) ? `quality ${point.quality}` : curve.entry.provenance, `${fixed(point.rate, 3)} bpp`, `${it.title} ${fixed(point.value, it.unit === "dB" ? 2 : 4)}${it.unit ? ` ${it.unit}` : ""}`];
  focus.append(svgElement("circle", { cx: x, cy: y, r: 8, class: "focus-ring" }));
  tip.replaceChildren(element("strong", { textContent: curve.entry.label }), ...lines.map((text) => element("div", { textContent: text })));
  tip.style.left = `${clamp(x > plot.size.width / 2 ? x - tip.offsetWidth - 14 : x + 14, 0, Math.max(0, plot.size.width - tip.offsetWidth))}px`;
  tip.style.top = `${clamp(y - tip.offsetHeight - 8, 0, plot.size.height)}px`;
  if (spoken) byId("plot-live").textContent = [curve.entry.label, ...lines].join(", ");
}

function visibleCurves() {
  return plot.curves.filter((curve) => !state.hidden.has(curve.index));
}

function nearestPoint(x, y, reach) {
  const scale = scales();
  let best = { distance: reach };
  for (const curve of visibleCurves()) {
    curve.points.forEach((point, position) => {
      const distance = Math.hypot(scale.x(axisRate(point.rate)) - x, scale.y(point.value) - y);
      if (distance < best.distance) best = { distance, curve, position };
    });
  }
  return best;
}

function listenToPointer(svg) {
  const place = (event) => {
    const box = svg.getBoundingClientRect();
    return [((event.clientX - box.left) * plot.size.width) / box.width, ((event.clientY - box.top) * plot.size.height) / box.height];
  };
  svg.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    if (plot.drag) {
      moveDrag(x, y);
      return;
    }
    const { curve, position } = nearestPoint(x, y, 28);
    showPoint(curve, position, false);
  });
  svg.addEventListener("pointerleave", () => !plot.drag && showPoint(null));
  svg.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    const [x, y] = place(event);
    plot.drag = { x, y, pan: event.shiftKey, from: structuredClone(scales().range), box: null };
    svg.setPointerCapture(event.pointerId);
  });
  const finish = () => {
    const drag = plot.drag;
    plot.drag = null;
    if (drag?.box) setZoom(drag.box);
  };
  svg.addEventListener("pointerup", finish);
  svg.addEventListener("pointercancel", () => (plot.drag = null));
  svg.addEventListener("dblclick", () => setZoom(null));
  svg.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== byId("plot-area")) return;
      event.preventDefault();
      const [x, y] = place(event);
      const scale = scales();
      zoomBy(Math.exp(clamp(event.deltaY, -200, 200) / 400), scale.toX(x), scale.toY(y));
    },
    { passive: false },
  );
}

function moveDrag(x, y) {
  const { drag } = plot;
  const scale = scales();
  if (drag.pan) {
    const dx = ((drag.x - x) / scale.inner.x) * (drag.from.x[1] - drag.from.x[0]);
    const dy = ((y - drag.y) / scale.inner.y) * (drag.from.y[1] - drag.from.y[0]);
    plot.zoom = { x: drag.from.x.map((it) => it + dx), y: drag.from.y.map((it) => it + dy) };
    redrawDuringDrag();
    return;
  }
  const [left, right] = [Math.min(drag.x, x), Math.max(drag.x, x)];
  const [top, bottom] = [Math.min(drag.y, y), Math.max(drag.y, y)];
  drag.box = right - left > 8 && bottom - top > 8 ? { x: [scale.toX(left), scale.toX(right)], y: [scale.toY(bottom), scale.toY(top)] } : null;
  const box = byId("plot-box");
  for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) box.setAttribute(name, value);
}

/** A drag must survive redrawing, so only the contents of the picture are exchanged. */
function redrawDuringDrag() {
  const area = byId("plot-area");
  const old = area.querySelector("svg");
  drawPlot();
  const made = area.querySelector("svg");
  old.replaceChildren(...made.childNodes);
  made.replaceWith(old);
}

function setZoom(range) {
  plot.zoom = range;
  drawPlot();
}

function zoomBy(factor, centreX, centreY) {
  if (!plot.full) return;
  const range = plot.zoom || plot.full;
  const around = ([low, high], centre) => [centre - (centre - low) * factor, centre + (high - centre) * factor];
  const next = { x: around(range.x, centreX), y: around(range.y, centreY) };
  const share = (next.x[1] - next.x[0]) / (plot.full.x[1] - plot.full.x[0]);
  if (share > 1e-4) setZoom(share >= 1 ? null : next);
}

function zoomMiddle(factor) {
  if (!plot.full) return;
  const { x, y } = plot.zoom || plot.full;
  zoomBy(factor, (x[0] + x[1]) / 2, (y[0] + y[1]) / 2);
}

function panBy(shareX, shareY) {
  if (!plot.zoom) return;
  const moved = ([low, high], share) => [low + share * (high - low), high + share * (high - low)];
  setZoom({ x: moved(plot.zoom.x, shareX), y: moved(plot.zoom.y, shareY) });
}

/** Arrow keys: along the current curve, and to the point of the next curve with the nearest rate. */
function stepPoint(along, across) {
  const curves = visibleCurves();
  if (!curves.length) return;
  const now = plot.current && curves.findIndex((curve) => curve.index === plot.current.index);
  if (!known(now) || now < 0) {
    showPoint(curves[0], 0, true);
    return;
  }
  const curve = curves[(now + across + curves.length) % curves.length];
  let position = clamp(plot.current.point + along, 0, curve.points.length - 1);
  if (across) {
    const { rate } = curves[now].points[plot.current.point];
    const gap = (it) => Math.abs(Math.log(it.rate / rate));
    position = curve.points.reduce((best, it, k) => (gap(it) < gap(curve.points[best]) ? k : best), 0);
  }
  showPoint(curve, position, true);
}

function setUpPlot() {
  const area = byId("plot-area");
  const pans = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  area.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.shiftKey && pans[event.key]) panBy(...pans[event.key]);
    else if (steps[event.key]) stepPoint(...steps[event.key]);
    else if (event.key === "+" || event.key === "=") zoomMiddle(0.7);
    else if (event.key === "-") zoomMiddle(1 / 0.7);
    else if (event.key === "0") setZoom(null);
    else if (event.key === "Escape") showPoint(null);
    else return;
    event.preventDefault();
  });
  byId("plot-in").onclick = () => zoomMiddle(0.7);
  byId("plot-out").onclick = () => zoomMiddle(1 / 0.7);
  byId("plot-reset").onclick = () => setZoom(null);
  for (const choice of document.querySelectorAll('input[name="scale"]')) {
    choice.onchange = () => {
      plot.log = choice.value === "log";
      setZoom(null);
      saveAddress();
    };
  }
  let width = 0;
  new ResizeObserver(() => {
    if (area.clientWidth !== width && data.datasets.length) drawPlot();
    width = area.clientWidth;
  }).observe(area);
}

/** The address keeps the kind of the rate axis. */
function rememberPlot() {
  const choose = ([kind]) => {
    plot.log = kind !== "linear";
    plot.zoom = null;
    for (const choice of document.querySelectorAll('input[name="scale"]')) choice.checked = (choice.value === "log") === plot.log;
  };
  remember("scale", () => (plot.log ? "" : "linear"), choose);
}
