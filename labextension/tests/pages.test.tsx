/**
 * Pages and their drawings, over a real model and a real server.
 */
import { CommandRegistry } from '@lumino/commands';
import { act, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';

import { CommandActions } from '../src/actions';
import { CommandIDs } from '../src/commands';
import { aimassIcon } from '../src/icons';
import { AimassModel } from '../src/model';
import { Chart, type ICurve, thin } from '../src/pages/chart';
import { appended, chartsOf } from '../src/pages/curves';
import { JobPage } from '../src/pages/job';
import { EndpointPage } from '../src/pages/endpoint';
import { ModelPage } from '../src/pages/model';
import { ModelComparisonPage } from '../src/pages/models';
import { PageFrame } from '../src/pages/page';
import { EventStream } from '../src/stream';
import { ControlPlane, until } from './setting/server';
import { endpoint, job, model as registered, version } from './setting/things';

let plane: ControlPlane;
let model: AimassModel;

beforeEach(async () => {
  plane = await ControlPlane.start();
  const { api } = plane;
  const timing = { firstPauseMs: 20, longestPauseMs: 40, silenceMs: 5_000 };
  model = new AimassModel(api, new EventStream(api, timing));
});

afterEach(async () => {
  model.dispose();
  await plane.stop();
});

async function live(): Promise<void> {
  await act(async () => {
    model.start();
    await until(() => model.jobs.isLoaded);
  });
}

function curve(values: (number | null)[], label = 'train'): ICurve {
  return { label, steps: values.map((_, index) => index), values };
}

test('a long curve is thinned, and keeps its peaks, its gaps and its ends', () => {
  const values: (number | null)[] = Array.from({ length: 100_000 }, () => 1);
  [values[31_415], values[27_182], values[99_998]] = [99, -99, null];
  const { steps, values: kept } = thin(curve(values));
  expect(kept.length).toBeLessThan(2_000);
  expect([Math.max(...kept.map(Number)), Math.min(...kept.map(Number))]).toEqual([99, -99]);
  expect(kept).toContain(null);
  expect([steps[0], steps[steps.length - 1]]).toEqual([0, 99_999]);
  expect(steps).toEqual([...steps].sort((one, other) => one - other));
});

test('a value that is no number leaves a gap, and the drawing says what it shows', () => {
  render(<Chart title="loss" curves={[curve([4, null, 2, 1])]} />);
  const drawing = screen.getByRole('img', { name: 'loss: train from 4 to 1' });
  expect(drawing.querySelector('path')?.getAttribute('d')?.match(/M/g)).toHaveLength(2);
});

test('a single point is drawn as a dot', () => {
  render(<Chart title="loss" curves={[curve([4])]} />);
  const drawing = screen.getByRole('img', { name: /^loss/ });
  expect(drawing.querySelectorAll('circle')).toHaveLength(1);
});

test('the numbers beside a chart are round, and whole where steps are', () => {
  render(<Chart title="learning_rate" curves={[curve([0.13, 0.31, 0.48])]} />);
  const told = [...screen.getByRole('img').querySelectorAll('text')].map(each => each.textContent);
  expect(told).toEqual(['0.2', '0.3', '0.4', '0', '1', 'step 2']);
  expect(screen.getByText('learning rate')).toBeTruthy();
});

test('curves of one name share a chart, what is held out comes first, progress is left out', () => {
  const series = [
    'speed/rows',
    'accuracy/validation',
    'loss/train',
    'loss/validation',
    'progress/x'
  ];
  const charts = chartsOf(series.map(tag => ({ tag, steps: [0], values: [1] })));
  expect(charts.map(({ title, curves }) => [title, curves.length])).toEqual([
    ['loss', 2],
    ['accuracy', 1],
    ['speed', 1]
  ]);
});

test('points that come later follow those that were there', () => {
  const one = { tag: 'loss', steps: [0], values: [3] };
  const two = { tag: 'loss', steps: [1], values: [2] };
  expect(appended(appended([], [one]), [two])).toEqual([
    { tag: 'loss', steps: [0, 1], values: [3, 2] }
  ]);
});

test('the page of a job draws its curves, and asks only for new points when it goes on', async () => {
  const asked: (string | null)[] = [];
  plane.answer('GET', '/jobs', () => ({ json: { items: [job()], next_token: null } }));
  plane.answer('GET', '/jobs/job_1/metrics', ({ query }) => {
    asked.push(query.get('cursor'));
    const steps = [asked.length * 2, asked.length * 2 + 1];
    const series = [{ tag: 'loss/train', steps, times: [0, 0], values: [2, 1], missing: [] }];
    return { json: { series, gaps: [], cursor: `c${asked.length}` } };
  });
  await live();
  const actions = new CommandActions(new CommandRegistry(), model);
  render(<JobPage id="job_1" aimass={model} actions={actions} />);
  await screen.findByTestId('aimass-chart-loss');
  const progress = { fraction: 0.5, eta_seconds: 1, metrics: {} };
  act(() =>
    plane.send(`event: jobs.progress\ndata: ${JSON.stringify({ job: 'job_1', progress })}\n\n`)
  );
  await screen.findByText('step 5');
  expect(asked).toEqual(['', 'c1']);
});

test('why a job failed is told first, with the end of its log', async () => {
  const cause = { code: 'error', message: 'rank 1: no memory', rank: 1, last_lines: ['at last'] };
  const failed = job({ state: 'failed', cause: cause as never });
  plane.answer('GET', '/jobs', () => ({ json: { items: [failed], next_token: null } }));
  plane.answer('GET', '/jobs/job_1/metrics', () => ({
    json: { series: [], gaps: [], cursor: '' }
  }));
  await live();
  const actions = new CommandActions(new CommandRegistry(), model);
  render(<JobPage id="job_1" aimass={model} actions={actions} />);
  expect((await screen.findByTestId('aimass-page-cause')).textContent).toContain('at last');
  const left = [{ path: 'out.csv', size_bytes: 10, modified_at: failed.created_at }];
  plane.answer('GET', '/jobs/job_1/artifacts', () => ({ json: { items: left } }));
  await userEvent.click(screen.getByTestId('aimass-page-artifacts'));
  expect(await screen.findByText('out.csv')).toBeTruthy();
});

test('the versions of a model stand side by side with their aliases', async () => {
  const history = [version(), version({ version: 2, metrics: { accuracy: 0.9, f1: 0.8 } })];
  const detail = { ...registered(), selected: version(), history };
  plane.answer('GET', '/models/mod_1', () => ({ json: detail }));
  await live();
  const actions = new CommandActions(new CommandRegistry(), model);
  render(<ModelPage id="mod_1" aimass={model} actions={actions} />);
  const rows = (await screen.findAllByRole('row')).map(row => row.textContent);
  expect(rows[1]).toContain('v3');
  expect(rows[2]).toMatch(/^v2production0\.90\.8/);
});

test('a page whose server was away says so, and asks again when it is back', async () => {
  const detail = { ...registered(), selected: version(), history: [version()] };
  plane.answer('GET', '/models/mod_1', () => ({ json: detail }));
  await live();
  const { port } = plane;
  await act(async () => {
    await plane.stop();
    await until(() => model.connection.state === 'down');
  });
  const actions = new CommandActions(new CommandRegistry(), model);
  const page = { noun: 'models', icon: aimassIcon, view: ModelPage };
  const args = { noun: 'models', id: 'mod_1', label: 'digits' };
  render(<PageFrame page={page} args={args} aimass={model} actions={actions} />);
  expect(screen.getByRole('alert').textContent).toContain('does not answer');
  await act(() => plane.listen(port));
  expect(await screen.findByRole('heading', { name: 'digits' })).toBeTruthy();
  expect(screen.queryByRole('alert')).toBeNull();
});

test('models stand side by side, with every metric that one of them has', async () => {
  const small = registered({ id: 'mod_2', name: 'small', latest: version({ metrics: { f1: 1 } }) });
  for (const each of [registered(), small]) {
    plane.answer('GET', `/models/${each.id}`, () => ({ json: { ...each, history: [] } }));
  }
  await live();
  const actions = new CommandActions(new CommandRegistry(), model);
  render(<ModelComparisonPage id="mod_1,mod_2" aimass={model} actions={actions} />);
  expect(await screen.findByText('2 models side by side')).toBeTruthy();
  const rows = screen.getAllByRole('row').map(row => row.textContent);
  expect(rows[0]).toBe('digitssmall');
  expect(rows).toContain('f1–1');
});

test('an endpoint says how it is used, and serves the version before again', async () => {
  const moment = (minute: number) => `2026-01-01T10:0${minute}:00.000Z`;
  const latency = { mean_ms: 2, p50_ms: 1.5, p90_ms: 3, p95_ms: 4.25, p99_ms: 9 };
  const sample = { seconds: 5, errors: 0, refused: 0, ...latency };
  const usage = {
    window_seconds: 600,
    requests: 40,
    errors: 1,
    refused: 0,
    requests_per_second: 0.5,
    latency,
    versions: [],
    history: [
      { ...sample, at: moment(1), requests: 10 },
      { ...sample, at: moment(2), requests: 30, errors: 1 }
    ]
  };
  plane.answer('GET', '/endpoints/ep_1', () => ({
    json: endpoint({ id: 'ep_1', name: 'digits', previous: 'digits@2' })
  }));
  plane.answer('GET', '/endpoints/digits/usage', () => ({ json: usage }));
  await live();
  const commands = new CommandRegistry();
  const ran: unknown[] = [];
  commands.addCommand(CommandIDs.operation('endpoints.rollback'), {
    execute: args => ran.push(args)
  });
  const actions = new CommandActions(commands, model);
  render(<EndpointPage id="ep_1" aimass={model} actions={actions} />);
  expect(await screen.findByText('4.25 ms')).toBeTruthy();
  expect(screen.getByText('40, 1 failed')).toBeTruthy();
  expect(
    screen.getByRole('img', { name: /requests from 2 to 6, failed from 0 to 0.2/ })
  ).toBeTruthy();
  await userEvent.click(screen.getByRole('button', { name: 'Let digits serve digits@2 again' }));
  await userEvent.click(await screen.findByLabelText('Roll back'));
  await until(() => ran.length === 1);
  expect(ran[0]).toEqual({ values: { endpoint: 'digits' }, form: false });
});
