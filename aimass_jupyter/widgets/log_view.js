// The end of a log: a line an element, a choice of rank, and it stays at the end when it was there.

import { element } from './dom.js';
import { rankName, ranksOf, splitLine } from './job_store.js';

const RANK_COLOURS = 6;

export class LogView {
  constructor(settings) {
    this.settings = settings;
    this.shown = [0, 0];
    this.ranks = '';
    this.atEnd = true;
    this.choice = element('select', {
      'aria-label': 'rank whose log is shown',
      onchange: () => {
        settings.rank = this.choice.value;
        this.filter();
      }
    });
    this.body = element('div', {
      class: 'aimass-log',
      role: 'log',
      'aria-live': 'off',
      'aria-label': 'end of the log',
      tabindex: 0,
      onscroll: () => (this.atEnd = this.isAtEnd())
    });
    this.element = element(
      'details',
      { class: 'aimass-log-box', 'data-testid': 'aimass-log', open: settings.logOpen ?? true },
      element('summary', {}, 'Log'),
      this.choice,
      this.body
    );
    this.element.addEventListener('toggle', () => (settings.logOpen = this.element.open));
  }

  update({ lines, firstLine }) {
    const [from, to] = this.shown;
    if (firstLine > to) this.body.replaceChildren();
    else for (let gone = from; gone < firstLine; gone += 1) this.body.firstChild?.remove();
    const known = Math.max(0, to - firstLine);
    this.body.append(...lines.slice(known).map(lineElement));
    this.shown = [firstLine, firstLine + lines.length];
    this.offerRanks(lines);
    this.filter();
    this.element.hidden = lines.length === 0;
    if (this.atEnd) this.body.scrollTop = this.body.scrollHeight;
  }

  isAtEnd() {
    return this.body.scrollHeight - this.body.scrollTop - this.body.clientHeight < 24;
  }

  offerRanks(lines) {
    const ranks = ranksOf(lines);
    this.choice.hidden = ranks.length < 2;
    if (this.ranks === ranks.join()) return;
    this.ranks = ranks.join();
    const options = ranks.map(rank => element('option', { value: rank }, rankName(rank)));
    this.choice.replaceChildren(element('option', { value: '' }, 'all ranks'), ...options);
    this.choice.value = ranks.includes(this.settings.rank) ? this.settings.rank : '';
  }

  filter() {
    const wanted = this.choice.value;
    for (const line of this.body.children)
      line.hidden = wanted !== '' && line.dataset.rank !== wanted;
  }
}

function lineElement(line) {
  const { rank, text } = splitLine(line);
  const colour = `aimass-rank aimass-colour-${(Number(rank) || 0) % RANK_COLOURS}`;
  const mark = rank === '' ? null : element('span', { class: colour }, `[${rank}] `);
  return element('div', { 'data-rank': rank }, mark, text);
}
