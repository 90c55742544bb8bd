/**
 * A failure that a person can read: what is wrong and how to mend it.
 * It mirrors the error tree of the contract and never shows a status line or a traceback.
 */

import { trans } from './i18n';

/** One entry of a problem's list: a field, a cell, a check. */
export type IDetail = Readonly<Record<string, unknown>>;

/** What a problem+json body holds (RFC 9457, with our extensions). */
interface IProblem {
  code: string;
  detail: string;
  hint?: string;
  errors?: IDetail[];
  retry_after?: number;
}

/**
 * Its code is one of the contract's, or one that only this side of the wire can know: `missing`,
 * `offline`, `signed-out`, `unreadable`.
 */
export class AimassError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint = '',
    readonly details: readonly IDetail[] = [],
    readonly retryAfterSeconds: number | null = null
  ) {
    super(message);
    this.name = 'AimassError';
  }

  /** Both halves in one line, for places that have only one. */
  get line(): string {
    return this.hint ? `${this.message} — ${this.hint}` : this.message;
  }
}

/** The server part is not installed or not enabled: every route of ours is 404. */
export function missing(): AimassError {
  return new AimassError(
    'missing',
    trans.__('The AI Mass server part does not answer'),
    trans.__('run: jupyter server extension enable aimass_server, then start Jupyter again')
  );
}

/** Nothing answers at all. */
export function offline(): AimassError {
  return new AimassError(
    'offline',
    trans.__('The Jupyter server does not answer'),
    trans.__('it may be starting again; this page keeps trying')
  );
}

function signedOut(): AimassError {
  return new AimassError(
    'signed-out',
    trans.__('Your login to Jupyter has ended'),
    trans.__('reload this page and log in again')
  );
}

function isProblem(body: unknown): body is IProblem {
  const { code, detail } = (body ?? {}) as Partial<IProblem>;
  return typeof code === 'string' && typeof detail === 'string';
}

/** Rebuild the error that an unsuccessful response stands for. */
export async function errorOf(response: Response): Promise<AimassError> {
  const body: unknown = await response.json().catch(() => null);
  if (response.status === 401) {
    return signedOut();
  }
  if (isProblem(body)) {
    const { code, detail, hint, errors, retry_after: after } = body;
    return new AimassError(code, detail, hint ?? '', errors ?? [], after ?? null);
  }
  return withoutProblem(response.status);
}

/** Somebody else answered in our place: Jupyter itself, or a proxy before it. */
function withoutProblem(status: number): AimassError {
  if (status === 404) {
    return missing();
  }
  if (status === 403) {
    return signedOut();
  }
  return new AimassError(
    'unreadable',
    trans.__('The server answered %1 without a reason', status),
    trans.__('the log of the Jupyter server has it')
  );
}

/** Any thrown thing as an error that can be shown. */
export function asAimassError(reason: unknown): AimassError {
  if (reason instanceof AimassError) {
    return reason;
  }
  return new AimassError('unreadable', reason instanceof Error ? reason.message : String(reason));
}
