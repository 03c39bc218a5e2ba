/** Every table can be saved: its rows as they are shown, numbers as they are. */

/** What a cell stands for: `data-value` where it has one, else its text. */
const cellValue = (cell) => cell.dataset.value ?? cell.textContent.trim();
const isNumber = (text) => text !== "" && Number.isFinite(Number(text));

/** Names of the columns, each once, and the rows. Columns without a name hold pictures. */
function tableRows(table) {
  const heads = [...table.tHead.rows[0].cells].map((cell) => cell.dataset.value ?? cell.textContent.trim());
  const kept = heads.map((name, k) => [name, k]).filter(([name]) => name);
  const names = kept.map(([name], k) => (kept.findIndex(([other]) => other === name) < k ? `${name} ${k + 1}` : name));
  return { names, rows: [...table.tBodies[0].rows].map((row) => kept.map(([, k]) => cellValue(row.cells[k]))) };
}

/** A cell that no spreadsheet takes for a formula. */
function csvCell(text) {
  const safe = /^[=+\-@\t]/.test(text) && !isNumber(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function tableAsCsv(table) {
  const { names, rows } = tableRows(table);
  return [names, ...rows].map((row) => `${row.map(csvCell).join(",")}\n`).join("");
}

function tableAsJson(table) {
  const { names, rows } = tableRows(table);
  const value = (text) => (text === "" || text === "–" ? null : isNumber(text) ? Number(text) : text);
  return `${JSON.stringify(rows.map((row) => Object.fromEntries(names.map((name, k) => [name, value(row[k])]))), null, 1)}\n`;
}

const SAVED_AS = { csv: ["text/csv", tableAsCsv], json: ["application/json", tableAsJson] };

/** Two buttons that save a table as a file called `name()`. */
function savingButtons(table, name) {
  const button = ([ending, [type, text]]) =>
    element("button", {
      type: "button",
      textContent: `${ending.toUpperCase()} ↓`,
      "aria-label": `Save the table as ${ending.toUpperCase()}`,
      "data-saves": ending,
      onclick: () => download(new Blob([text(table)], { type }), `${name()}.${ending}`),
    });
  return element("div", { className: "buttons", role: "group", "aria-label": "Save the table" }, ...Object.entries(SAVED_AS).map(button));
}

/** Give the tables that ask for it (`data-table`, the table's id, on a heading) their buttons. */
function setUpTables(name) {
  for (const place of document.querySelectorAll("[data-table]")) place.append(savingButtons(byId(place.dataset.table), () => name(place.dataset.table)));
}

/** A column of numbers: `text` of a row is shown, the number itself is saved, unless the column is `plain`. */
const number = (key, title, text, more = {}) => ({ key, title, text, numeric: true, ...more });

/** Rows in the order of a column, those without a value last, in the order of `ties` and then of `index`. */
function sortRows(rows, { key, descending }, ties = () => 0) {
  const sign = descending ? -1 : 1;
  return rows.sort((a, b) => {
    const [x, y] = [a[key], b[key]];
    if (!known(x) || !known(y)) return Number(!known(x)) - Number(!known(y)) || ties(a, b) || a.index - b.index;
    return sign * (typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y) || a.index - b.index;
  });
}

/** Fill a table whose columns sort it; the button that was used keeps the focus. */
function drawRows(table, columns, rows, { sorting, redraw, extent = null, best = null }) {
  const focused = table.contains(document.activeElement) ? document.activeElement.dataset.sort : null;
  table.tHead.replaceChildren(element("tr", {}, ...columns.map((column) => headCell(column, sorting, redraw))));
  table.tBodies[0].replaceChildren(
    ...rows.map((row) => element("tr", { "data-label": row.label }, ...columns.map((column) => bodyCell(column, row, extent, row.index === best)))),
  );
  if (focused) table.tHead.querySelector(`[data-sort="${focused}"]`)?.focus();
}

function headCell(column, sorting, redraw) {
  const cell = element("th", { scope: "col", className: `${column.numeric ? "number " : ""}${column.part || ""}`, title: column.help });
  if (column.unsortable) {
    cell.textContent = column.title;
    return cell;
  }
  const chosen = sorting.key === column.key;
  cell.setAttribute("aria-sort", chosen ? (sorting.descending ? "descending" : "ascending") : "none");
  const toggle = () => {
    Object.assign(sorting, { key: column.key, descending: chosen ? !sorting.descending : Boolean(column.falling) });
    redraw();
  };
  cell.append(element("button", { type: "button", textContent: column.title, "data-sort": column.key, onclick: toggle, "aria-label": column.spoken }));
  return cell;
}

function bodyCell(column, row, extent, best) {
  const cell = element(column.head ? "th" : "td", { className: `${column.numeric ? "number " : ""}${column.part || ""}` });
  if (column.head) Object.assign(cell, { scope: "row" }).dataset.value = row[column.key];
  else if (column.numeric && !column.plain) cell.dataset.value = known(row[column.key]) ? row[column.key] : "";
  if (column.node) cell.append(column.node(row, extent));
  else cell.textContent = column.text(row);
  if (column.best && best) cell.classList.add("best");
  if (column.saved) cell.dataset.value = column.saved(row);
  const remark = column.remark?.(row);
  if (remark) {
    cell.title = remark.text;
    if (remark.star) cell.append(element("abbr", { textContent: "*", title: remark.text }));
  }
  if (column.pale?.(row)) cell.classList.add("muted");
  if (column.bad?.(row)) cell.classList.add("bad");
  return cell;
}

/** The order of a table as the address has it: the column, behind a minus where it falls. */
function rememberOrder(name, sorting, usual) {
  remember(
    name,
    () => (sorting.key === usual && !sorting.descending ? "" : `${sorting.descending ? "-" : ""}${sorting.key}`),
    ([text = usual]) => Object.assign(sorting, { key: text.replace(/^-/, ""), descending: text.startsWith("-") }),
  );
}
