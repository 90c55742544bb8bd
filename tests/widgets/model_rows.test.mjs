// Which models the table shows, and in which order.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { filterRows, metricColumns, sortRows } from '../../aimass_jupyter/widgets/model_rows.js';

const row = (name, metrics, more = {}) => ({
  name,
  metrics,
  aliases: {},
  algorithm: 'classification',
  task: 'classification',
  dataset: 'digits@1',
  size_bytes: 10,
  ...more
});
const rows = [
  row('b', { accuracy: 0.9 }),
  row('a10', { accuracy: 0.95, f1: 0.9 }, { aliases: { production: 1 } }),
  row('a9', { accuracy: null }),
  row('r', { r2: 0.5 }, { algorithm: 'regression', dataset: 'diabetes@1' })
];
const names = some => some.map(({ name }) => name);

test('metrics that most models have come first', () => {
  assert.deepEqual(metricColumns(rows), ['accuracy', 'f1', 'r2']);
  const many = Object.fromEntries('abcdefgh'.split('').map(name => [name, 1]));
  assert.equal(metricColumns([row('x', many)]).length, 5);
});

test('what has no value comes last, however the rest is sorted', () => {
  assert.deepEqual(names(sortRows(rows, 'metric:accuracy', true)), ['a10', 'b', 'a9', 'r']);
  assert.deepEqual(names(sortRows(rows, 'metric:accuracy', false)), ['b', 'a10', 'a9', 'r']);
});

test('names sort as a person counts', () => {
  assert.deepEqual(names(sortRows(rows, 'name', false)), ['a9', 'a10', 'b', 'r']);
});

test('every word must be found somewhere', () => {
  assert.deepEqual(names(filterRows(rows, 'PROD')), ['a10']);
  assert.deepEqual(names(filterRows(rows, 'regression diabetes')), ['r']);
  assert.deepEqual(names(filterRows(rows, 'regression digits')), []);
  assert.equal(filterRows(rows, '  ').length, rows.length);
});

test('a tag or a task is all of it, beside the words', () => {
  const tagged = rows.map(row => ({
    ...row,
    task: row.algorithm,
    tags: row.name === 'a9' ? ['good', 'old'] : ['goods']
  }));
  assert.deepEqual(names(filterRows(tagged, '', { tag: 'good' })), ['a9']);
  assert.deepEqual(names(filterRows(tagged, 'prod', { tag: 'good' })), []);
  assert.deepEqual(names(filterRows(tagged, '', { task: 'regression' })), ['r']);
});
