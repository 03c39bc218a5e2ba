/** Outlines of matplotlib's markers, so that the page and the figures show a codec alike. */
const polygon = (sides, radius, turn) =>
  Array.from({ length: sides }, (_, k) => {
    const angle = turn + (2 * Math.PI * k) / sides;
    return `${(radius * Math.sin(angle)).toFixed(2)},${(-radius * Math.cos(angle)).toFixed(2)}`;
  });
const closed = (points) => `M${points.join("L")}Z`;
const cross = "M-1.6,-4.6H1.6V-1.6H4.6V1.6H1.6V4.6H-1.6V1.6H-4.6V-1.6H-1.6Z";
const diagonalCross = "M0,-2L2.6,-4.6L4.6,-2.6L2,0L4.6,2.6L2.6,4.6L0,2L-2.6,4.6L-4.6,2.6L-2,0L-4.6,-2.6L-2.6,-4.6Z";
const star = closed(Array.from({ length: 10 }, (_, k) => polygon(10, k % 2 ? 2.1 : 5.4, 0)[k]));
const markPaths = {
  o: "M-4,0A4,4 0 1 0 4,0A4,4 0 1 0 -4,0Z",
  s: "M-3.7,-3.7H3.7V3.7H-3.7Z",
  "^": closed(polygon(3, 5, 0)),
  v: closed(polygon(3, 5, Math.PI)),
  ">": closed(polygon(3, 5, Math.PI / 2)),
  "<": closed(polygon(3, 5, -Math.PI / 2)),
  D: closed(polygon(4, 5, 0)),
  d: "M0,-5.2L3.2,0L0,5.2L-3.2,0Z",
  p: closed(polygon(5, 4.8, 0)),
  h: closed(polygon(6, 4.7, 0)),
  H: closed(polygon(6, 4.7, Math.PI / 6)),
  8: closed(polygon(8, 4.6, Math.PI / 8)),
  P: cross,
  X: diagonalCross,
  "*": star,
};

/** Give an element an entry's colour, which differs on light and dark ground. */
function ink(target, entry) {
  target.classList.add("ink");
  target.style.setProperty("--on-light", entry.colour);
  target.style.setProperty("--on-dark", entry.colourOnDark);
  return target;
}

function mark(entry) {
  return svgElement("path", { d: markPaths[entry.marker] || markPaths.o, class: entry.hollow ? "mark hollow" : "mark" });
}

/** The line and marker of an entry, for tables and the legend. */
function swatch(entry) {
  const line = svgElement("path", { d: "M1,8H27", class: "curve", "stroke-dasharray": entry.dash.join(" ") });
  const point = svgElement("g", { transform: "translate(14 8)" }, mark(entry));
  return ink(svgElement("svg", { width: 28, height: 16, "aria-hidden": "true" }, line, point), entry);
}
