/**
 * The operation table, as the server answers it: generated from the contract by `npm run schema`.
 */
import type { OperationCard } from '../../src/schema';
import table from './table.json';

export const CARDS: OperationCard[] = table;

export function card(name: string): OperationCard {
  const found = CARDS.find(each => each.name === name);
  if (!found) {
    throw new Error(`the contract has no operation '${name}'`);
  }
  return found;
}
