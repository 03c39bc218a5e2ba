/** Error maps of reconstructions, and where two of them differ. A map is a small picture inside the page or its scripts. */
const MAP_WHITE = 255;

/** The maps that the chosen image has, by name: [title, error that is white]. */
function mapKinds() {
  const { kinds } = dataset().viewer.maps || { kinds: {} };
  const has = (name) => viewer.image?.reconstructions.some((it) => it.maps?.[name]);
  return Object.fromEntries(Object.entries(kinds).filter(([name]) => has(name)));
}

function offerMaps() {
  const kinds = mapKinds();
  const select = byId("viewer-map");
  fillSelect(select, Object.entries(kinds).map(([name, [title]]) => [name, title]), select.value);
  const none = !select.value;
  byId("viewer-jump").hidden = none;
  const choice = document.querySelector('input[name="mode"][value="map"]');
  choice.closest("label").hidden = none;
  if (none && viewer.mode === "map") document.querySelector('input[name="mode"][value="slider"]').click();
  byId("viewer-map-end").textContent = none ? "" : `${kinds[select.value][1]} and more`;
}

/** The maps of what is shown; null for the original, which has no error. */
function loadMaps() {
  const name = byId("viewer-map").value;
  return Promise.all(viewer.shown.map((it) => (it.maps?.[name] ? loadPicture(it.maps[name]) : null)));
}

/** The errors in a map, row by row; null for none. */
function errorsIn(picture, full) {
  if (!picture) return null;
  const canvas = element("canvas", { width: picture.naturalWidth, height: picture.naturalHeight });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  const { data: samples } = context.getImageData(0, 0, canvas.width, canvas.height);
  return Float64Array.from({ length: samples.length / 4 }, (_, k) => full * (samples[4 * k] / MAP_WHITE) ** 2);
}

/** The middle of the window, `across` by `down` cells, in which the sum of `values` is greatest; in cells. */
function densest(values, width, height, across, down) {
  const columns = Math.min(width, across);
  const rows = Math.min(height, down);
  const total = new Float64Array((width + 1) * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      row += values[y * width + x];
      total[(y + 1) * (width + 1) + x + 1] = total[y * (width + 1) + x + 1] + row;
    }
  }
  const at = (x, y) => total[y * (width + 1) + x];
  let best = { sum: -1, x: 0, y: 0 };
  for (let y = 0; y + rows <= height; y++) {
    for (let x = 0; x + columns <= width; x++) {
      const sum = at(x + columns, y + rows) - at(x, y + rows) - at(x + columns, y) + at(x, y);
      if (sum > best.sum) best = { sum, x, y };
    }
  }
  return [best.x + columns / 2, best.y + rows / 2];
}

/** Show, enlarged, the place in which the errors of the two sides differ most. */
async function jumpToDifference() {
  const turn = viewer.turn;
  const { step, kinds } = dataset().viewer.maps;
  const maps = await loadMaps();
  if (turn !== viewer.turn) return;
  const picture = maps.find(Boolean);
  if (!picture) return;
  const [, full] = kinds[byId("viewer-map").value];
  const [first, second] = maps.map((it) => errorsIn(it, full));
  const { naturalWidth: width, naturalHeight: height } = picture;
  const gaps = Float64Array.from({ length: width * height }, (_, k) => Math.abs((first ? first[k] : 0) - (second ? second[k] : 0)));
  const canvas = byId("viewer-canvas");
  const scale = Math.max(1, Math.ceil(2 * fitScale()));
  const cells = (extent) => Math.max(1, Math.round(extent / scale / step));
  const [x, y] = densest(gaps, width, height, cells(canvas.width), cells(canvas.height));
  Object.assign(viewer.view, { x: x * step, y: y * step });
  setScale(scale);
}

/** BD-rate of an image, of the right codec against the left one, in percent: from theirs against the report's anchor. */
function imageLosses() {
  const losses = dataset().losses[state.metric] || dataset().losses[dataset().headline[0]];
  const sides = viewerSides().map((select) => select.value);
  if (!losses || sides.includes(ORIGINAL) || sides[0] === sides[1]) return null;
  const steps = sides.map((side) => (Number(side) === dataset().anchor ? losses.images.map(() => 0) : losses.entries[side]?.map((it) => (known(it) ? Math.log1p(it / 100) : null))));
  if (!steps.every(Boolean)) return null;
  const gap = (k) => (known(steps[0][k]) && known(steps[1][k]) ? 100 * Math.expm1(steps[1][k] - steps[0][k]) : null);
  return new Map(losses.images.map((name, k) => [name, gap(k)]));
}
