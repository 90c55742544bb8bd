// A pasted table: text to rows for an endpoint, and rows to text again. Pure.

const MISSING = new Set(['', 'na', 'nan', 'null', 'none']);

/** Cells of CSV or of what a spreadsheet copies; the separator is what the first line has most of. */
export function parseTable(text) {
  const source = text.replace(/\r\n?/g, '\n').replace(/^\ufeff/, '');
  const separator = separatorOf(source);
  const rows = [];
  let row = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < source.length; at += 1) {
    const sign = source[at];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (source[at + 1] === '"') cell += source[(at += 1)];
      else quoted = false;
    } else if (sign === '"' && cell === '') quoted = true;
    else if (sign === separator || sign === '\n') {
      row.push(cell);
      cell = '';
      if (sign === '\n') row = endRow(rows, row);
    } else cell += sign;
  }
  if (cell !== '' || row.length > 0) endRow(rows, [...row, cell]);
  return rows;
}

function endRow(rows, row) {
  if (row.some(cell => cell.trim() !== '')) rows.push(row);
  return [];
}

function separatorOf(text) {
  const line = text.slice(0, text.indexOf('\n') < 0 ? undefined : text.indexOf('\n'));
  const count = sign => line.split(sign).length;
  return ['\t', ';', ','].reduce((best, sign) => (count(sign) > count(best) ? sign : best), ',');
}

/** Rows for an endpoint from a table, and what is wrong with it, in words. */
export function rowsOf(cells, inputs) {
  if (cells.length === 0) return { rows: [], faults: ['There is no row in it.'] };
  const { columns, first, faults } = columnsOf(cells, inputs);
  if (faults.length > 0) return { rows: [], faults };
  const wrong = [];
  const rows = cells.slice(first).map((row, at) => {
    const pairs = inputs.map(input => {
      const { value, fault } = valueFrom(input, row[columns.get(input.name)] ?? '');
      if (fault) wrong.push(`Row ${at + 1}, ${input.name}: ${fault}.`);
      return [input.name, value];
    });
    return Object.fromEntries(pairs);
  });
  return rows.length === 0 ? { rows, faults: ['There is no row below the names.'] } : { rows, faults: wrong };
}

/** Which column is which input: by the names in the first line, else by their order. */
function columnsOf(cells, inputs) {
  const names = cells[0].map(name => name.trim());
  const known = inputs.filter(({ name }) => names.includes(name));
  if (known.length === 0 && names.length === inputs.length)
    return { columns: new Map(inputs.map(({ name }, at) => [name, at])), first: 0, faults: [] };
  const missing = inputs.filter(({ name }) => !names.includes(name));
  const faults = missing.map(
    ({ name }) => `There is no column '${name}'; there are ${names.map(one => `'${one}'`).join(', ')}.`
  );
  return { columns: new Map(inputs.map(({ name }) => [name, names.indexOf(name)])), first: 1, faults };
}

/** The value of a text for an input; empty is missing. */
export function valueFrom(input, text) {
  const told = text.trim();
  if (input.kind === 'text' || input.kind === 'choice')
    return { value: told === '' && input.kind === 'choice' ? null : input.kind === 'text' ? text : told };
  if (MISSING.has(told.toLowerCase())) return { value: null };
  if (input.kind === 'boolean') return booleanFrom(told);
  if (input.kind === 'number') return numberFrom(input, told);
  return listFrom(told);
}

function booleanFrom(told) {
  if (/^(true|yes|1)$/i.test(told)) return { value: true };
  if (/^(false|no|0)$/i.test(told)) return { value: false };
  return { value: null, fault: `'${told}' is neither true nor false` };
}

function numberFrom(input, told) {
  const value = Number(told);
  if (!Number.isFinite(value)) return { value: null, fault: `'${told}' is no number` };
  if (input.datatype === 'INT64' && !Number.isInteger(value))
    return { value: null, fault: `'${told}' is no whole number` };
  return { value };
}

function listFrom(told) {
  try {
    const value = JSON.parse(told);
    if (Array.isArray(value)) return { value };
  } catch {
    // said below
  }
  return { value: null, fault: `'${told.slice(0, 40)}' is no list of numbers in brackets` };
}

/** Rows as CSV, with the names first. */
export function toCsv(names, rows) {
  const cell = value => {
    const text = value === null || value === undefined ? '' : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [names, ...rows].map(row => row.map(cell).join(',')).join('\n') + '\n';
}
