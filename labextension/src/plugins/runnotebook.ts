/**
 * Runs a notebook as a job, from its toolbar or the file browser: lists what travels, sends it as it
 * is or as one script, and leads to the job.
 */
import { runIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../commands';
import { serviceName } from '../format';
import { trans } from '../i18n';
import { askRun, type IChoices, type IWish, type Way } from '../notebooks/asking';
import { type INotebookFile, withoutOutputs } from '../notebooks/files';
import { notebookPlugin } from '../notebooks/offering';
import { parametersOf, valuesOf } from '../notebooks/parameters';
import { type ICell, type IScript, scriptOf } from '../notebooks/script';
import { type IDone, noticeFault, withNotice } from '../notices';
import type { Job, JobExecute } from '../schema';
import type { IAimass } from '../tokens';

export const runNotebookPlugin = notebookPlugin(
  'run-notebook',
  'Runs a notebook as a job of AI Mass.',
  (app, aimass) => ({
    command: CommandIDs.runNotebook,
    button: trans.__('Run as job'),
    mainMenu: trans.__('Run this notebook as a job…'),
    fileMenu: trans.__('Run as Job of AI Mass…'),
    palette: trans.__('AI Mass: Run Notebook as Job'),
    caption: trans.__('Run this notebook as a job'),
    icon: runIcon,
    isIconOnButton: false,
    may: () => aimass.may('jobs.submit'),
    perform: find => runNotebook(aimass, app.commands, find)
  })
);

async function runNotebook(
  aimass: IAimass,
  commands: CommandRegistry,
  find: () => Promise<INotebookFile>
): Promise<void> {
  try {
    const notebook = await find();
    const choices = choicesOf(aimass, notebook);
    const [way] = choices.ways;
    const name = serviceName(notebook.filename);
    const wish = await askRun(choices, { way, name, params: {}, dataset: '', np: 1 });
    if (wish) {
      const pending = trans.__('Sending %1…', notebook.filename);
      const sent =
        wish.way === 'script'
          ? train(aimass, choices.script, wish)
          : execute(aimass, notebook, wish);
      await withNotice(pending, sent, job => done(commands, job));
    }
  } catch (reason) {
    noticeFault(trans.__('The notebook was not run'), reason);
  }
}

function choicesOf(aimass: IAimass, { filename, content }: INotebookFile): IChoices {
  const { cells } = content as { cells: ICell[] };
  const ways: Way[] = aimass.may('jobs.execute') ? ['notebook', 'script'] : ['script'];
  return {
    filename,
    ways,
    script: scriptOf(filename, cells),
    parameters: parametersOf(cells),
    datasets: aimass.datasets.items.map(({ name }) => name)
  };
}

/** Have the notebook executed as it is: it comes back with its outputs. */
async function execute(aimass: IAimass, notebook: INotebookFile, wish: IWish): Promise<Job> {
  const content = new Blob([JSON.stringify(withoutOutputs(notebook.content))]);
  const upload = await aimass.api.upload(notebook.filename, content);
  const request = {
    notebook: upload.id,
    name: wish.name || null,
    params: valuesOf(wish.params) as JobExecute['params']
  };
  return aimass.api.call('jobs.execute', request);
}

/** Have its code cells run as one script, on ranks. */
async function train(aimass: IAimass, script: IScript, wish: IWish): Promise<Job> {
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
