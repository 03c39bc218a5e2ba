/** The comparison of reconstructions. `image` is an index: {name, width, height, original, reconstructions, crop?}. */
const viewer = { image: null, pictures: [null, null], maps: [null, null], shown: [null, null], view: { scale: 1, x: 0, y: 0 }, fitted: true, mode: "slider", divider: 0.5, flipped: false, timer: null, turn: 0, gain: 8, touched: false, wish: {} };
const FLICKER_MS = 700; // Under three changes a second (WCAG 2.3.1).
const ORIGINAL = "original";

const viewerSides = () => [byId("viewer-left"), byId("viewer-right")];
const reconstructionOf = ([entry, quality, bpp, values, picture, maps]) => ({ entry, quality, bpp, values, picture, maps });

function setUpViewer() {
  byId("viewer-image").onchange = chooseImage;
  byId("viewer-order").onchange = offerImages;
  for (const select of viewerSides()) select.onchange = () => showShots().then(offerImages);
  byId("viewer-map").onchange = showMaps;
  byId("viewer-jump").onclick = jumpToDifference;
  byId("viewer-rate").oninput = showShots;
  for (const choice of document.querySelectorAll('input[name="mode"]')) choice.onchange = () => setMode(choice.value);
  byId("viewer-divider").oninput = (event) => setDivider(event.target.value / 1000);
  byId("viewer-play").onclick = () => setFlicker(viewer.timer === null);
  byId("viewer-swap").onclick = swap;
  byId("viewer-gain").onchange = (event) => setGain(Number(event.target.value));
  byId("viewer-in").onclick = () => zoomViewer(2);
  byId("viewer-out").onclick = () => zoomViewer(0.5);
  byId("viewer-one").onclick = () => setScale(1);
  byId("viewer-fit").onclick = fitViewer;
  byId("viewer-body").addEventListener("change", () => {
    viewer.touched = true;
    saveAddress();
  });
  listenToStage();
  new ResizeObserver(() => viewer.image && sizeStage()).observe(byId("viewer-stage"));
}

/** What the address keeps of the viewer once the reader has changed anything there: pictures, rate, kind of comparison. */
function rememberViewer() {
  // until the wished image is there, the address keeps the wish
  const kept = (name, read) => () => (viewer.touched ? (viewer.image ? read() : (viewer.wish[name] ?? "")) : "");
  const wished = (name) => ([text]) => {
    viewer.wish[name] = text;
  };
  const sideName = ({ value }) => (value === ORIGINAL ? ORIGINAL : entryOf(Number(value)).label);
  const chosenImage = () => {
    const [kind, place] = byId("viewer-image").value.split(" ");
    return `${kind} ${dataset().viewer[`${kind}s`][place].name}`;
  };
  remember("image", kept("image", chosenImage), ([text]) => Object.assign(viewer, { touched: Boolean(text), wish: { image: text } }));
  viewerSides().forEach((select, side) => {
    const name = ["left", "right"][side];
    remember(name, kept(name, () => sideName(select)), wished(name));
  });
  remember("rate", kept("rate", () => targetRate().toPrecision(3)), wished("rate"));
  const choices = (name, id, usual, use) => {
    const known = () => [...byId(id).options].map((it) => it.value);
    remember(name, () => (byId(id).value === usual ? "" : byId(id).value), ([text]) => use(known().includes(text) ? text : usual));
  };
  choices("order", "viewer-order", "worst", (text) => (byId("viewer-order").value = text));
  choices("amplify", "viewer-gain", "8", (text) => {
    byId("viewer-gain").value = text;
    setGain(Number(text));
  });
  const modes = [...document.querySelectorAll('input[name="mode"]')];
  remember("compare", () => (viewer.mode === "slider" ? "" : viewer.mode), ([text]) => {
    const chosen = modes.find((it) => it.value === text) ?? modes[0];
    chosen.checked = true;
    setMode(chosen.value);
  });
}

/** The image that the address wishes for, where this data set has it. */
function chooseWishedImage() {
  const [kind, name] = (viewer.wish.image ?? "").split(/ (.*)/s);
  const place = (["example", "image"].includes(kind) ? dataset().viewer[`${kind}s`] : []).findIndex((it) => it.name === name);
  if (place >= 0) byId("viewer-image").value = `${kind} ${place}`;
}

/** A data set was chosen: offer its images, examples first. */
function drawViewer() {
  const { images, examples } = dataset().viewer;
  const any = images.length + examples.length > 0;
  byId("viewer-body").hidden = !any;
  byId("viewer-none").hidden = any;
  byId("viewer-none").textContent = "No reconstructions to show: bitstreams were not kept. Run again with --keep-bitstreams, then make the report again.";
  viewer.image = null;
  setFlicker(false);
  if (!any) return;
  byId("viewer-image").replaceChildren();
  offerImages();
  chooseWishedImage();
  chooseImage();
}

/** The images in the chosen order, each with what the right codec loses on it; the chosen one stays chosen. */
function offerImages() {
  const { images, examples } = dataset().viewer;
  const select = byId("viewer-image");
  const chosen = select.value;
  const losses = viewer.image ? imageLosses() : null;
  const loss = (name) => losses?.get(name) ?? null;
  const worst = byId("viewer-order").value === "worst";
  const order = (list) => [...list].sort(([, one], [, other]) => (worst && losses ? (loss(other.name) ?? Number.NEGATIVE_INFINITY) - (loss(one.name) ?? Number.NEGATIVE_INFINITY) || 0 : 0));
  const words = (it, more) => it.name + more + (known(loss(it.name)) ? ` ${fixed(loss(it.name), 1, true)}%` : "");
  const group = (label, kind, list, more) => element("optgroup", { label }, ...order([...list.entries()]).map(([k, it]) => element("option", { value: `${kind} ${k}`, textContent: words(it, more()) })));
  select.replaceChildren();
  if (examples.length) select.append(group("Crops inside this page", "example", examples, () => ", crop"));
  if (images.length) select.append(group("Whole images, beside this page", "image", images, () => ""));
  if (chosen) select.value = chosen;
  byId("viewer-order").disabled = !losses;
  const [left, right] = viewerSides().map((it) => it.selectedOptions[0]?.textContent);
  byId("viewer-order-note").textContent = losses ? `Percentages: bits of ${right} against ${left} at equal ${metricTitle()}, image by image.` : "";
}

function metricTitle() {
  const name = dataset().losses[state.metric] ? state.metric : dataset().headline[0];
  return dataset().metrics.find((it) => it.name === name)?.title ?? name;
}

async function chooseImage() {
  const turn = ++viewer.turn;
  const [kind, index] = byId("viewer-image").value.split(" ");
  try {
    const image = kind === "example" ? dataset().viewer.examples[index] : await loadIndex(dataset().viewer.images[index].script);
    if (turn !== viewer.turn) return;
    const isOpening = viewer.image === null && !viewer.wish.image;
    const target = Number(viewer.wish.rate) || (viewer.image ? targetRate() : 0.5);
    viewer.image = { ...image, reconstructions: image.reconstructions.map(reconstructionOf) };
    byId("viewer-note").textContent = image.note ?? "";
    byId("viewer-note").hidden = !image.note;
    offerSides();
    offerImages();
    offerMaps();
    setTargetRate(target);
    if (isOpening && byId("viewer-image").selectedIndex > 0) {
      // the order was not known before: it takes the codecs of an image
      byId("viewer-image").selectedIndex = 0;
      return chooseImage();
    }
    Object.assign(viewer, { fitted: true, pictures: [null, null], shown: viewerSides().map((select) => nearestReconstruction(select.value)) });
    sizeStage();
    showShots();
  } catch (error) {
    if (turn === viewer.turn) tellProblem(error.message);
  }
}

function offerSides() {
  const entries = [...new Set(viewer.image.reconstructions.map((it) => it.entry))];
  const choices = [[ORIGINAL, "Original"], ...entries.map((index) => [String(index), entryOf(index).label])];
  const first = dataset().anchor !== null && entries.includes(dataset().anchor) ? dataset().anchor : entries[0];
  // of two runs the same codec, side by side
  const twin = entries.find((it) => entryOf(it).run !== entryOf(first).run && entryOf(it).family === entryOf(first).family);
  const defaults = [String(first), String(twin ?? entries.find((it) => it !== first) ?? ORIGINAL)];
  const wishes = [viewer.wish.left, viewer.wish.right].map((label) => choices.find(([key, text]) => label === (key === ORIGINAL ? ORIGINAL : text))?.[0]);
  viewer.wish = {};
  viewerSides().forEach((select, side) => {
    if (wishes[side]) {
      fillSelect(select, choices, wishes[side]);
      return;
    }
    fillSelect(select, choices, select.value && choices.some(([key]) => key === select.value) ? select.value : defaults[side]);
  });
}

/** The ends of the rate slider, which is logarithmic. */
function rateRange() {
  const rates = viewer.image.reconstructions.map((it) => it.bpp).filter((it) => it > 0);
  return [Math.log(Math.min(...rates)), Math.log(Math.max(...rates))];
}

function targetRate() {
  const [low, high] = rateRange();
  return Math.exp(low + ((high - low) * byId("viewer-rate").value) / 1000);
}

function setTargetRate(rate) {
  const [low, high] = rateRange();
  byId("viewer-rate").value = high > low ? Math.round((1000 * (clamp(Math.log(rate), low, high) - low)) / (high - low)) : 0;
}

/** The operating point of a codec nearest to the target, by the ratio of rates. */
function nearestReconstruction(choice) {
  if (choice === ORIGINAL) return { picture: viewer.image.original };
  const gap = (it) => Math.abs(Math.log(it.bpp / targetRate()));
  return viewer.image.reconstructions.filter((it) => it.entry === Number(choice)).reduce((best, it) => (gap(it) < gap(best) ? it : best));
}

async function showShots() {
  if (!viewer.image) return;
  const turn = ++viewer.turn;
  const text = `${fixed(targetRate(), 3)} bpp`;
  byId("viewer-rate-text").textContent = text;
  byId("viewer-rate").setAttribute("aria-valuetext", text);
  viewer.shown = viewerSides().map((select) => nearestReconstruction(select.value));
  drawValues();
  const problems = [];
  const pictures = await Promise.all(
    viewer.shown.map(async ({ picture }, side) => {
      try {
        if (!picture.url) throw new Error(picture.problem);
        return await loadPicture(picture.url);
      } catch (error) {
        problems.push(`${shownName(side)}: ${error.message}`);
        return null;
      }
    }),
  );
  if (turn !== viewer.turn) return;
  viewer.pictures = pictures;
  tellProblem([...new Set(problems)].join(" · "));
  await showMaps();
}

async function showMaps() {
  const turn = viewer.turn;
  const maps = viewer.image && byId("viewer-map").value ? await loadMaps() : [null, null];
  if (turn !== viewer.turn) return;
  viewer.maps = maps;
  offerMaps();
  repaint();
}

function tellProblem(text) {
  byId("viewer-problem").hidden = !text;
  byId("viewer-problem").textContent = text;
}

function shownName(side) {
  const it = viewer.shown[side];
  return known(it.entry) ? `${entryOf(it.entry).label}, ${fixed(it.bpp, 3)} bpp` : "Original";
}

function drawValues() {
  const table = byId("viewer-values");
  const cell = (text) => element("td", { className: "number", textContent: text });
  const line = (title, ...cells) => element("tr", {}, element("th", { scope: "row", textContent: title }), ...cells.map(cell));
  const head = ["", ...viewerSides().map((select) => select.selectedOptions[0].textContent)];
  table.tHead.replaceChildren(element("tr", {}, ...head.map((text, k) => (k ? element("th", { scope: "col", className: "number", textContent: text }) : element("td")))));
  const of = (read) => viewer.shown.map((it) => (known(it.entry) ? read(it) : "–"));
  const rows = [line("quality setting", ...of((it) => (known(it.quality) ? String(it.quality) : "–"))), line("rate, bpp", ...of((it) => fixed(it.bpp, 3)))];
  dataset().metrics.forEach((one, k) => {
    rows.push(line(one.unit ? `${one.title}, ${one.unit}` : one.title, ...of((it) => (known(it.values[k]) ? fixed(it.values[k], one.unit === "dB" ? 2 : 4) : "–"))));
  });
  table.tBodies[0].replaceChildren(...rows);
}

function setMode(mode) {
  viewer.mode = mode;
  for (const part of document.querySelectorAll(".mode")) part.hidden = !part.dataset.mode.split(" ").includes(mode);
  byId("viewer-stage").dataset.mode = mode;
  byId("viewer-canvas").classList.toggle("heat", mode === "difference" || mode === "map");
  setFlicker(mode === "flicker" && !window.matchMedia("(prefers-reduced-motion: reduce)").matches);
  setGain(viewer.gain);
  repaint();
}

function setDivider(share) {
  viewer.divider = clamp(share, 0, 1);
  byId("viewer-divider").value = Math.round(1000 * viewer.divider);
  repaint();
}

function setFlicker(on) {
  if (viewer.timer !== null) clearInterval(viewer.timer);
  viewer.timer = on ? setInterval(swap, FLICKER_MS) : null;
  byId("viewer-play").textContent = on ? "Pause" : "Play";
}

function swap() {
  viewer.flipped = !viewer.flipped;
  repaint();
}

function setGain(gain) {
  viewer.gain = gain;
  // a map is grey already, and on its own scale
  const share = ((viewer.mode === "map" ? 1 : gain) / 3).toFixed(4);
  const row = `${share} ${share} ${share} 0 0`;
  byId("heat-gain").setAttribute("values", `${row} ${row} ${row} 0 0 0 1 0`);
  byId("viewer-heat-end").textContent = `${Math.round(255 / gain)} and more`;
}

function repaint() {
  if (!viewer.image) return;
  const { mode, flipped } = viewer;
  const canvas = byId("viewer-canvas");
  const inMap = mode === "map";
  paint(canvas, inMap ? viewer.maps : viewer.pictures, viewer.view, mode, viewer.divider, flipped, inMap ? dataset().viewer.maps.step : 1);
  const names = [shownName(0), shownName(1)];
  const shown = { slider: names, flicker: [names[flipped ? 1 : 0], ""], difference: [`Difference: ${names.join(" − ")}`, ""], map: names }[mode];
  byId("viewer-side-left").textContent = shown[0];
  byId("viewer-side-right").textContent = shown[1];
  byId("viewer-shown").textContent = mode === "flicker" ? `${flipped ? "right" : "left"}: ${shown[0]}` : "";
  byId("viewer-stage").setAttribute("aria-label", `${viewer.image.name}: ${names.join(" and ")}`);
  byId("viewer-zoom").textContent = `${Math.round(100 * viewer.view.scale)}%`;
}

/** The canvas has one pixel for every device pixel, so that nothing but this page scales a picture. */
function sizeStage() {
  const canvas = byId("viewer-canvas");
  const ratio = window.devicePixelRatio || 1;
  const width = byId("viewer-stage").clientWidth;
  const { image } = viewer;
  const height = Math.round(clamp((width * image.height) / image.width, 200, Math.max(240, 0.72 * window.innerHeight)));
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  if (viewer.fitted) fitViewer();
  else moveViewer(0, 0);
}

/** The largest scale that shows the whole picture; above 1 a whole number, so that all pixels have one size. */
function fitScale() {
  const canvas = byId("viewer-canvas");
  const scale = Math.min(canvas.width / viewer.image.width, canvas.height / viewer.image.height);
  return scale > 1 ? Math.floor(scale) : scale;
}

function fitViewer() {
  setScale(fitScale());
}

/** Enlarged pixels come in whole numbers of device pixels, all of one size. */
function zoomViewer(factor, at = null) {
  const { scale } = viewer.view;
  const fit = fitScale();
  let next = scale * factor;
  if (next > 1) next = factor > 1 ? Math.max(Math.ceil(next - 0.5), Math.floor(scale) + 1) : Math.max(1, Math.round(next));
  if (factor < 1 && scale > fit && next < fit) next = fit;
  setScale(clamp(next, Math.min(fit, 1) / 2, 64), at);
}

/** Change the scale; the picture's point under `at` (canvas pixels) stays in place. */
function setScale(scale, at = null) {
  const { view } = viewer;
  const canvas = byId("viewer-canvas");
  if (at) {
    view.x += (at[0] - canvas.width / 2) * (1 / view.scale - 1 / scale);
    view.y += (at[1] - canvas.height / 2) * (1 / view.scale - 1 / scale);
  }
  view.scale = scale;
  viewer.fitted = Math.abs(scale - fitScale()) < 1e-9;
  byId("viewer-stage").classList.toggle("zoomed", scale > fitScale() + 1e-9);
  moveViewer(0, 0);
}

/** Move by canvas pixels, not beyond the picture's edge. */
function moveViewer(dx, dy) {
  const { view, image } = viewer;
  const canvas = byId("viewer-canvas");
  const within = (value, size, extent) => {
    const half = extent / 2 / view.scale;
    return half * 2 >= size ? size / 2 : clamp(value, half, size - half);
  };
  view.x = within(view.x + dx / view.scale, image.width, canvas.width);
  view.y = within(view.y + dy / view.scale, image.height, canvas.height);
  repaint();
}

function listenToStage() {
  const stage = byId("viewer-stage");
  const canvas = byId("viewer-canvas");
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !viewer.image) return;
    const at = place(event);
    const near = Math.abs(at[0] - viewer.divider * canvas.width) < 24 * window.devicePixelRatio;
    const divides = ["slider", "map"].includes(viewer.mode) && (near || !stage.classList.contains("zoomed"));
    drag = { at, divides };
    canvas.setPointerCapture(event.pointerId);
    if (divides) setDivider(at[0] / canvas.width);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const at = place(event);
    if (drag.divides) setDivider(at[0] / canvas.width);
    else moveViewer(drag.at[0] - at[0], drag.at[1] - at[1]);
    drag.at = at;
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (drag = null));
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!viewer.image || (!event.ctrlKey && !event.metaKey && document.activeElement !== stage)) return;
      event.preventDefault();
      zoomViewer(event.deltaY < 0 ? 2 : 0.5, place(event));
    },
    { passive: false },
  );
  const step = () => canvas.width / 12;
  const keys = {
    "+": () => zoomViewer(2),
    "=": () => zoomViewer(2),
    "-": () => zoomViewer(0.5),
    0: fitViewer,
    ArrowLeft: () => moveViewer(-step(), 0),
    ArrowRight: () => moveViewer(step(), 0),
    ArrowUp: () => moveViewer(0, -step()),
    ArrowDown: () => moveViewer(0, step()),
    "[": () => setDivider(viewer.divider - 0.02),
    "]": () => setDivider(viewer.divider + 0.02),
    " ": swap,
    j: jumpToDifference,
  };
  stage.addEventListener("keydown", (event) => {
    if (!viewer.image || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}
