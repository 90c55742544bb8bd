/**
 * The event stream: resume, gap, back-off, silence.
 */
import type { AimassError } from '../src/errors';
import type { Event } from '../src/schema';
import { EventStream, type IAside } from '../src/stream';
import { ControlPlane, POLL_MS, problem, until } from './setting/server';

const TIMING = { firstPauseMs: 10, longestPauseMs: 80, silenceMs: 5_000 };

let plane: ControlPlane;
let stream: EventStream;
let seen: number[];
let faults: AimassError[];
let opened: number;

function follow(timing = TIMING): void {
  stream = new EventStream(plane.api, timing);
  seen = [];
  faults = [];
  opened = 0;
  stream.event.connect((_, event: Event) => seen.push(event.sequence));
  stream.failed.connect((_, error) => faults.push(error));
  stream.opened.connect(() => (opened += 1));
  stream.start();
}

beforeEach(async () => {
  plane = await ControlPlane.start();
});

afterEach(async () => {
  stream.dispose();
  await plane.stop();
});

/** The sequence numbers after which the stream asked to be told. */
function askedAfter(): (string | null)[] {
  return plane.requests
    .filter(({ path }) => path === '/events/stream')
    .map(({ query }) => query.get('after'));
}

test('begins with now, not with the past', async () => {
  plane.happen({ topic: 'jobs.submitted', subject: 'job_1' });
  follow();
  await until(() => plane.followers === 1);
  plane.happen({ topic: 'jobs.started', subject: 'job_1' });
  await until(() => seen.length === 1);
  expect(seen).toEqual([2]);
  expect(askedAfter()).toEqual([null]);
});

test('resumes after the last event it saw, and misses none', async () => {
  follow();
  await until(() => plane.followers === 1);
  plane.happen({ topic: 'jobs.submitted', subject: 'job_1' });
  await until(() => seen.length === 1);
  plane.drop();
  plane.happen({ topic: 'jobs.started', subject: 'job_1' });
  plane.happen({ topic: 'jobs.succeeded', subject: 'job_1' });
  await until(() => seen.length === 3);
  expect(seen).toEqual([1, 2, 3]);
  expect(askedAfter()).toEqual([null, '1']);
  expect(opened).toBe(2);
});

test('tells an event once, although replay and live may both bring it', async () => {
  follow();
  await until(() => plane.followers === 1);
  plane.happen({ topic: 'jobs.submitted', subject: 'job_1' });
  plane.happen({ topic: 'jobs.submitted', subject: 'job_1', sequence: 1 });
  plane.happen({ topic: 'jobs.started', subject: 'job_1', sequence: 2 });
  await until(() => seen.includes(2));
  expect(seen).toEqual([1, 2]);
});

test('begins anew when the server has another history', async () => {
  follow();
  await until(() => plane.followers === 1);
  plane.happen({ topic: 'jobs.submitted', subject: 'job_1', sequence: 900 });
  await until(() => seen.length === 1);
  plane.events = [];
  plane.drop();
  await until(() => plane.followers === 1);
  plane.happen({ topic: 'jobs.submitted', subject: 'job_2', sequence: 1 });
  await until(() => seen.length === 2);
  expect(seen).toEqual([900, 1]);
  expect(askedAfter()).toEqual([null, null]);
});

test('passes on what is not kept, too', async () => {
  follow();
  const asides: IAside[] = [];
  stream.aside.connect((_, aside) => asides.push(aside));
  await until(() => plane.followers === 1);
  plane.send('event: jobs.progress\ndata: {"job": "job_1"}\n\n');
  await until(() => asides.length === 1);
  expect(asides).toEqual([{ topic: 'jobs.progress', data: { job: 'job_1' } }]);
  expect(seen).toEqual([]);
});

test('waits longer after each failure, never longer than the longest pause', async () => {
  const times: number[] = [];
  plane.answer('GET', '/operations', () => {
    times.push(performance.now());
    return problem(503, 'unavailable', 'another control plane owns the data folder');
  });
  const timers = jest.spyOn(globalThis, 'setTimeout');
  follow();
  await until(() => times.length === 7);
  // What was asked for: what came of it is longer, on a busy machine by more than it grows.
  const asked = timers.mock.calls.map(([, pause]) => pause ?? 0);
  timers.mockRestore();
  const pauses = asked.filter(pause => pause > POLL_MS && pause <= TIMING.longestPauseMs);
  expect(pauses[0]).toBeLessThanOrEqual(TIMING.firstPauseMs);
  expect(pauses[3]).toBeGreaterThan(pauses[0]);
  expect(pauses[4]).toBeGreaterThanOrEqual(0.75 * TIMING.longestPauseMs);
  expect(times[5] - times[4]).toBeGreaterThanOrEqual(0.7 * TIMING.longestPauseMs);
  expect(faults[0].message).toBe('another control plane owns the data folder');
});

test('tries at once when told to', async () => {
  plane.answer('GET', '/operations', () => problem(503, 'unavailable', 'starting'));
  follow({ ...TIMING, firstPauseMs: 60_000, longestPauseMs: 60_000 });
  await until(() => faults.length === 1);
  plane.routes.clear();
  stream.retry();
  await until(() => opened === 1);
});

test('comes back when the server does, on the same port', async () => {
  follow();
  await until(() => opened === 1);
  const { port } = plane;
  await plane.stop();
  await until(() => faults.length > 2);
  expect(faults.at(-1)!.code).toBe('offline');
  await plane.listen(port);
  await until(() => opened === 2);
});

test('gives up a connection that says nothing, not even a heartbeat', async () => {
  follow({ ...TIMING, silenceMs: 60 });
  await until(() => opened === 2);
  expect(faults[0].code).toBe('offline');
});

test('a heartbeat is enough to stay', async () => {
  const silenceMs = 1_200; // a busy machine may keep everything waiting for most of it
  follow({ ...TIMING, silenceMs });
  await until(() => plane.followers === 1);
  const begun = performance.now();
  while (performance.now() - begun < 1.5 * silenceMs) {
    plane.send(': alive\n\n');
    await new Promise(resolve => setTimeout(resolve, 40));
  }
  expect(opened).toBe(1);
});

test('hangs up when disposed', async () => {
  follow();
  await until(() => plane.followers === 1);
  stream.dispose();
  await until(() => plane.followers === 0);
  expect(faults).toEqual([]);
});

test('asleep it holds no connection; awake it tells what happened meanwhile', async () => {
  follow();
  await until(() => plane.followers === 1);
  plane.happen({ topic: 'jobs.submitted', subject: 'job_1' });
  await until(() => seen.length === 1);
  stream.sleep();
  await until(() => plane.followers === 0);
  plane.happen({ topic: 'jobs.succeeded', subject: 'job_1' });
  await new Promise(resolve => setTimeout(resolve, 3 * TIMING.longestPauseMs));
  expect([seen, plane.followers, faults]).toEqual([[1], 0, []]);
  stream.wake();
  await until(() => seen.length === 2);
});

test('falls asleep between two tries, too', async () => {
  plane.answer('GET', '/operations', () => problem(503, 'unavailable', 'starting'));
  follow();
  await until(() => faults.length === 1);
  stream.sleep();
  plane.routes.clear();
  await new Promise(resolve => setTimeout(resolve, 3 * TIMING.longestPauseMs));
  expect(opened).toBe(0);
  stream.wake();
  await until(() => opened === 1);
});
