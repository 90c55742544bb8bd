// Points of curves: thinning, joining, scales and paths. Pure: nothing here knows a page.

import { splitTag } from './format.js';

const MAX_POINTS = 2000;

const HIDDEN = new Set(['progress']);
const LAST = new Set(['learning rate', 'speed']);

/** Indices of at most `limit` (8 or more) points that draw the same curve, as curves.py does. */
export function thin(steps, values, limit) {
  const count = values.length;
  if (count <= limit) return Array.from({ length: count }, (_, index) => index);
  const stretch = stretchOf(extentOf(steps), Math.floor((limit - 2) / 3));
  const buckets = new Map();
  for (let index = 0; index < count; index += 1)
    note(buckets, Math.floor(steps[index] / stretch), index, values);
  const kept = new Set([0, count - 1]);
  for (const bucket of buckets.values()) for (const index of Object.values(bucket)) kept.add(index);
  return [...kept].sort((a, b) => a - b);
}

/** The shortest stretch, a power of two, of which at most so many touch the range. */
function stretchOf([low, high], most) {
  let stretch = 1;
  while (Math.floor(high / stretch) - Math.floor(low / stretch) >= most) stretch *= 2;
  return stretch;
}

/** Keep the lowest, the highest and the first missing value of a bucket. */
function note(buckets, at, index, values) {
  if (!buckets.has(at)) buckets.set(at, {});
  const bucket = buckets.get(at);
  const value = values[index];
  if (value === null) bucket.missing ??= index;
  else {
    if (!(values[bucket.lowest] <= value)) bucket.lowest = index;
    if (!(values[bucket.highest] >= value)) bucket.highest = index;
  }
}

/** How many old points stay: a run that went on, or began anew, did those after that again. */
function staying(steps, next) {
  const again = steps.at(-1) ? steps.findIndex(step => step >= next) : -1; // all of step 0 stay
  return again < 0 ? steps.length : again;
}

/** Join new points to old; over `limit` thin to half, so that most additions thin nothing. */
export function joinSeries(old, more, limit = MAX_POINTS) {
  const joined = new Map(old.map(one => [one.tag, one]));
  for (const one of more) {
    const before = joined.get(one.tag) ?? { steps: [], values: [] };
    const staid = staying(before.steps, one.steps[0]);
    const steps = [...before.steps.slice(0, staid), ...one.steps];
    const values = [...before.values.slice(0, staid), ...one.values];
    const kept = thin(steps, values, values.length > limit ? limit >> 1 : limit);
    joined.set(one.tag, {
      tag: one.tag,
      steps: kept.map(index => steps[index]),
      values: kept.map(index => values[index])
    });
  }
  return [...joined.values()];
}

/** One chart for each quantity, losses first, how the run went last. */
export function groupCurves(series) {
  const charts = new Map();
  for (const one of series) {
    const [title, name] = splitTag(one.tag);
    if (HIDDEN.has(title) || one.values.length === 0) continue;
    if (!charts.has(title)) charts.set(title, { title, lines: [] });
    charts.get(title).lines.push({ ...one, name });
  }
  const place = ({ title }) => (LAST.has(title) ? 2 : title.includes('loss') ? 0 : 1);
  return [...charts.values()].sort((a, b) => place(a) - place(b));
}

/** Lowest and highest number; none gives [Infinity, -Infinity]. */
export function extentOf(numbers, usable = number => number !== null) {
  let low = Infinity;
  let high = -Infinity;
  for (const number of numbers) {
    if (!usable(number)) continue;
    if (number < low) low = number;
    if (number > high) high = number;
  }
  return [low, high];
}

/** Round numbers that cut a range into about `count` parts. */
export function linearTicks(low, high, count = 5) {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find(factor => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, at) =>
    Number(((first + at) * step).toPrecision(12))
  );
}

/** Powers of ten in a range; too few of them, and 2 and 5 times each. */
export function logTicks(low, high) {
  const powers = [];
  for (let at = Math.floor(Math.log10(low)); at <= Math.ceil(Math.log10(high)); at += 1)
    powers.push(at);
  const every = Math.ceil(powers.length / 6);
  const factors = powers.length > 3 ? [1] : [1, 2, 5];
  const inside = tick => tick >= low * 0.999 && tick <= high * 1.001;
  return powers
    .filter((_, at) => at % every === 0)
    .flatMap(at => factors.map(factor => Number(`${factor}e${at}`)))
    .filter(inside);
}

/** A scale from values to pixels; on a logarithmic one, what is not positive has no place. */
export function makeScale([low, high], [from, to], logarithmic = false) {
  const of = logarithmic ? Math.log10 : value => value;
  const start = of(low);
  const span = of(high) - start || 1;
  const middle = of(high) === start ? 0.5 : 0;
  return value => from + ((of(value) - start) / span + middle) * (to - from);
}

/** An SVG path; a value that cannot be shown is a gap, and a point between gaps is a dot. */
export function linePath(line, x, y, usable) {
  let path = '';
  let drawing = false;
  line.values.forEach((value, index) => {
    const shown = usable(value);
    if (shown) {
      const at = `${x(line.steps[index]).toFixed(1)} ${y(value).toFixed(1)}`;
      path += drawing ? `L${at}` : `M${at}h0`;
    }
    drawing = shown;
  });
  return path;
}

/** Index of the point whose step is nearest; steps ascend. Of two as near, the later. */
export function nearestIndex(steps, step) {
  let [low, high] = [0, steps.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] < step) low = middle + 1;
    else high = middle;
  }
  while (low + 1 < steps.length && steps[low + 1] === steps[low]) low += 1;
  return low > 0 && step - steps[low - 1] < steps[low] - step ? low - 1 : low;
}

const SCREEN_POINTS = 1500;
const SCREEN_POINTS_OF_ALL = 12_000;

const thinned = new WeakMap();

/** A line with as many points as a screen shows; thinned once for as long as its points stay. */
export function forScreen(line, lines = 1) {
  const limit = Math.max(200, Math.min(SCREEN_POINTS, Math.floor(SCREEN_POINTS_OF_ALL / lines)));
  if (line.values.length <= limit) return line;
  const known = thinned.get(line.values);
  if (known?.limit === limit) return { ...line, ...known.points };
  const kept = thin(line.steps, line.values, limit);
  const points = {
    steps: kept.map(index => line.steps[index]),
    values: kept.map(index => line.values[index])
  };
  thinned.set(line.values, { limit, points });
  return { ...line, ...points };
}
