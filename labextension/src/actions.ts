/**
 * What a person can do from a view. Views ask for it here and know no command and no request.
 */
import { Clipboard, Dialog, showDialog } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';

import type { Values } from './api';
import { CommandIDs } from './commands';
import type { IAimass } from './tokens';

export interface IRunOptions {
  /** Ask in a form first, with the values filled in. */
  readonly form?: boolean;
  /** Ask this question first. */
  readonly confirm?: string;
}

export interface IActions {
  may(operation: string): boolean;
  run(operation: string, values?: Values, options?: IRunOptions): Promise<void>;
  has(command: string): boolean;
  execute(command: string, values?: Values): void;
  copy(text: string): void;
}

export class CommandActions implements IActions {
  constructor(
    private readonly _commands: CommandRegistry,
    private readonly _aimass: IAimass
  ) {}

  may(operation: string): boolean {
    return this._aimass.may(operation) && this.has(CommandIDs.operation(operation));
  }

  async run(operation: string, values: Values = {}, options: IRunOptions = {}): Promise<void> {
    if (options.confirm && !(await confirmed(options.confirm))) {
      return;
    }
    const form = options.form ?? false;
    this.execute(CommandIDs.operation(operation), { values, form });
  }

  has(command: string): boolean {
    return this._commands.hasCommand(command);
  }

  execute(command: string, values: Values = {}): void {
    void this._commands.execute(command, values as never);
  }

  copy(text: string): void {
    Clipboard.copyToSystem(text);
  }
}

async function confirmed(question: string): Promise<boolean> {
  const yes = Dialog.warnButton({ label: question.split(' ')[0] });
  const answer = await showDialog({ title: question, buttons: [Dialog.cancelButton(), yes] });
  return answer.button.accept;
}
