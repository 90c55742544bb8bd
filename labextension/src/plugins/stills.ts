/**
 * Shows pictures in place of widgets whose kernel is gone.
 */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';

import { keepStills } from '../notebooks/stills';

export const stillsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'aimass-jupyter:stills',
  description: 'Shows the widgets of AI Mass as they were saved, where they cannot be live.',
  autoStart: true,
  optional: [INotebookTracker],
  activate: (_: JupyterFrontEnd, tracker: INotebookTracker | null) => {
    if (tracker) {
      keepStills(tracker);
    }
  }
};
