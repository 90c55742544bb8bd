/**
 * Tries an endpoint: a form with an input for each input of its model, filled with its example.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { showAnswer } from '../answer';
import type { Values } from '../api';
import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import { rowForm } from '../forms/row';
import { noticeFault } from '../notices';
import type { Endpoint } from '../schema';
import { IAimass } from '../tokens';

export const predictPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:predict',
  description: 'Tries an endpoint of AI Mass with one row.',
  autoStart: true,
  requires: [IAimass],
  activate: (app: JupyterFrontEnd, aimass: IAimass) => {
    app.commands.addCommand(CommandIDs.tryEndpoint, {
      label: trans.__('AI Mass: Try Endpoint'),
      execute: async args => {
        const name = args.endpoint as string;
        try {
          const endpoint = await aimass.api.call('endpoints.show', { endpoint: name });
          await tryEndpoint(aimass, endpoint);
        } catch (reason) {
          noticeFault(trans.__('%1 cannot be tried', name), reason);
        }
      }
    });
  }
};

async function tryEndpoint(aimass: IAimass, endpoint: Endpoint): Promise<void> {
  const { askAndUse } = await import('../forms/form');
  const question = {
    title: trans.__('Try %1', endpoint.name),
    help: trans.__('One row for %1; the values are its own example.', endpoint.model),
    verb: trans.__('Predict'),
    dangerous: false,
    form: rowForm(endpoint.signature),
    context: { files: new Map<string, File>(), names: () => Promise.resolve([]) }
  };
  const predict = (row: Values) =>
    aimass.api.call('endpoints.predict', { endpoint: endpoint.name, rows: [row] });
  const prediction = await askAndUse(question, endpoint.signature.example, predict);
  if (prediction) {
    await showAnswer(aimass.api.card('endpoints.predict'), prediction);
  }
}
