// One chart: lines with axes, a legend that shows values, a logarithmic scale on demand.

import { button, element, setText, shape } from './dom.js';
import { formatNumber } from './format.js';
import {
  extentOf,
  forScreen,
  linePath,
  linearTicks,
  logTicks,
  makeScale,
  nearestIndex
} from './curve_points.js';

const HEIGHT = 168;
const MARGIN = { left: 48, right: 10, top: 8, bottom: 20 };
const COLOURS = 6;

/** The x axis of curves: the step. Others name a point, their ticks and what is missing in their own way. */
const STEPS = {
  label: 'step',
  ticks: linearTicks,
  tick: formatNumber,
  point: step => `step ${step}`,
  value: formatNumber
};

export class Chart {
  /** `settings.logarithmic` outlives the chart: a view made again looks as it did. */
  constructor(title, settings, axis = STEPS) {
    this.title = title;
    this.settings = settings;
    this.axis = axis;
    this.lines = [];
    this.range = [];
    this.cursor = null;
    this.legend = element('ul', { class: 'aimass-legend' });
    this.said = element('span', { class: 'aimass-hidden', 'aria-live': 'polite' });
    this.svg = shape('svg', {
      class: 'aimass-plot',
      role: 'img',
      tabindex: 0,
      height: HEIGHT,
      onpointermove: event => this.point(event),
      onpointerleave: () => this.moveTo(null),
      onkeydown: event => this.key(event),
      onblur: () => this.moveTo(null)
    });
    this.element = element(
      'figure',
      { class: 'aimass-chart', 'data-testid': `aimass-chart-${title.replaceAll(' ', '-')}` },
      element('figcaption', {}, element('span', {}, title), this.toggle()),
      this.svg,
      this.legend,
      this.said
    );
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.svg);
    this.away = false;
    this.inSight = new IntersectionObserver(entries => this.comeOrGo(entries.at(-1)), {
      rootMargin: '200px'
    });
    this.inSight.observe(this.svg);
  }

  /** What nobody sees is not drawn; once it comes into sight, it is as it should be. */
  comeOrGo({ isIntersecting }) {
    this.away = !isIntersecting;
    if (isIntersecting && this.stale) this.draw();
  }

  dispose() {
    this.resized.disconnect();
    this.inSight.disconnect();
  }

  /** The button for a logarithmic scale, where one is of use. */
  toggle() {
    if (!/loss|error|rate/.test(this.title)) return null;
    const flip = () => {
      this.settings.logarithmic = !this.settings.logarithmic;
      node.setAttribute('aria-pressed', String(this.settings.logarithmic));
      this.draw();
    };
    const node = button('log', flip, {
      class: 'aimass-button aimass-toggle',
      'aria-pressed': String(Boolean(this.settings.logarithmic)),
      'aria-label': `logarithmic scale for ${this.title}`
    });
    return node;
  }

  /** Show these lines, of a long one as much as a screen shows; `range` is on the scale at least. */
  update(lines, range = []) {
    this.range = range;
    this.lines = lines.map((line, at) => ({ colour: at, ...forScreen(line, lines.length) }));
    this.draw();
  }

  /** Values that have a place on the scale. */
  get usable() {
    return this.settings.logarithmic
      ? value => value !== null && value > 0
      : value => value !== null;
  }

  draw() {
    this.stale = this.away;
    this.svg.setAttribute('aria-label', this.summary());
    if (!this.away) this.drawPlot();
    this.drawLegend();
  }

  drawPlot() {
    const width = this.svg.clientWidth || 320;
    const steps = extentOf(this.lines.flatMap(line => line.steps));
    const values = extentOf(
      [...this.lines.flatMap(line => line.values), ...this.range],
      this.usable
    );
    const empty = values[0] > values[1];
    const logarithmic = this.settings.logarithmic && !empty;
    this.x = makeScale(steps, [MARGIN.left, width - MARGIN.right]);
    this.y = makeScale(empty ? [0, 1] : values, [HEIGHT - MARGIN.bottom, MARGIN.top], logarithmic);
    const ticks = empty ? [] : logarithmic ? logTicks(...values) : linearTicks(...values);
    this.svg.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
    this.guide = shape('g', { class: 'aimass-guide' });
    this.svg.replaceChildren(
      ...ticks.flatMap(tick => this.yTick(tick, width)),
      ...this.axis
        .ticks(...steps, Math.max(2, Math.floor(width / 65)))
        .map(tick => this.xTick(tick)),
      shape('text', { x: 0, y: HEIGHT - 5 }, this.axis.label),
      ...this.lines.flatMap(line => this.drawLine(line)),
      this.guide
    );
    this.drawGuide();
  }

  yTick(tick, width) {
    const y = this.y(tick).toFixed(1);
    const label = { x: MARGIN.left - 6, y, 'text-anchor': 'end', 'dominant-baseline': 'middle' };
    return [
      shape('line', {
        class: 'aimass-grid',
        x1: MARGIN.left,
        x2: width - MARGIN.right,
        y1: y,
        y2: y
      }),
      shape('text', label, formatNumber(tick))
    ];
  }

  xTick(tick) {
    const place = { x: this.x(tick).toFixed(1), y: HEIGHT - 5, 'text-anchor': 'middle' };
    return shape('text', place, this.axis.tick(tick));
  }

  /** A path; a single point is too small to see, and gets a dot. */
  drawLine(line) {
    const shown = line.values.filter(this.usable).length;
    const d = linePath(line, this.x, this.y, this.usable);
    const path = shape('path', { class: `aimass-line ${colourOf(line.colour)}`, d });
    return shown === 1 ? [path, ...this.dot(line, line.values.findIndex(this.usable))] : [path];
  }

  /** Show the value at the cursor, or the newest one. */
  drawLegend() {
    const colours = this.lines.map(({ colour }) => colour).join();
    if (this.legend.dataset.colours !== colours) {
      this.legend.dataset.colours = colours;
      this.legend.replaceChildren(...this.lines.map(legendEntry));
    }
    this.lines.forEach((line, at) => {
      const [, name, value] = this.legend.children[at].children;
      setText(name, line.name);
      setText(value, this.axis.value(line.values[this.indexOn(line)]));
    });
  }

  indexOn(line) {
    return this.cursor === null ? line.values.length - 1 : nearestIndex(line.steps, this.cursor);
  }

  drawGuide() {
    if (this.cursor === null || this.lines.length === 0) return this.guide.replaceChildren();
    const x = this.x(this.cursor).toFixed(1);
    const right = this.cursor > (this.longest().steps.at(-1) + this.longest().steps[0]) / 2;
    const label = {
      x,
      dx: right ? -5 : 5,
      y: MARGIN.top + 6,
      'text-anchor': right ? 'end' : 'start'
    };
    const dots = this.lines.flatMap(line => this.dot(line, this.indexOn(line)));
    return this.guide.replaceChildren(
      shape('line', { x1: x, x2: x, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }),
      shape('text', label, this.axis.point(this.cursor)),
      ...dots
    );
  }

  dot(line, index) {
    const value = line.values[index];
    if (!this.usable(value)) return [];
    const place = { cx: this.x(line.steps[index]).toFixed(1), cy: this.y(value).toFixed(1), r: 3 };
    return [shape('circle', { class: `aimass-dot ${colourOf(line.colour)}`, ...place })];
  }

  longest() {
    return this.lines.reduce((a, b) => (b.steps.length > a.steps.length ? b : a));
  }

  moveTo(step) {
    if (this.cursor === step) return;
    this.cursor = step;
    this.drawLegend();
    this.drawGuide();
  }

  /** Follow the pointer to the nearest point of the finest line. */
  point(event) {
    if (this.lines.length === 0) return;
    const { steps } = this.longest();
    const x = event.clientX - this.svg.getBoundingClientRect().left;
    const [from, to] = [this.x(steps[0]), this.x(steps.at(-1))];
    const share = to > from ? (x - from) / (to - from) : 0;
    this.moveTo(steps[nearestIndex(steps, steps[0] + share * (steps.at(-1) - steps[0]))]);
  }

  /** Arrow keys walk from point to point, and say what is there. */
  key(event) {
    if (this.lines.length === 0) return;
    const { steps } = this.longest();
    const at = this.cursor === null ? steps.length - 1 : nearestIndex(steps, this.cursor);
    const places = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: steps.length - 1 };
    if (!(event.key in places)) return;
    event.preventDefault();
    event.stopPropagation();
    this.moveTo(steps[Math.min(steps.length - 1, Math.max(0, places[event.key]))]);
    setText(this.said, `${this.axis.point(this.cursor)}: ${this.values()}`);
  }

  values() {
    return this.lines
      .map(line => `${line.name} ${this.axis.value(line.values[this.indexOn(line)])}`)
      .join(', ');
  }

  summary() {
    return `${this.title}: ${this.values()}. Arrow keys read the points.`;
  }
}

/** Six colours; the next six lines have them again, with other dashes. */
export function colourOf(number) {
  return `aimass-colour-${number % COLOURS} aimass-round-${Math.floor(number / COLOURS) % 3}`;
}

function legendEntry(line) {
  const sample = shape('line', {
    x1: 1,
    x2: 17,
    y1: 5,
    y2: 5,
    class: `aimass-line ${colourOf(line.colour)}`
  });
  return element(
    'li',
    {},
    shape('svg', { width: 18, height: 10, 'aria-hidden': 'true' }, sample),
    element('span', {}, line.name),
    element('span', { class: 'aimass-value' })
  );
}
