// The table of models. It shows what its model tells, and asks to promote and to deploy.

import { button, eachFrame, element, setText, showProblem } from './dom.js';
import { formatBytes, formatNumber } from './format.js';
import { filterRows, metricColumns, sortRows, valueIn } from './model_rows.js';

const TRAITS = ['models', 'busy', 'problem', 'notice'];
const FIELDS = [
  ['name', 'model'],
  ['algorithm', 'algorithm'],
  ['dataset', 'dataset']
];
const LAST_FIELDS = [
  ['size_bytes', 'size'],
  ['created_at', 'made']
];

class TableView {
  constructor(model, settings) {
    this.model = model;
    this.settings = settings;
    this.build();
    this.draw = eachFrame(() => this.update());
    for (const trait of TRAITS) model.on(`change:${trait}`, this.draw);
    settings.watchers.add(this.draw);
    this.update();
  }

  dispose() {
    this.draw.cancel();
    this.settings.watchers.delete(this.draw);
    for (const trait of TRAITS) this.model.off(`change:${trait}`, this.draw);
  }

  build() {
    this.filter = this.input('filter', 'filter by name, algorithm, dataset or alias', 'filter…');
    this.alias = this.input('alias', 'alias that Promote gives', 'alias');
    this.problem = element('div', { class: 'aimass-problem', role: 'alert', hidden: true });
    this.notice = element('div', { class: 'aimass-notice', role: 'status', hidden: true });
    this.said = element('span');
    this.key = element('div');
    this.notice.append(this.said, this.key);
    this.empty = element('p', { class: 'aimass-empty' });
    this.heads = element('tr');
    this.rows = element('tbody');
    const table = element('table', {}, element('thead', {}, this.heads), this.rows);
    this.scroll = element('div', { class: 'aimass-scroll' }, table);
    this.element = element(
      'section',
      {
        class: 'aimass aimass-models',
        'data-testid': 'aimass-models',
        'data-lm-suppress-shortcuts': 'true',
        'aria-label': 'registered models'
      },
      this.head(),
      this.problem,
      this.notice,
      this.scroll,
      this.empty
    );
  }

  head() {
    const load = () => this.model.send({ kind: 'load' });
    return element(
      'header',
      { class: 'aimass-head' },
      element('strong', { class: 'aimass-name' }, 'Models'),
      this.filter,
      element('label', { class: 'aimass-actions' }, 'promote to ', this.alias),
      button('Refresh', load)
    );
  }

  input(name, label, placeholder) {
    const typed = () => {
      this.settings[name] = node.value;
      this.draw();
    };
    const node = element('input', {
      type: 'text',
      'aria-label': label,
      placeholder,
      oninput: typed,
      'data-testid': `aimass-models-${name}`
    });
    node.value = this.settings[name];
    return node;
  }

  update() {
    const models = this.model.get('models');
    const { filter, column, descending } = this.settings;
    const shown = sortRows(filterRows(models, filter), column, descending);
    const columns = this.columns(models);
    this.drawHeads(columns);
    this.drawRows(shown, columns);
    const empty = models.length
      ? 'No model has these words.'
      : 'No models yet. A job that succeeds registers one.';
    setText(this.empty, empty);
    this.empty.hidden = shown.length > 0;
    this.scroll.hidden = shown.length === 0;
    showProblem(this.problem, this.model.get('problem'));
    this.drawNotice();
  }

  columns(models) {
    const metrics = metricColumns(models).map(name => [
      `metric:${name}`,
      name.replaceAll('_', ' ')
    ]);
    return [...FIELDS, ...metrics, ...LAST_FIELDS];
  }

  drawNotice() {
    const { key } = this.settings;
    setText(this.said, this.model.get('notice'));
    this.key.replaceChildren(
      ...(key
        ? [`API key of ${key.endpoint}, shown this once: `, element('code', {}, key.key)]
        : [])
    );
    this.notice.hidden = this.model.get('notice') === '' && !key;
  }

  drawHeads(columns) {
    const shown = JSON.stringify([columns, this.settings.column, this.settings.descending]);
    if (this.heads.dataset.shown === shown) return;
    const focused =
      this.heads.contains(document.activeElement) && document.activeElement.dataset.column;
    this.heads.dataset.shown = shown;
    this.heads.replaceChildren(
      ...columns.map(([column, label]) => this.headCell(column, label)),
      element('td', { class: 'aimass-row-actions' })
    );
    if (focused) this.heads.querySelector(`[data-column="${CSS.escape(focused)}"]`)?.focus();
  }

  headCell(column, label) {
    const chosen = this.settings.column === column;
    const order = chosen ? (this.settings.descending ? 'descending' : 'ascending') : 'none';
    const sort = () => this.sortBy(column);
    const arrow = { ascending: ' ▲', descending: ' ▼', none: '' }[order];
    const node = button(`${label}${arrow}`, sort, { class: 'aimass-sort', 'data-column': column });
    return element('th', { scope: 'col', 'aria-sort': order, class: cellClass(column) }, node);
  }

  /** The first click on a number shows the largest first. */
  sortBy(column) {
    const first =
      column.startsWith('metric:') || column.endsWith('_bytes') || column.endsWith('_at');
    const again = this.settings.column === column;
    this.settings.descending = again ? !this.settings.descending : first;
    this.settings.column = column;
    this.draw();
  }

  drawRows(rows, columns) {
    const shown = JSON.stringify([rows, columns, this.model.get('busy')]);
    if (this.shownRows === shown) return;
    this.shownRows = shown;
    this.rows.replaceChildren(...rows.map(row => this.row(row, columns)));
  }

  row(row, columns) {
    const cells = columns.map(([column]) => cell(row, column));
    const model = `${row.name}@${row.version}`;
    const actions = element(
      'td',
      { class: 'aimass-row-actions' },
      this.promote(model),
      this.deploy(model)
    );
    return element('tr', { 'data-testid': `aimass-model-${row.name}` }, ...cells, actions);
  }

  promote(model) {
    const ask = () => this.act({ kind: 'promote', model, alias: this.alias.value.trim() });
    return button('Promote', ask, {
      disabled: this.model.get('busy') !== '',
      'aria-label': `promote ${model}`
    });
  }

  deploy(model) {
    const ask = () => this.act({ kind: 'deploy', model });
    return button('Deploy', ask, {
      disabled: this.model.get('busy') !== '',
      'aria-label': `deploy ${model}`
    });
  }

  act(message) {
    this.settings.key = null;
    this.model.send(message);
  }
}

function cellClass(column) {
  return column.startsWith('metric:') || column === 'size_bytes' ? 'aimass-number' : null;
}

function cell(row, column) {
  if (column === 'name') return nameCell(row);
  const value = valueIn(row, column);
  return element('td', { class: cellClass(column) }, textOf(column, value));
}

function textOf(column, value) {
  if (column === 'size_bytes') return formatBytes(value);
  if (column === 'created_at') return dateOf(value);
  if (column.startsWith('metric:')) return value === undefined ? '' : formatNumber(value);
  return String(value);
}

function dateOf(time) {
  return new Date(time).toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'short' });
}

function nameCell(row) {
  const badges = Object.entries(row.aliases).map(([alias, version]) =>
    element(
      'span',
      { class: 'aimass-badge' },
      version === row.version ? alias : `${alias} @${version}`
    )
  );
  return element('th', { scope: 'row' }, `${row.name}@${row.version}`, ...badges);
}

export default () => {
  const settings = {
    filter: '',
    alias: 'production',
    column: 'created_at',
    descending: true,
    key: null,
    watchers: new Set()
  };
  return {
    initialize({ model }) {
      model.on('msg:custom', message => {
        if (message.kind !== 'key') return;
        settings.key = message;
        for (const watcher of settings.watchers) watcher();
      });
    },
    render({ model, el }) {
      const view = new TableView(model, settings);
      el.append(view.element);
      return () => view.dispose();
    }
  };
};
