/**
 * Datasets: their section, where files are dropped; their page; and the import of a file from the
 * file browser.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { Contents } from '@jupyterlab/services';
import React from 'react';

import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import { aimassIcon } from '../icons';
import { importFiles } from '../imports/importing';
import { noticeFault } from '../notices';
import { DatasetsSection } from '../panel/datasets';
import { IAimass, IPages, IPanel } from '../tokens';
import { datasetPage } from './nouns';

const FORMATS = /\.(csv|tsv|jsonl|ndjson|parquet|arrow|feather|npz|zip)$/i;

export const datasetsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:datasets',
  description: 'The datasets of AI Mass: dropped files, a section of the panel, pages.',
  autoStart: true,
  requires: [IAimass],
  optional: [IPanel, IPages, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    aimass: IAimass,
    panel: IPanel | null,
    pages: IPages | null,
    browser: IDefaultFileBrowser | null
  ) => {
    const take = (files: File[]) => void importFiles(aimass, app.commands, files);
    panel?.add({
      noun: 'datasets',
      rank: 200,
      view: props => <DatasetsSection {...props} onFiles={take} />
    });
    pages?.add(datasetPage);
    const chosen = () => [...(browser?.selectedItems() ?? [])].filter(({ name }) => isData(name));
    app.commands.addCommand(CommandIDs.importFile, {
      label: trans.__('Import as Dataset of AI Mass…'),
      icon: aimassIcon,
      isVisible: () => chosen().length > 0 && aimass.may('datasets.import'),
      execute: async args => {
        const paths = args.path ? [args.path as string] : chosen().map(({ path }) => path);
        await importPaths(app, aimass, paths);
      }
    });
  }
};

function isData(name: string): boolean {
  return FORMATS.test(name);
}

async function importPaths(
  app: JupyterFrontEnd,
  aimass: IAimass,
  paths: readonly string[]
): Promise<void> {
  try {
    const contents = app.serviceManager.contents;
    const models = paths.map(path =>
      contents.get(path, { type: 'file', format: 'base64', content: true })
    );
    await importFiles(aimass, app.commands, (await Promise.all(models)).map(fileOf));
  } catch (reason) {
    noticeFault(trans.__('The file could not be read'), reason);
  }
}

function fileOf({ name, content }: Contents.IModel): File {
  const bytes = Uint8Array.from(atob(content as string), sign => sign.charCodeAt(0));
  return new File([bytes], name);
}
