/**
 * The Publish button on the notebook toolbar: saves the notebook, sends it, says how it went.
 */
import { InputDialog } from '@jupyterlab/apputils';

import { CommandIDs } from '../commands';
import { serviceName, webUrl } from '../format';
import { trans } from '../i18n';
import { aimassIcon } from '../icons';
import type { INotebookFile } from '../notebooks/files';
import { notebookPlugin } from '../notebooks/offering';
import { type IDone, noticeFault, withNotice } from '../notices';
import type { Service } from '../schema';
import type { IAimass } from '../tokens';

export const publishPlugin = notebookPlugin(
  'publish',
  'Publishes a notebook from its toolbar.',
  (_, aimass) => ({
    command: CommandIDs.publishNotebook,
    button: trans.__('Publish'),
    mainMenu: trans.__('Publish this notebook…'),
    fileMenu: trans.__('Publish with AI Mass…'),
    palette: trans.__('AI Mass: Publish Notebook'),
    caption: caption(),
    icon: aimassIcon,
    isIconOnButton: true,
    may: () => aimass.may('services.publish'),
    perform: find => publish(aimass, find)
  })
);

function caption(): string {
  return trans.__('Publish this notebook as a dashboard');
}

/** Ask for a name, then publish; a notebook that fails keeps the version that was there. */
async function publish(aimass: IAimass, find: () => Promise<INotebookFile>): Promise<void> {
  try {
    const notebook = await find();
    const { value: name } = await InputDialog.getText({
      title: caption(),
      label: trans.__('Name of the service; one that exists gets a new version'),
      text: serviceName(notebook.filename),
      okLabel: trans.__('Publish')
    });
    if (name) {
      const pending = trans.__('Publishing %1: it is run once first…', notebook.filename);
      await withNotice(pending, send(aimass, notebook, name), done);
    }
  } catch (reason) {
    noticeFault(trans.__('The notebook was not published'), reason);
  }
}

async function send(aimass: IAimass, notebook: INotebookFile, name: string): Promise<Service> {
  const content = new Blob([JSON.stringify(notebook.content)]);
  const upload = await aimass.api.upload(notebook.filename, content);
  return aimass.api.call('services.publish', { notebook: upload.id, name });
}

function done(service: Service): IDone {
  const url = webUrl(service.url);
  const open = {
    label: trans.__('Open'),
    callback: () => void window.open(url ?? '', '_blank', 'noopener')
  };
  return {
    message: trans.__('%1 version %2 is published', service.name, service.version),
    actions: url ? [open] : [],
    stays: true
  };
}
