/**
 * Values as a person reads them. Text only; nothing here makes markup.
 */
import { trans } from './i18n';
import type { Job } from './schema';

const ACTIVE: ReadonlySet<string> = new Set(['queued', 'starting', 'running', 'stopping']);

/** Whether a job in this state has not ended yet. */
export function isActive(state: Job['state']): boolean {
  return ACTIVE.has(state);
}

/** A state of a job, an endpoint or a service as a word of Lab's language. */
export function formatState(state: string): string {
  const words: Readonly<Record<string, string>> = {
    queued: trans._p('state', 'queued'),
    starting: trans._p('state', 'starting'),
    running: trans._p('state', 'running'),
    stopping: trans._p('state', 'stopping'),
    succeeded: trans._p('state', 'succeeded'),
    failed: trans._p('state', 'failed'),
    stopped: trans._p('state', 'stopped'),
    lost: trans._p('state', 'lost'),
    ready: trans._p('state', 'ready'),
    draining: trans._p('state', 'draining'),
    drained: trans._p('state', 'drained'),
    down: trans._p('state', 'down')
  };
  return words[state] ?? state;
}

/** A metric: four digits that count; null stands for NaN. */
export function formatNumber(value: number | null): string {
  return value === null ? 'NaN' : String(Number(value.toPrecision(4)));
}

/** A stretch of time, to the accuracy that matters at its length. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) {
    return trans.__('%1 s', whole);
  }
  const minutes = Math.round(whole / 60);
  if (minutes < 60) {
    return trans.__('%1 min', minutes);
  }
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? trans.__('%1 h %2 min', hours, minutes % 60)
    : trans.__('%1 days', Math.round(hours / 24));
}

/** How long ago a moment is. */
export function formatAgo(moment: string, now = Date.now()): string {
  const seconds = (now - Date.parse(moment)) / 1000;
  return seconds < 10 ? trans.__('just now') : trans.__('%1 ago', formatDuration(seconds));
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

/** Memory in the units of `--memory`: powers of 1024. */
export function formatMemory(bytes: number): string {
  const megabytes = bytes / 2 ** 20;
  if (megabytes < 1024) return `${Math.round(megabytes)} MB`;
  return `${Number((megabytes / 1024).toPrecision(3))} GB`;
}

/** What a metric is called: `log_loss/validation` is "log loss/validation", in one piece. */
export function metricName(name: string): string {
  return name.replace(/_/g, '\u00a0');
}

/** Metrics in a line; all of them, or the first few. */
export function formatMetrics(metrics: Record<string, number | null>, most = Infinity): string {
  return Object.entries(metrics)
    .slice(0, most)
    .map(([name, value]) => `${metricName(name)}\u00a0${formatNumber(value)}`)
    .join(' · ');
}

/** JSON with a line for every list of plain values: an image stays a picture of itself. */
export function formatJson(value: unknown, indent = ''): string {
  const deeper = `${indent}  `;
  if (Array.isArray(value) && value.some(isNested)) {
    const lines = value.map(item => deeper + formatJson(item, deeper));
    return `[\n${lines.join(',\n')}\n${indent}]`;
  }
  if (isNested(value) && !Array.isArray(value)) {
    const lines = Object.entries(value).map(
      ([name, item]) => `${deeper}${JSON.stringify(name)}: ${formatJson(item, deeper)}`
    );
    return lines.length ? `{\n${lines.join(',\n')}\n${indent}}` : '{}';
  }
  return Array.isArray(value)
    ? `[${value.map(item => JSON.stringify(item)).join(', ')}]`
    : JSON.stringify(value);
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/**
 * The curves that tell how training goes: the first on held-out rows, then the first on the rows
 * that it trains on; without these, whatever comes first.
 */
export function headline(metrics: Record<string, number | null>): Record<string, number | null> {
  const names = Object.keys(metrics);
  const ends = ['/validation', '/train'].map(end => names.find(name => name.endsWith(end)));
  const told = ends.filter(name => name !== undefined);
  return Object.fromEntries((told.length ? told : names.slice(0, 2)).map(n => [n, metrics[n]]));
}

/** Words of the contract that a label says in another way. */
const SPELLED: Readonly<Record<string, string>> = {
  np: 'ranks',
  gpus: 'GPUs',
  id: 'ID',
  ids: 'IDs',
  url: 'URL',
  ok: 'OK',
  l1: 'L1',
  nan: 'NaN'
};

/** The name of a field as a label: `batch_size` is "Batch size", `min_np` is "Min ranks". */
export function formatField(name: string): string {
  const words = name
    .split('_')
    .filter(Boolean)
    .map(word => SPELLED[word] ?? word)
    .join(' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A URL that is safe to open: http or https; null for anything else (`javascript:`). */
export function webUrl(url: string): string | null {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  return parsed && ['http:', 'https:'].includes(parsed.protocol) ? parsed.href : null;
}

/** A name that the contract takes, from a notebook's file name. */
export function serviceName(filename: string): string {
  return plainName(filename.replace(/\.ipynb$/, ''));
}

/** A name for a dataset, from a file's name. */
export function datasetName(filename: string): string {
  return plainName(filename.replace(/\.[^.]+$/, ''));
}

function plainName(text: string): string {
  return text
    .replace(/ß/g, 'ss')
    .normalize('NFKD') // letters apart from their accents
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 64);
}
