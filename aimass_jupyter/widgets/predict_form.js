// The form that asks an endpoint: one row by fields, or many from a pasted table.

import { button, drawOnChange, element, mount, setText, showProblem } from './dom.js';
import { formatNumber, plural } from './format.js';
import { ImageField } from './image_field.js';
import { parseTable, rowsOf, toCsv, valueFrom } from './table_text.js';
import { keepMessage } from './watching.js';

const TRAITS = ['card', 'answer', 'busy', 'problem', 'may'];
const SHOWN_ROWS = 200;
const SHOWN_FAULTS = 8;

let formsMade = 0;

class PredictView {
  constructor(model, settings) {
    this.model = model;
    this.settings = settings;
    this.id = `aimass-predict-${(formsMade += 1)}-${Math.random().toString(36).slice(2, 8)}`;
    this.build();
    this.draw = drawOnChange(model, TRAITS, () => this.update(), settings.watchers);
    this.update();
  }

  dispose() {
    this.draw.end();
  }

  build() {
    this.name = element('strong', { class: 'aimass-name' });
    this.facts = element('span', { class: 'aimass-facts' });
    this.body = element('div', { class: 'aimass-ask' });
    this.problem = element('div', { class: 'aimass-problem', role: 'alert', hidden: true });
    this.result = element('div', {
      class: 'aimass-result',
      role: 'status',
      'data-testid': 'aimass-prediction'
    });
    this.element = element(
      'section',
      {
        class: 'aimass aimass-predict',
        'data-testid': 'aimass-predict',
        'data-lm-suppress-shortcuts': 'true',
        'aria-label': 'ask an endpoint'
      },
      element(
        'header',
        { class: 'aimass-head' },
        this.name,
        this.facts,
        element('span', { class: 'aimass-actions' }, this.switcher())
      ),
      element('div', { class: 'aimass-columns' }, this.body, this.result),
      this.problem
    );
  }

  /** Between one row in fields and many in a table. */
  switcher() {
    this.toTable = button('Many rows', () => this.show(!this.settings.table), {
      class: 'aimass-button aimass-toggle',
      'aria-pressed': 'false'
    });
    return this.toTable;
  }

  show(table) {
    this.settings.table = table;
    this.shown = null;
    this.update();
    this.body.querySelector('input, textarea, select, canvas')?.focus();
  }

  update() {
    const card = this.model.get('card');
    const known = Array.isArray(card.inputs);
    setText(this.name, card.name ?? 'endpoint');
    setText(this.facts, known ? `${card.model} · ${card.state}` : '');
    this.element.setAttribute('aria-label', `ask ${card.name ?? 'an endpoint'}`);
    showProblem(this.problem, this.model.get('problem'));
    const may = this.model.get('may')?.includes('predict') ?? true;
    this.body.hidden = !known || !may;
    this.toTable.hidden = !known || !may;
    this.toTable.setAttribute('aria-pressed', String(Boolean(this.settings.table)));
    if (known) this.drawBody(card);
    this.drawBusy();
    this.drawResult(card);
  }

  drawBody(card) {
    const key = JSON.stringify([card.inputs, this.settings.table]);
    if (this.shown === key) return;
    this.shown = key;
    this.ask = button('Predict', () => {}, {
      type: 'submit',
      class: 'aimass-button aimass-primary',
      'data-testid': 'aimass-ask'
    });
    this.fault = element('div', { class: 'aimass-fault', role: 'alert' });
    const parts = this.settings.table ? this.tableParts(card) : this.fieldParts(card);
    const submit = event => {
      event.preventDefault();
      if (!this.ask.disabled) this.submit(card);
    };
    this.body.replaceChildren(
      element('form', { novalidate: true, onsubmit: submit }, ...parts, this.fault, this.ask)
    );
  }

  fieldParts(card) {
    this.fields = card.inputs.map((input, at) => this.field(input, card.example, `${this.id}-${at}`));
    return [element('div', { class: 'aimass-fields' }, ...this.fields.map(one => one.element))];
  }

  field(input, example, id) {
    if (input.kind !== 'image') return new ValueField(input, example[input.name], id, this.settings);
    this.settings.pictures[input.name] ??= new ImageField(input, example[input.name], id);
    return this.settings.pictures[input.name];
  }

  tableParts(card) {
    const id = `${this.id}-table`;
    const names = card.inputs.map(({ name }) => name).join(', ');
    this.table = element('textarea', {
      id,
      rows: 8,
      spellcheck: 'false',
      placeholder: `${names}\n…`,
      'aria-describedby': `${id}-help`,
      'data-testid': 'aimass-table',
      oninput: () => (this.settings.text = this.table.value),
      ondragover: event => event.preventDefault(),
      ondrop: event => this.dropTable(event)
    });
    this.table.value = this.settings.text;
    return [
      element(
        'div',
        { class: 'aimass-field' },
        element('label', { for: id }, 'rows, one a line'),
        this.table,
        element(
          'span',
          { class: 'aimass-help', id: `${id}-help` },
          `Paste cells from a spreadsheet, or CSV, or drop a file; the first line names: ${names}.`
        )
      )
    ];
  }

  async dropTable(event) {
    const file = event.dataTransfer?.files?.[0];
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    this.settings.text = this.table.value = await file.text();
  }

  submit(card) {
    const { rows, faults } = this.settings.table
      ? rowsOf(parseTable(this.table.value), card.inputs)
      : this.readFields();
    const more = faults.length - SHOWN_FAULTS;
    const told = faults.slice(0, SHOWN_FAULTS).map(fault => element('div', {}, fault));
    this.fault.replaceChildren(...told, ...(more > 0 ? [`… and ${more} more.`] : []));
    if (faults.length > 0) return;
    this.settings.asked = rows;
    this.model.send({ kind: 'predict', rows });
  }

  readFields() {
    const read = this.fields.map(field => ({ field, ...field.read() }));
    const wrong = read.filter(({ fault }) => fault);
    wrong[0]?.field.focus();
    const row = Object.fromEntries(read.map(({ field, value }) => [field.input.name, value ?? null]));
    return { rows: [row], faults: wrong.map(({ field, fault }) => `${field.input.name}: ${fault}.`) };
  }

  drawBusy() {
    if (!this.ask) return;
    const busy = this.model.get('busy') === 'predict';
    this.ask.disabled = busy;
    setText(this.ask, busy ? 'Asking…' : 'Predict');
  }

  /** What was said last: all of it while this page lives, its first rows after that. */
  drawResult(card) {
    const kept = this.model.get('answer');
    const answer = this.settings.answer ?? (kept.rows ? kept : null);
    if (this.shownAnswer === answer) return;
    this.shownAnswer = answer;
    const one = answer?.rows.length === 1 && !this.settings.table;
    const parts = !answer ? [] : one ? oneAnswer(answer) : this.manyAnswers(answer, card);
    this.result.replaceChildren(...parts);
  }

  manyAnswers({ model, rows }, card) {
    const asked = this.settings.asked ?? [];
    const names = card.inputs.filter(({ kind }) => kind !== 'image' && kind !== 'list').map(({ name }) => name);
    const sure = Boolean(rows[0]?.classes);
    const heads = ['prediction', ...(sure ? ['probability'] : []), ...(asked.length ? names : [])];
    const cells = rows.map((row, at) => [
      valueText(row.value),
      ...(sure ? [row.classes[0][1]] : []),
      ...(asked.length ? names.map(name => asked[at]?.[name]) : [])
    ]);
    const save = () => saveText(`${card.name}-predictions.csv`, toCsv(heads, cells));
    const more = rows.length - SHOWN_ROWS;
    return [
      element(
        'div',
        { class: 'aimass-answer-head' },
        element('strong', {}, plural(rows.length, 'row')),
        element('span', { class: 'aimass-help' }, `answered by ${model}`),
        button('Save as CSV', save)
      ),
      tableElement(heads, cells.slice(0, SHOWN_ROWS)),
      more > 0 ? element('p', { class: 'aimass-empty' }, `… and ${plural(more, 'row')} more, in the CSV.`) : ''
    ];
  }
}

/** A field for one value. */
class ValueField {
  constructor(input, example, id, settings) {
    this.input = input;
    const common = { id, 'data-field': input.name, autocomplete: 'off', spellcheck: 'false' };
    this.node = this.control(common);
    const known = settings.values[input.name];
    this.node.value = known ?? textOf(example);
    this.node.addEventListener('input', () => (settings.values[input.name] = this.node.value));
    this.element = element(
      'div',
      { class: 'aimass-field' },
      element('label', { for: id }, input.name.replaceAll('_', ' ')),
      this.node
    );
  }

  control(common) {
    const { kind, datatype, values } = this.input;
    const options = kind === 'boolean' ? ['true', 'false'] : values;
    if (kind === 'boolean' || (kind === 'choice' && values.length <= 200)) {
      const missing = element('option', { value: '' }, '(missing)');
      return element('select', common, ...options.map(one => element('option', {}, String(one))), missing);
    }
    if (kind === 'number')
      return element('input', { ...common, type: 'number', step: datatype === 'INT64' ? 1 : 'any' });
    if (kind === 'text') return element('textarea', { ...common, rows: 2 });
    return element('input', { ...common, type: 'text' });
  }

  read() {
    if (this.node.validity?.badInput) return { fault: 'is no number' };
    return valueFrom(this.input, this.node.value);
  }

  focus() {
    this.node.focus();
  }
}

function textOf(value) {
  if (value === null || value === undefined) return '';
  return Array.isArray(value) ? JSON.stringify(value) : String(value);
}

function valueText(value) {
  return typeof value === 'number' ? formatNumber(value) : textOf(value);
}

function oneAnswer({ model, rows: [row] }) {
  const bars = (row.classes ?? []).slice(0, 10).map(([name, share]) => bar(name, share));
  return [
    element('div', { class: 'aimass-best', 'data-testid': 'aimass-best' }, valueText(row.value)),
    element('div', { class: 'aimass-help' }, `answered by ${model}`),
    bars.length ? element('div', { class: 'aimass-bars' }, ...bars) : ''
  ];
}

function bar(name, share) {
  const percent = `${(100 * share).toFixed(share >= 0.1 ? 0 : 1)} %`;
  const fill = element('span', { class: 'aimass-fill' });
  fill.style.width = `${100 * share}%`;
  return element(
    'div',
    { class: 'aimass-share' },
    element('span', {}, name),
    element('span', { class: 'aimass-track', 'aria-hidden': 'true' }, fill),
    element('span', { class: 'aimass-value' }, percent)
  );
}

function tableElement(names, rows) {
  const heads = names.map(name => element('th', { scope: 'col' }, name));
  const lines = rows.map(row =>
    element('tr', {}, ...row.map(value => element('td', {}, valueText(value))))
  );
  const table = element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...heads)),
    element('tbody', {}, ...lines)
  );
  return element('div', { class: 'aimass-scroll aimass-rows', tabindex: 0, role: 'region', 'aria-label': 'predictions' }, table);
}

function saveText(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  element('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export default () => {
  const settings = {
    values: {},
    pictures: {},
    text: '',
    table: false,
    asked: null,
    answer: null,
    watchers: new Set()
  };
  return {
    initialize({ model }) {
      keepMessage(model, 'answer', settings);
    },
    render({ model, el }) {
      return mount(el, new PredictView(model, settings));
    }
  };
};
