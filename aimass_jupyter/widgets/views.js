// What live views share: telling the kernel that somebody looks, cells of tables, a chart a title.

import { Chart } from './chart.js';
import { element, setText } from './dom.js';

/** Tell the kernel of this view; what comes back tells that it is gone. */
export function announce(model) {
  const id = Math.random().toString(36).slice(2);
  model.send({ kind: 'view', id, open: true });
  return () => model.send({ kind: 'view', id, open: false });
}

/** The words for a connection that is not as it should be. */
function connectionText(connection) {
  return { new: 'asking…', reconnecting: 'reconnecting', lost: 'no longer followed' }[connection] ?? '';
}

/** A table in a box of its own that scrolls; cells are text, numbers or elements. */
export function tableBox(label, heads, rows) {
  const head = element('tr', {}, ...heads.map(one => cellElement('th', one, { scope: 'col' })));
  const lines = rows.map(([first, ...rest]) =>
    element(
      'tr',
      {},
      cellElement('th', first, { scope: 'row' }),
      ...rest.map(one => cellElement('td', one))
    )
  );
  const table = element('table', {}, element('thead', {}, head), element('tbody', {}, ...lines));
  return element(
    'div',
    { class: 'aimass-scroll', role: 'region', 'aria-label': label, tabindex: 0 },
    table
  );
}

function cellElement(tag, content, properties = {}) {
  const { text, number, mark, node } = content?.constructor === Object ? content : { text: content };
  const kind = [number ? 'aimass-number' : '', mark ? 'aimass-winner' : ''].filter(Boolean).join(' ');
  return element(tag, { ...properties, class: kind || null }, node ?? String(text ?? ''));
}

/** Charts by title, made once: they keep their focus and their scale. */
export class ChartSet {
  constructor(settings, axis) {
    this.settings = settings;
    this.axis = axis;
    this.charts = new Map();
    this.element = element('div', { class: 'aimass-charts' });
  }

  /** Show these charts in this order. */
  update(groups) {
    for (const { title, lines, range } of groups) this.chart(title).update(lines, range);
    groups.forEach(({ title }, at) => {
      const node = this.charts.get(title).element;
      const there = this.element.children[at] ?? null;
      if (there !== node) this.element.insertBefore(node, there);
    });
    while (this.element.children.length > groups.length) this.element.lastChild.remove();
  }

  chart(title) {
    if (!this.charts.has(title)) {
      this.settings[title] ??= { logarithmic: false };
      this.charts.set(title, new Chart(title, this.settings[title], this.axis));
    }
    return this.charts.get(title);
  }

  dispose() {
    for (const chart of this.charts.values()) chart.dispose();
  }
}

/** A button that asks before it does; Escape takes it back. */
export function confirmed(label, question, sure, act, properties = {}) {
  const box = element('span', { class: 'aimass-confirm' });
  const offer = () => box.replaceChildren(ask);
  const escape = event => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    offer();
    ask.focus();
  };
  const make = (text, onclick, more = {}) =>
    element('button', { type: 'button', class: 'aimass-button', onclick, ...more }, text);
  const ask = make(
    label,
    () => {
      const back = make('Cancel', () => (offer(), ask.focus()));
      const yes = make(sure, () => (offer(), act()), { class: 'aimass-button aimass-danger' });
      const group = { role: 'group', 'aria-label': question, onkeydown: escape };
      box.replaceChildren(
        element('span', group, element('span', { class: 'aimass-question' }, question), yes, ' ', back)
      );
      back.focus();
    },
    properties
  );
  offer();
  return box;
}

/** Replace what a box holds when the facts differ from those it shows. */
export function redraw(box, facts, draw) {
  const key = JSON.stringify(facts);
  if (box.dataset.shown === key) return;
  box.dataset.shown = key;
  const at = box.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  box.replaceChildren(...draw());
  if (at) box.querySelector(`[data-key="${CSS.escape(at)}"]`)?.focus();
}

export function stateNode() {
  return element('span', { class: 'aimass-pill', role: 'status', 'aria-live': 'polite' });
}

/** The state in a pill, with what is wrong with the connection. */
export function showState(node, state, connection) {
  const trouble = connectionText(connection);
  setText(node, [state, trouble].filter(Boolean).join(' · '));
  node.hidden = node.textContent === '';
}
