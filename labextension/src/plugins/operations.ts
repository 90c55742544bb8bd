/**
 * One command for every operation that the server has: read from its table, so that an operation
 * added there appears here.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';
import { DisposableSet, type IDisposable } from '@lumino/disposable';

import type { Values } from '../api';
import { CommandIDs } from '../commands';
import { isAskable, labelOf, menuLabelOf, OperationRunner } from '../operations';
import type { OperationCard } from '../schema';
import { IAimass } from '../tokens';

export const operationsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:operations',
  description: 'A command with a form for every operation of AI Mass.',
  autoStart: true,
  requires: [IAimass],
  optional: [ICommandPalette],
  activate: (app: JupyterFrontEnd, aimass: IAimass, palette: ICommandPalette | null) => {
    const commands = new OperationCommands(app.commands, aimass, palette);
    aimass.changed.connect(() => commands.sync());
    commands.sync();
  }
};

/** Keeps the commands what the table is. */
export class OperationCommands {
  constructor(
    private readonly _commands: CommandRegistry,
    private readonly _aimass: IAimass,
    private readonly _palette: ICommandPalette | null
  ) {
    this._runner = new OperationRunner(_aimass.api);
  }

  sync(): void {
    const { operations } = this._aimass.api;
    if (operations === this._table) {
      this._shown.forEach((_, name) =>
        this._commands.notifyCommandChanged(CommandIDs.operation(name))
      );
      return;
    }
    this._table = operations;
    this._shown.forEach(command => command.dispose());
    this._shown.clear();
    for (const card of operations.values()) {
      if (isAskable(card)) {
        this._shown.set(card.name, this._add(card));
      }
    }
  }

  private _add(card: OperationCard): IDisposable {
    const id = CommandIDs.operation(card.name);
    const added = new DisposableSet();
    added.add(
      this._commands.addCommand(id, {
        label: args => (args.isMainMenu ? menuLabelOf(card) : labelOf(card)),
        caption: card.help,
        isEnabled: () => this._aimass.may(card.name),
        execute: ({ values, form }) => this._runner.run(card, values as Values | undefined, !!form)
      })
    );
    const item = this._palette?.addItem({ command: id, category: 'AI Mass' });
    if (item) {
      added.add(item);
    }
    return added;
  }

  private readonly _runner: OperationRunner;
  private readonly _shown = new Map<string, IDisposable>();
  private _table: ReadonlyMap<string, OperationCard> | null = null;
}
