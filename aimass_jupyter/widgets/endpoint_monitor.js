// How an endpoint is used: numbers, charts over time, versions and replicas, and what may be done.

import { element, mount, setText, showProblem } from './dom.js';
import { formatNumber, plural } from './format.js';
import { dense, TIMES } from './time_axis.js';
import { ChartSet, confirmed, redraw, showState, stateNode, tableBox } from './views.js';
import { WatchView } from './watching.js';

const TRAITS = ['card', 'course', 'connection', 'problem', 'busy', 'may', 'notice'];

class EndpointView extends WatchView {
  constructor(model, settings) {
    super(model, TRAITS, new ChartSet(settings.charts, TIMES));
  }

  build() {
    this.name = element('strong', { class: 'aimass-name' });
    this.state = stateNode();
    this.facts = element('span', { class: 'aimass-facts' });
    this.actions = element('span', { class: 'aimass-actions' });
    this.problem = element('div', { class: 'aimass-problem', role: 'alert', hidden: true });
    this.notice = element('div', { class: 'aimass-notice', role: 'status', hidden: true });
    this.numbers = element('dl', { class: 'aimass-metrics', 'aria-label': 'use of the endpoint' });
    this.tables = element('div');
    this.element = element(
      'section',
      {
        class: 'aimass aimass-watch aimass-monitor',
        'data-testid': 'aimass-endpoint',
        'data-lm-suppress-shortcuts': 'true'
      },
      element('header', { class: 'aimass-head' }, this.name, this.state, this.facts, this.actions),
      this.problem,
      this.notice,
      this.numbers,
      this.charts.element,
      this.tables
    );
  }

  update() {
    const card = this.model.get('card');
    this.element.dataset.state = { ready: 'succeeded', starting: 'starting' }[card.state] ?? card.state ?? '';
    this.element.dataset.connection = this.model.get('connection');
    this.element.setAttribute('aria-label', `endpoint ${card.endpoint ?? ''}`);
    setText(this.name, card.endpoint ?? 'endpoint');
    showState(this.state, card.state ?? '', this.model.get('connection'));
    setText(this.facts, card.model ? [card.model, card.message].filter(Boolean).join(' · ') : '');
    showProblem(this.problem, this.model.get('problem'));
    setText(this.notice, this.model.get('notice'));
    this.notice.hidden = this.model.get('notice') === '';
    this.drawActions(card);
    if (!card.model) return;
    redraw(this.numbers, [card.requests, card.errors, card.refused, card.latency, card.requests_per_second], () =>
      numbersOf(card)
    );
    this.charts.update(chartsOf(this.model.get('course')));
    redraw(this.tables, [card.versions, card.replicas], () => tablesOf(card));
  }

  drawActions(card) {
    const may = this.model.get('may') ?? [];
    const busy = this.model.get('busy');
    redraw(this.actions, [may, busy, card.previous], () => {
      if (busy) return [element('span', { class: 'aimass-faint' }, busy === 'stop' ? 'Stopping…' : 'Rolling back…')];
      const act = kind => () => this.model.send({ kind });
      const back = `Serve ${card.previous} again?`;
      return [
        may.includes('rollback')
          ? confirmed('Roll back', back, 'Roll back', act('rollback'), { 'data-testid': 'aimass-rollback' })
          : '',
        may.includes('stop')
          ? confirmed('Stop', 'Stop and delete this endpoint?', 'Stop it', act('stop'), { 'data-testid': 'aimass-stop-serving' })
          : ''
      ];
    });
  }
}

function numbersOf(card) {
  const { latency } = card;
  const ms = value => (value === null ? '–' : `${formatNumber(value)} ms`);
  const window = plural(Math.round(card.window_seconds / 60), 'minute');
  return [
    [`requests in ${window}`, card.requests.toLocaleString('en')],
    ['requests/s', formatNumber(card.requests_per_second)],
    ['errors', card.errors.toLocaleString('en'), card.errors > 0],
    ['refused', card.refused.toLocaleString('en')],
    ['latency p50', ms(latency.p50_ms)],
    ['p90', ms(latency.p90_ms)],
    ['p99', ms(latency.p99_ms)]
  ].map(([name, value, bad]) =>
    element('div', {}, element('dt', {}, name), element('dd', { class: bad ? 'aimass-bad' : null }, value))
  );
}

/** Charts over time; a time without a request has none of its own, and is drawn as nought. */
function chartsOf(course) {
  if (!course.at?.length) return [];
  const steps = dense([...course.at, course.until], 5);
  const place = new Map(course.at.map((at, index) => [at, index]));
  const column = (name, idle) =>
    steps.map(at => (place.has(at) ? course[name][place.get(at)] : idle));
  const line = (name, values) => ({ name, steps, values });
  return [
    {
      title: 'requests in 5 s',
      range: [0, 4],
      lines: [
        line('requests', column('requests', 0)),
        line('refused', column('refused', 0)),
        line('errors', column('errors', 0))
      ]
    },
    {
      title: 'latency, ms',
      range: [0],
      lines: ['p50', 'p90', 'p99'].map(name => line(name, column(`${name}_ms`, null)))
    }
  ];
}

function tablesOf(card) {
  const share = one => `${(100 * one.share).toFixed(one.share > 0 && one.share < 0.1 ? 1 : 0)} %`;
  const versions = card.versions.map(one => [
    one.model,
    { node: shareNode(one.share, share(one)), number: true },
    { text: one.requests.toLocaleString('en'), number: true },
    { text: one.errors.toLocaleString('en'), number: true }
  ]);
  const replicas = card.replicas.map(one => [one.model, one.state, { text: one.waiting, number: true }]);
  const numbers = names => names.map(text => ({ text, number: true }));
  return [
    element('h4', {}, 'Traffic by version'),
    versions.length
      ? tableBox('traffic by version', ['version', ...numbers(['share', 'requests', 'errors'])], versions)
      : element('p', { class: 'aimass-empty' }, 'No requests yet.'),
    element('h4', {}, plural(card.replicas.length, 'replica')),
    replicas.length
      ? tableBox('replicas', ['serves', 'state', ...numbers(['waiting'])], replicas)
      : element('p', { class: 'aimass-empty' }, 'None runs.')
  ];
}

function shareNode(share, text) {
  const fill = element('span', { class: 'aimass-fill' });
  fill.style.width = `${100 * share}%`;
  const track = element('span', { class: 'aimass-track', 'aria-hidden': 'true' }, fill);
  return element('span', { class: 'aimass-meter' }, track, text);
}

export default () => {
  const settings = { charts: {} };
  return {
    render({ model, el }) {
      return mount(el, new EndpointView(model, settings));
    }
  };
};
