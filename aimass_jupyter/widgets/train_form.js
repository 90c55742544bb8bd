// The form that submits a job. It shows what its model tells, and asks to choose and to train.

import { button, drawOnChange, element, mount, setText, showProblem } from './dom.js';
import { plural } from './format.js';
import { Fields } from './schema_form.js';

const TRAITS = ['datasets', 'dataset', 'algorithms', 'busy', 'problem', 'submitted', 'may'];

let made = 0;

class TrainView {
  constructor(model, settings) {
    this.model = model;
    this.settings = settings;
    this.id = `aimass-train-${(made += 1)}-${Math.random().toString(36).slice(2, 8)}`;
    this.build();
    this.draw = drawOnChange(model, TRAITS, () => this.update());
    this.update();
  }

  dispose() {
    this.draw.end();
  }

  build() {
    const choose = () => this.model.send({ kind: 'choose', dataset: this.dataset.value });
    const id = `${this.id}-dataset`;
    this.dataset = element('select', { id, onchange: choose, 'data-testid': 'aimass-dataset' });
    this.facts = element('span', { class: 'aimass-help' });
    this.algorithms = element('div', { role: 'radiogroup', 'aria-label': 'algorithm' });
    this.hyperparameters = element('div');
    this.run = new Fields(this.model.get('run_schema'), this.settings.run, `${this.id}-run`);
    this.problem = element('div', { class: 'aimass-problem', role: 'alert', hidden: true });
    this.submitted = element('div', { class: 'aimass-notice', role: 'status', hidden: true });
    this.train = element(
      'button',
      { type: 'submit', class: 'aimass-button aimass-primary', 'data-testid': 'aimass-train' },
      'Train'
    );
    this.empty = element('p', { class: 'aimass-empty' });
    this.body = element(
      'form',
      { novalidate: true, onsubmit: event => this.submit(event) },
      this.datasetRow(id),
      element('h4', {}, 'Algorithm'),
      this.algorithms,
      this.box('Hyperparameters', this.hyperparameters),
      this.box('Job', this.run.element),
      this.train
    );
    this.element = element(
      'section',
      {
        class: 'aimass aimass-train',
        'data-testid': 'aimass-train-form',
        'data-lm-suppress-shortcuts': 'true',
        'aria-label': 'train a model'
      },
      this.head(),
      this.empty,
      this.body,
      this.problem,
      this.submitted
    );
  }

  head() {
    const load = () => this.model.send({ kind: 'load' });
    const actions = element('span', { class: 'aimass-actions' }, button('Refresh', load));
    return element(
      'header',
      { class: 'aimass-head' },
      element('strong', { class: 'aimass-name' }, 'Train a model'),
      actions
    );
  }

  datasetRow(id) {
    return element(
      'div',
      { class: 'aimass-field aimass-wide' },
      element('label', { for: id }, 'dataset'),
      this.dataset,
      this.facts
    );
  }

  box(title, body) {
    return element('details', { open: true }, element('summary', {}, title), body);
  }

  update() {
    const datasets = this.model.get('datasets');
    const empty = datasets.length
      ? ''
      : 'No datasets yet. Import one: %aimass datasets import digits';
    setText(this.empty, empty);
    this.empty.hidden = empty === '';
    this.body.hidden = datasets.length === 0;
    this.element.hidden = !this.model.get('may').includes('train');
    this.updateDatasets(datasets);
    this.updateAlgorithms();
    const busy = this.model.get('busy');
    this.train.disabled = busy !== '' || this.algorithm() === undefined;
    setText(this.train, busy === 'train' ? 'Submitting…' : 'Train');
    showProblem(this.problem, this.model.get('problem'));
    setText(this.submitted, this.model.get('submitted'));
    this.submitted.hidden = this.model.get('submitted') === '';
  }

  updateDatasets(datasets) {
    const key = JSON.stringify(datasets.map(({ name }) => name));
    if (this.dataset.dataset.shown !== key) {
      this.dataset.dataset.shown = key;
      this.dataset.replaceChildren(...datasets.map(({ name }) => element('option', {}, name)));
    }
    if (this.chosen !== this.model.get('dataset')) {
      this.chosen = this.model.get('dataset');
      this.dataset.value = this.chosen;
    }
    setText(this.facts, datasetFacts(datasets.find(({ name }) => name === this.chosen)));
  }

  updateAlgorithms() {
    const found = this.model.get('algorithms');
    const key = JSON.stringify([this.chosen, found]);
    if (this.algorithms.dataset.shown === key) return;
    this.algorithms.dataset.shown = key;
    if (!found.some(({ name }) => name === this.settings.algorithm))
      this.settings.algorithm = found[0]?.name;
    this.algorithms.replaceChildren(...found.map((one, rank) => this.choice(one, rank)));
    this.updateFields();
  }

  choice(algorithm, rank) {
    const pick = () => {
      this.settings.algorithm = algorithm.name;
      this.updateFields();
    };
    const checked = algorithm.name === this.settings.algorithm;
    const properties = {
      type: 'radio',
      name: this.id,
      value: algorithm.name,
      checked,
      onchange: pick
    };
    return element(
      'label',
      { class: 'aimass-choice' },
      element('input', properties),
      element(
        'span',
        {},
        element('strong', {}, algorithm.name),
        rank === 0 ? element('span', { class: 'aimass-badge' }, 'best fit') : null,
        element(
          'span',
          { class: 'aimass-help' },
          ` ${algorithm.task} · ranked by ${algorithm.metric}`
        ),
        element('div', {}, algorithm.reason || algorithm.help)
      )
    );
  }

  algorithm() {
    return this.model.get('algorithms').find(({ name }) => name === this.settings.algorithm);
  }

  updateFields() {
    const schema = this.algorithm()?.hyperparameters ?? {};
    this.fields = new Fields(schema, this.settings.params, `${this.id}-params`);
    this.hyperparameters.replaceChildren(this.fields.element);
  }

  submit(event) {
    event.preventDefault();
    const sound = [this.fields.check(), this.run.check()].every(Boolean);
    if (!sound || this.train.disabled) return;
    this.model.send({
      kind: 'train',
      dataset: this.dataset.value,
      algorithm: this.settings.algorithm,
      params: this.fields.values(),
      run: this.run.values()
    });
  }
}

function datasetFacts(dataset) {
  if (!dataset) return '';
  const facts = [
    `version ${dataset.version}`,
    plural(dataset.rows, 'row'),
    plural(dataset.columns, 'column')
  ];
  if (dataset.label) facts.push(`label ${dataset.label}`);
  if (dataset.task) facts.push(dataset.task);
  return facts.join(' · ');
}

export default () => {
  const settings = { params: {}, run: {}, algorithm: undefined };
  return {
    render({ model, el }) {
      return mount(el, new TrainView(model, settings));
    }
  };
};
