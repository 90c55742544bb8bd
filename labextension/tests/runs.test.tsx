/**
 * The pages of runs that no job has and of services, over a real model and a real server.
 */
import { CommandRegistry } from '@lumino/commands';
import { act, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';

import { CommandActions } from '../src/actions';
import { CommandIDs } from '../src/commands';
import { AimassModel } from '../src/model';
import { RunPage } from '../src/pages/run';
import { ServicePage } from '../src/pages/service';
import { EventStream } from '../src/stream';
import { ControlPlane, until } from './setting/server';
import { run as tracked, service } from './setting/things';

let plane: ControlPlane;
let model: AimassModel;
let asked: { command: string; args: unknown }[];

beforeEach(async () => {
  plane = await ControlPlane.start();
  asked = [];
  const timing = { firstPauseMs: 20, longestPauseMs: 40, silenceMs: 5_000 };
  const { api } = plane;
  model = new AimassModel(api, new EventStream(api, timing));
  await act(async () => {
    model.start();
    await until(() => model.connection.state === 'live');
  });
});

afterEach(async () => {
  model.dispose();
  await plane.stop();
});

function actions(): CommandActions {
  const commands = new CommandRegistry();
  const known = ['runs.tag', 'runs.note', 'services.stop'].map(CommandIDs.operation);
  for (const id of [CommandIDs.openPage, CommandIDs.openTensorBoard, ...known]) {
    commands.addCommand(id, { execute: args => void asked.push({ command: id, args }) });
  }
  return new CommandActions(commands, model);
}

test('a run that no job has shows its curves, and goes on when an event tells of it', async () => {
  let run = tracked({ id: 'run_000000abcdef', job: '', state: 'running', params: { lr: 0.1 } });
  const series = [{ tag: 'loss', steps: [1, 2], values: [3, 2] }];
  const cursors: (string | null)[] = [];
  plane.answer('GET', `/runs/${run.id}`, () => ({ json: run }));
  plane.answer('GET', `/runs/${run.id}/metrics`, ({ query }) => {
    cursors.push(query.get('cursor'));
    return { json: { series: query.get('cursor') ? [] : series, gaps: [], cursor: 'c1' } };
  });
  render(<RunPage id={run.id} aimass={model} actions={actions()} />);
  expect((await screen.findByTestId('aimass-chart-loss')).textContent).toContain('loss');
  expect(screen.getByText('lr').nextElementSibling?.textContent).toBe('0.1');
  expect(screen.getByText('0.2 (0.1)')).toBeTruthy();
  expect(screen.queryByText('Job')).toBeNull();
  await userEvent.click(screen.getByTestId('aimass-page-tensorboard'));
  expect(asked[0].args).toEqual({ run: 'digits-abcdef' });
  await userEvent.click(screen.getByTestId('aimass-run-note'));
  expect(asked[1].args).toEqual({ values: { run: run.id, notes: '' }, form: true });
  const message = 'nothing was heard of it';
  run = { ...run, state: 'lost', cause: { code: 'lost', message, rank: null, last_lines: [] } };
  const event = { sequence: 9, topic: 'runs.lost', subject: run.id, name: run.name, actor: 'x' };
  act(() => plane.send(`id: 9\nevent: runs.lost\ndata: ${JSON.stringify(event)}\n\n`));
  expect((await screen.findByTestId('aimass-page-cause')).textContent).toBe(message);
  await until(() => cursors.length > 1);
  expect(cursors.slice(0, 2)).toEqual(['', 'c1']);
});

test('the run of a job leads to it', async () => {
  plane.answer('GET', '/runs/run_1', () => ({ json: tracked() }));
  plane.answer('GET', '/runs/run_1/metrics', () => ({
    json: { series: [], gaps: [], cursor: '' }
  }));
  render(<RunPage id="run_1" aimass={model} actions={actions()} />);
  await userEvent.click(await screen.findByTestId('aimass-open-job_1'));
  expect(asked[0].args).toEqual({ noun: 'jobs', id: 'job_1', label: 'job_1' });
});

test('a service says where viewers open it; one that failed says why, and has no address', async () => {
  let current = service();
  plane.answer('GET', '/services/srv_1', () => ({ json: current }));
  const { unmount } = render(<ServicePage id="srv_1" aimass={model} actions={actions()} />);
  const link = await screen.findByTestId<HTMLAnchorElement>('aimass-page-service-open');
  expect([link.href, link.rel]).toEqual(['http://127.0.0.1:9/?token=t', 'noopener noreferrer']);
  expect(screen.getByTestId('aimass-service-stop')).toBeTruthy();
  unmount();
  current = service({ state: 'failed', message: 'cell 2 raised', url: 'javascript:alert(1)' });
  render(<ServicePage id="srv_1" aimass={model} actions={actions()} />);
  expect((await screen.findByRole('alert')).textContent).toBe('cell 2 raised');
  expect(document.querySelector('a')).toBeNull();
});
