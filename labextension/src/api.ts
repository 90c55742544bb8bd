/**
 * The only file that speaks HTTP. It turns an operation of the contract's table into a request
 * and a problem into an AimassError; it keeps no state but the table.
 */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { UUID } from '@lumino/coreutils';

import { AimassError, errorOf, offline } from './errors';
import { trans } from './i18n';
import type { OperationCard, Operations, PageOfOperationCard, Upload } from './schema';

export type OperationName = keyof Operations;
export type RequestOf<N extends OperationName> = Operations[N]['request'];
export type ResponseOf<N extends OperationName> = Operations[N]['response'];

/** Values of a request's fields, for operations known only at run time. */
export type Values = Readonly<Record<string, unknown>>;

const ROOT = 'aimass/api/v1';
const READ_DEADLINE_MS = 60_000;
/** Publishing opens the whole notebook once, and deploying starts a replica. */
const CHANGE_DEADLINE_MS = 900_000;

export class Api {
  constructor(readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()) {}

  /** The operations that the server has, by name; empty before {@link load}. */
  get operations(): ReadonlyMap<string, OperationCard> {
    return this._operations;
  }

  /** The URL of a path below the server's `aimass/`. */
  url(path: string): string {
    return URLExt.join(this.settings.baseUrl, 'aimass', path);
  }

  /** Read the operation table: the one route that is known beforehand. */
  async load(): Promise<void> {
    const response = await this._send('GET', '/operations', {}, deadline(READ_DEADLINE_MS));
    const page = (await response.json()) as PageOfOperationCard;
    this._operations = new Map(page.items.map(card => [card.name, card]));
  }

  /** Ask for an operation of the contract. */
  async call<N extends OperationName>(name: N, request: RequestOf<N>): Promise<ResponseOf<N>> {
    return (await this.perform(this.card(name), request as Values)) as ResponseOf<N>;
  }

  /** Ask for any operation of the table, with the values of its request's fields. */
  async perform(card: OperationCard, values: Values, content?: Blob): Promise<unknown> {
    const limit = card.method === 'GET' ? READ_DEADLINE_MS : CHANGE_DEADLINE_MS;
    const response = await this._request(card, values, deadline(limit), content);
    return card.reply === 'bytes' ? fileOf(response) : response.json();
  }

  /** Send bytes; the id that comes back stands for them in other requests. */
  async upload(filename: string, content: Blob): Promise<Upload> {
    return (await this.perform(this.card('uploads.create'), { filename }, content)) as Upload;
  }

  /** Open an answer that has no end; the caller reads it and aborts it. */
  async open<N extends OperationName>(
    name: N,
    request: RequestOf<N>,
    signal: AbortSignal
  ): Promise<Response> {
    return this._request(this.card(name), request as Values, signal);
  }

  /** What the table says of an operation. */
  card(name: string): OperationCard {
    const card = this._operations.get(name);
    if (this._operations.size === 0) {
      throw notYet();
    }
    if (!card) {
      throw new AimassError(
        'not-found',
        trans.__("This server has no operation '%1'", name),
        trans.__('the page and the server may differ in version: reload the page')
      );
    }
    return card;
  }

  private _request(
    card: OperationCard,
    values: Values,
    signal: AbortSignal,
    content?: Blob
  ): Promise<Response> {
    const { path, rest } = fillPath(card.path, given(values));
    if (card.method === 'GET' || card.method === 'DELETE') {
      return this._send(card.method, path + query(rest), {}, signal);
    }
    const headers: Record<string, string> = { 'Idempotency-Key': UUID.uuid4() };
    if (card.body === 'bytes') {
      headers['Content-Type'] = 'application/octet-stream';
      return this._send(card.method, path + query(rest), { headers, body: content }, signal);
    }
    headers['Content-Type'] = 'application/json';
    return this._send(card.method, path, { headers, body: JSON.stringify(rest) }, signal);
  }

  private async _send(
    method: string,
    path: string,
    init: RequestInit,
    signal: AbortSignal
  ): Promise<Response> {
    const url = URLExt.join(this.settings.baseUrl, ROOT) + path;
    // 'no-cache' and not 'no-store': for the latter Lab adds a query field that we would refuse.
    const full: RequestInit = { ...init, method, signal, cache: 'no-cache' };
    const response = await ServerConnection.makeRequest(url, full, this.settings).catch(() => {
      const late = (signal.reason as Error | undefined)?.name === 'TimeoutError';
      throw late ? expired() : offline();
    });
    if (!response.ok) {
      throw await errorOf(response);
    }
    return response;
  }

  private _operations: ReadonlyMap<string, OperationCard> = new Map();
}

function deadline(milliseconds: number): AbortSignal {
  return AbortSignal.timeout(milliseconds);
}

function notYet(): AimassError {
  return new AimassError('offline', trans.__('This page is not connected to AI Mass yet'));
}

function expired(): AimassError {
  return new AimassError(
    'expired',
    trans.__('The server took too long to answer'),
    trans.__('it may still be at work: look at the panel before you try again')
  );
}

/** A download, under the name that the server gives it. */
async function fileOf(response: Response): Promise<File> {
  const disposition = response.headers.get('Content-Disposition') ?? '';
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1];
  const plain = /filename="?([^";]+)/i.exec(disposition)?.[1];
  const name = encoded ? decodeURIComponent(encoded) : (plain ?? 'download');
  return new File([await response.blob()], name);
}

/** The values that say something: a field left out is the field's default. */
function given(values: Values): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value != null));
}

/** Put values into `{field}` of a path; what is left travels in the query or the body. */
function fillPath(template: string, values: Record<string, unknown>) {
  const rest = { ...values };
  const path = template.replace(/{(\w+)}/g, (_, field: string) => {
    const value = rest[field];
    delete rest[field];
    return encodeURIComponent(typeof value === 'string' ? value : JSON.stringify(value));
  });
  return { path, rest };
}

function query(values: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [field, value] of Object.entries(values)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      parameters.append(field, String(item));
    }
  }
  const text = parameters.toString();
  return text && `?${text}`;
}
