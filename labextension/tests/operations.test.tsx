/**
 * Operations as a person runs them: the form, the fault, the file, the answer.
 */
import { Dialog, Notification } from '@jupyterlab/apputils';
import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import React from 'react';

import { AnswerView, FaultView, secretsOf } from '../src/answer';
import { AimassError } from '../src/errors';
import { serviceName } from '../src/format';
import { labelOf, menuLabelOf, OperationRunner } from '../src/operations';
import { type Answer, ControlPlane, problem } from './setting/server';
import { card } from './setting/table';
import { endpoint, job } from './setting/things';

const HOSTILE = '<img src=x onerror=alert(1)>';

let plane: ControlPlane;
let runner: OperationRunner;

beforeEach(async () => {
  // Lab draws dialogs when it likes, not when the test does something.
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = false;
  plane = await ControlPlane.start();
  const { api } = plane;
  await api.load();
  runner = new OperationRunner(api);
});

afterEach(async () => {
  Dialog.flush();
  Notification.dismiss();
  await plane.stop();
});

function toasts(): string[] {
  return Notification.manager.notifications.map(({ message }) => message);
}

async function input(name: string): Promise<HTMLInputElement> {
  return waitFor(() => {
    const found = document.querySelector<HTMLInputElement>(`#root_${name}`);
    expect(found).not.toBeNull();
    return found!;
  });
}

async function fill(name: string, value: string): Promise<void> {
  fireEvent.change(await input(name), { target: { value } });
}

function press(label: string): void {
  fireEvent.click(screen.getByLabelText(label));
}

/** The JSON that was sent to a path last. */
function sent(path: string): unknown {
  const found = plane.requests.filter(request => request.path === path).at(-1);
  return JSON.parse(found!.body.toString());
}

test('a command is called what the operation does', () => {
  expect(labelOf(card('jobs.submit'))).toBe('AI Mass: train — Train a model as a job');
  expect(labelOf(card('models.show'))).toBe('AI Mass: models show — Show a model');
  expect(menuLabelOf(card('jobs.submit'))).toBe('Train a model…');
});

test('runs at once when nothing is missing', async () => {
  plane.answer('POST', '/jobs/job_1/stop', () => ({ json: job({ state: 'stopping' }) }));
  await runner.run(card('jobs.stop'), { job: 'job_1' }, false);
  expect(screen.queryByTestId('aimass-form')).toBeNull();
  expect(toasts()).toEqual(['AI Mass: stop: digits is stopping']);
});

test('says what failed when it ran without a form', async () => {
  plane.answer('POST', '/jobs/job_1/stop', () => problem(409, 'conflict', 'it has ended'));
  await runner.run(card('jobs.stop'), { job: 'job_1' }, false);
  expect(toasts()).toEqual(['AI Mass: stop: it has ended']);
});

test('asks for what is missing; a fault keeps what was typed', async () => {
  let answer: Answer = problem(422, 'invalid', "there is no dataset 'digit'", {
    hint: "did you mean 'digits'?"
  });
  plane.answer('POST', '/jobs', () => answer);
  const done = runner.run(card('jobs.submit'), undefined, false);
  await fill('dataset', 'digit');
  await fill('algorithm', 'classification');
  press('Train');
  const fault = await screen.findByTestId('aimass-form-error');
  expect(fault.textContent).toContain("did you mean 'digits'?");
  expect((await input('dataset')).value).toBe('digit');
  answer = { json: job() };
  await fill('dataset', 'digits');
  press('Train');
  await done;
  expect(sent('/jobs')).toMatchObject({ dataset: 'digits', algorithm: 'classification', np: 1 });
});

test('cancelling sends nothing', async () => {
  const done = runner.run(card('models.promote'), { model: 'digits' }, true);
  expect((await input('model')).value).toBe('digits');
  press('Cancel');
  expect(await done).toBeUndefined();
  expect(plane.requests.map(({ method }) => method)).not.toContain('POST');
});

test('offers the names there are', async () => {
  plane.answer('GET', '/models', () => ({
    json: { items: [{ name: 'digits' }, { name: 'sales' }, { name: 'digits' }], next_token: null }
  }));
  const done = runner.run(card('models.promote'), undefined, false);
  await waitFor(() => {
    const offered = [...document.querySelectorAll('datalist option')];
    expect(offered.map(option => option.getAttribute('value'))).toEqual(['digits', 'sales']);
  });
  press('Cancel');
  await done;
});

test('the chosen algorithm brings its hyperparameters', async () => {
  const hyperparameters = {
    properties: { epochs: { type: 'integer', default: 10, minimum: 1 } },
    type: 'object'
  };
  const items = [{ name: 'classification', hyperparameters }];
  plane.answer('GET', '/algorithms', () => ({ json: { items, next_token: null } }));
  plane.answer('POST', '/jobs', () => ({ json: job() }));
  const done = runner.run(card('jobs.submit'), { dataset: 'digits' }, true);
  await fill('algorithm', 'classification');
  await fill('params_epochs', '3');
  press('Train');
  await done;
  expect(sent('/jobs')).toMatchObject({ params: { epochs: 3 } });
});

test('a chosen file is sent first, and its id takes its place', async () => {
  plane.answer('POST', '/uploads', () => ({ json: { id: 'upl_7' } }));
  plane.answer('POST', '/datasets', () => ({ json: { id: 'ds_1', name: 'sales' } }));
  const done = runner.run(card('datasets.import'), undefined, false);
  const picker = await screen.findByTestId('aimass-file-source');
  fireEvent.change(picker, { target: { files: [new File(['a,b\n1,2\n'], 'sales.csv')] } });
  await waitFor(async () => expect((await input('source')).value).toBe('sales.csv'));
  press('Import');
  await done;
  expect(sent('/datasets')).toMatchObject({ source: 'upl_7' });
  const upload = plane.requests.find(({ path }) => path === '/uploads')!;
  expect(upload.query.get('filename')).toBe('sales.csv');
  expect(upload.body.toString()).toBe('a,b\n1,2\n');
});

test('a word instead of a file stays a word', async () => {
  plane.answer('POST', '/datasets', () => ({ json: { id: 'ds_1', name: 'digits' } }));
  const done = runner.run(card('datasets.import'), undefined, false);
  await fill('source', 'digits');
  press('Import');
  await done;
  expect(sent('/datasets')).toMatchObject({ source: 'digits' });
});

test('a key that is shown once is shown, to be copied', async () => {
  const answer = endpoint({ key: 'aimk_secret' });
  plane.answer('POST', '/endpoints', () => ({ json: answer }));
  const done = runner.run(card('endpoints.deploy'), { model: 'digits' }, false);
  const shown = await screen.findByTestId('aimass-answer');
  expect(shown.textContent).toContain('shown this once');
  expect(shown.textContent).toContain('aimk_secret');
  press('Close');
  await done;
  expect(secretsOf(card('endpoints.deploy'), endpoint())).toEqual([]);
});

test('a listing is a table; what is in it is text', () => {
  const items = [{ id: 'job_1', name: HOSTILE, progress: {}, final: false }];
  render(<AnswerView card={card('jobs.list')} answer={{ items, next_token: null }} />);
  const headings = screen.getAllByRole('columnheader').map(cell => cell.textContent);
  expect(headings).toEqual(['ID', 'Name', 'Final']);
  expect(screen.getByText(HOSTILE)).toBeTruthy();
  expect(document.querySelector('img')).toBeNull();
});

test('a fault shows its details as text', () => {
  const error = new AimassError('failed', HOSTILE, '', [{ cell: 3, error: HOSTILE, none: null }]);
  const { container } = render(<FaultView error={error} />);
  expect(container.querySelector('pre')?.textContent).toBe(`cell: 3\nerror: ${HOSTILE}`);
  expect(container.querySelector('img')).toBeNull();
});

test.each([
  ['hello world.ipynb', 'hello-world'],
  ['_draft.ipynb', 'draft'],
  ['Übersicht der Maße.ipynb', 'Ubersicht-der-Masse'],
  [`${'x'.repeat(80)}.ipynb`, 'x'.repeat(64)]
])('notebook %p is offered as service %p', (file, name) => {
  expect(serviceName(file)).toBe(name);
});
