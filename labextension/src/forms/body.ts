/**
 * What the bodies of dialogs have in common: Tab comes to them. A dialog looks for the first thing
 * that takes the focus before React has drawn any, and would lead from button to button only.
 */
import type { ReactWidget } from '@jupyterlab/ui-components';

/** Fields, of which the first has the focus when a dialog opens. */
export const FIELDS_SELECTOR = 'input, select, textarea';

/** Let the body itself take the focus, so that its fields come after the last button. */
export function letTabIn({ node }: ReactWidget, testId: string): void {
  node.classList.add('aimass-Form');
  node.dataset.testid = testId;
  node.tabIndex = -1;
}
