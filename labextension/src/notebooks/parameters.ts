/**
 * What a notebook lets be set from outside: the names that its cells tagged `parameters` assign.
 * Reads the text alone, for a form; the server reads the code, and refuses other names. Pure.
 */
import { type ICell, sourceOf } from './script';

export interface IParameter {
  readonly name: string;
  /** What it is set to in the notebook, as it is written there. */
  readonly value: string;
}

const ASSIGNMENT = /^([A-Za-z_]\w*)\s*(?::[^=\n]+)?=(?!=)\s*(.*)$/gm;

export function parametersOf(cells: readonly ICell[]): IParameter[] {
  const found = new Map<string, IParameter>();
  for (const cell of cells.filter(isTagged)) {
    for (const [, name, value] of sourceOf(cell).matchAll(ASSIGNMENT)) {
      found.set(name, { name, value: value.trim() });
    }
  }
  return [...found.values()];
}

function isTagged({ cell_type, metadata }: ICell): boolean {
  return cell_type === 'code' && !!metadata?.tags?.includes('parameters');
}

/** What was typed, as on the command line: JSON where it is some, else the words themselves. */
export function valuesOf(typed: Readonly<Record<string, string>>): Record<string, unknown> {
  const given = Object.entries(typed).filter(([, text]) => text.trim() !== '');
  return Object.fromEntries(given.map(([name, text]) => [name, jsonOrText(text.trim())]));
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
