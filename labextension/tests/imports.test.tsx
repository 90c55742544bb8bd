/**
 * The preview of a file before it is imported, and the question that goes with it.
 */
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React, { useState } from 'react';

import { type IImport, ImportView } from '../src/imports/dialog';
import { previewOf, table } from '../src/imports/preview';

const HOSTILE = '<img src=x onerror=alert(1)>';

function kinds(filename: string, text: string): Record<string, string> {
  const columns = previewOf(filename, text) ?? [];
  return Object.fromEntries(columns.map(({ name, guess }) => [name, guess]));
}

test('the kind of a column is what all of its values look like', () => {
  const text = 'id,when,ok,name,gone\n1,2026-01-02,true,a,\n-2.5e3,2026-01-02 10:30,no,7,NA\n';
  expect(kinds('a.csv', text)).toEqual({
    id: 'number',
    when: 'time',
    ok: 'boolean',
    name: 'words',
    gone: 'empty'
  });
});

test('the delimiter is the one that the first line has most of', () => {
  expect(kinds('a.csv', 'a;b\n1;2.5,\n')).toEqual({ a: 'number', b: 'words' });
  expect(kinds('a.csv', 'a;b\n1;2,5\n')).toEqual({ a: 'number', b: 'number' });
  expect(kinds('a.tsv', 'a\tb\n1\tx;y\n')).toEqual({ a: 'number', b: 'words' });
});

test('quotes keep delimiters, quotes and lines together; a line that is cut is left out', () => {
  const text = '\ufeffa,b\r\n"x, ""y""\nz",1\r\n2,';
  expect(table(text, ',')).toEqual([
    ['a', 'b'],
    ['x, "y"\nz', '1']
  ]);
});

test('lines of JSON are rows; one that is broken is left out', () => {
  const text = '{"a": 1, "b": "x"}\nnot json\n{"a": 2, "c": [1]}\n{"a":';
  expect(kinds('a.jsonl', text)).toEqual({ a: 'number', b: 'words', c: 'words' });
});

test('texts are told from words by their length and their number', () => {
  const rows = (count: number, row: (at: number) => string) =>
    `note\n${Array.from({ length: count }, (_, at) => row(at)).join('\n')}\n`;
  expect(
    kinds(
      'a.csv',
      rows(30, at => `delivery ${at} came late`)
    )
  ).toEqual({ note: 'text' });
  expect(
    kinds(
      'a.csv',
      rows(30, at => `很好的产品${'好'.repeat(at)}`)
    )
  ).toEqual({ note: 'text' });
  expect(
    kinds(
      'a.csv',
      rows(30, () => 'very satisfied with it')
    )
  ).toEqual({ note: 'words' });
  expect(
    kinds(
      'a.csv',
      rows(30, at => `C-${at}`)
    )
  ).toEqual({ note: 'words' });
  expect(
    kinds(
      'a.csv',
      rows(8, at => `delivery ${at} came late`)
    )
  ).toEqual({ note: 'words' });
});

test('a format that is no text has no preview', () => {
  expect(previewOf('a.parquet', 'PAR1')).toBeNull();
});

test('the column to learn is chosen among those there are, and text is text', async () => {
  let asked: IImport = { name: '', label: '' };
  function Body(): JSX.Element {
    const [value, setValue] = useState<IImport>({ name: 'sales', label: '' });
    asked = value;
    const columns = previewOf('sales.csv', `price,${HOSTILE}\n1,${HOSTILE}\n`);
    return (
      <ImportView
        file={new File([''], 'sales.csv')}
        columns={columns}
        value={value}
        onChange={setValue}
      />
    );
  }
  render(<Body />);
  await userEvent.selectOptions(screen.getByLabelText('Column to learn'), 'price');
  await userEvent.type(screen.getByLabelText('Name of the dataset'), '-2026');
  expect(asked).toEqual({ name: 'sales-2026', label: 'price' });
  expect(document.querySelector('img')).toBeNull();
});

test('a file without a line is said to be empty', () => {
  const nothing = { name: 'sales', label: '' };
  render(
    <ImportView
      file={new File([''], 'sales.csv')}
      columns={previewOf('sales.csv', '')}
      value={nothing}
      onChange={() => undefined}
    />
  );
  expect(screen.getByText(/The file is empty/)).toBeTruthy();
});
