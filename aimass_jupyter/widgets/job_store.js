// Curves and log of one job in the page: the whole once, then additions. Pure.

import { joinSeries } from './curve_points.js';

export const MAX_LINES = 400;

export class JobStore {
  constructor() {
    this.revision = 0;
    this.series = [];
    this.lines = [];
    this.firstLine = 0;
    this.asked = false;
    this.watchers = new Set(); // called after each change
  }

  /** Take the whole, in place of all that was known. */
  load(history) {
    this.firstLine += this.lines.length;
    this.revision = history?.revision ?? 0;
    this.series = history?.series ?? [];
    this.lines = history?.lines ?? [];
    this.asked = false;
    this.tell();
  }

  /** Take an addition; return whether the whole must be asked for, because one was missed. */
  add(addition) {
    if (addition.revision <= this.revision) return false;
    if (addition.from !== this.revision) {
      const first = !this.asked;
      this.asked = true;
      return first;
    }
    this.revision = addition.revision;
    this.series = joinSeries(this.series, addition.series);
    const lines = [...this.lines, ...addition.lines];
    this.firstLine += Math.max(0, lines.length - MAX_LINES);
    this.lines = lines.slice(-MAX_LINES);
    this.tell();
    return false;
  }

  /** Know what a widget's model tells, and ask it for the whole when something was missed. */
  follow(model) {
    this.load(model.get('history'));
    model.on('change:history', () => this.load(model.get('history')));
    model.on('msg:custom', message => {
      if (message.kind === 'more' && this.add(message)) model.send({ kind: 'whole' });
    });
  }

  tell() {
    for (const watcher of this.watchers) watcher();
  }
}

/** `[1] text` is a line of rank 1, `[launcher] text` one of what started the ranks. */
export function splitLine(line) {
  const match = /^\[(\w+)\] ?(.*)$/s.exec(line);
  return match ? { rank: match[1], text: match[2] } : { rank: '', text: line };
}

/** The ranks that wrote, in their order. */
export function ranksOf(lines) {
  const ranks = new Set(lines.map(line => splitLine(line).rank).filter(Boolean));
  const place = rank => (isNumber(rank) ? Number(rank) : Infinity);
  return [...ranks].sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}

export function rankName(rank) {
  return isNumber(rank) ? `rank ${rank}` : rank;
}

function isNumber(rank) {
  return /^\d+$/.test(rank);
}
