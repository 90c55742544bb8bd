/**
 * A notebook as a script: its code cells one after the other. What only IPython understands cannot
 * travel and is left out, line by line, in plain sight. Pure.
 */

export interface ICell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly metadata?: { readonly tags?: readonly string[] };
}

export function sourceOf({ source }: ICell): string {
  return typeof source === 'string' ? source : source.join('');
}

/** One cell, as a person is told of it before it travels. */
export interface IPart {
  /** Its place among the code cells, from 1. */
  readonly number: number;
  /** Its first line with something in it. */
  readonly line: string;
  readonly lines: number;
  /** Lines that stay behind: magics, shell commands, questions. */
  readonly left: readonly string[];
}

export interface IScript {
  readonly filename: string;
  readonly text: string;
  readonly parts: readonly IPart[];
}

const MAGIC = /^\s*[%!]|^\s*\w+\s*=\s*[%!]|\?\s*$/;

export function scriptOf(notebook: string, cells: readonly ICell[]): IScript {
  const sources = cells
    .filter(cell => cell.cell_type === 'code')
    .map(sourceOf)
    .filter(source => source.trim() !== '');
  const made = sources.map(translated);
  const filename = notebook.replace(/\.ipynb$/, '').replace(/[^A-Za-z0-9_.-]+/g, '_') + '.py';
  return {
    filename,
    text: made.map(({ text }, index) => `# %% [${index + 1}]\n${text}\n`).join('\n'),
    parts: made.map(({ left }, index) => partOf(index + 1, sources[index], left))
  };
}

function partOf(number: number, source: string, left: readonly string[]): IPart {
  const lines = source.split('\n').filter(line => line.trim() !== '');
  return { number, line: lines[0], lines: lines.length, left };
}

/** Lines keep their numbers: what is left out becomes a comment, and a block stays a block. */
function translated(source: string): { text: string; left: string[] } {
  const lines = source.split('\n');
  if (lines[0].startsWith('%%')) {
    return { text: lines.map(line => `# ${line}`).join('\n'), left: lines };
  }
  const left = lines.filter(line => MAGIC.test(line));
  const text = lines.map(line => (MAGIC.test(line) ? line.replace(/^(\s*)/, '$1pass  # ') : line));
  return { text: text.join('\n'), left };
}
