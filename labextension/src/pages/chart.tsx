/**
 * Curves over steps as a drawing that follows the theme: thinned to what can be seen, with every
 * peak kept; a value that is no number leaves a gap. Under the pointer the legend reads the values.
 */
import React, { useMemo, useState } from 'react';

import { formatNumber, metricName } from '../format';
import { trans } from '../i18n';
import { type IRange, rangeOf, shortNumber, ticksOf } from './axis';

export interface ICurve {
  readonly label: string;
  readonly steps: readonly number[];
  readonly values: readonly (number | null)[];
}

/** What is drawn in one chart: `loss/train` and `loss/validation` belong to `loss`. */
export interface IChart {
  readonly title: string;
  readonly curves: ICurve[];
}

const WIDTH = 480;
const HEIGHT = 180;
const LEFT = 52;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;
const COLOURS = 6;
const MOST_TICKS = { across: 5, up: 4 };
const BUCKETS = WIDTH - LEFT - RIGHT;

interface IChartProps {
  title: string;
  curves: ICurve[];
  /** What a step is called at the end of the axis. */
  format?: (step: number) => string;
}

export function Charts({ charts }: { charts: readonly IChart[] }): JSX.Element {
  return (
    <div className="aimass-Charts">
      {charts.map(({ title, curves }) => (
        <Chart key={title} title={title} curves={curves} />
      ))}
    </div>
  );
}

export function Chart({ title, curves, format = stepOf }: IChartProps): JSX.Element {
  const [at, setAt] = useState<number | null>(null);
  const thinned = useMemo(() => curves.map(thin), [curves]);
  const steps = thinned.flatMap(curve => curve.steps);
  const x = rangeOf(steps);
  const y = rangeOf(thinned.flatMap(({ values }) => values.filter(value => value !== null)));
  if (!x || !y) {
    return (
      <p className="aimass-Empty">{trans.__('%1 has no point that can be drawn yet.', title)}</p>
    );
  }
  const point = (event: React.PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * WIDTH;
    setAt(x.low + ((place - LEFT) / BUCKETS) * (x.high - x.low));
  };
  return (
    <figure className="aimass-Chart" data-testid={`aimass-chart-${title}`}>
      <figcaption>{metricName(title)}</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={describe(title, curves)}
        onPointerMove={point}
        onPointerLeave={() => setAt(null)}
      >
        <Frame x={x} y={y} steps={stepTicks(steps, x)} format={format} />
        {thinned.map((curve, index) => (
          <g key={curve.label} data-colour={index % COLOURS}>
            <path d={pathOf(curve, x, y)} />
            {lonely(curve).map(([step, value]) => (
              <circle key={step} cx={across(step, x)} cy={down(value, y)} r={2.5} />
            ))}
          </g>
        ))}
        {at !== null && (
          <line x1={across(at, x)} x2={across(at, x)} y1={TOP} y2={HEIGHT - BOTTOM} />
        )}
      </svg>
      <Legend curves={curves} at={at} />
    </figure>
  );
}

function stepOf(step: number): string {
  return trans.__('step %1', step);
}

interface IFrameProps {
  x: IRange;
  y: IRange;
  /** Those that are written under the axis. */
  steps: readonly number[];
  format: (step: number) => string;
}

function Frame({ x, y, steps, format }: IFrameProps): JSX.Element {
  return (
    <>
      {ticksOf(y, MOST_TICKS.up).map(value => (
        <React.Fragment key={value}>
          <line
            className="aimass-Chart-grid"
            x1={LEFT}
            x2={WIDTH - RIGHT}
            y1={down(value, y)}
            y2={down(value, y)}
          />
          <text x={LEFT - 6} y={down(value, y)} textAnchor="end" dominantBaseline="middle">
            {shortNumber(value)}
          </text>
        </React.Fragment>
      ))}
      {steps.map((step, index) => (
        <text key={step} x={across(step, x)} y={HEIGHT - 5} textAnchor={anchorOf(step, x)}>
          {index === steps.length - 1 ? format(step) : shortNumber(step)}
        </text>
      ))}
    </>
  );
}

/** The steps to write: the only one there is, or round ones; whole ones where all of them are. */
function stepTicks(steps: readonly number[], x: IRange): number[] {
  if (steps.every(step => step === steps[0])) {
    return [steps[0]];
  }
  const isWhole = steps.every(Number.isInteger);
  return ticksOf(x, MOST_TICKS.across).filter(tick => !isWhole || Number.isInteger(tick));
}

/** Points without a neighbour: a line would not show them. */
function lonely({ steps, values }: ICurve): [number, number][] {
  const known = (index: number) => values[index] !== null && values[index] !== undefined;
  return values.flatMap((value, index): [number, number][] =>
    value === null || known(index - 1) || known(index + 1) ? [] : [[steps[index], value]]
  );
}

/** Where a number stands under the axis: none of it outside of the drawing. */
function anchorOf(step: number, x: IRange): 'start' | 'middle' | 'end' {
  return across(step, x) > WIDTH - RIGHT - 30 ? 'end' : 'middle';
}

/** The newest value of each curve, or the one at a step. */
function Legend({ curves, at }: { curves: ICurve[]; at: number | null }): JSX.Element {
  return (
    <ul>
      {curves.map((curve, index) => (
        <li key={curve.label}>
          <span data-colour={index % COLOURS} aria-hidden />
          {metricName(curve.label)} <b>{valueAt(curve, at)}</b>
        </li>
      ))}
    </ul>
  );
}

function valueAt({ steps, values }: ICurve, at: number | null): string {
  const later = at === null ? -1 : steps.findIndex(step => step >= at);
  const index = later < 0 ? values.length - 1 : later;
  return index < 0 ? '' : formatNumber(values[index]);
}

/** What somebody hears who does not see it. */
function describe(title: string, curves: ICurve[]): string {
  const told = curves.map(({ label, values }) => {
    const known = values.filter(value => value !== null);
    const [first, last] = [known[0], known[known.length - 1]].map(v => formatNumber(v ?? null));
    return trans.__('%1 from %2 to %3', label, first, last);
  });
  return `${title}: ${told.join(', ')}`;
}

function across(step: number, { low, high }: IRange): number {
  return LEFT + ((step - low) / (high - low)) * BUCKETS;
}

function down(value: number, { low, high }: IRange): number {
  return TOP + (1 - (value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM);
}

function pathOf({ steps, values }: ICurve, x: IRange, y: IRange): string {
  let pen = 'M';
  return values
    .map((value, index) => {
      if (value === null) {
        pen = 'M';
        return '';
      }
      const part = `${pen}${across(steps[index], x).toFixed(1)} ${down(value, y).toFixed(1)}`;
      pen = 'L';
      return part;
    })
    .join('');
}

/** Of each stretch that is one pixel wide: its lowest, its highest and a gap, in their order. */
export function thin(curve: ICurve): ICurve {
  const { values } = curve;
  if (values.length <= 2 * BUCKETS) {
    return curve;
  }
  const width = values.length / BUCKETS;
  const kept = new Set<number>([0, values.length - 1]);
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    extremes(values, Math.floor(bucket * width), Math.floor((bucket + 1) * width)).forEach(index =>
      kept.add(index)
    );
  }
  const order = [...kept].sort((one, other) => one - other);
  return {
    label: curve.label,
    steps: order.map(index => curve.steps[index]),
    values: order.map(index => values[index])
  };
}

function extremes(values: readonly (number | null)[], from: number, to: number): number[] {
  let [low, high, gap] = [-1, -1, -1];
  for (let index = from; index < to; index++) {
    const value = values[index];
    if (value === null) {
      gap = index;
      continue;
    }
    low = low < 0 || value < values[low]! ? index : low;
    high = high < 0 || value > values[high]! ? index : high;
  }
  return [low, high, gap].filter(index => index >= 0);
}
