// The curves of several runs as charts: one a tag, a line a run. Pure.

const HIDDEN_TAGS = new Set(['progress']);

/** `2|loss/train` is the curve `loss/train` of the third run. */
function splitCompared(tag) {
  const at = tag.indexOf('|');
  return [Number(tag.slice(0, at)), tag.slice(at + 1)];
}

/** Charts in their order: what is held out first, losses before others, how it went last. */
export function comparedCharts(series, names, hidden = new Set()) {
  const charts = new Map();
  for (const one of series) {
    const [run, tag] = splitCompared(one.tag);
    if (HIDDEN_TAGS.has(tag.split('/')[0]) || one.values.length === 0) continue;
    if (!charts.has(tag)) charts.set(tag, { title: tag.replaceAll('_', ' '), lines: [] });
    if (hidden.has(run)) continue;
    charts.get(tag).lines.push({ ...one, name: names[run] ?? `run ${run + 1}`, colour: run });
  }
  for (const chart of charts.values()) chart.lines.sort((a, b) => a.colour - b.colour);
  return [...charts.entries()].sort(([a], [b]) => compareTags(a, b)).map(([, chart]) => chart);
}

function compareTags(a, b) {
  const place = tag => [
    /^(learning_rate|speed)/.test(tag),
    !tag.endsWith('validation'),
    !tag.includes('loss')
  ];
  const [left, right] = [place(a), place(b)];
  const at = left.findIndex((value, index) => value !== right[index]);
  if (at >= 0) return Number(left[at]) - Number(right[at]);
  return a < b ? -1 : 1;
}
