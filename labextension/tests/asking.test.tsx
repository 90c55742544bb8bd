/**
 * What is asked before a notebook runs as a job.
 */
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React, { useState } from 'react';

import { AskView, type IChoices, type IWish } from '../src/notebooks/asking';
import { scriptOf } from '../src/notebooks/script';

const CELLS = [{ cell_type: 'code', source: "%matplotlib inline\nprint('hello')" }];

const CHOICES: IChoices = {
  filename: 'report.ipynb',
  ways: ['notebook', 'script'],
  script: scriptOf('report.ipynb', CELLS),
  parameters: [{ name: 'year', value: '2023' }],
  datasets: ['sales']
};

function show(choices: IChoices, way: IWish['way'] = 'notebook'): () => IWish {
  let wish: IWish = { way, name: 'report', params: {}, dataset: '', np: 1 };
  const Dialog = (): JSX.Element => {
    const [value, onChange] = useState(wish);
    wish = value;
    return <AskView choices={choices} value={value} onChange={onChange} />;
  };
  render(<Dialog />);
  return () => wish;
}

test('a notebook runs as it is unless one says otherwise, with values for its parameters', async () => {
  const wish = show(CHOICES);
  expect(screen.queryByLabelText('Ranks')).toBeNull();
  expect(screen.queryByText('Left out')).toBeNull();
  const year = screen.getByLabelText<HTMLInputElement>('year');
  expect(year.placeholder).toBe('2023');
  await userEvent.type(year, '2024');
  expect(wish()).toMatchObject({ way: 'notebook', name: 'report', params: { year: '2024' } });
});

test('as a script it tells what is left out, and reads a dataset on ranks', async () => {
  const wish = show(CHOICES);
  await userEvent.selectOptions(screen.getByLabelText('How it runs'), 'script');
  expect(screen.getByText('Left out')).toBeTruthy();
  expect(screen.queryByLabelText('year')).toBeNull();
  await userEvent.selectOptions(screen.getByLabelText('Dataset that it reads'), 'sales');
  await userEvent.type(screen.getByLabelText('Ranks'), '2', {
    initialSelectionStart: 0,
    initialSelectionEnd: 1
  });
  expect(wish()).toMatchObject({ way: 'script', dataset: 'sales', np: 2 });
});

test('where there is one way, nobody is asked which', () => {
  show({ ...CHOICES, ways: ['script'] }, 'script');
  expect(screen.queryByLabelText('How it runs')).toBeNull();
  expect(screen.getByLabelText('Ranks')).toBeTruthy();
});
