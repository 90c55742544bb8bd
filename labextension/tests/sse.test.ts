/**
 * Server-sent events, cut anywhere.
 */
import { EventDecoder } from '../src/sse';

const TEXT =
  ': follow\r\n\r\nid: 7\r\nevent: jobs.failed\r\ndata: {"a":\r\ndata: "é: b"}\r\n\r\n' +
  'event: jobs.progress\ndata: {}\n\n: alive\n\nid: 8\rdata:x\r\r';

const MESSAGES = [
  { id: '7', topic: 'jobs.failed', data: '{"a":\n"é: b"}' },
  { id: null, topic: 'jobs.progress', data: '{}' },
  { id: '8', topic: '', data: 'x' }
];

test('decodes messages, comments, ids and every line end', () => {
  expect(new EventDecoder().push(`${TEXT}\n`)).toEqual(MESSAGES);
});

test('does not mind where the text is cut', () => {
  for (let cut = 0; cut <= TEXT.length; cut++) {
    const decoder = new EventDecoder();
    const parts = [TEXT.slice(0, cut), TEXT.slice(cut), '\n'];
    expect(parts.flatMap(part => decoder.push(part))).toEqual(MESSAGES);
  }
});

test('keeps a message that has not ended to itself', () => {
  const decoder = new EventDecoder();
  expect(decoder.push('id: 1\ndata: x\n')).toEqual([]);
  expect(decoder.push('\n')).toEqual([{ id: '1', topic: '', data: 'x' }]);
});
