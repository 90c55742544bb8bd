/**
 * Toasts: work that goes on, ends or fails. A toast is cut at 140 characters, so whatever has more
 * to say offers the whole of it.
 */
import { Notification } from '@jupyterlab/apputils';

import { showFault } from './answer';
import { type AimassError, asAimassError } from './errors';
import { trans } from './i18n';

/** How long a toast stays that needs no answer; without a time it would never be shown. */
export const SHORT_MS = 6_000;

type Actions = Notification.IAction[];

export interface IDone {
  readonly message: string;
  readonly actions?: Actions;
  /** Stay until it is pressed or closed. */
  readonly stays?: boolean;
}

/** Show a toast while work goes on, and turn it into its end. */
export async function withNotice<T>(
  pending: string,
  work: Promise<T>,
  done: (result: T) => IDone
): Promise<T> {
  const id = Notification.emit(pending, 'in-progress', { autoClose: false });
  try {
    const result = await work;
    const { message, actions, stays } = done(result);
    const autoClose = stays ? false : SHORT_MS;
    Notification.update({ id, message, type: 'success', autoClose, actions });
    return result;
  } catch (reason) {
    Notification.dismiss(id);
    throw reason;
  }
}

/** Say that something failed, with the cure; all of it on demand. */
export function noticeFault(title: string, reason: unknown): void {
  const error = asAimassError(reason);
  Notification.error(`${title}: ${error.line}`, {
    autoClose: false,
    actions: [details(title, error)]
  });
}

function details(title: string, error: AimassError): Notification.IAction {
  return { label: trans.__('Details'), callback: () => void showFault(title, error) };
}
