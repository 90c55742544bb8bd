// The pure functions behind the charts.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  extentOf,
  groupCurves,
  joinSeries,
  linePath,
  linearTicks,
  logTicks,
  makeScale,
  nearestIndex,
  thin
} from '../../aimass_jupyter/widgets/curve_points.js';

/** A small generator of numbers, the same in every run (xorshift32). */
function* randomNumbers(seed) {
  let state = seed;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield (state >>> 0) / 2 ** 32;
  }
}

test('thinning keeps the ends, the peaks and the gaps, and stays under the limit', () => {
  const random = randomNumbers(7);
  const next = () => random.next().value;
  for (let round = 0; round < 300; round += 1) {
    const count = Math.floor(next() * 400);
    const limit = 8 + Math.floor(next() * 80);
    const values = Array.from({ length: count }, () => (next() < 0.1 ? null : next() * 10 - 5));
    const steps = values.map((_, index) => (round % 2 ? index * 3 : Math.floor(next() * 1e6)));
    const kept = thin(steps, values, limit);
    assert.ok(kept.length <= Math.max(limit, 0));
    assert.deepEqual(
      kept,
      [...new Set(kept)].sort((a, b) => a - b)
    );
    if (count === 0) continue;
    assert.equal(kept[0], 0);
    assert.equal(kept.at(-1), count - 1);
    const chosen = kept.map(index => values[index]);
    assert.deepEqual(extentOf(chosen), extentOf(values));
    assert.equal(chosen.includes(null), values.includes(null));
  }
});

test('points are joined by tag, and a long curve is thinned', () => {
  const old = [{ tag: 'a', steps: [0], values: [1] }];
  const joined = joinSeries(old, [
    { tag: 'a', steps: [1], values: [null] },
    { tag: 'b', steps: [5], values: [2] }
  ]);
  assert.deepEqual(joined, [
    { tag: 'a', steps: [0, 1], values: [1, null] },
    { tag: 'b', steps: [5], values: [2] }
  ]);
  assert.deepEqual(old, [{ tag: 'a', steps: [0], values: [1] }]);
  let long = [];
  for (let first = 0; first < 5000; first += 10) {
    const steps = Array.from({ length: 10 }, (_, at) => first + at);
    long = joinSeries(long, [{ tag: 'a', steps, values: steps.map(step => step % 9) }], 100);
  }
  assert.ok(long[0].steps.length <= 100);
  assert.equal(long[0].steps.at(-1), 4999);
});

test('curves are grouped by quantity: losses first, the run itself last, progress not at all', () => {
  const tags = [
    'progress/fraction',
    'speed/rows_per_second',
    'accuracy/validation',
    'loss/train',
    'loss/validation'
  ];
  const groups = groupCurves(tags.map(tag => ({ tag, steps: [0], values: [1] })));
  assert.deepEqual(
    groups.map(({ title, lines }) => [title, lines.map(({ name }) => name)]),
    [
      ['loss', ['train', 'validation']],
      ['accuracy', ['validation']],
      ['speed', ['rows per second']]
    ]
  );
  assert.deepEqual(groupCurves([{ tag: 'loss/train', steps: [], values: [] }]), []);
});

test('ticks are round, inside and few', () => {
  assert.deepEqual(linearTicks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(linearTicks(-3, 3, 3), [-2, 0, 2]);
  assert.deepEqual(linearTicks(5, 5), [5]);
  assert.deepEqual(logTicks(0.01, 10), [0.01, 0.1, 1, 10]);
  assert.deepEqual(logTicks(0.2, 3), [0.2, 0.5, 1, 2]);
  assert.ok(logTicks(1e-30, 1e30).length <= 7);
});

test('a scale maps ends to ends; a flat curve lies in the middle', () => {
  const linear = makeScale([0, 10], [100, 0]);
  assert.equal(linear(0), 100);
  assert.equal(linear(10), 0);
  const logarithmic = makeScale([0.01, 100], [0, 100], true);
  assert.ok(Math.abs(logarithmic(1) - 50) < 1e-9);
  assert.equal(makeScale([3, 3], [0, 100])(3), 50);
});

test('a path has gaps for what is missing, and a lone point is a dot', () => {
  const line = { steps: [0, 1, 2, 3, 4], values: [1, 2, null, 3, null] };
  const same = value => value;
  const path = linePath(line, same, same, value => value !== null);
  assert.equal(path, 'M0.0 1.0h0L1.0 2.0M3.0 3.0h0');
  assert.equal(
    linePath({ steps: [0, 1], values: [0, 1] }, same, Math.log10, value => value > 0),
    'M1.0 0.0h0'
  );
});

test('the nearest point; of equal steps the newest', () => {
  assert.equal(nearestIndex([0, 10, 20], 14), 1);
  assert.equal(nearestIndex([0, 10, 10], 10), 2);
  assert.equal(nearestIndex([3], 99), 0);
});

test('what was done again after a restart is drawn once', () => {
  const old = [{ tag: 'loss', steps: [0, 1, 2, 3], values: [9, 8, 7, 6] }];
  const more = [{ tag: 'loss', steps: [2, 3, 4], values: [1, 2, 3] }];
  assert.deepEqual(joinSeries(old, more), [
    { tag: 'loss', steps: [0, 1, 2, 3, 4], values: [9, 8, 1, 2, 3] }
  ]);
});
