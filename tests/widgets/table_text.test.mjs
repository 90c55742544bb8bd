import assert from 'node:assert/strict';
import test from 'node:test';

import { parseTable, rowsOf, toCsv, valueFrom } from '../../aimass_jupyter/widgets/table_text.js';

const number = { name: 'months', kind: 'number', datatype: 'INT64' };
const choice = { name: 'plan', kind: 'choice', datatype: 'BYTES', values: ['basic', 'plus'] };

test('CSV with quotes, line ends of every kind, and lines with nothing', () => {
  const text = '\ufeffa,b\r\n"one, ""two""",2\n\n"three\nlines",\r\n , \n';
  assert.deepEqual(parseTable(text), [
    ['a', 'b'],
    ['one, "two"', '2'],
    ['three\nlines', '']
  ]);
});

test('what a spreadsheet copies is separated by tabs, some CSV by semicolons', () => {
  assert.deepEqual(parseTable('a\tb\n1,5\t2'), [['a', 'b'], ['1,5', '2']]);
  assert.deepEqual(parseTable('a;b\n1,5;2'), [['a', 'b'], ['1,5', '2']]);
  assert.deepEqual(parseTable(''), []);
});

test('columns are found by name in any order, others are left out', () => {
  const { rows, faults } = rowsOf(parseTable('id,plan,months\n7,plus,3\n8,,NA'), [number, choice]);
  assert.deepEqual(faults, []);
  assert.deepEqual(rows, [
    { months: 3, plan: 'plus' },
    { months: null, plan: null }
  ]);
});

test('without names, columns count by their order', () => {
  const { rows } = rowsOf(parseTable('3,plus\n4,basic'), [number, choice]);
  assert.deepEqual(rows, [
    { months: 3, plan: 'plus' },
    { months: 4, plan: 'basic' }
  ]);
});

test('every fault is said with its row and its column', () => {
  const wrong = rowsOf(parseTable('months,plan\nx,plus\n1.5,plus\n2,plus'), [number, choice]);
  assert.deepEqual(wrong.faults, [
    "Row 1, months: 'x' is no number.",
    "Row 2, months: '1.5' is no whole number."
  ]);
  const lacking = rowsOf(parseTable('months,colour,size\n1,red,2'), [number, choice]);
  assert.deepEqual(lacking.faults, [
    "There is no column 'plan'; there are 'months', 'colour', 'size'."
  ]);
  assert.equal(rowsOf(parseTable('months,plan'), [number, choice]).faults.length, 1);
  assert.equal(rowsOf([], [number]).faults.length, 1);
});

test('values of every kind', () => {
  const kind = (name, datatype = '') => ({ name: 'x', kind: name, datatype });
  assert.deepEqual(valueFrom(kind('boolean'), 'Yes'), { value: true });
  assert.ok(valueFrom(kind('boolean'), 'maybe').fault);
  assert.deepEqual(valueFrom(kind('number', 'FP64'), ' 1e3 '), { value: 1000 });
  assert.ok(valueFrom(kind('number', 'FP64'), 'Infinity').fault);
  assert.deepEqual(valueFrom(kind('text'), ' as it is '), { value: ' as it is ' });
  assert.deepEqual(valueFrom(kind('list'), '[1, [2]]'), { value: [1, [2]] });
  assert.ok(valueFrom(kind('list'), '{"a": 1}').fault);
});

test('what is written as CSV is read again as it was', () => {
  const names = ['a', 'b "c"'];
  const rows = [['1', 'x, y'], ['', 'line\nline']];
  assert.deepEqual(parseTable(toCsv(names, rows)), [names, ...rows]);
});
