/**
 * A control plane as far as the page can tell: a real HTTP server on loopback that keeps the rules
 * of the contract (problem+json, pages, the event stream) for what a test puts into it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { ServerConnection } from '@jupyterlab/services';

import { Api } from '../../src/api';
import type { Event, OperationCard } from '../../src/schema';
import { CARDS } from './table';

export interface IRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type Answer =
  | { readonly json: unknown; readonly status?: number; readonly headers?: Record<string, string> }
  | { readonly text: string; readonly status: number };

export type Route = (request: IRequest) => Answer;

const ROOT = '/aimass/api/v1';

export class ControlPlane {
  /** What was asked, in order. */
  readonly requests: IRequest[] = [];
  readonly routes = new Map<string, Route>();
  /** Every event so far: the stream replays them. */
  events: Event[] = [];
  cards: OperationCard[] = CARDS;

  static async start(): Promise<ControlPlane> {
    const plane = new ControlPlane();
    await plane.listen(0);
    return plane;
  }

  async listen(port: number): Promise<void> {
    this._server = createServer((request, response) => void this._serve(request, response));
    await new Promise<void>(resolve => this._server.listen(port, '127.0.0.1', resolve));
    this.port = (this._server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = new Promise(resolve => this._server.close(resolve));
    this._server.closeAllConnections();
    this._followers.clear();
    await closed;
  }

  get api(): Api {
    const baseUrl = `http://127.0.0.1:${this.port}/`;
    // The page's own fetch: Lab's settings took jsdom's, before there was one.
    return new Api(
      ServerConnection.makeSettings({ baseUrl, token: 'secret', fetch, Headers, Request })
    );
  }

  /** How many pages follow the stream now. */
  get followers(): number {
    return this._followers.size;
  }

  answer(method: string, path: string, route: Route): void {
    this.routes.set(`${method} ${path}`, route);
  }

  /** Let something happen. */
  happen(event: Partial<Event> & { topic: string; subject: string }): void {
    const sequence = event.sequence ?? this.events.length + 1;
    const whole = { sequence, name: '', time: '', actor: 'ada', data: {}, ...event };
    this.events.push(whole);
    this.send(asText(whole));
  }

  /** Write to every open stream. */
  send(text: string): void {
    this._followers.forEach(follower => follower.write(text));
  }

  /** Break every open stream, as a proxy or a restart does. */
  drop(): void {
    this._followers.forEach(follower => follower.destroy());
    this._followers.clear();
  }

  private async _serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) {
      chunks.push(chunk as Buffer);
    }
    const url = new URL(incoming.url ?? '/', 'http://any');
    const { method = 'GET', headers } = incoming;
    const path = url.pathname.slice(ROOT.length);
    const request = { method, path, query: url.searchParams, headers, body: Buffer.concat(chunks) };
    this.requests.push(request);
    const route = this.routes.get(`${method} ${path}`) ?? this._standard(path, request, response);
    if (route) {
      reply(response, route(request));
    }
  }

  private _standard(path: string, request: IRequest, response: ServerResponse): Route | null {
    if (path === '/events/stream') {
      this._follow(request, response);
      return null;
    }
    const known: Record<string, unknown> = {
      '/operations': { items: this.cards, next_token: null },
      '/events': this._list(request),
      '/status': { version: '0.1.0', slots: 4, slots_used: 1 },
      '/whoami': { user: 'ada', permissions: this.cards.map(card => card.permission) }
    };
    const empty = { items: [], next_token: null };
    return () => ({ json: known[path] ?? empty });
  }

  private _list({ query }: IRequest): unknown {
    const after = Number(query.get('after'));
    const limit = Number(query.get('limit'));
    return { items: this.events.filter(e => e.sequence > after).slice(0, limit), next_token: null };
  }

  private _follow({ query }: IRequest, response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(': follow\n\n');
    const after = query.get('after');
    if (after !== null) {
      this.events.filter(e => e.sequence > Number(after)).forEach(e => response.write(asText(e)));
    }
    this._followers.add(response);
    response.on('close', () => this._followers.delete(response));
  }

  port = 0;
  private _server!: Server;
  private readonly _followers = new Set<ServerResponse>();
}

export function problem(status: number, code: string, detail: string, more = {}): Answer {
  return { status, json: { status, code, detail, ...more } };
}

function asText(event: Event): string {
  return `id: ${event.sequence}\nevent: ${event.topic}\ndata: ${JSON.stringify(event)}\n\n`;
}

function reply(response: ServerResponse, answer: Answer): void {
  if ('text' in answer) {
    response.writeHead(answer.status, { 'Content-Type': 'text/html' }).end(answer.text);
    return;
  }
  const { json, status = 200, headers = {} } = answer;
  response
    .writeHead(status, { 'Content-Type': 'application/json', ...headers })
    .end(JSON.stringify(json));
}

/** How often a test looks whether something is so. */
export const POLL_MS = 5;

/** Wait until something is so; a test that never sees it fails by its own deadline. */
export async function until(so: () => boolean): Promise<void> {
  while (!so()) {
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
  }
}
