// Moving about a grid with the keyboard: arrows from cell to cell, Enter and F2 change one.

const STEPS = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] });

/** @param {Element} row the cells that take the focus: the title's link, then the values */
const cellsOf = (row) => /** @type {HTMLElement[]} */ ([...row.querySelectorAll("a.open, td[data-field]")]);

/** @param {HTMLElement} cell @param {number} down @param {number} across @returns {boolean} whether there was one */
export function step(cell, down, across) {
  const row = cell.closest("tr");
  if (!row?.parentElement) return false;
  const rows = [...row.parentElement.children];
  const target = cellsOf(rows[rows.indexOf(row) + down] || row)[cellsOf(row).indexOf(cell) + across];
  if (!target || target === cell) return false;
  target.focus();
  target.scrollIntoView({ block: "nearest", inline: "nearest" });
  return true;
}

/** @param {number} id @param {string} name @returns {HTMLElement|null} the cell of a record's field */
export function cellAt(id, name) {
  return document.querySelector(`tr[data-id="${id}"] [data-field="${name}"]`);
}

/**
 * @param {KeyboardEvent} event on the table
 * @param {(id: number, name: string) => void} edit
 */
export function onGridKey(event, edit) {
  const cell = /** @type {HTMLElement} */ (event.target);
  if (!cell.matches("a.open, td[data-field]") || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const move = STEPS[event.key];
  const value = cell.matches("td");
  if (move) step(cell, ...move);
  else if (event.key === "F2" || (value && ["Enter", " "].includes(event.key))) edit(Number(cell.closest("tr")?.dataset.id), String(cell.dataset.field));
  else return;
  event.preventDefault();
}
