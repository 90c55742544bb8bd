/**
 * Server-sent events, decoded from text as it arrives (WHATWG HTML, 9.2.6).
 * It knows nothing of connections: a cut in the text may fall anywhere.
 */

export interface IMessage {
  /** The message's id; null for a message that is not part of the replayable sequence. */
  readonly id: string | null;
  readonly topic: string;
  readonly data: string;
}

export class EventDecoder {
  /** Take more text and return the messages that it completes. */
  push(text: string): IMessage[] {
    // A carriage return at the very end may be half of a line end: it waits for what follows.
    const all = this._rest + text;
    const held = all.endsWith('\r') ? 1 : 0;
    const lines = all.slice(0, all.length - held).split(/\r\n|\n|\r/);
    this._rest = (lines.pop() ?? '') + (held ? '\r' : '');
    return lines.flatMap(line => this._take(line) ?? []);
  }

  private _take(line: string): IMessage | null {
    if (line === '') {
      return this._dispatch();
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'data') {
      this._data.push(value);
    } else if (field === 'event') {
      this._topic = value;
    } else if (field === 'id') {
      this._id = value;
    }
    return null;
  }

  private _dispatch(): IMessage | null {
    const message = { id: this._id, topic: this._topic, data: this._data.join('\n') };
    const empty = this._data.length === 0;
    this._id = null;
    this._topic = '';
    this._data = [];
    return empty ? null : message;
  }

  private _rest = '';
  private _id: string | null = null;
  private _topic = '';
  private _data: string[] = [];
}
