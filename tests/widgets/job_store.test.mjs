// What a page knows of a job: the whole, additions, and that one was missed.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  JobStore,
  MAX_LINES,
  rankName,
  ranksOf,
  splitLine
} from '../../aimass_jupyter/widgets/job_store.js';

const addition = (from, lines = [], series = []) => ({ from, revision: from + 1, lines, series });

test('additions follow each other', () => {
  const store = new JobStore();
  store.load(null);
  assert.equal(store.add(addition(0, ['a'], [{ tag: 'x', steps: [1], values: [2] }])), false);
  assert.equal(store.add(addition(1, ['b'], [{ tag: 'x', steps: [2], values: [3] }])), false);
  assert.deepEqual(store.lines, ['a', 'b']);
  assert.deepEqual(store.series, [{ tag: 'x', steps: [1, 2], values: [2, 3] }]);
});

test('an addition that the whole has already is left alone', () => {
  const store = new JobStore();
  store.load({ revision: 3, series: [], lines: ['a'] });
  assert.equal(store.add(addition(2, ['a'])), false);
  assert.deepEqual(store.lines, ['a']);
});

test('after a missed addition the whole is asked for, once, and nothing wrong is shown', () => {
  const store = new JobStore();
  store.load({ revision: 1, series: [], lines: ['a'] });
  assert.equal(store.add(addition(2, ['c'])), true);
  assert.equal(store.add(addition(3, ['d'])), false);
  assert.deepEqual(store.lines, ['a']);
  store.load({ revision: 4, series: [], lines: ['a', 'b', 'c', 'd'] });
  assert.equal(store.add(addition(4, ['e'])), false);
  assert.deepEqual(store.lines, ['a', 'b', 'c', 'd', 'e']);
});

test('only the end of the log stays, and views know which lines went', () => {
  const store = new JobStore();
  store.load(null);
  store.add(
    addition(
      0,
      Array.from({ length: MAX_LINES }, (_, at) => `${at}`)
    )
  );
  store.add(addition(1, ['x', 'y']));
  assert.equal(store.lines.length, MAX_LINES);
  assert.equal(store.firstLine, 2);
  assert.deepEqual([store.lines[0], store.lines.at(-1)], ['2', 'y']);
});

test('watchers are told until they go', () => {
  const store = new JobStore();
  let told = 0;
  const watcher = () => (told += 1);
  store.watchers.add(watcher);
  store.load(null);
  store.watchers.delete(watcher);
  store.load(null);
  assert.equal(told, 1);
});

test('a store that follows a model asks for the whole once it has missed something', () => {
  const sent = [];
  const listeners = {};
  const model = {
    get: () => ({ revision: 3, series: [], lines: ['a'] }),
    on: (event, listener) => (listeners[event] = listener),
    send: message => sent.push(message)
  };
  const store = new JobStore();
  store.follow(model);
  listeners['msg:custom']({ ...addition(3, ['b']), kind: 'more' });
  listeners['msg:custom']({ ...addition(7, ['d']), kind: 'more' });
  listeners['msg:custom']({ ...addition(8, ['e']), kind: 'more' });
  assert.deepEqual([store.lines, sent], [['a', 'b'], [{ kind: 'whole' }]]);
});

test('lines belong to ranks', () => {
  assert.deepEqual(splitLine('[1] loss 0.2'), { rank: '1', text: 'loss 0.2' });
  assert.deepEqual(splitLine('no rank [1]'), { rank: '', text: 'no rank [1]' });
  assert.deepEqual(ranksOf(['[launcher] a', '[10] b', '[2] c', 'd']), ['2', '10', 'launcher']);
  assert.deepEqual(['3', 'launcher'].map(rankName), ['rank 3', 'launcher']);
});
