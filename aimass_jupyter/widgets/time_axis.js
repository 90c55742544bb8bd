// Times on the x axis of a chart, in seconds since the epoch. Pure.

import { formatNumber } from './format.js';

const SPANS = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400];

/** Round times that cut a range into about `count` parts. */
export function timeTicks(low, high, count = 5) {
  if (!(high > low)) return Number.isFinite(low) ? [low] : [];
  const span = SPANS.find(one => (high - low) / one <= count) ?? 86400 * Math.ceil((high - low) / 86400 / count);
  const first = Math.ceil(low / span) * span;
  return Array.from({ length: Math.floor((high - first) / span) + 1 }, (_, at) => first + at * span);
}

/** The time of day, with seconds where they tell something. */
export function clockText(seconds) {
  const time = new Date(seconds * 1000);
  const whole = seconds % 60 === 0;
  return time.toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    ...(whole ? {} : { second: '2-digit' })
  });
}

/** All times from the first to the last, every so many seconds. */
export function dense(times, every) {
  const count = Math.round((times.at(-1) - times[0]) / every) + 1;
  return Array.from({ length: count }, (_, at) => times[0] + at * every);
}

/** Over time a missing value is no NaN: nothing was measured then. */
const measured = value => (value === null || value === undefined || Number.isNaN(value) ? '–' : formatNumber(value));

export const TIMES = { label: '', ticks: timeTicks, tick: clockText, point: clockText, value: measured };
