/**
 * The log of a job in a tab.
 */
import { Widget } from '@lumino/widgets';

import { LogView } from '../src/log';
import { optionsOf } from '../src/plugins/logs';
import { ControlPlane, until } from './setting/server';

let plane: ControlPlane;
let view: LogView;
let log: string;
let hasEnded: boolean;

beforeEach(async () => {
  plane = await ControlPlane.start();
  log = '';
  hasEnded = false;
  plane.answer('GET', '/jobs/job_1/logs', ({ query }) => {
    const from = Number(query.get('cursor') ?? 0);
    const chunk = log.slice(from, from + 1000);
    const cursor = String(from + chunk.length);
    return { json: { text: chunk, cursor, end: hasEnded && from + chunk.length === log.length } };
  });
});

afterEach(async () => {
  view.dispose();
  await plane.stop();
});

async function open(of: Partial<Parameters<typeof optionsOf>[1]> = { job: 'job_1', np: 2 }) {
  const { api } = plane;
  await api.load();
  view = new LogView(optionsOf(api, { name: 'digits', ...of }));
  Widget.attach(view, document.body);
  view.hide();
  view.show();
  return view.node.querySelector('pre')!;
}

test('reads all there is, in pieces, and stops at the end', async () => {
  log = Array.from({ length: 400 }, (_, line) => `[0] line ${line}\n`).join('');
  hasEnded = true;
  const text = await open();
  await until(() => view.node.textContent.includes('The job has ended.'));
  expect(text.textContent).toBe(log);
});

test('grows as the job writes', async () => {
  log = 'first\n';
  const text = await open();
  await until(() => text.textContent === 'first\n');
  log += 'second\n';
  hasEnded = true;
  await until(() => text.textContent === 'first\nsecond\n');
});

test('shows markup as text, and leaves terminal colours out', async () => {
  log = '\u001b[31m<b>red</b>\u001b[0m\r\n10%\r20%\n';
  hasEnded = true;
  const text = await open();
  await until(() => text.textContent !== '');
  expect(text.textContent).toBe('<b>red</b>\r\n10%\n20%\n');
  expect(text.querySelector('b')).toBeNull();
});

test('another rank begins anew', async () => {
  log = 'x\n';
  hasEnded = true;
  const text = await open();
  await until(() => text.textContent === 'x\n');
  const select = view.node.querySelector('select')!;
  expect([...select.options].map(({ label }) => label)).toEqual([
    'all ranks',
    'rank 0',
    'rank 1',
    'launcher'
  ]);
  select.value = '1';
  select.dispatchEvent(new Event('change'));
  await until(() => plane.requests.at(-1)!.query.get('rank') === '1');
  expect(plane.requests.at(-1)!.query.get('cursor')).toBe('');
  await until(() => text.textContent === 'x\n');
});

test('says why it cannot be read, and tries again', async () => {
  const route = plane.routes.get('GET /jobs/job_1/logs')!;
  plane.answer('GET', '/jobs/job_1/logs', () => ({ text: 'broken', status: 502 }));
  const text = await open();
  await until(() => view.node.textContent.includes('The server answered 502'));
  log = 'back\n';
  plane.answer('GET', '/jobs/job_1/logs', route);
  await until(() => text.textContent === 'back\n');
});

test('the log of a service has no ranks to choose, and says when it has ended', async () => {
  plane.answer('GET', '/services/srv_1/logs', () => ({
    json: { text: 'a kernel died\n', cursor: '1', end: true }
  }));
  const text = await open({ service: 'srv_1' });
  await until(() => view.node.textContent.includes('The service has ended.'));
  expect(text.textContent).toBe('a kernel died\n');
  expect(view.node.querySelector('select')).toBeNull();
});
