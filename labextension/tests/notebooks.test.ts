/**
 * A notebook as a script, what it lets be set, and the notebooks that a new model begins with.
 */
import { withoutOutputs } from '../src/notebooks/files';
import { parametersOf, valuesOf } from '../src/notebooks/parameters';
import { scriptOf } from '../src/notebooks/script';
import { templates } from '../src/notebooks/templates';

const code = (source: string | string[]) => ({ cell_type: 'code', source });

test('code cells follow each other; what is no code and what is empty does not travel', () => {
  const script = scriptOf('my report.ipynb', [
    { cell_type: 'markdown', source: '# Title' },
    code(['a = 1\n', 'b = 2']),
    code('  \n'),
    code('print(a + b)')
  ]);
  expect(script.filename).toBe('my_report.py');
  expect(script.text).toBe('# %% [1]\na = 1\nb = 2\n\n# %% [2]\nprint(a + b)\n');
  expect(script.parts).toEqual([
    { number: 1, line: 'a = 1', lines: 2, left: [] },
    { number: 2, line: 'print(a + b)', lines: 1, left: [] }
  ]);
});

test('what only a notebook understands is left out, and a block stays a block', () => {
  const source = '%matplotlib inline\nif True:\n    !ls\nfiles = %sx ls\nlen?\nx = 5 % 3';
  const { text, parts } = scriptOf('a.ipynb', [code(source)]);
  expect(text.split('\n').slice(1, 7)).toEqual([
    'pass  # %matplotlib inline',
    'if True:',
    '    pass  # !ls',
    'pass  # files = %sx ls',
    'pass  # len?',
    'x = 5 % 3'
  ]);
  expect(parts[0].left).toHaveLength(4);
});

test('a cell for another interpreter is left out whole', () => {
  const { text, parts } = scriptOf('a.ipynb', [code('%%bash\nls -l'), code('print(1)')]);
  expect(text).toBe('# %% [1]\n# %%bash\n# ls -l\n\n# %% [2]\nprint(1)\n');
  expect(parts[0].left).toEqual(['%%bash', 'ls -l']);
});

test('each task has a notebook that begins with a title and loads the magics', () => {
  for (const { cells, filename } of Object.values(templates())) {
    expect(filename).toMatch(/^[a-z-]+\.ipynb$/);
    expect(cells[0]).toMatchObject({ cell_type: 'markdown' });
    expect(cells.some(({ source }) => source.includes('%load_ext aimass_jupyter'))).toBe(true);
  }
});

test('what a cell tagged parameters assigns can be set; what is typed is JSON or words', () => {
  const source =
    "year = 2023  # of the report\nregion: str = 'south'\nif year == 2023:\n    old = 1\n";
  const tagged = { ...code(source), metadata: { tags: ['parameters'] } };
  expect(parametersOf([code('other = 1'), tagged])).toEqual([
    { name: 'year', value: '2023  # of the report' },
    { name: 'region', value: "'south'" }
  ]);
  expect(valuesOf({ year: '2024', region: 'north', left: ' ' })).toEqual({
    year: 2024,
    region: 'north'
  });
});

test('outputs stay behind', () => {
  const cell = { ...code('1 + 1'), execution_count: 7, outputs: [{ output_type: 'stream' }] };
  const title = { cell_type: 'markdown', source: '# Title' };
  expect(withoutOutputs({ nbformat: 4, cells: [title, cell] })).toEqual({
    nbformat: 4,
    cells: [title, { ...cell, execution_count: null, outputs: [] }]
  });
});
