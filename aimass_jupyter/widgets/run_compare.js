// Runs over each other: a chart a curve, a line a run; a table of what differs.

import { colourOf } from './chart.js';
import { button, drawOnChange, element, mount, setText, shape, showProblem } from './dom.js';
import { formatNumber, plural } from './format.js';
import { JobStore } from './job_store.js';
import { comparedCharts } from './compared.js';
import { announce, ChartSet, redraw, showState, stateNode, tableBox } from './views.js';

const MAX_CHARTS = 12;
const TRAITS = ['table', 'connection', 'problem'];

class CompareView {
  constructor(model, store, settings) {
    this.model = model;
    this.store = store;
    this.settings = settings;
    this.charts = new ChartSet(settings.charts);
    this.build();
    this.draw = drawOnChange(model, TRAITS, () => this.update(), store.watchers);
    this.leave = announce(model);
    this.update();
    this.draw();
  }

  dispose() {
    this.leave();
    this.draw.end();
    this.charts.dispose();
  }

  build() {
    this.state = stateNode();
    this.problem = element('div', { class: 'aimass-problem', role: 'alert', hidden: true });
    this.runs = element('div', { class: 'aimass-runs', role: 'group', 'aria-label': 'runs shown' });
    this.tables = element('div', { 'data-testid': 'aimass-compare-tables' });
    this.note = element('p', { class: 'aimass-empty' });
    this.title = element('strong', { class: 'aimass-name' });
    this.element = element(
      'section',
      {
        class: 'aimass aimass-compare',
        'data-testid': 'aimass-compare',
        'data-lm-suppress-shortcuts': 'true',
        'aria-label': 'compare runs'
      },
      element('header', { class: 'aimass-head' }, this.title, this.state),
      this.problem,
      this.runs,
      this.charts.element,
      this.note,
      this.tables
    );
  }

  update() {
    const { runs = [], params = {}, metrics = {} } = this.model.get('table');
    setText(this.title, runs.length ? plural(runs.length, 'run') : 'Runs');
    const active = runs.some(({ state }) => !['succeeded', 'failed', 'stopped', 'lost'].includes(state));
    showState(this.state, active ? 'live' : '', this.model.get('connection'));
    showProblem(this.problem, this.model.get('problem'));
    redraw(this.runs, [runs.map(({ id, name, state }) => [id, name, state]), [...this.settings.hidden]], () =>
      runs.map((run, at) => this.runButton(run, at))
    );
    const hidden = new Set(runs.flatMap(({ id }, at) => (this.settings.hidden.has(id) ? [at] : [])));
    const groups = comparedCharts(this.store.series, runs.map(({ name }) => name), hidden);
    this.charts.update(groups.slice(0, MAX_CHARTS));
    const more = groups.length - MAX_CHARTS;
    setText(this.note, more > 0 ? `${plural(more, 'chart')} more in TensorBoard.` : '');
    this.note.hidden = more <= 0;
    redraw(this.tables, [runs, params, metrics], () => comparedTables(runs, params, metrics));
  }

  /** Shows and hides the curves of a run. */
  runButton(run, at) {
    const shown = !this.settings.hidden.has(run.id);
    const flip = () => {
      if (shown) this.settings.hidden.add(run.id);
      else this.settings.hidden.delete(run.id);
      this.update();
    };
    const node = button('', flip, {
      class: 'aimass-button aimass-run',
      'aria-pressed': String(shown),
      'aria-label': `${shown ? 'hide' : 'show'} ${run.name}`,
      'data-key': run.id,
      'data-testid': `aimass-run-${at}`,
      title: run.id
    });
    const line = shape('line', { x1: 1, x2: 17, y1: 5, y2: 5, class: `aimass-line ${colourOf(at)}` });
    const sample = shape('svg', { width: 18, height: 10, 'aria-hidden': 'true' }, line);
    node.replaceChildren(sample, element('span', {}, run.name), element('span', { class: 'aimass-faint' }, run.state));
    return node;
  }
}

/** The metrics with the best marked, and the parameters that differ. */
function comparedTables(runs, params, metrics) {
  if (runs.length === 0) return [];
  const heads = runs.map(({ name }) => ({ text: name, number: true }));
  const scores = Object.entries(metrics).map(([name, { last, best, winner }]) => [
    name,
    ...last.map((value, at) => scoreCell(value, best[at], at === winner))
  ]);
  const differing = Object.entries(params).map(([name, values]) => [
    name,
    ...values.map(value => ({ text: value === null ? '–' : String(value), number: true }))
  ]);
  const none = element('p', { class: 'aimass-empty' }, 'Their parameters are the same.');
  return [
    element('h4', {}, 'Metrics'),
    tableBox('metrics of the runs', ['metric', ...heads], scores),
    element('h4', {}, 'Parameters that differ'),
    differing.length ? tableBox('parameters that differ', ['parameter', ...heads], differing) : none
  ];
}

/** The newest value, and the best where that is another; the best run of all is marked. */
function scoreCell(last, best, winner) {
  const shown = value => (value === null ? '–' : formatNumber(value));
  const was = best !== last && best !== null ? ` (best ${shown(best)})` : '';
  const node = element('span', {}, `${shown(last)}`, element('span', { class: 'aimass-faint' }, was));
  if (winner) node.append(' ', element('span', { class: 'aimass-badge' }, 'best'));
  return { node, number: true, mark: winner };
}

export default () => {
  const store = new JobStore();
  const settings = { charts: {}, hidden: new Set() };
  return {
    initialize({ model }) {
      store.follow(model);
    },
    render({ model, el }) {
      return mount(el, new CompareView(model, store, settings));
    }
  };
};
