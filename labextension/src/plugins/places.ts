/**
 * Where things open: in tabs beside each other in JupyterLab; Notebook 7 has one thing a page.
 */
import type { JupyterFrontEnd } from '@jupyterlab/application';

export function hasTabs(app: JupyterFrontEnd): boolean {
  return app.name === 'JupyterLab';
}

/** Show an address of this server on a page of its own, which knows nothing of this one. */
export function openAside(address: string): void {
  window.open(address, '_blank', 'noopener');
}
