/**
 * Provides the live picture of the control plane to the other plugins.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator } from '@jupyterlab/translation';

import { Api } from '../api';
import { speak } from '../i18n';
import { AimassModel } from '../model';
import { EventStream } from '../stream';
import { IAimass } from '../tokens';

const HIDDEN_MS = 60_000;

export const modelPlugin: JupyterFrontEndPlugin<IAimass> = {
  id: 'aimass-jupyter:model',
  description: 'Follows what AI Mass does; the other plugins of AI Mass need it.',
  autoStart: true,
  optional: [ITranslator],
  provides: IAimass,
  activate: (app: JupyterFrontEnd, translator: ITranslator | null) => {
    // Every other plugin asks for this one: none says a word before.
    speak(translator);
    const api = new Api(app.serviceManager.serverSettings);
    const stream = new EventStream(api);
    const model = new AimassModel(api, stream);
    sleepWhileHidden(stream);
    // What it asks for must not stand in the way of what Lab asks for while it starts.
    void app.restored.then(() => model.start());
    return model;
  }
};

/** Let go of the connection of a page that stays out of sight. */
function sleepWhileHidden(stream: EventStream): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.hidden) {
      timer = setTimeout(() => stream.sleep(), HIDDEN_MS);
    } else {
      stream.wake();
    }
  });
}
