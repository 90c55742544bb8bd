/**
 * Trains on a dataset: a form with the algorithm that suits it best already chosen.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import { noticeFault } from '../notices';
import { IAimass } from '../tokens';

export const trainPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:train',
  description: 'Trains on a dataset of AI Mass, with the algorithm that suits it best.',
  autoStart: true,
  requires: [IAimass],
  activate: (app: JupyterFrontEnd, aimass: IAimass) => {
    app.commands.addCommand(CommandIDs.trainOn, {
      label: trans.__('AI Mass: Train on Dataset'),
      execute: async args => {
        const dataset = args.dataset as string;
        try {
          const { items } = await aimass.api.call('algorithms.list', { dataset, limit: 1 });
          const values = { dataset, ...(items[0] ? { algorithm: items[0].name } : {}) };
          const submit = CommandIDs.operation('jobs.submit');
          await app.commands.execute(submit, { values, form: true });
        } catch (reason) {
          noticeFault(trans.__('%1 cannot be trained on', dataset), reason);
        }
      }
    });
  }
};
