// The table of models. It shows what its model tells, and asks to promote and to deploy.

import { button, drawOnChange, element, mount, setText, showProblem } from './dom.js';
import { formatBytes, formatNumber } from './format.js';
import { filterRows, metricColumns, sortRows, valueIn } from './model_rows.js';
import { keepMessage } from './watching.js';

const TRAITS = ['models', 'busy', 'problem', 'notice', 'may'];
const FIELDS = [
  ['name', 'model'],
  ['task', 'task'],
  ['algorithm', 'algorithm'],
  ['dataset', 'dataset']
];
const MAX_COMPARED = 20;
const LAST_FIELDS = [
  ['size_bytes', 'size'],
  ['created_at', 'made']
];

class TableView {
  constructor(model, settings) {
    this.model = model;
    this.settings = settings;
    this.build();
    this.draw = drawOnChange(model, TRAITS, () => this.update(), settings.watchers);
    this.update();
  }

  dispose() {
    this.draw.end();
  }

  build() {
    this.filter = this.input('filter', 'filter by name, algorithm, dataset, alias or tag', 'filter…');
    this.alias = this.input('alias', 'alias that Promote gives', 'alias');
    this.task = this.select('task', 'task of the models');
    this.tag = this.select('tag', 'tag of the models');
    this.compare = button('Compare', () => this.askToCompare(), {
      'data-testid': 'aimass-models-compare'
    });
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
    this.promoting = element('label', { class: 'aimass-actions' }, 'promote to ', this.alias);
    const load = () => this.model.send({ kind: 'load' });
    return element(
      'header',
      { class: 'aimass-head' },
      element('strong', { class: 'aimass-name' }, 'Models'),
      this.filter,
      this.task,
      this.tag,
      this.promoting,
      this.compare,
      button('Refresh', load)
    );
  }

  select(name, label) {
    const node = element('select', {
      'aria-label': label,
      'data-testid': `aimass-models-${name}`,
      onchange: () => {
        this.settings[name] = node.value;
        this.draw();
      }
    });
    return node;
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
    this.drawChoices(models);
    const { filter, task, tag, column, descending } = this.settings;
    const shown = sortRows(filterRows(models, filter, { task, tag }), column, descending);
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
    const tags = models.some(row => row.tags?.length) ? [['tags', 'tags']] : [];
    const served = models.some(row => (row.latency_ms ?? null) !== null);
    const latency = served ? [['latency_ms', 'latency']] : [];
    return [...FIELDS, ...tags, ...metrics, ...latency, ...LAST_FIELDS];
  }

  /** The tasks and tags there are, and whether there is enough to compare. */
  drawChoices(models) {
    const tasks = models.map(row => row.task);
    const tags = models.flatMap(row => row.tags ?? []);
    this.task.hidden = this.drawOptions('task', 'all tasks', tasks) < 2;
    this.tag.hidden = this.drawOptions('tag', 'all tags', tags) === 0;
    this.promoting.hidden = !this.may('promote');
    const count = this.chosen(models).length;
    this.compare.hidden = !this.may('compare');
    this.compare.disabled = count < 2 || count > MAX_COMPARED || this.model.get('busy') !== '';
    setText(this.compare, count < 2 ? 'Compare' : `Compare ${count}`);
    this.compare.title = count < 2 ? 'Tick two models or more.' : '';
  }

  /** What there is to choose from, and how much; a choice that is gone is taken back. */
  drawOptions(name, all, values) {
    const node = this[name];
    const known = [...new Set(values)].sort();
    if (!known.includes(this.settings[name])) this.settings[name] = '';
    if (node.dataset.shown !== JSON.stringify(known)) {
      node.dataset.shown = JSON.stringify(known);
      const options = known.map(value => element('option', { value }, value));
      node.replaceChildren(element('option', { value: '' }, all), ...options);
    }
    node.value = this.settings[name];
    return known.length;
  }

  may(action) {
    return this.model.get('may').includes(action);
  }

  /** The models that are ticked and still there. */
  chosen(models) {
    return models.map(versionOf).filter(name => this.settings.ticked.has(name));
  }

  askToCompare() {
    this.act({ kind: 'compare', models: this.chosen(this.model.get('models')) });
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
    const may = this.model.get('may');
    const shown = JSON.stringify([columns, this.settings.column, this.settings.descending, may]);
    if (this.heads.dataset.shown === shown) return;
    const focused =
      this.heads.contains(document.activeElement) && document.activeElement.dataset.column;
    this.heads.dataset.shown = shown;
    this.heads.replaceChildren(
      ...(this.may('compare') ? [element('td')] : []),
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
    const shown = JSON.stringify([rows, columns, this.model.get('busy'), this.model.get('may')]);
    if (this.shownRows === shown) return;
    this.shownRows = shown;
    this.rows.replaceChildren(...rows.map(row => this.row(row, columns)));
  }

  row(row, columns) {
    const cells = columns.map(([column]) => cell(row, column));
    const model = versionOf(row);
    const actions = element(
      'td',
      { class: 'aimass-row-actions' },
      this.may('promote') && row.mine ? this.promote(model) : null,
      this.may('deploy') ? this.deploy(model) : null
    );
    const tick = this.may('compare') ? [this.tick(model)] : [];
    return element('tr', { 'data-testid': `aimass-model-${row.name}` }, ...tick, ...cells, actions);
  }

  /** The box that takes a model into the comparison. */
  tick(model) {
    const { ticked } = this.settings;
    const node = element('input', {
      type: 'checkbox',
      'aria-label': `compare ${model}`,
      onchange: () => {
        if (node.checked) ticked.add(model);
        else ticked.delete(model);
        this.draw();
      }
    });
    node.checked = ticked.has(model);
    return element('td', {}, node);
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

function versionOf(row) {
  return `${row.name}@${row.version}`;
}

function cellClass(column) {
  const number = column.startsWith('metric:') || ['size_bytes', 'latency_ms'].includes(column);
  return number ? 'aimass-number' : null;
}

function cell(row, column) {
  if (column === 'name') return nameCell(row);
  const value = valueIn(row, column);
  return element('td', { class: cellClass(column) }, textOf(column, value));
}

function textOf(column, value) {
  if (column === 'size_bytes') return formatBytes(value);
  if (column === 'created_at') return dateOf(value);
  if (column === 'tags') return (value ?? []).join(', ');
  if (column === 'latency_ms') return value ? `${formatNumber(value)} ms` : '';
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
    task: '',
    tag: '',
    ticked: new Set(),
    alias: 'production',
    column: 'created_at',
    descending: true,
    key: null,
    watchers: new Set()
  };
  return {
    initialize({ model }) {
      keepMessage(model, 'key', settings);
    },
    render({ model, el }) {
      return mount(el, new TableView(model, settings));
    }
  };
};
