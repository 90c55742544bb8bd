import assert from 'node:assert/strict';
import test from 'node:test';

import {
  bytesOf,
  isDarkOutside,
  largestOf,
  pictureShape,
  planesOf
} from '../../aimass_jupyter/widgets/pixels.js';

test('the scale is told by the example', () => {
  assert.equal(largestOf([[[0, 0.5]]]), 1);
  assert.equal(largestOf([[[0, 15]]]), 16);
  assert.equal(largestOf([[0, 200]]), 255);
  assert.equal(largestOf([[0, 4000]]), 4000);
});

test('channels, height and width of a shape with the rows in front', () => {
  assert.deepEqual(pictureShape([-1, 8, 6]), [1, 8, 6]);
  assert.deepEqual(pictureShape([-1, 3, 8, 6]), [3, 8, 6]);
});

test('an example that is dark at its edge is drawn bright on dark', () => {
  const dark = [[0, 0, 0], [0, 16, 0], [0, 0, 0]];
  const bright = [[16, 16, 16], [16, 0, 16], [16, 16, 16]];
  assert.equal(isDarkOutside(dark, [3, 3], 16), true);
  assert.equal(isDarkOutside(bright, [3, 3], 16), false);
});

test('an example shown and read again is the same, grey and coloured', () => {
  const grey = [[[0, 4], [8, 16]]];
  assert.deepEqual(planesOf(bytesOf(grey, [1, 2, 2], 16), [1, 2, 2], 16), grey);
  const coloured = [[[255, 0]], [[0, 10]], [[3, 255]]];
  assert.deepEqual(planesOf(bytesOf(coloured, [3, 1, 2], 255), [3, 1, 2], 255), coloured);
});

test('inverted is dark for bright', () => {
  assert.deepEqual(planesOf([255, 255, 255, 255], [1, 1, 1], 16, true), [[[0]]]);
  assert.deepEqual(planesOf([0, 0, 0, 255], [1, 1, 1], 1, true), [[[1]]]);
});
