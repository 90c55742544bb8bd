/**
 * The panel as a person sees it, over a real model and a real server.
 */
import { CommandRegistry } from '@lumino/commands';
import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';

import { CommandActions } from '../src/actions';
import { CommandIDs } from '../src/commands';
import { AimassModel } from '../src/model';
import { DatasetsSection } from '../src/panel/datasets';
import { PanelView, Sections } from '../src/panel/panel';
import * as nouns from '../src/plugins/nouns';
import { EventStream } from '../src/stream';
import type { ISectionViewProps } from '../src/tokens';
import { ControlPlane, problem, until } from './setting/server';
import { CARDS } from './setting/table';
import {
  dataset,
  endpoint,
  job,
  model as registered,
  run as tracked,
  service
} from './setting/things';

const TIMING = { firstPauseMs: 20, longestPauseMs: 40, silenceMs: 5_000 };
const HOSTILE = '<img src=x onerror=alert(1)>';

let plane: ControlPlane;
let model: AimassModel;
let dropped: File[];
let run: { command: string; args: unknown }[];

beforeEach(async () => {
  plane = await ControlPlane.start();
});

afterEach(async () => {
  model.dispose();
  await plane.stop();
});

function list(path: string, items: unknown[]): void {
  plane.answer('GET', path, () => ({ json: { items, next_token: null } }));
}

/** Every command there is, each noting that it ran. */
function commands(): CommandRegistry {
  const registry = new CommandRegistry();
  run = [];
  dropped = [];
  const { operation: _, ...fixed } = CommandIDs;
  const ids = [...Object.values(fixed), ...CARDS.map(card => CommandIDs.operation(card.name))];
  for (const command of ids) {
    registry.addCommand(command, { execute: args => run.push({ command, args }) });
  }
  return registry;
}

/** The sections that the nouns' plugins give. */
function sections(): Sections {
  const all = new Sections();
  const { jobsPlugin, runsPlugin, modelsPlugin, endpointsPlugin, servicesPlugin } = nouns;
  for (const plugin of [jobsPlugin, runsPlugin, modelsPlugin, endpointsPlugin, servicesPlugin]) {
    void plugin.activate({} as never, all, null);
  }
  const view = (props: ISectionViewProps) => (
    <DatasetsSection {...props} onFiles={files => dropped.push(...files)} />
  );
  all.add({ noun: 'datasets', rank: 200, view });
  return all;
}

async function show(registry = commands()): Promise<void> {
  const { api } = plane;
  model = new AimassModel(api, new EventStream(api, TIMING));
  const actions = new CommandActions(registry, model);
  render(<PanelView aimass={model} actions={actions} sections={sections()} />);
  await act(async () => {
    model.start();
    const lists = [model.jobs, model.runs, model.models, model.endpoints, model.datasets];
    const shown = [...lists, model.services];
    await until(() => shown.every(each => each.isLoaded) || model.connection.state === 'down');
  });
}

/** What a row says; blanks that hold a name and its value together are blanks. */
function plainText(row: HTMLElement): string {
  return (row.textContent ?? '').replace(/\u00a0/g, ' ');
}

test('empty sections say what to do next, with lines to copy', async () => {
  await show();
  const jobs = within(screen.getByTestId('aimass-empty-jobs'));
  expect(jobs.getByText('%aimass datasets import digits')).toBeTruthy();
  expect(jobs.getByText(/^%aimass train --dataset digits/)).toBeTruthy();
  for (const noun of ['models', 'endpoints', 'services']) {
    expect(screen.getByTestId(`aimass-empty-${noun}`).textContent).toMatch(/^No \w+ yet\./);
  }
});

test('a running job shows how far it is, and can be stopped after a question', async () => {
  list('/jobs', [job()]);
  await show();
  const row = screen.getByTestId('aimass-job-job_1');
  expect(row.dataset.state).toBe('running');
  expect(plainText(row)).toContain('classification of digits@1 · horovod × 2');
  expect(plainText(row)).toContain('40% · 1 min left · loss 0.2135 · accuracy NaN');
  expect(within(row).getByRole('progressbar').getAttribute('aria-valuenow')).toBe('40');
  const user = userEvent.setup();
  await user.click(within(row).getByRole('button', { name: 'Stop digits' }));
  expect(run).toEqual([]);
  await user.click(await screen.findByLabelText('Stop'));
  await until(() => run.length === 1);
  expect(run[0]).toEqual({
    command: 'aimass:jobs.stop',
    args: { values: { job: 'job_1' }, form: false }
  });
});

test('a failed job shows its cause, and can no longer be stopped', async () => {
  const cause = {
    code: 'signal',
    message: 'rank 1 SIGKILL',
    rank: 1,
    last_lines: ['bye']
  } as const;
  list('/jobs', [job({ state: 'failed', cause: { ...cause, last_lines: [...cause.last_lines] } })]);
  await show();
  const row = within(screen.getByTestId('aimass-job-job_1'));
  expect(row.getByText('rank 1 SIGKILL').title).toBe('bye');
  expect(row.queryByTestId('aimass-job-stop')).toBeNull();
  await userEvent.click(row.getByTestId('aimass-job-log'));
  expect(run[0]).toEqual({
    command: 'aimass:open-log',
    args: { job: 'job_1', name: 'digits', np: 2 }
  });
});

test('a job that succeeded shows its metrics and its model, ready to deploy', async () => {
  list('/jobs', [job({ state: 'succeeded', metrics: { accuracy: 0.97531 }, model: 'digits@3' })]);
  await show();
  const row = screen.getByTestId('aimass-job-job_1');
  expect(plainText(row)).toContain('accuracy 0.9753 · → digits@3');
  await userEvent.click(within(row).getByTestId('aimass-job-deploy'));
  expect(run[0].args).toEqual({ values: { model: 'digits@3' }, form: true });
});

test('models show versions and aliases; endpoints their URL; services a link', async () => {
  list('/models', [registered()]);
  list('/endpoints', [endpoint()]);
  list('/services', [service()]);
  await show();
  expect(screen.getByTestId('aimass-model-alias').textContent).toBe('production → v2');
  expect(screen.getByText('http://127.0.0.1:9/v2/models/digits')).toBeTruthy();
  const link = screen.getByTestId<HTMLAnchorElement>('aimass-service-open');
  expect([link.href, link.rel]).toEqual(['http://127.0.0.1:9/?token=t', 'noopener noreferrer']);
});

test('text is text, wherever it comes from', async () => {
  const cause = { code: 'error', message: HOSTILE, rank: null, last_lines: [HOSTILE] } as const;
  const hostile = { name: HOSTILE, owner: HOSTILE };
  list('/jobs', [
    job({
      ...hostile,
      state: 'failed',
      cause: { ...cause, last_lines: [HOSTILE] },
      metrics: { [HOSTILE]: 1 }
    })
  ]);
  list('/models', [registered({ ...hostile, aliases: { [HOSTILE]: 1 } })]);
  list('/endpoints', [endpoint({ ...hostile, message: HOSTILE, url: 'javascript:alert(1)' })]);
  list('/services', [service({ ...hostile, message: HOSTILE, url: 'javascript:alert(1)' })]);
  await show();
  expect(document.querySelector('img')).toBeNull();
  expect(screen.getAllByText(HOSTILE).length).toBeGreaterThan(4);
  expect(screen.queryByTestId('aimass-service-open')).toBeNull();
  expect(document.querySelector('a')).toBeNull();
});

test('without the server part it says so and how to mend it, and recovers by itself', async () => {
  plane.answer('GET', '/operations', () => ({ text: 'nothing here', status: 404 }));
  await show();
  const down = screen.getByTestId('aimass-down');
  expect(down.dataset.code).toBe('missing');
  expect(down.textContent).toContain('jupyter server extension enable aimass_server');
  plane.routes.clear();
  await act(() => until(() => model.services.isLoaded));
  expect(screen.queryByTestId('aimass-down')).toBeNull();
});

test('another control plane on the data folder is named, with the cure', async () => {
  const hint = 'stop it, or choose another folder with AIMASS_DATA';
  plane.answer('GET', '/operations', () =>
    problem(503, 'unavailable', 'the data folder belongs to process 4711', { hint })
  );
  await show();
  expect(screen.getByRole('alert').textContent).toContain('belongs to process 4711');
  expect(screen.getByRole('alert').textContent).toContain(hint);
});

test('a viewer is offered nothing that changes anything', async () => {
  plane.answer('GET', '/whoami', () => ({
    json: { permissions: CARDS.map(card => card.permission).filter(p => p.endsWith(':read')) }
  }));
  list('/jobs', [job()]);
  list('/models', [registered()]);
  list('/endpoints', [endpoint()]);
  list('/services', [service()]);
  await show();
  const offered = screen.getAllByRole('button').map(button => button.dataset.testid);
  const changing = /stop|delete|deploy|promote|train|import/;
  expect(offered.filter(id => changing.test(id ?? ''))).toEqual([]);
});

test('what a switched-off plugin would do is not offered', async () => {
  list('/jobs', [job()]);
  list('/endpoints', [endpoint()]);
  await show(new CommandRegistry());
  for (const id of ['job-log', 'job-stop', 'endpoint-try', 'tensorboard', 'train']) {
    expect(screen.queryByTestId(`aimass-${id}`)).toBeNull();
  }
});

test('the filter looks through names, states and datasets', async () => {
  list('/jobs', [job(), job({ id: 'job_2', name: 'sales', dataset: 'sales@1', state: 'failed' })]);
  await show();
  await userEvent.type(screen.getByTestId('aimass-filter'), 'FAIL');
  await waitFor(() => expect(screen.queryByTestId('aimass-job-job_1')).toBeNull());
  expect(screen.getByTestId('aimass-job-job_2')).toBeTruthy();
});

test('a section folds with the keyboard', async () => {
  await show();
  const header = screen.getByRole('button', { name: /^Jobs/ });
  header.focus();
  await userEvent.keyboard('{Enter}');
  await waitFor(() => expect(header.getAttribute('aria-expanded')).toBe('false'));
  expect(screen.queryByTestId('aimass-empty-jobs')).toBeNull();
});

test('two hundred jobs are two hundred rows, and progress draws one again', async () => {
  list(
    '/jobs',
    Array.from({ length: 200 }, (_, index) => job({ id: `job_${index}` }))
  );
  await show();
  expect(screen.getAllByTestId(/^aimass-job-job_/)).toHaveLength(200);
  let drawn = 0;
  const watched = Object.defineProperty(job({ id: 'job_7' }), 'np', { get: () => (drawn += 1) });
  act(() => model.jobs.patch('job_7', () => watched));
  const before = drawn;
  expect(before).toBeGreaterThan(0);
  act(() => model.jobs.patch('job_9', old => ({ ...old, state: 'stopping' })));
  expect(screen.getByTestId('aimass-job-job_9').dataset.state).toBe('stopping');
  expect(drawn).toBe(before);
});

test('every button has a name', async () => {
  list('/jobs', [job(), job({ id: 'job_2', state: 'succeeded', model: 'digits@1' })]);
  list('/models', [registered()]);
  list('/endpoints', [endpoint()]);
  list('/services', [service()]);
  await show();
  for (const button of screen.getAllByRole('button')) {
    expect(button.getAttribute('aria-label') ?? button.textContent).not.toBe('');
  }
});

test('files that are dropped on the datasets are taken', async () => {
  await show();
  const file = new File(['a,b'], 'sales.csv');
  fireEvent.drop(screen.getByTestId('aimass-drop'), { dataTransfer: { files: [file] } });
  expect(dropped).toEqual([file]);
});

test('a dataset shows its size and label, and is trained on with one click', async () => {
  list('/datasets', [dataset()]);
  await show();
  const row = screen.getByTestId('aimass-dataset-dat_1');
  expect(row.textContent).toContain('1 column');
  expect(row.textContent).toContain('learns price · regression');
  await userEvent.click(within(row).getByTestId('aimass-dataset-train'));
  expect(run[0]).toEqual({ command: 'aimass:train-on', args: { dataset: 'sales' } });
});

test('runs are chosen and compared', async () => {
  list('/runs', [tracked(), tracked({ id: 'run_2', name: 'wide', tags: [] })]);
  await show();
  expect(screen.queryByTestId('aimass-run-run_1')).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: /^Runs/ }));
  expect(plainText(screen.getByTestId('aimass-run-run_1'))).toContain('loss/validation 0.2');
  await userEvent.click(screen.getByLabelText('Choose digits'));
  expect(screen.queryByTestId('aimass-compare')).toBeNull();
  await userEvent.click(screen.getByLabelText('Choose wide'));
  await userEvent.click(screen.getByTestId('aimass-compare'));
  expect(run[0].args).toEqual({ noun: 'comparison', id: 'run_1,run_2', label: 'Comparison' });
});

test('a job that waits says why when it is asked, and asks again when something happens', async () => {
  const why = (message: string) => ({
    json: {
      job: 'job_1',
      name: 'digits',
      state: 'queued',
      position: 2,
      waiting: 5,
      blockers: [{ kind: 'slots', message }],
      starts_in_seconds: 90,
      expected_seconds: null
    }
  });
  list('/jobs', [job({ state: 'queued' })]);
  plane.answer('GET', '/jobs/job_1/why', () => why('needs 2 slots, 1 is free'));
  await show();
  expect(plane.requests.some(({ path }) => path.endsWith('/why'))).toBe(false);
  await userEvent.click(screen.getByTestId('aimass-job-why'));
  await screen.findByText('needs 2 slots, 1 is free');
  expect(screen.getByTestId('aimass-waiting').textContent).toContain('Place 2 of 5 in the queue');
  plane.answer('GET', '/jobs/job_1/why', () => why('needs 2 slots, none is free'));
  act(() => plane.happen({ topic: 'jobs.started', subject: 'job_9' }));
  await screen.findByText('needs 2 slots, none is free');
});

test('a name opens the page of the thing', async () => {
  list('/models', [registered()]);
  await show();
  await userEvent.click(screen.getByTestId('aimass-open-mod_1'));
  expect(run[0]).toEqual({
    command: 'aimass:open',
    args: { noun: 'models', id: 'mod_1', label: 'digits' }
  });
});

test('models are chosen and compared', async () => {
  list('/models', [registered(), registered({ id: 'mod_2', name: 'small' })]);
  await show();
  const user = userEvent.setup();
  await user.click(screen.getByLabelText('Choose digits'));
  expect(screen.queryByTestId('aimass-compare')).toBeNull();
  await user.click(screen.getByLabelText('Choose small'));
  await user.click(screen.getByTestId('aimass-compare'));
  expect(run).toEqual([
    {
      command: 'aimass:open',
      args: { noun: 'model-comparison', id: 'mod_1,mod_2', label: 'Models' }
    }
  ]);
});

test('the log of a service is a click away', async () => {
  list('/services', [service()]);
  await show();
  await userEvent.click(screen.getByRole('button', { name: 'Open the log of sales' }));
  expect(run).toEqual([{ command: 'aimass:open-log', args: { service: 'srv_1', name: 'sales' } }]);
});
