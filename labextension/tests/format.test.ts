/**
 * Values as a person reads them.
 */
import {
  formatAgo,
  formatBytes,
  formatDuration,
  formatField,
  formatJson,
  formatMemory,
  formatNumber,
  headline,
  webUrl
} from '../src/format';

test.each([
  [0.123456, '0.1235'],
  [1234567, '1235000'],
  [0, '0'],
  [1e-9, '1e-9'],
  [null, 'NaN']
])('number %p is %p', (value, text) => expect(formatNumber(value)).toBe(text));

test.each([
  [-3, '0 s'],
  [59.4, '59 s'],
  [60, '1 min'],
  [3599, '1 h 0 min'],
  [7500, '2 h 5 min'],
  [400_000, '5 days']
])('%p seconds are %p', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

test('a moment is so long ago', () => {
  const now = Date.parse('2026-01-01T12:00:00Z');
  expect(formatAgo('2026-01-01T11:59:55.000Z', now)).toBe('just now');
  expect(formatAgo('2026-01-01T11:00:00.000Z', now)).toBe('1 h 0 min ago');
});

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_234_567, '1.23 MB'],
  [5e15, '5000 TB']
])('%p bytes are %p', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [410 * 2 ** 20, '410 MB'],
  [1.5 * 2 ** 30, '1.5 GB']
])('%p bytes of memory are %p', (bytes, text) => expect(formatMemory(bytes)).toBe(text));

test('a field name is a label', () => {
  expect(formatField('validation_fraction')).toBe('Validation fraction');
  expect(formatField('min_np')).toBe('Min ranks');
  expect(formatField('url')).toBe('URL');
});

test('JSON keeps rows of numbers in rows, and says the same', () => {
  const value = { image: [[0, 1], [2, 3]], label: 'a"b', none: null, empty: [], deep: [{ a: 1 }] }; // prettier-ignore
  const text = formatJson(value);
  expect(text).toContain('  "image": [\n    [0, 1],\n    [2, 3]\n  ]');
  expect(JSON.parse(text)).toEqual(value);
});

test('the headline is one curve on held-out rows and one on the others', () => {
  const metrics = { rate: 1, 'loss/train': 2, 'accuracy/validation': 3, 'f1/validation': 4 };
  expect(headline(metrics)).toEqual({ 'accuracy/validation': 3, 'loss/train': 2 });
  expect(headline({ a: 1, b: null, c: 3 })).toEqual({ a: 1, b: null });
});

test.each(['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '/relative', ''])(
  '%p is not opened',
  url => expect(webUrl(url)).toBeNull()
);

test('a web address is opened', () => {
  expect(webUrl('https://host/x?token=1')).toBe('https://host/x?token=1');
});
