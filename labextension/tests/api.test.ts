/**
 * The one file that speaks HTTP, against a real server.
 */
import { AimassError } from '../src/errors';
import { ControlPlane, problem } from './setting/server';
import { card } from './setting/table';

let plane: ControlPlane;

beforeEach(async () => {
  plane = await ControlPlane.start();
});

afterEach(() => plane.stop());

async function loaded() {
  const api = plane.api;
  await api.load();
  return api;
}

/** The error that a call ends with. */
async function fault(work: Promise<unknown>): Promise<AimassError> {
  return work.then(
    () => {
      throw new Error('it did not fail');
    },
    (reason: unknown) => reason as AimassError
  );
}

test('reads the operation table and nothing else beforehand', async () => {
  const api = await loaded();
  expect(plane.requests.map(({ path }) => path)).toEqual(['/operations']);
  expect(api.operations.get('jobs.submit')?.short).toBe('train');
});

test('puts path fields into the path and the rest into the query', async () => {
  plane.answer('GET', '/jobs/a%2Fb%20%C3%A9/logs', () => ({ json: { text: '', cursor: '' } }));
  await (await loaded()).call('jobs.logs', { job: 'a/b é', rank: 1, limit_bytes: 5 });
  const asked = plane.requests.at(-1)!;
  expect([...asked.query]).toEqual([
    ['rank', '1'],
    ['limit_bytes', '5']
  ]);
});

test('adds no field of its own to the query: the contract refuses unknown ones', async () => {
  await (await loaded()).call('jobs.list', {});
  expect([...plane.requests.at(-1)!.query]).toEqual([]);
});

test('leaves out what is null, so that the default holds', async () => {
  await (await loaded()).call('jobs.list', { state: null, next_token: null, limit: 5 });
  expect([...plane.requests.at(-1)!.query]).toEqual([['limit', '5']]);
});

test('sends a change as JSON under an idempotency key of its own, with the token', async () => {
  const api = await loaded();
  plane.answer('POST', '/jobs', () => ({ json: { id: 'job_1' } }));
  const request = { dataset: 'digits', algorithm: 'classification', params: { epochs: 2 } };
  await api.call('jobs.submit', request);
  await api.call('jobs.submit', request);
  const [first, second] = plane.requests.slice(-2);
  expect(JSON.parse(first.body.toString())).toEqual(request);
  expect(first.headers['content-type']).toBe('application/json');
  expect(first.headers.authorization).toBe('token secret');
  expect(first.headers['idempotency-key']).not.toBe(second.headers['idempotency-key']);
});

test('sends the XSRF cookie along', async () => {
  document.cookie = '_xsrf=crumb';
  await (await loaded()).call('jobs.stop', { job: 'job_1' });
  document.cookie = '_xsrf=; max-age=0';
  expect(plane.requests.at(-1)!.headers['x-xsrftoken']).toBe('crumb');
});

test('uploads raw bytes, the name in the query', async () => {
  plane.answer('POST', '/uploads', () => ({ json: { id: 'upl_1' } }));
  const bytes = new Uint8Array([0, 255, 10]);
  const upload = await (await loaded()).upload('a b.csv', new Blob([bytes]));
  const asked = plane.requests.at(-1)!;
  expect(upload.id).toBe('upl_1');
  expect(asked.query.get('filename')).toBe('a b.csv');
  expect([...asked.body]).toEqual([0, 255, 10]);
});

test('takes a download under the name that the server gives it', async () => {
  plane.answer('GET', '/models/digits/bundle', () => ({
    json: 1,
    headers: { 'Content-Disposition': "attachment; filename*=UTF-8''digits%403.aimass" }
  }));
  const api = await loaded();
  const file = (await api.perform(card('models.download'), { model: 'digits' })) as File;
  expect(file.name).toBe('digits@3.aimass');
});

test('raises a problem with its hint, its details and its pause', async () => {
  plane.answer('POST', '/jobs', () =>
    problem(422, 'invalid', "there is no dataset 'digit'", {
      hint: "did you mean 'digits'?",
      errors: [{ field: 'dataset' }],
      retry_after: 3
    })
  );
  const api = await loaded();
  const error = await fault(api.call('jobs.submit', { dataset: 'digit', algorithm: 'x' }));
  expect(error).toBeInstanceOf(AimassError);
  expect(error.code).toBe('invalid');
  expect(error.line).toBe("there is no dataset 'digit' — did you mean 'digits'?");
  expect(error.details).toEqual([{ field: 'dataset' }]);
  expect(error.retryAfterSeconds).toBe(3);
});

test('a 404 that is not ours means that the server part is missing', async () => {
  plane.answer('GET', '/operations', () => ({ text: '<h1>404</h1>', status: 404 }));
  const error = await fault(plane.api.load());
  expect(error.code).toBe('missing');
  expect(error.hint).toContain('jupyter server extension enable aimass_server');
});

test('a 404 of ours is a thing that is not there', async () => {
  plane.answer('GET', '/jobs/nope', () => problem(404, 'not-found', "there is no job 'nope'"));
  const error = await fault((await loaded()).call('jobs.show', { job: 'nope' }));
  expect([error.code, error.message]).toEqual(['not-found', "there is no job 'nope'"]);
});

test.each([
  [401, 'signed-out'],
  [403, 'signed-out'],
  [502, 'unreadable']
])('a bare %i is %s', async (status, code) => {
  plane.answer('GET', '/operations', () => ({ text: '<html>', status }));
  expect((await fault(plane.api.load())).code).toBe(code);
});

test('nobody there is offline', async () => {
  const api = plane.api;
  await plane.stop();
  expect((await fault(api.load())).code).toBe('offline');
  await plane.listen(0);
});

test('an operation that this server has not is said so, before anything is sent', async () => {
  plane.cards = [card('jobs.list')];
  const error = await fault((await loaded()).call('jobs.submit', { dataset: 'd', algorithm: 'a' }));
  expect(error.message).toBe("This server has no operation 'jobs.submit'");
  expect(plane.requests).toHaveLength(1);
});
