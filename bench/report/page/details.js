/** Everything about one configuration, in a dialog. */
function showDetails(index) {
  const entry = entryOf(index);
  const dialog = byId("details");
  const close = element("button", { type: "button", textContent: "Close", onclick: () => dialog.close() });
  const title = element("h2", { id: "details-title", textContent: entry.label });
  dialog.replaceChildren(element("div", { className: "heading" }, element("div", { className: "name" }, swatch(entry), title), close));
  if (entry.provenance === "measured") measuredDetails(dialog, index, entry);
  else dialog.append(definitions([["curve", entry.provenance], ["rates", `${significant(entry.low)} to ${significant(entry.high)} bpp`]]), element("p", { className: "note", textContent: "Somebody else's numbers, not measured by this run: no times, no interval, other software." }));
  dialog.showModal();
  dialog.scrollTop = 0;
}

const timingText = { alone: "alone: pinned, warmed up", disturbed: "alone, but other processes took part of the processor: too slow", load: "under load: throughput, no basis for a comparison", "": "no times" };

function measuredDetails(dialog, index, entry) {
  dialog.append(
    definitions([
      ["codec", entry.family],
      ["version", entry.version || "unknown"],
      ...(entry.decoder ? [["decoded by", entry.decoder]] : []),
      ["coding", entry.lossless ? "lossless" : "lossy"],
      ["run", entry.run],
      ["trials", `${entry.ok} of ${entry.planned} ok`],
      ["timed", timingText[entry.timing] ?? entry.timing],
      ["machines", Object.entries(entry.machines).map(([id, trials]) => `${id} (${trials} trials)`).join(", ") || "none"],
      ...(entry.memory ? [["memory", `${significant(entry.memory[0])} MB encode, ${significant(entry.memory[1])} MB decode`]] : []),
      ...(entry.startup ? [["start of programs", `${significant(entry.startup[0])} ms encode, ${significant(entry.startup[1])} ms decode, an image; ${entry.startupLeftOut ? "left out of" : "part of"} the speed`]] : []),
      ["speed", `${significant(entry.encode)} encode, ${significant(entry.decode)} decode, in ${entry.lossless ? "MB/s" : "megapixels/s"}`],
    ]),
  );
  const links = [outwards(entry.links?.paper, "paper"), outwards(entry.links?.code, "code")].filter(Boolean);
  if (entry.links?.note) dialog.append(element("p", { className: "note", textContent: entry.links.note }));
  if (links.length) dialog.append(element("p", { className: "links" }, ...links));
  heading(dialog, "Options");
  const options = Object.entries(entry.options);
  dialog.append(options.length ? definitions(options) : element("p", { className: "note", textContent: "none" }));
  const it = comparison(index);
  if (it) {
    heading(dialog, `Against ${entryOf(state.anchor).label}, ${metric().title}`);
    const rate = (value, low, high) => (known(value) ? `${fixed(value, 2, true)} %${known(low) ? ` (95%: ${fixed(low, 1, true)} to ${fixed(high, 1, true)})` : ""}` : "n/a");
    const facts = [
      ["BD-rate by image", rate(it.value, it.low, it.high)],
      ["median of images", rate(it.median)],
      ["fewer bits on", it.count ? `${it.wins} of ${it.count} images` : "n/a"],
      ["mean curve", rate(it.mean, it.meanLow, it.meanHigh)],
      ["overlap", known(it.overlap) ? `${fixed(100 * it.overlap, 0)} %` : "n/a"],
    ];
    if (it.remark) facts.push(["remark", it.remark]);
    const several = dataset().meanBd && meanBdOf(state.anchor, index);
    if (several) facts.push([dataset().meanBd.title, [rate(several.value, several.low, several.high), several.remark].filter(Boolean).join("; ")]);
    dialog.append(definitions(facts));
  }
  const findings = dataset().findings.filter((it) => it.entries.includes(index));
  if (findings.length) {
    heading(dialog, "Doubts about comparisons");
    dialog.append(element("ul", {}, ...findings.map((it) => element("li", { textContent: it.message }))));
  }
  const failures = dataset().failures.groups.filter((it) => it.entry === index);
  if (failures.length) {
    heading(dialog, "Failures");
    dialog.append(element("ul", {}, ...failures.map((it) => element("li", { textContent: `${it.count} × ${it.status}${it.phase ? `, ${it.phase}` : ""}: ${it.error}` }))));
  }
  const points = dataset().points[index];
  if (points) {
    heading(dialog, "Operating points");
    dialog.append(pointsTable(points));
  }
  heading(dialog, "Environment");
  const all = dataset().environments[entry.run];
  const own = all.filter((it) => it.id in entry.machines);
  dialog.append(...(own.length ? own : all).map((it) => definitions(environmentFacts(it))));
}

function heading(parent, text) {
  parent.append(element("h3", { textContent: text }));
}

function pointsTable(points) {
  const metrics = dataset().metrics;
  const titles = ["quality", "ok", "bpp", ...metrics.map((it) => (it.unit ? `${it.title} ${it.unit}` : it.title)), "enc ms", "dec ms"];
  const digits = [null, null, 3, ...metrics.map((it) => (it.unit === "dB" ? 2 : 4)), null, null];
  const rows = points.map((point) => {
    const cells = point.map((value, k) => {
      if (k >= point.length - 2) return known(value) ? significant(1000 * value) : "–";
      if (typeof value !== "number") return value ?? "–";
      return digits[k] === null ? String(value) : fixed(value, digits[k]);
    });
    return element("tr", {}, ...cells.map((text) => element("td", { className: "number", textContent: text })));
  });
  const head = element("tr", {}, ...titles.map((text) => element("th", { scope: "col", className: "number", textContent: text })));
  return element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Operating points" }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
}
