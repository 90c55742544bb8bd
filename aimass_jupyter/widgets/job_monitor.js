// The view of a job. It shows what its model tells, and asks for two things: stop, and the whole.

import { Chart } from './chart.js';
import { groupCurves } from './curve_points.js';
import { button, drawOnChange, element, mount, setText, showProblem } from './dom.js';
import { formatBytes, formatNumber, formatSeconds, plural } from './format.js';
import { JobStore } from './job_store.js';
import { LogView } from './log_view.js';

const MAX_CHARTS = 12;
const TRAITS = ['card', 'connection', 'problem', 'busy', 'may'];
const WAITING = {
  queued: 'Waiting for a free slot.',
  starting: 'Starting the ranks.',
  running: 'The curves begin with the first step.',
  stopping: 'Stopping.'
};

class JobView {
  constructor(model, store, settings) {
    this.model = model;
    this.settings = settings;
    this.store = store;
    this.charts = new Map();
    this.log = new LogView(settings);
    this.build();
    this.draw = drawOnChange(model, TRAITS, () => this.update(), store.watchers);
    this.update();
    this.draw(); // once more when it is on the page and has a size
  }

  dispose() {
    this.draw.end();
    for (const chart of this.charts.values()) chart.dispose();
  }

  build() {
    this.name = element('strong', { class: 'aimass-name' });
    this.state = element('span', { class: 'aimass-pill', role: 'status', 'aria-live': 'polite' });
    this.facts = element('span', { class: 'aimass-facts' });
    this.actions = element('span', { class: 'aimass-actions' });
    this.bar = element('div', { class: 'aimass-bar' });
    this.progress = element(
      'div',
      { class: 'aimass-progress', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 },
      this.bar
    );
    this.time = element('div', { class: 'aimass-time' });
    this.problem = element('div', { class: 'aimass-problem', role: 'alert', hidden: true });
    this.plots = element('div', { class: 'aimass-charts' });
    this.waiting = element('p', { class: 'aimass-empty' });
    this.outcome = element('div', { class: 'aimass-outcome', 'data-testid': 'aimass-outcome' });
    this.element = element(
      'section',
      {
        class: 'aimass aimass-monitor',
        'data-testid': 'aimass-monitor',
        'data-lm-suppress-shortcuts': 'true',
        'aria-label': 'job'
      },
      element('header', { class: 'aimass-head' }, this.name, this.state, this.facts, this.actions),
      this.progress,
      this.time,
      this.problem,
      this.outcome,
      this.plots,
      this.waiting,
      this.log.element
    );
  }

  update() {
    const card = this.model.get('card');
    const connection = this.model.get('connection');
    this.element.dataset.state = card.state ?? '';
    this.element.dataset.connection = connection;
    this.element.setAttribute('aria-label', `job ${card.name ?? ''}`);
    showProblem(this.problem, this.model.get('problem'));
    this.updateHead(card, connection);
    this.updateProgress(card);
    this.updateActions(card);
    this.updateCharts(card);
    this.updateOutcome(card);
    this.log.update(this.store);
  }

  updateHead(card, connection) {
    setText(this.name, card.name ?? 'job');
    setText(
      this.state,
      connection === 'reconnecting' ? `${card.state} · reconnecting` : (card.state ?? '…')
    );
    const where = card.np > 1 ? `${card.np} ranks on ${card.engine}` : card.engine;
    const begun = card.start ? `${where}, ${card.start} start` : where;
    const how = card.restarts ? `${begun}, ${plural(card.restarts, 'restart')}` : begun;
    const what = card.dataset ? `${card.algorithm} on ${card.dataset}` : card.algorithm;
    setText(this.facts, card.id ? `${what} · ${how}` : '');
    this.facts.title = card.id ?? '';
  }

  updateProgress(card) {
    const percent = Math.round(100 * (card.state === 'succeeded' ? 1 : (card.fraction ?? 0)));
    this.bar.style.width = `${percent}%`;
    this.progress.setAttribute('aria-valuenow', percent);
    this.progress.setAttribute('aria-label', `progress of ${card.name ?? 'the job'}`);
    setText(this.time, timeOf(card, percent));
  }

  /** The stop button, or the question whether it is meant. */
  updateActions(card) {
    const stopping = card.state === 'stopping' || this.model.get('busy') === 'stop';
    const kind =
      !card.id || card.final || !this.model.get('may').includes('stop')
        ? 'none'
        : stopping
          ? 'stopping'
          : this.settings.asking
            ? 'ask'
            : 'stop';
    if (this.actions.dataset.kind === kind) return;
    this.actions.dataset.kind = kind;
    this.actions.replaceChildren(...this.actionElements(kind));
  }

  actionElements(kind) {
    if (kind === 'ask') return this.question();
    if (kind === 'none') return [];
    const ask = () => this.ask(true);
    const label = kind === 'stop' ? 'Stop' : 'Stopping…';
    return [
      button(label, ask, { disabled: kind !== 'stop', 'data-testid': 'aimass-monitor-stop' })
    ];
  }

  question() {
    const stop = () => {
      this.model.send({ kind: 'stop' });
      this.ask(false);
    };
    const strong = {
      class: 'aimass-button aimass-danger',
      'data-testid': 'aimass-monitor-confirm'
    };
    const escape = event => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.ask(false);
    };
    const keep = button('Keep running', () => this.ask(false));
    queueMicrotask(() => keep.focus());
    return [
      element(
        'span',
        { role: 'group', 'aria-label': 'stop this job?', onkeydown: escape },
        element('span', { class: 'aimass-question' }, 'Stop this job?'),
        button('Stop it', stop, strong),
        keep
      )
    ];
  }

  ask(asking) {
    this.settings.asking = asking;
    this.updateActions(this.model.get('card'));
    if (!asking) this.actions.querySelector('button')?.focus();
  }

  updateCharts(card) {
    const groups = groupCurves(this.store.series);
    const shown = groups.slice(0, MAX_CHARTS);
    for (const { title, lines } of shown) this.chart(title).update(lines);
    this.arrange(shown.map(({ title }) => this.charts.get(title).element));
    const more = groups.length - MAX_CHARTS;
    const empty = groups.length || card.final ? '' : (WAITING[card.state] ?? '');
    const note = more > 0 ? `${plural(more, 'chart')} more in TensorBoard.` : empty;
    setText(this.waiting, note);
    this.waiting.hidden = note === '';
  }

  chart(title) {
    if (!this.charts.has(title)) {
      this.settings.charts[title] ??= { logarithmic: false };
      this.charts.set(title, new Chart(title, this.settings.charts[title]));
    }
    return this.charts.get(title);
  }

  /** Put the charts in their order; a chart that is there already keeps its focus. */
  arrange(charts) {
    charts.forEach((chart, at) => {
      const there = this.plots.children[at] ?? null;
      if (there !== chart) this.plots.insertBefore(chart, there);
    });
    while (this.plots.children.length > charts.length) this.plots.lastChild.remove();
  }

  updateOutcome(card) {
    const shown = JSON.stringify([
      card.final,
      card.metrics,
      card.model,
      card.cause,
      card.warnings,
      card.damaged_bytes,
      card.not_finite
    ]);
    if (this.outcome.dataset.shown === shown) return;
    this.outcome.dataset.shown = shown;
    this.outcome.replaceChildren(...(card.final ? outcome(card) : []), ...warnings(card), ...damage(card));
  }
}

/** How long it ran and how long it will. */
function timeOf(card, percent) {
  const ran = card.elapsed_seconds === null ? '' : formatSeconds(card.elapsed_seconds ?? 0);
  if (card.final) return ran ? `ran ${ran}` : 'never ran';
  if (!ran) return '';
  const left = card.eta_seconds === null ? '' : ` · about ${formatSeconds(card.eta_seconds)} left`;
  return `${percent} % · ${ran}${left}`;
}

/** What came of it, why, and what to do next. */
function outcome(card) {
  const failed = card.state === 'failed' || card.state === 'lost';
  return [
    failed && card.cause ? causeElement(card.cause) : null,
    card.state === 'stopped' && card.cause ? element('p', {}, `${card.cause.message}.`) : null,
    Object.keys(card.metrics).length ? metricsElement(card.metrics) : null,
    card.model
      ? element('p', {}, 'Model ', element('strong', {}, card.model), ' is registered.')
      : null,
    element('p', { class: 'aimass-next' }, 'Next: ', element('code', {}, card.next))
  ].filter(part => part !== null);
}

function causeElement(cause) {
  const said = cause.rank === null || cause.message.includes(`rank ${cause.rank}`);
  const rank = said ? '' : ` (rank ${cause.rank})`;
  const lines = cause.last_lines.length ? element('pre', {}, cause.last_lines.join('\n')) : null;
  return element(
    'div',
    { class: 'aimass-cause', role: 'alert', 'data-testid': 'aimass-cause' },
    element('strong', {}, `${cause.message}${rank}`),
    lines
  );
}

function metricsElement(metrics) {
  const entries = Object.entries(metrics).map(([name, value]) =>
    element(
      'div',
      {},
      element('dt', {}, name.replaceAll('_', ' ')),
      element('dd', {}, formatNumber(value))
    )
  );
  return element(
    'dl',
    { class: 'aimass-metrics', 'aria-label': 'metrics at the end' },
    ...entries
  );
}

/** What a person should know of its course: restarts, a standstill, a loss that is no number. */
function warnings(card) {
  return (card.warnings ?? []).map(text =>
    element('p', { class: 'aimass-warning', role: 'status', 'data-testid': 'aimass-warning' }, text)
  );
}

/** What the curves do not show: damaged stretches, and values that are no numbers. */
function damage(card) {
  const notes = Object.entries(card.not_finite ?? {}).map(
    ([tag, count]) => `${plural(count, 'value')} of ${tag} ${count === 1 ? 'is' : 'are'} NaN or infinite.`
  );
  if (card.damaged_bytes)
    notes.unshift(
      `${formatBytes(card.damaged_bytes)} of the event file are damaged ` +
        `(${plural(card.gaps, 'gap')}); points may be missing.`
    );
  return notes.map(note => element('p', { class: 'aimass-empty' }, note));
}

export default () => {
  const store = new JobStore();
  const settings = { charts: {}, rank: '', logOpen: true, asking: false };
  return {
    initialize({ model }) {
      store.follow(model);
    },
    render({ model, el }) {
      return mount(el, new JobView(model, store, settings));
    }
  };
};
