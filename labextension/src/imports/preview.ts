/**
 * The first rows of a file of lines, as far as the page can tell before the server reads all of it:
 * columns and what seems to be in them. Pure; other formats have no preview.
 */

export type Guess = 'number' | 'boolean' | 'time' | 'words' | 'text' | 'empty';

export interface IColumn {
  readonly name: string;
  readonly guess: Guess;
  /** The first values, as they stand there. */
  readonly values: readonly string[];
}

/** How much of a file is read for its preview. */
export const PREVIEW_BYTES = 65_536;
const ROWS_SHOWN = 5;
/** As the importer tells texts from words: so many words a value, and so many different values. */
const TEXT_WORDS = 3;
const FEW_VALUES = 20;
const DELIMITERS = [',', ';', '\t', '|'];
const BOOLEANS = new Set(['true', 'false', 'yes', 'no']);
const MISSING = new Set(['', 'na', 'n/a', 'nan', 'null', 'none']);
const TIME = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

const DENSE = /[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]/g;

/** The columns of the text that a file begins with; null when it is of another format. */
export function previewOf(filename: string, text: string): IColumn[] | null {
  const suffix = filename.toLowerCase().split('.').pop();
  if (suffix === 'csv' || suffix === 'tsv') {
    const delimiter = suffix === 'tsv' ? '\t' : delimiterOf(text);
    return columnsOf(table(text, delimiter), delimiter === ';');
  }
  return suffix === 'jsonl' || suffix === 'ndjson' ? columnsOf(objects(text)) : null;
}

/** The columns of rows; between semicolons a number may have a decimal comma. */
function columnsOf([names = [], ...rows]: string[][], commas = false): IColumn[] {
  return names.map((name, index) => {
    const values = rows.map(row => row[index] ?? '');
    return { name, guess: guess(values, commas), values: values.slice(0, ROWS_SHOWN) };
  });
}

function guess(values: readonly string[], commas: boolean): Guess {
  const told = values.filter(value => !MISSING.has(value.trim().toLowerCase()));
  if (told.length === 0) {
    return 'empty';
  }
  const number = (value: string) => Number(commas ? value.replace(',', '.') : value);
  if (told.every(value => value.trim() !== '' && Number.isFinite(number(value)))) {
    return 'number';
  }
  if (told.every(value => BOOLEANS.has(value.trim().toLowerCase()))) {
    return 'boolean';
  }
  if (told.every(value => TIME.test(value.trim()))) {
    return 'time';
  }
  const words = told.reduce((sum, value) => sum + wordsOf(value), 0) / told.length;
  return words >= TEXT_WORDS && new Set(told).size > FEW_VALUES ? 'text' : 'words';
}

/** Words between spaces; two letters of a script without spaces count as one. */
function wordsOf(value: string): number {
  const dense = value.match(DENSE)?.length ?? 0;
  return value.replace(DENSE, ' ').split(/\s+/).filter(Boolean).length + dense / 2;
}

/** The delimiter that the first line has most of. */
function delimiterOf(text: string): string {
  const [first] = text.split('\n', 1);
  const counts = DELIMITERS.map(each => first.split(each).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))];
}

/** Rows of delimited text (RFC 4180); the last one, which may be cut, is left out. */
export function table(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = text.charCodeAt(0) === 0xfeff ? 1 : 0; at < text.length; at++) {
    const sign = text[at];
    if (quoted && sign === '"' && text[at + 1] === '"') {
      cell += text[++at];
    } else if (sign === '"') {
      quoted = !quoted;
    } else if (!quoted && sign === delimiter) {
      row.push(cell);
      cell = '';
    } else if (!quoted && sign === '\n') {
      rows.push([...row, cell.replace(/\r$/, '')]);
      row = [];
      cell = '';
    } else {
      cell += sign;
    }
  }
  return rows.filter(each => each.length > 1 || each[0] !== '');
}

/** Objects, one a line, as rows below their names; the last line, which may be cut, is left out. */
function objects(text: string): string[][] {
  const rows = text.split('\n').slice(0, -1).flatMap(parsed);
  const names = [...new Set(rows.flatMap(row => Object.keys(row)))];
  return [names, ...rows.map(row => names.map(name => asText(row[name])))];
}

function parsed(line: string): Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value ? [value as Record<string, unknown>] : [];
  } catch {
    return [];
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : value == null ? '' : JSON.stringify(value);
}
