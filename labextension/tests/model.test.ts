/**
 * The live picture: what the page knows after the server said something.
 */
import { AimassModel } from '../src/model';
import type { Job } from '../src/schema';
import { EventStream } from '../src/stream';
import { ControlPlane, problem, until } from './setting/server';
import { card } from './setting/table';
import { job, model as registered } from './setting/things';

const TIMING = { firstPauseMs: 10, longestPauseMs: 40, silenceMs: 5_000 };

let plane: ControlPlane;
let model: AimassModel;
let jobs: Job[];

beforeEach(async () => {
  plane = await ControlPlane.start();
  jobs = [job()];
  plane.answer('GET', '/jobs', () => ({ json: { items: jobs, next_token: null } }));
  plane.answer('GET', '/jobs/job_1', () => ({ json: jobs[0] }));
  const { api } = plane;
  model = new AimassModel(api, new EventStream(api, TIMING));
});

afterEach(async () => {
  model.dispose();
  await plane.stop();
});

async function live(): Promise<void> {
  model.start();
  await until(() => model.jobs.isLoaded && plane.followers === 1);
}

test('connects, and reads everything once', async () => {
  expect(model.connection.state).toBe('connecting');
  await live();
  await until(() => model.services.isLoaded && model.status !== null);
  expect(model.connection.state).toBe('live');
  expect(model.status?.slots).toBe(4);
  expect(model.jobs.items).toEqual(jobs);
});

test('an event brings the state of its job', async () => {
  await live();
  jobs = [job({ state: 'succeeded' })];
  plane.happen({ topic: 'jobs.succeeded', subject: 'job_1' });
  await until(() => model.jobs.items[0].state === 'succeeded');
});

test('an event of one that is not known brings the list', async () => {
  await live();
  jobs = [job({ id: 'job_2' }), ...jobs];
  plane.happen({ topic: 'jobs.submitted', subject: 'job_2' });
  await until(() => model.jobs.items.length === 2);
});

test('a list that nobody follows is never read; one that is followed later is read then', async () => {
  await live();
  const asked = () => plane.requests.filter(({ path }) => path === '/datasets').length;
  expect(asked()).toBe(0);
  await until(() => model.datasets.isLoaded);
  expect(asked()).toBe(1);
});

test('what a person may not see is not asked for', async () => {
  plane.answer('GET', '/whoami', () => ({ json: { permissions: ['jobs:read'] } }));
  void model.runs;
  model.start();
  await until(() => model.jobs.isLoaded && model.status !== null);
  expect(plane.requests.map(({ path }) => path)).not.toContain('/runs');
});

test('an event of a noun reads that noun, and no other', async () => {
  await live();
  await until(() => model.models.isLoaded && model.services.isLoaded);
  await until(() => model.services.isLoaded && model.status !== null);
  plane.answer('GET', '/models', () => ({ json: { items: [registered()], next_token: null } }));
  const before = plane.requests.length;
  plane.happen({ topic: 'models.registered', subject: 'mod_1' });
  await until(() => model.models.items.length === 1);
  const asked = plane.requests.slice(before).map(({ path }) => path);
  expect(asked.filter(path => path !== '/status')).toEqual(['/models']); // it follows every event
});

test('progress moves a job without asking the server', async () => {
  await live();
  await until(() => model.status !== null && model.services.isLoaded);
  const before = plane.requests.length;
  const progress = { fraction: 0.9, eta_seconds: 3, metrics: { loss: 0.1 } };
  plane.send(`event: jobs.progress\ndata: ${JSON.stringify({ job: 'job_1', progress })}\n\n`);
  await until(() => model.jobs.items[0].progress.fraction === 0.9);
  expect(model.jobs.items[0].progress).toEqual(progress);
  expect(plane.requests).toHaveLength(before);
});

test('what happened while it was away is there when it is back', async () => {
  await live();
  plane.drop();
  jobs = [job({ state: 'failed' })];
  await until(() => model.jobs.items[0].state === 'failed');
  expect(model.connection.state).toBe('live');
});

test('says why it is not connected, goes on trying, and recovers', async () => {
  const taken = problem(503, 'unavailable', 'process 7 owns the data folder', {
    hint: 'stop it, or set AIMASS_DATA'
  });
  plane.answer('GET', '/operations', () => taken);
  model.start();
  await until(() => model.connection.state === 'down');
  const { connection } = model;
  expect(connection.state === 'down' && connection.error.hint).toBe('stop it, or set AIMASS_DATA');
  plane.routes.delete('GET /operations');
  await until(() => model.connection.state === 'live');
});

test('tells others what happened', async () => {
  await live();
  const topics: string[] = [];
  model.happened.connect((_, event) => topics.push(event.topic));
  plane.happen({ topic: 'jobs.failed', subject: 'job_1' });
  await until(() => topics.length === 1);
  expect(topics).toEqual(['jobs.failed']);
});

test('what a person may do is what the server has and their role allows', async () => {
  plane.cards = [card('jobs.list'), card('jobs.stop'), card('services.stop')];
  plane.answer('GET', '/whoami', () => ({ json: { permissions: ['jobs:read', 'jobs:stop'] } }));
  plane.cards.push(...['events.list', 'events.stream', 'system.status', 'system.whoami'].map(card));
  expect(model.may('jobs.stop')).toBe(false);
  await live();
  expect(model.may('jobs.stop')).toBe(true);
  expect(model.may('services.stop')).toBe(false);
  expect(model.may('jobs.submit')).toBe(false);
});

test('a storm of events does not put off the look at the status', async () => {
  await live();
  const looks = () => plane.requests.filter(({ path }) => path === '/status').length;
  await until(() => model.status !== null);
  const before = looks();
  await until(() => {
    plane.happen({ topic: 'jobs.started', subject: 'job_1' }); // with each look of this test
    return looks() > before;
  });
});
