// Rows of the table of models: which columns, which rows, in which order. Pure.

const MAX_METRICS = 5;

/** Metrics to give a column: those that most models have, in the order in which they come. */
export function metricColumns(rows) {
  const counts = new Map();
  for (const row of rows)
    for (const name of Object.keys(row.metrics)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const often = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
  return often.slice(0, MAX_METRICS);
}

/**
 * Rows whose name, algorithm, task, dataset, alias or tag has the words; of one task and with one
 * tag, if asked.
 */
export function filterRows(rows, words, { task = '', tag = '' } = {}) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const text = row =>
    [row.name, row.algorithm, row.task, row.dataset, ...Object.keys(row.aliases), ...(row.tags ?? [])]
      .join(' ')
      .toLowerCase();
  return rows.filter(
    row =>
      (task === '' || row.task === task) &&
      (tag === '' || row.tags?.includes(tag)) &&
      wanted.every(word => text(row).includes(word))
  );
}

/** Rows by a column; what has no value comes last either way. */
export function sortRows(rows, column, descending) {
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [left, right] = [valueIn(a, column), valueIn(b, column)];
    const [noLeft, noRight] = [left ?? null, right ?? null].map(value => value === null);
    if (noLeft || noRight) return Number(noLeft) - Number(noRight);
    if (left === right) return 0;
    if (typeof left === 'number') return sign * (left - right);
    return sign * String(left).localeCompare(String(right), 'en', { numeric: true });
  });
}

/** `metric:accuracy` is a metric; anything else is a field of the row. */
export function valueIn(row, column) {
  return column.startsWith('metric:') ? row.metrics[column.slice(7)] : row[column];
}
