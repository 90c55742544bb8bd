// Numbers, durations and sizes as a person reads them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  formatBytes,
  formatNumber,
  formatSeconds,
  plural,
  splitTag
} from '../../aimass_jupyter/widgets/format.js';

test('four digits that matter', () => {
  const shown = [0, 0.213456, -12.3456, 999999, 1.5e7, 1.71e-7, null, undefined].map(formatNumber);
  assert.deepEqual(shown, ['0', '0.2135', '-12.35', '1000000', '1.50e7', '1.71e-7', 'NaN', 'NaN']);
});

test('durations', () => {
  const shown = [0, 9.94, 9.96, 59.6, 7260].map(formatSeconds);
  assert.deepEqual(shown, ['0.0 s', '9.9 s', '10 s', '1 min 0 s', '2 h 1 min']);
});

test('sizes', () => {
  const shown = [0, 999, 1000, 312345, 99_600, 4.2e9].map(formatBytes);
  assert.deepEqual(shown, ['0 B', '999 B', '1.0 kB', '312 kB', '100 kB', '4.2 GB']);
});

test('words', () => {
  assert.equal(plural(1, 'row'), '1 row');
  assert.equal(plural(1797, 'row'), '1,797 rows');
  assert.deepEqual(splitTag('speed/rows_per_second'), ['speed', 'rows per second']);
  assert.deepEqual(splitTag('learning_rate'), ['learning rate', 'learning rate']);
});
