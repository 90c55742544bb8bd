// Numbers, durations and sizes as a person reads them; the same words as text.py.

/** Four digits that matter; a missing value was NaN or infinite. */
export function formatNumber(value) {
  if (value === null || value === undefined) return 'NaN';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2).replace('e+', 'e');
  return String(Number(value.toPrecision(4)));
}

export function formatSeconds(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return seconds < 9.95 ? `${seconds.toFixed(1)} s` : `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function formatBytes(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 99.5 ? Math.round(size) : size.toPrecision(2)} ${units[unit]}`;
}

/** Memory in the units of `--memory`: powers of 1024. */
export function formatMemory(bytes) {
  const megabytes = bytes / 2 ** 20;
  if (megabytes < 1024) return `${Math.round(megabytes)} MB`;
  return `${Number((megabytes / 1024).toPrecision(3))} GB`;
}

export function plural(count, noun) {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** `loss/train` is the curve `train` of the chart `loss`; underscores are spaces. */
export function splitTag(tag) {
  const at = tag.indexOf('/');
  const words = text => text.replaceAll('_', ' ');
  return at < 0 ? [words(tag), words(tag)] : [words(tag.slice(0, at)), words(tag.slice(at + 1))];
}
