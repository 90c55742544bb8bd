import assert from 'node:assert/strict';
import test from 'node:test';

import { comparedCharts } from '../../aimass_jupyter/widgets/compared.js';
import { forScreen, nearestIndex } from '../../aimass_jupyter/widgets/curve_points.js';
import { clockText, dense, timeTicks } from '../../aimass_jupyter/widgets/time_axis.js';

const curve = (run, tag, values = [1]) => ({
  tag: `${run}|${tag}`,
  steps: values.map((_, at) => at),
  values
});

test('a chart a curve, a line a run, in the colour of its run whoever is hidden', () => {
  const series = [
    curve(1, 'loss/train'),
    curve(0, 'loss/train'),
    curve(0, 'learning_rate'),
    curve(1, 'accuracy/validation'),
    curve(0, 'loss/validation'),
    curve(0, 'progress')
  ];
  const shown = comparedCharts(series, ['a', 'b']);
  assert.deepEqual(
    shown.map(({ title }) => title),
    ['loss/validation', 'accuracy/validation', 'loss/train', 'learning rate']
  );
  assert.deepEqual(
    shown[2].lines.map(({ name, colour }) => [name, colour]),
    [['a', 0], ['b', 1]]
  );
  const hidden = comparedCharts(series, ['a', 'b'], new Set([0]));
  assert.deepEqual(hidden[2].lines.map(({ colour }) => colour), [1]);
});

test('a long line is thinned once, with its peak', () => {
  const values = Array.from({ length: 100_000 }, (_, at) => (at === 54_321 ? 9 : Math.sin(at)));
  const line = { steps: values.map((_, at) => at), values };
  const drawn = forScreen(line, 3);
  assert.ok(drawn.values.length <= 1500);
  assert.equal(drawn.steps[drawn.values.indexOf(9)], 54_321);
  assert.equal(forScreen({ ...line, name: 'x' }, 3).values, drawn.values);
  const short = { steps: [0, 1], values: [1, null] };
  assert.equal(forScreen(short), short);
});

test('the nearest point', () => {
  assert.equal(nearestIndex([0, 10, 20], 14), 1);
  assert.equal(nearestIndex([0, 10, 20], 16), 2);
  assert.equal(nearestIndex([0, 10, 20], -5), 0);
  assert.equal(nearestIndex([0, 10, 20], 99), 2);
  assert.equal(nearestIndex([5], 1), 0);
});

test('ticks at round times, and the times between samples', () => {
  assert.deepEqual(timeTicks(1_000_000_020, 1_000_000_260, 5), [
    1_000_000_020, 1_000_000_080, 1_000_000_140, 1_000_000_200, 1_000_000_260
  ]);
  assert.deepEqual(timeTicks(7, 7), [7]);
  assert.deepEqual(timeTicks(Infinity, -Infinity), []);
  assert.ok(timeTicks(0, 864_000, 4).length <= 5);
  assert.match(clockText(1_000_000_020), /^\d\d:\d\d$/);
  assert.match(clockText(1_000_000_021), /^\d\d:\d\d:\d\d$/);
  assert.deepEqual(dense([5, 15], 5), [5, 10, 15]);
});
