const byId = (id) => document.getElementById(id);

/** An element with properties, attributes (a name with a dash or `role`) and children; text is only ever text. */
function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key.includes("-") || key === "role" || key === "scope" || key === "for") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function svgElement(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const known = (value) => value !== null && value !== undefined;

/** A number with a fixed count of decimals and a true minus sign, or a dash where there is none. */
function fixed(value, digits, signed = false) {
  if (!known(value)) return "–";
  const text = Math.abs(value).toFixed(digits);
  const zero = Number(text) === 0;
  return (value < 0 && !zero ? "−" : signed && !zero ? "+" : "") + text;
}

/** A number with three significant digits or more, as for speeds and rates. */
function significant(value) {
  if (!known(value)) return "–";
  const size = Math.abs(value);
  return fixed(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

/** Replace the choices of a select; keeps the chosen value where it still exists. */
function fillSelect(select, choices, value) {
  select.replaceChildren(...choices.map(([key, text]) => element("option", { value: key, textContent: text })));
  select.value = choices.some(([key]) => key === value) ? value : choices.length ? choices[0][0] : "";
}

function definitions(pairs) {
  const list = element("dl");
  for (const [term, text] of pairs) list.append(element("dt", { textContent: term }), element("dd", { textContent: text }));
  return list;
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

const measureTitle = (it) => (it.unit ? `${it.title} (${it.unit})` : it.title);

/** Offer a file for saving; what its name can't have becomes a dash. */
function download(blob, name) {
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name.replace(/[^\w.-]+/g, "-") }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/** A link out of the page; only to addresses that a browser fetches, so that no name becomes a script. */
function outwards(address, text) {
  if (!/^https?:\/\//.test(address ?? "")) return null;
  return element("a", { href: address, textContent: text, rel: "noopener noreferrer", target: "_blank" });
}
