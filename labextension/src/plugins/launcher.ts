/**
 * Cards in the launcher: the panel, and a notebook to begin a new model with, one a task.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import type { Contents } from '@jupyterlab/services';

import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import { aimassIcon } from '../icons';
import { type ITemplate, type Task, templates } from '../notebooks/templates';
import { noticeFault } from '../notices';

const CATEGORY = 'AI Mass';

export const launcherPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:launcher',
  description: 'The cards of AI Mass in the launcher: its panel, a notebook for a new model.',
  autoStart: true,
  optional: [ILauncher, ICommandPalette, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    launcher: ILauncher | null,
    palette: ICommandPalette | null,
    browser: IDefaultFileBrowser | null
  ) => {
    const known = templates();
    app.commands.addCommand(CommandIDs.newNotebook, {
      label: args => labelOf(known[args.task as Task], !!args.isPalette),
      caption: args => known[args.task as Task]?.caption ?? '',
      icon: args => (args.isPalette ? undefined : aimassIcon),
      execute: async args => {
        const folder = (args.cwd as string | undefined) ?? browser?.model.path ?? '';
        const template = known[args.task as Task];
        await begin(app, template, folder).catch((reason: unknown) =>
          noticeFault(trans.__('The notebook was not made'), reason)
        );
      }
    });
    for (const task of Object.keys(known)) {
      const card = { command: CommandIDs.newNotebook, category: CATEGORY };
      launcher?.add({ ...card, args: { task }, rank: 1 });
      palette?.addItem({ ...card, args: { task, isPalette: true } });
    }
    // The panel may be switched off: a card that does nothing is worse than none.
    void app.restored.then(() => {
      if (launcher && app.commands.hasCommand(CommandIDs.showPanel)) {
        const args = { isLauncher: true };
        launcher.add({ command: CommandIDs.showPanel, category: CATEGORY, args, rank: 0 });
      }
    });
  }
};

function labelOf(template: ITemplate | undefined, isPalette: boolean): string {
  const label = template?.label ?? trans.__('Notebook');
  return isPalette ? trans.__('AI Mass: New Notebook — %1', label) : label;
}

/** Write a new notebook into a folder, under a name that is free, and open it. */
async function begin(app: JupyterFrontEnd, template: ITemplate, folder: string): Promise<void> {
  const { contents } = app.serviceManager;
  const made = await contents.newUntitled({ path: folder, type: 'notebook' });
  const path = await named(contents, made, folder, template.filename);
  await contents.save(path, { type: 'notebook', format: 'json', content: contentOf(template) });
  await app.commands.execute('docmanager:open', { path });
}

/** The new notebook under the template's name; the name it has already when that one is taken. */
async function named(
  contents: Contents.IManager,
  { path }: Contents.IModel,
  folder: string,
  filename: string
): Promise<string> {
  const wanted = folder ? `${folder}/${filename}` : filename;
  return contents.rename(path, wanted).then(
    renamed => renamed.path,
    () => path
  );
}

function contentOf({ cells }: ITemplate): unknown {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
    cells: cells.map((cell, index) => ({
      ...cell,
      id: `cell-${index + 1}`,
      metadata: {},
      ...(cell.cell_type === 'code' ? { execution_count: null, outputs: [] } : {})
    }))
  };
}
