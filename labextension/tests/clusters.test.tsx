/**
 * Clusters, in the panel and as pages, over a real model and a real server.
 */
import { CommandRegistry } from '@lumino/commands';
import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React from 'react';

import { CommandActions } from '../src/actions';
import { CommandIDs } from '../src/commands';
import { AimassModel } from '../src/model';
import { ClusterPage } from '../src/pages/cluster';
import { ClustersSection } from '../src/panel/clusters';
import { StatusItem } from '../src/plugins/status';
import type { Node, NodeUse } from '../src/schema';
import { EventStream } from '../src/stream';
import { ControlPlane, until } from './setting/server';
import { CARDS } from './setting/table';
import { cluster, job } from './setting/things';

let plane: ControlPlane;
let model: AimassModel;
let commands: CommandRegistry;
let run: { command: string; args: unknown }[];

beforeEach(async () => {
  plane = await ControlPlane.start();
  const { api } = plane;
  const timing = { firstPauseMs: 20, longestPauseMs: 40, silenceMs: 5_000 };
  model = new AimassModel(api, new EventStream(api, timing));
  commands = new CommandRegistry();
  run = [];
  const ids = [CommandIDs.openPage, ...CARDS.map(card => CommandIDs.operation(card.name))];
  for (const command of ids) {
    commands.addCommand(command, { execute: args => run.push({ command, args }) });
  }
});

afterEach(async () => {
  model.dispose();
  await plane.stop();
});

function answer(path: string, json: () => unknown): void {
  plane.answer('GET', path, () => ({ json: json() }));
}

function list(path: string, ...items: unknown[]): void {
  answer(path, () => ({ items, next_token: null }));
}

const OPEN = { filter: '', isOpen: true, onToggle: () => undefined };

async function showSection(): Promise<void> {
  const actions = new CommandActions(commands, model);
  await act(async () => {
    model.start();
    await until(() => model.connection.state === 'live');
  });
  render(<ClustersSection aimass={model} actions={actions} {...OPEN} />);
  await act(() => until(() => model.clusters.isLoaded));
}

test('a cluster shows its nodes and slots, and follows the jobs that take them', async () => {
  let used = 2;
  answer('/clusters', () => ({ items: [cluster({ slots_used: used })], next_token: null }));
  await showSection();
  const row = screen.getByTestId('aimass-cluster-hall');
  expect(row.textContent).toContain('ssh · 2 nodes · 2 of 8 slots in use');
  expect(within(row).getByRole('progressbar').getAttribute('aria-valuenow')).toBe('25');
  used = 6;
  act(() => plane.happen({ topic: 'jobs.running', subject: 'job_1' }));
  await waitFor(() => expect(row.textContent).toContain('6 of 8 slots in use'));
});

test('a cluster is stopped after a question; this machine cannot be', async () => {
  list('/clusters', cluster(), cluster({ id: '', name: 'local', kind: 'local', nodes: 1 }));
  await showSection();
  const local = screen.getByTestId('aimass-cluster-local');
  expect(local.textContent).toContain('this machine · 2 of 8');
  expect(screen.getAllByTestId('aimass-cluster-stop')).toHaveLength(1);
  await userEvent.click(screen.getByRole('button', { name: 'Stop hall' }));
  expect(run).toEqual([]);
  await userEvent.click(await screen.findByLabelText('Stop'));
  await until(() => run.length === 1);
  expect(run[0]).toEqual({
    command: 'aimass:clusters.stop',
    args: { values: { cluster: 'hall' }, form: false }
  });
});

const NODE: Node = {
  id: 'nod_1',
  name: 'alpha',
  cluster: 'hall',
  cluster_id: 'clu_1',
  address: '10.0.0.2',
  port: 22,
  user: '',
  python: '',
  host_key: '',
  folder: '',
  slots: 4,
  slots_used: 2,
  memory_bytes: 0,
  gpus: 0,
  labels: ['ssd'],
  profile: 'large',
  tenants: [],
  state: 'ready',
  reason: '',
  created_at: '2026-01-01T10:00:00.000Z'
};

function usedNow(cpu: number, at = '2026-01-01T10:10:00.000Z'): NodeUse {
  return {
    at,
    cpu_percent: cpu,
    memory_bytes: 2 ** 31,
    memory_percent: 25,
    disk_bytes: 1e9,
    disk_percent: 10,
    received_bytes_per_second: 1000,
    sent_bytes_per_second: 0,
    gpu_percent: null,
    gpu_memory_bytes: null
  };
}

async function showPage(): Promise<void> {
  const beta = { ...NODE, id: 'nod_2', name: 'beta', state: 'drained', reason: 'repair' };
  const jobs = [
    {
      job: 'job_1',
      name: 'digits',
      owner: 'ada',
      node: 'alpha',
      processes: 3,
      cpu_percent: 180,
      memory_bytes: 500 * 2 ** 20
    }
  ];
  const alpha = { node: 'alpha', cluster: 'hall', state: 'ready', cpus: 4, now: usedNow(50), jobs };
  answer('/clusters/hall', () => cluster({ public_key: 'ssh-ed25519 AAAA' }));
  list('/clusters/hall/nodes', NODE, beta);
  answer('/clusters/hall/usage', () => ({
    cluster: 'hall',
    slots: 8,
    slots_used: 2,
    nodes: [alpha],
    jobs
  }));
  answer('/clusters/hall/nodes/alpha/usage', () => ({
    ...alpha,
    history: [usedNow(10, '2026-01-01T10:00:00.000Z'), usedNow(50)]
  }));
  const actions = new CommandActions(commands, model);
  await act(async () => {
    model.start();
    await until(() => model.connection.state === 'live');
  });
  render(<ClusterPage id="hall" aimass={model} actions={actions} />);
  await screen.findByText('ssh-ed25519 AAAA');
}

test('the page of a cluster shows what is used of each node, and by which jobs', async () => {
  await showPage();
  const [nodes, users] = screen.getAllByRole('table');
  const rows = within(nodes).getAllByRole('row');
  expect(rows[1].textContent).toContain('alphaready2 of 450% of 425%, 2 GB10%1 kB/s, 0 B/s');
  expect(rows[2].textContent).toMatch(/^betadrained2 of 4––––large, ssd, repair/);
  expect(within(users).getAllByRole('row')[1].textContent).toContain('digitsadaalpha3180%500 MB');
  await userEvent.click(within(users).getByRole('button', { name: 'digits' }));
  expect(run[0].args).toEqual({ noun: 'jobs', id: 'job_1', label: 'digits' });
});

test('a node is drained by a form, and let begin again', async () => {
  await showPage();
  await userEvent.click(screen.getByRole('button', { name: 'Drain alpha' }));
  await userEvent.click(screen.getByRole('button', { name: 'Let jobs begin on beta again' }));
  expect(run.map(each => each.command)).toEqual(['aimass:nodes.drain', 'aimass:nodes.resume']);
});

test('what was used of a node is drawn over minutes, once it is asked for', async () => {
  await showPage();
  expect(plane.requests.some(({ path }) => path.endsWith('alpha/usage'))).toBe(false);
  await userEvent.click(screen.getByTestId('aimass-node-history-alpha'));
  expect(await screen.findByRole('img', { name: /CPU from 10 to 50, memory/ })).toBeTruthy();
  expect(screen.getByText('-10')).toBeTruthy();
});

test('the status bar tells of GPUs only where there is one', async () => {
  list('/jobs', job());
  const status = { slots: 4, slots_used: 2, jobs: { running: 1 }, gpus: 0, gpu_percent: null };
  answer('/status', () => ({ ...status }));
  await act(async () => {
    model.start();
    await until(() => model.status !== null);
  });
  const { container } = render(<StatusItem aimass={model} commands={commands} />);
  expect(container.textContent).toBe('AI Mass: 1 running · 2/4 slots');
  Object.assign(status, { gpus: 2, gpu_percent: 41.6 });
  await act(() => model.refresh());
  expect(container.textContent).toBe('AI Mass: 1 running · 2/4 slots · 2 GPUs 42%');
});
