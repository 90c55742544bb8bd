/**
 * Runs a notebook as a job, from its toolbar or the file browser: lists what travels, sends it as
 * one script, and leads to the job.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { runIcon, ToolbarButton } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../commands';
import { serviceName } from '../format';
import { trans } from '../i18n';
import { askRun, type IWish } from '../notebooks/asking';
import { chosenNotebook, type INotebookFile, notebookAt, openNotebook } from '../notebooks/files';
import { type ICell, type IScript, scriptOf } from '../notebooks/script';
import { type IDone, noticeFault, withNotice } from '../notices';
import type { Job } from '../schema';
import { IAimass } from '../tokens';

export const runNotebookPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:run-notebook',
  description: 'Runs a notebook as a job of AI Mass.',
  autoStart: true,
  requires: [IAimass, INotebookTracker],
  optional: [IToolbarWidgetRegistry, ICommandPalette, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    aimass: IAimass,
    tracker: INotebookTracker,
    toolbars: IToolbarWidgetRegistry | null,
    palette: ICommandPalette | null,
    browser: IDefaultFileBrowser | null
  ) => {
    const run = (find: () => Promise<INotebookFile>) => runNotebook(aimass, app.commands, find);
    toolbars?.addFactory<NotebookPanel>('Notebook', 'aimass-run-notebook', panel =>
      runButton(() => void run(() => openNotebook(panel)))
    );
    app.commands.addCommand(CommandIDs.runNotebook, {
      label: args =>
        args.isMenu ? trans.__('Run as Job of AI Mass…') : trans.__('AI Mass: Run Notebook as Job'),
      caption: trans.__('Run the code cells of this notebook as a job'),
      icon: args => (args.isMenu ? runIcon : undefined),
      isEnabled: args => !!args.isBrowser || tracker.currentWidget !== null,
      isVisible: () => aimass.may('jobs.submit'),
      execute: async args => {
        const path = args.isBrowser ? chosenNotebook(browser) : null;
        const panel = tracker.currentWidget;
        if (path) {
          await run(() => notebookAt(app, tracker, path));
        } else if (panel) {
          await run(() => openNotebook(panel));
        }
      }
    });
    palette?.addItem({ command: CommandIDs.runNotebook, category: 'AI Mass' });
  }
};

function runButton(onClick: () => void): ToolbarButton {
  const button = new ToolbarButton({
    label: trans.__('Run as job'),
    tooltip: trans.__('Run the code cells of this notebook as a job'),
    dataset: { testid: 'aimass-run-notebook' },
    onClick
  });
  button.addClass('aimass-Publish');
  return button;
}

async function runNotebook(
  aimass: IAimass,
  commands: CommandRegistry,
  find: () => Promise<INotebookFile>
): Promise<void> {
  try {
    const { filename, content } = await find();
    const script = scriptOf(filename, (content as { cells: ICell[] }).cells);
    const datasets = aimass.datasets.items.map(({ name }) => name);
    const first = { name: serviceName(filename), dataset: '', np: 1 };
    const wish = await askRun(script, datasets, first);
    if (wish) {
      const pending = trans.__('Sending %1…', script.filename);
      await withNotice(pending, send(aimass, script, wish), job => done(commands, job));
    }
  } catch (reason) {
    noticeFault(trans.__('The notebook was not run'), reason);
  }
}

async function send(aimass: IAimass, script: IScript, wish: IWish): Promise<Job> {
  const upload = await aimass.api.upload(script.filename, new Blob([script.text]));
  const { name, dataset, np } = wish;
  // Whatever else a job takes has its default.
  const request = { source: upload.id, name: name || null, dataset: dataset || null, np };
  return (await aimass.api.perform(aimass.api.card('jobs.submit'), request)) as Job;
}

function done(commands: CommandRegistry, { id, name }: Job): IDone {
  const open = () => void commands.execute(CommandIDs.openPage, { noun: 'jobs', id, label: name });
  const actions = commands.hasCommand(CommandIDs.openPage)
    ? [{ label: trans.__('Open'), callback: open }]
    : [];
  return { message: trans.__('%1 is queued as a job', name), actions, stays: true };
}
