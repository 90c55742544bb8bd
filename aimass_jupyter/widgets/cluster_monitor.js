// A cluster: its slots, its nodes and their use, who uses it, who waits.

import { button, element, mount, setText, showProblem } from './dom.js';
import { formatBytes, formatMemory, plural } from './format.js';
import { TIMES } from './time_axis.js';
import { ChartSet, redraw, showState, stateNode, tableBox } from './views.js';
import { WatchView } from './watching.js';

const TRAITS = ['card', 'jobs', 'course', 'connection', 'problem', 'busy', 'may'];
const CHARTS = [
  ['CPU, %', [['cpu_percent', '']], [0, 100]],
  ['memory, %', [['memory_percent', '']], [0, 100]],
  [
    'network, kB/s',
    [
      ['received_bytes_per_second', ' in'],
      ['sent_bytes_per_second', ' out']
    ],
    [0]
  ]
];

class ClusterView extends WatchView {
  constructor(model, settings) {
    super(model, TRAITS, new ChartSet(settings.charts, TIMES));
  }

  build() {
    this.name = element('strong', { class: 'aimass-name' });
    this.state = stateNode();
    this.facts = element('span', { class: 'aimass-facts' });
    this.fill = element('div', { class: 'aimass-bar' });
    this.bar = element(
      'div',
      { class: 'aimass-progress', role: 'meter', 'aria-label': 'slots used', 'aria-valuemin': 0 },
      this.fill
    );
    this.problem = element('div', { class: 'aimass-problem', role: 'alert', hidden: true });
    this.nodes = element('div', { 'data-testid': 'aimass-nodes' });
    this.using = element('div', { 'data-testid': 'aimass-using' });
    this.waiting = element('div', { 'data-testid': 'aimass-waiting' });
    this.element = element(
      'section',
      {
        class: 'aimass aimass-watch aimass-monitor',
        'data-testid': 'aimass-cluster',
        'data-lm-suppress-shortcuts': 'true'
      },
      element('header', { class: 'aimass-head' }, this.name, this.state, this.facts),
      this.bar,
      this.problem,
      this.nodes,
      this.charts.element,
      this.using,
      this.waiting
    );
  }

  update() {
    const card = this.model.get('card');
    this.element.dataset.connection = this.model.get('connection');
    this.element.setAttribute('aria-label', `cluster ${card.name ?? ''}`);
    setText(this.name, card.name ?? 'cluster');
    showState(this.state, card.state ?? '', this.model.get('connection'));
    showProblem(this.problem, this.model.get('problem'));
    this.bar.hidden = !card.nodes;
    if (!card.nodes) return;
    setText(this.facts, `${card.slots_used} of ${plural(card.slots, 'slot')} used · ${plural(card.nodes.length, 'node')}`);
    this.fill.style.width = `${(100 * card.slots_used) / Math.max(1, card.slots)}%`;
    this.bar.setAttribute('aria-valuenow', card.slots_used);
    this.bar.setAttribute('aria-valuemax', card.slots);
    const may = this.model.get('may') ?? [];
    redraw(this.nodes, [card.nodes, may, this.model.get('busy')], () => [this.nodeTable(card.nodes, may)]);
    this.charts.update(chartsOf(this.model.get('course')));
    const { using = [], waiting = [] } = this.model.get('jobs');
    redraw(this.using, using, () => usingParts(using));
    redraw(this.waiting, waiting, () => waitingParts(waiting));
  }

  nodeTable(nodes, may) {
    const offered = may.length > 0;
    const numbers = ['slots', 'CPU', 'memory', 'disk', 'network'].map(text => ({ text, number: true }));
    const heads = ['node', 'state', ...numbers, ...(offered ? [''] : [])];
    const rows = nodes.map(node => [
      node.profile ? `${node.name} (${node.profile})` : node.name,
      [node.state, node.reason].filter(Boolean).join(': '),
      ...nodeCells(node),
      ...(offered ? [{ node: this.nodeAction(node) }] : [])
    ]);
    return tableBox('nodes of the cluster', heads, rows);
  }

  nodeAction(node) {
    const kind = node.state === 'ready' ? 'drain' : 'resume';
    const label = kind === 'drain' ? 'Drain' : 'Resume';
    if (node.state === 'down') return element('span');
    return button(label, () => this.model.send({ kind, node: node.name }), {
      disabled: this.model.get('busy') !== '',
      'aria-label': `${kind} ${node.name}`,
      'data-key': `${kind}-${node.name}`
    });
  }
}

function nodeCells({ slots, slots_used: used, cpus, now }) {
  const cell = text => ({ text, number: true });
  const places = cell(`${used} of ${slots}`);
  if (!now) return [places, cell('–'), cell('–'), cell('–'), cell('–')];
  const rate = `${formatBytes(now.received_bytes_per_second)}/s in, ${formatBytes(now.sent_bytes_per_second)}/s out`;
  return [
    places,
    { node: meter(now.cpu_percent, cpus ? `${Math.round(now.cpu_percent)} % of ${cpus}` : ''), number: true },
    { node: meter(now.memory_percent, formatMemory(now.memory_bytes)), number: true },
    { node: meter(now.disk_percent, formatBytes(now.disk_bytes)), number: true },
    cell(rate)
  ];
}

function meter(percent, text) {
  const fill = element('span', { class: percent > 90 ? 'aimass-fill aimass-full' : 'aimass-fill' });
  fill.style.width = `${Math.min(100, percent)}%`;
  const track = element('span', { class: 'aimass-track', 'aria-hidden': 'true' }, fill);
  return element('span', { class: 'aimass-meter', title: `${Math.round(percent)} %` }, track, text);
}

/** A chart a quantity, a line a node. */
function chartsOf(course) {
  const nodes = Object.entries(course).filter(([, { at }]) => at?.length > 0);
  if (nodes.length === 0) return [];
  const lines = (name, suffix) =>
    nodes.map(([node, columns]) => ({
      name: `${node}${suffix}`,
      steps: columns.at,
      values: name.endsWith('per_second') ? columns[name].map(value => value / 1000) : columns[name]
    }));
  return CHARTS.map(([title, columns, range]) => ({
    title,
    range,
    lines: columns.flatMap(([name, suffix]) => lines(name, suffix))
  }));
}

function usingParts(using) {
  const number = text => ({ text, number: true });
  const rows = using.map(one => [
    one.job ? one.name : 'jobs of other tenants',
    one.owner || '–',
    one.node,
    number(`${Math.round(one.cpu_percent)} %`),
    number(formatMemory(one.memory_bytes)),
    number(one.processes)
  ]);
  const heads = ['job', 'owner', 'node', ...['CPU of a core', 'memory', 'processes'].map(number)];
  const none = element('p', { class: 'aimass-empty' }, 'No job runs on it now.');
  return [element('h4', {}, 'Who uses it'), rows.length ? tableBox('who uses the cluster', heads, rows) : none];
}

function waitingParts(waiting) {
  const rows = waiting.map(one => [
    one.name,
    one.owner,
    { text: one.np, number: true },
    one.priority,
    new Date(one.created_at).toLocaleTimeString(undefined, { timeStyle: 'short' })
  ]);
  const heads = ['job', 'owner', { text: 'ranks', number: true }, 'priority', 'since'];
  const none = element('p', { class: 'aimass-empty' }, 'No job waits for it.');
  return [element('h4', {}, 'Queue'), rows.length ? tableBox('the queue', heads, rows) : none];
}

export default () => {
  const settings = { charts: {} };
  return {
    render({ model, el }) {
      return mount(el, new ClusterView(model, settings));
    }
  };
};
