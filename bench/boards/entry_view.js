/** Everything about one entry: what it says, what it comes to, whether it was verified, and what came before. */
const facts = (pairs) => definitions(pairs.filter(([, text]) => known(text) && text !== ""));
const subheading = (text) => element("h3", { textContent: text });

function drawEntry() {
  const place = byId("entry");
  const more = byId("entry-more");
  place.hidden = more.hidden = state.entry === null;
  byId("board").hidden = state.entry !== null;
  if (state.entry === null) {
    document.title = data.title;
    place.replaceChildren();
    more.replaceChildren();
    return;
  }
  const entry = data.entries[state.entry];
  const rows = data.rows.filter((row) => row.entry === state.entry);
  document.title = `${entry.name} ${entry.version}: ${data.title}`;
  place.replaceChildren(
    element("p", {}, element("a", { href: addressWith({ entry: null }), textContent: "← All entries" })),
    element("h2", { tabIndex: -1, id: "entry-title" }, `${entry.name} ${entry.version} `, ...(entry.current ? [] : [element("span", { className: "tag", textContent: "older version" })])),
    element("p", { className: "lead muted", textContent: `${entry.authors.join(", ")}, ${entry.date}` }),
    ...(entry.note ? [element("p", { className: "lead", textContent: entry.note })] : []),
    element("p", { className: "lead links" }, ...[outwards(entry.paper, "paper"), outwards(entry.code, "code"), outwards(entry.weightsUrl, "weights"), outwards(entry.bitstreams, "bitstreams")].filter(Boolean)),
    ...resultsPart(rows),
    element("div", { className: "columns" }, element("div", {}, ...statementPart(entry, rows)), element("div", {}, ...verificationPart(entry, rows))),
    ...historyPart(entry),
  );
  more.replaceChildren(element("div", { className: "columns" }, element("div", {}, ...codecsPart(entry, rows)), element("div", {}, ...environmentPart(entry))));
}

/** A table with buttons that save it. */
function savedTable(title, name, heads, rows) {
  const table = element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...heads.map(([text, numeric]) => element("th", { scope: "col", textContent: text, className: numeric ? "number" : "" })))),
    element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells.map((cell, k) => cellOf(cell, heads[k][1]))))),
  );
  const slug = data.entries[state.entry].id;
  return [element("div", { className: "heading" }, subheading(title), savingButtons(table, () => `${slug}_${name}`)), element("div", { className: "scroll" }, table)];
}

function cellOf(cell, numeric) {
  const made = element("td", { className: numeric ? "number" : "" });
  if (cell instanceof Node) made.append(cell);
  else if (Array.isArray(cell)) {
    made.textContent = cell[0];
    made.dataset.value = known(cell[1]) ? cell[1] : "";
  } else made.textContent = cell;
  return made;
}

function resultsPart(rows) {
  const lossy = rows.some((row) => !row.lossless);
  const metrics = lossy ? allMetrics() : [];
  const heads = [["data set"], ["configuration"], ...metrics.flatMap((it) => [[`BD ${it.title} %`, true], ["95% interval", true]]), ...(lossy ? [["place", true]] : []), ...(rows.some((row) => row.lossless) ? [["bpp", true]] : []), ["trials ok", true], ["enc MP/s", true], ["dec MP/s", true], ["memory MB", true]];
  const lines = data.datasets.flatMap((of) =>
    rows.filter((row) => of.facts[row.index]).map((row) => {
      const its = of.facts[row.index];
      const compared = metrics.flatMap((it) => {
        const found = comparison(row.index, it.name, of);
        return [[signedPercent(found?.bd), found?.bd], intervalText(found?.low, found?.high)];
      });
      const place = comparison(row.index, state.metric, of);
      return [of.dataset, row.own, ...compared, ...(lossy ? [place ? placeText(place) : "–"] : []), ...(rows.some((it) => it.lossless) ? [[fixed(its.bpp, 3), its.bpp]] : []), `${its.ok}/${its.planned}`, [significant(its.encode), its.encode], [significant(its.decode), its.decode], [significant(its.memory), its.memory]];
    }),
  );
  const remarks = data.datasets.flatMap((of) => rows.flatMap((row) => remarksOn(row, of, metrics)));
  return [...savedTable("Results", "results", heads, lines), element("ul", { className: "note" }, ...[...new Set(remarks)].map((text) => element("li", { textContent: text })))];
}

/** Why a row has no place on a data set, and what is to be known of its times. */
function remarksOn(row, of, metrics) {
  const its = of.facts[row.index];
  if (!its) return [];
  const found = metrics.map((it) => [it.title, comparison(row.index, it.name, of)?.remark]).filter(([, text]) => text);
  const shared = found.length === metrics.length && new Set(found.map(([, text]) => text)).size === 1;
  return [...found.map(([title, text]) => `${of.dataset}${shared ? "" : `, ${title}`}: ${text}`), TIMES[its.timing]].filter(Boolean);
}

function statementPart(entry, rows) {
  const weights = rows.map((row) => row.weights).filter(known);
  const learned = rows.some((row) => row.learned);
  const met = data.conditions.map((it) => [it.name, rows.every((row) => row.met.includes(it.name)), rows.flatMap((row) => row.unmet[it.name] ?? [])]);
  const list = met.map(([name, ok, why]) => {
    const claimed = entry.claims.includes(name) ? (ok ? ", as it says" : ", though it says so") : "";
    return element("li", {}, element("span", { className: ok ? "" : "muted", textContent: ok ? `${name}: met${claimed}` : `${name}: not met${claimed} (${[...new Set(why)].slice(0, 3).join("; ")})` }));
  });
  const foreign = entry.claims.filter((name) => !data.conditions.some((it) => it.name === name));
  return [
    subheading("The entry"),
    facts([
      ["licence", entry.licence],
      ["hardware", entry.hardware],
      ["training data", entry.trainingData],
      ["weights", learned ? `${weights.length ? `${weights.map(significant).join(", ")} MB, ` : ""}${entry.openWeights ? "open" : "not open"}` : null],
      ["kMAC a pixel", rows.filter((row) => known(row.kmac[1])).map((row) => `${significant(row.kmac[0])} encoder, ${significant(row.kmac[1])} decoder`).join("; ")],
    ]),
    ...(list.length || foreign.length ? [subheading("Conditions"), element("ul", {}, ...list, ...foreign.map((name) => element("li", { className: "muted", textContent: `${name}: claimed, and unknown to this board` })))] : []),
  ];
}

function verificationPart(entry, rows) {
  const found = entry.verification;
  const title = subheading("Verification");
  if (!found) return [title, element("p", { className: "note", textContent: "Not verified: these are the submitter’s numbers." })];
  if (found.outdated) return [title, element("p", { className: "note", textContent: "Another state of this entry was verified, not this one." })];
  const suspicions = [...new Set(rows.filter((row) => !(row.state in STATES)).map((row) => row.state))];
  const decoded = found.whole ? "Every result was verified." : found.contradicted ? `${plural(found.contradicted, "row")} contradicted: no place.` : "Verified in part.";
  const verdict = [decoded, ...suspicions.map((it) => `Under suspicion: ${it}`), ...(found.decodeOnly ? ["No picture was encoded again, so that nothing is said of whether the codec knows the pictures by heart."] : [])].join(" ");
  const counts = Object.entries(found.counts).map(([label, its]) => [label, Object.entries(its).map(([what, n]) => `${n} ${what}`).join(", ")]);
  const problems = [...found.rows.map(([where, what, told]) => `${where}: ${what}${told ? ` (${told})` : ""}`), ...found.flags.map(([label, flag, told]) => `${label}: ${flag}${told ? ` (${told})` : ""}`), ...found.notes];
  return [
    title,
    element("p", { className: `lead ${found.contradicted || suspicions.length ? "bad" : ""}`, textContent: verdict }),
    facts([["on", found.created], ["machine", found.machine], ["by", `rdbench ${found.rdbench}`], ["how", `${found.decodeOnly ? "decoded again" : "decoded, and encoded again in part"}${found.sealed ? ", sealed" : ", not sealed"}`], ...counts]),
    ...(problems.length ? [element("ul", {}, ...problems.map((text) => element("li", { textContent: text })))] : []),
    ...(found.contradicted > found.rows.length ? [element("p", { className: "note", textContent: `and ${found.contradicted - found.rows.length} more rows` })] : []),
  ];
}

/** The versions of an entry, the newest first, with the BD-rates of the leading metric. */
function historyPart(entry) {
  const versions = versionsOf(entry);
  if (versions.length < 2) return [];
  const title = allMetrics().find((it) => it.name === state.metric)?.title ?? "";
  const heads = [["version"], ["date"], ["configuration"], ...data.datasets.map((of) => [`BD ${title} ${of.dataset} %`, true]), ["verified"]];
  const lines = versions.flatMap((one) =>
    data.rows.filter((row) => data.entries[row.entry] === one).map((row) => {
      const link = element("a", { href: addressWith({ entry: row.entry }), textContent: one.version });
      if (row.entry === state.entry) link.setAttribute("aria-current", "page");
      return [link, element("span", { className: "date", textContent: one.date }), row.own, ...data.datasets.map((of) => comparison(row.index, state.metric, of)).map((it) => [signedPercent(it?.bd), it?.bd]), verifiedWord(row)[0]];
    }),
  );
  return savedTable("Versions", "versions", heads, lines);
}

function codecsPart(entry, rows) {
  const options = (label) => Object.entries(rows.find((row) => row.own === label)?.options ?? {}).map(([key, value]) => `${key}=${value}`).join(", ");
  const parts = entry.codecs.flatMap((it) => [
    ...(entry.codecs.length > 1 ? [element("p", { className: "lead", textContent: it.label })] : []),
    facts([["codec", it.codec], ["version", it.version], ["options", options(it.label)], ["package", it.package], ...Object.entries(it.files).map(([name, sha256]) => [name, `SHA-256 ${sha256.slice(0, 16)}…`]), ["weights", it.weights && `SHA-256 ${it.weights.slice(0, 16)}…`]]),
  ]);
  return [subheading("Codec"), ...parts];
}

function environmentPart(entry) {
  return [subheading("Environment"), ...entry.environments.map((it) => facts([...Object.entries(it.machine), ...Object.entries(it.software)]))];
}

/** Over all data sets a choice of that of which curves and reconstructions are shown. */
function drawSetOfEntry() {
  const sets = setsOfEntry().map((it) => it.dataset);
  byId("on-field").hidden = !onAll() || sets.length < 2;
  fillSelect(byId("on"), sets.map((name) => [name, name]), dataset()?.dataset);
  byId("plot-title").textContent = onAll() && state.entry !== null ? `Rate–distortion curves on ${dataset().dataset}` : "Rate–distortion curves";
}

/** Crops of reconstructions on the data set of the tab: of an entry beside the anchor's. */
function drawPictures() {
  const shown = state.entry !== null ? dataset().pictures : [];
  const mine = new Set(data.rows.filter((row) => row.entry === state.entry).map((row) => row.index));
  const wanted = (index) => mine.has(index) || index === dataset().anchor;
  const nodes = shown.filter((it) => it.cells.some(([index]) => mine.has(index))).flatMap((it) => rowsOfPictures(it, wanted));
  byId("pictures").hidden = !nodes.length;
  byId("pictures-body").replaceChildren(...nodes);
}

/** How many times a rate may be another one and still be near. */
const FAR = 1.5;

function rowsOfPictures({ image, original, cells }, wanted) {
  const rates = [...new Set(cells.map(([, rate]) => rate))];
  return rates.map((rate) => {
    const shown = cells.filter(([index, its]) => its === rate && wanted(index)).sort(([a], [b]) => Number(b === dataset().anchor) - Number(a === dataset().anchor) || a - b);
    const first = pictureOf(original, "the original is not at hand", "Original", image);
    const below = (bpp) => `${image}, ${fixed(bpp, 3)} bpp${Math.max(bpp / rate, rate / bpp) > FAR ? `: no point near ${rate}` : ""}`;
    const row = element("div", { className: "pictures", tabIndex: 0, role: "group", "aria-label": `${image} near ${rate} bpp` }, first, ...shown.map(([index, , bpp, address, problem]) => pictureOf(address, problem, entryOf(index).label, below(bpp))));
    return element("div", {}, element("h3", { textContent: `${image} near ${rate} bits per pixel` }), row);
  });
}

function pictureOf(address, problem, title, below) {
  const picture = address ? element("img", { src: address, alt: `${title}: ${below}`, loading: "lazy", width: 256, height: 256 }) : element("div", { className: "absent", textContent: problem });
  return element("figure", {}, picture, element("figcaption", {}, element("strong", { textContent: title }), below));
}
