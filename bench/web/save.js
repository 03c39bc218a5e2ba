/** What a saved picture keeps of the page's style, for it has no style sheet. */
const KEPT_STYLE = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-linejoin", "stroke-dasharray", "opacity", "font-family", "font-size"];
const LEGEND = { row: 22, gap: 20, sample: 34 };
const PIXELS_PER_DOT = 2;

/** A copy that looks the same without the page's style sheet. */
function painted(shown) {
  const copy = shown.cloneNode(true);
  const sources = [shown, ...shown.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((target, k) => {
    const style = getComputedStyle(sources[k]);
    for (const name of KEPT_STYLE) target.setAttribute(name, style.getPropertyValue(name));
    target.removeAttribute("class");
    target.removeAttribute("style");
  });
  return copy;
}

/** Samples and names of the curves below the plot, as many in a row as fit, and the height that they take. */
function savedLegend(width, top) {
  const words = getComputedStyle(document.body);
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `13px ${words.fontFamily}`;
  const group = svgElement("g");
  let [x, y] = [margin.left, top];
  for (const { index, entry } of visibleCurves()) {
    const needed = LEGEND.sample + pen.measureText(entry.label).width;
    if (x > margin.left && x + needed > width - margin.right) [x, y] = [margin.left, y + LEGEND.row];
    const sample = painted(byId("legend").querySelector(`[data-toggle="${index}"] svg`));
    sample.setAttribute("x", x);
    sample.setAttribute("y", y);
    const name = { x: x + LEGEND.sample, y: y + 12.5, fill: words.color, "font-family": words.fontFamily, "font-size": "13px" };
    group.append(sample, svgElement("text", name, entry.label));
    x += needed + LEGEND.gap;
  }
  return { group, height: y + LEGEND.row - top };
}

/** The plot as shown, with its zoom and colours, as an SVG that stands on its own. */
function savedPlot() {
  const shown = byId("plot-area").querySelector("svg");
  if (!shown) return null;
  const { width, height } = plot.size;
  const made = painted(shown);
  for (const id of ["plot-focus", "plot-box"]) made.querySelector(`#${id}`).remove();
  const legend = savedLegend(width, height + 4);
  const size = { width, height: height + 4 + legend.height };
  const ground = getComputedStyle(document.documentElement).backgroundColor;
  made.prepend(svgElement("rect", { ...size, fill: ground }));
  made.append(legend.group);
  made.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
  for (const [name, value] of Object.entries(size)) made.setAttribute(name, value);
  made.setAttribute("font-family", getComputedStyle(document.body).fontFamily);
  return { text: new XMLSerializer().serializeToString(made), ...size };
}

const plotName = (ending) => `rd_${dataset().dataset}_${state.metric}.${ending}`;

function saveSvg() {
  const made = savedPlot();
  if (made) download(new Blob([made.text], { type: "image/svg+xml" }), plotName("svg"));
}

async function savePng() {
  const made = savedPlot();
  if (!made) return;
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(made.text)}`;
  await picture.decode();
  const canvas = element("canvas", { width: made.width * PIXELS_PER_DOT, height: made.height * PIXELS_PER_DOT });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => download(blob, plotName("png")), "image/png");
}

function setUpSaving() {
  byId("save-svg").onclick = saveSvg;
  byId("save-png").onclick = savePng;
}
