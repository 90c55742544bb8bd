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
  readonly confirm?: IQuestion;
}

export interface IQuestion {
  readonly question: string;
  /** The word on the button. */
  readonly verb: string;
}

export interface IActions {
  may(operation: string): boolean;
  run(operation: string, values?: Values, options?: IRunOptions): Promise<void>;
  has(command: string): boolean;
  execute(command: string, values?: Values): void;
  /** Show one thing of a noun as a page, where there are pages. */
  open(noun: string, id: string, label: string): void;
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

  open(noun: string, id: string, label: string): void {
    this.execute(CommandIDs.openPage, { noun, id, label });
  }

  copy(text: string): void {
    Clipboard.copyToSystem(text);
  }
}

async function confirmed({ question, verb }: IQuestion): Promise<boolean> {
  const buttons = [Dialog.cancelButton(), Dialog.warnButton({ label: verb })];
  const answer = await showDialog({ title: question, buttons });
  return answer.button.accept;
}
