/**
 * A log in a tab, growing as it is written. It holds a bounded stretch of text, so that a job that
 * writes without end does not take the page with it. Whose log it is, it does not know.
 */
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { asAimassError } from './errors';
import { trans } from './i18n';

const POLL_MS = 1_000;
const RETRY_MS = 2_000;
const CHUNK_BYTES = 200_000;
const MOST_CHARACTERS = 2_000_000;
/** Terminal colours and cursor moves, which mean nothing here (ECMA-48 control sequences). */
// eslint-disable-next-line no-control-regex
const CONTROL_SEQUENCES = /\x1b\[[0-?]*[ -/]*[@-~]/g;

/** A stretch of a log; its cursor asks for the next one. */
export interface IStretch {
  readonly text: string;
  readonly cursor: string;
  /** Whether nothing comes after it. */
  readonly end: boolean;
}

export interface ILogOptions {
  /** Read on: what came after the cursor, of one rank or (null) of all that write. */
  read(cursor: string, limit_bytes: number, rank: number | null): Promise<IStretch>;
  /** How many ranks write to it apart; without them there is nothing to choose. */
  readonly ranks?: number;
  /** What is said when nothing more will come. */
  readonly ended: string;
}

export class LogView extends Widget {
  constructor(private readonly _options: ILogOptions) {
    super();
    this.addClass('aimass-Log');
    this.node.dataset.testid = 'aimass-log';
    this._text = document.createElement('pre');
    this._text.tabIndex = 0;
    this._text.setAttribute('role', 'log');
    this._status = document.createElement('div');
    this._status.className = 'aimass-Log-status';
    this._status.setAttribute('role', 'status');
    const ranks = _options.ranks ?? 0;
    this.node.append(...(ranks ? [this._rankChooser(ranks)] : []), this._text, this._status);
  }

  override dispose(): void {
    clearTimeout(this._timer);
    super.dispose();
  }

  protected override onAfterShow(_: Message): void {
    void this._poll();
  }

  protected override onAfterHide(_: Message): void {
    clearTimeout(this._timer);
  }

  private _rankChooser(count: number): HTMLElement {
    const label = document.createElement('label');
    const select = document.createElement('select');
    const ranks = Array.from({ length: count }, (_, rank) => trans.__('rank %1', rank));
    const add = (text: string, value: string) => select.add(new Option(text, value));
    add(trans.__('all ranks'), '');
    ranks.forEach((text, rank) => add(text, String(rank)));
    add(trans.__('launcher'), '-1');
    select.className = 'jp-mod-styled';
    select.onchange = () => this._restart(select.value === '' ? null : Number(select.value));
    label.append(`${trans.__('Show')} `, select);
    return label;
  }

  private _restart(rank: number | null): void {
    clearTimeout(this._timer);
    this._rank = rank;
    this._cursor = '';
    this._length = 0;
    this._round += 1;
    this._text.replaceChildren();
    void this._poll();
  }

  /** Read what is new, then look again: at once when there is more, never once the job ended. */
  private async _poll(): Promise<void> {
    clearTimeout(this._timer);
    const round = this._round;
    const wait = await this._read(round);
    if (wait !== null && round === this._round && this.isVisible && !this.isDisposed) {
      this._timer = setTimeout(() => void this._poll(), wait);
    }
  }

  private async _read(round: number): Promise<number | null> {
    try {
      const stretch = this._options.read(this._cursor, CHUNK_BYTES, this._rank);
      const { text, cursor, end } = await stretch;
      if (round !== this._round || this.isDisposed) {
        return null;
      }
      this._cursor = cursor;
      this._append(text);
      this._status.textContent = end ? this._options.ended : '';
      return end ? null : text ? 0 : POLL_MS;
    } catch (reason) {
      this._status.textContent = asAimassError(reason).line;
      return RETRY_MS;
    }
  }

  private _append(text: string): void {
    if (!text) {
      return;
    }
    const { scrollTop, clientHeight, scrollHeight } = this._text;
    const atEnd = scrollTop + clientHeight >= scrollHeight - 20;
    const clean = text.replace(CONTROL_SEQUENCES, '').replace(/\r(?!\n)/g, '\n');
    this._text.append(document.createTextNode(clean));
    this._length += clean.length;
    this._forgetBeginning();
    if (atEnd) {
      this._text.scrollTop = this._text.scrollHeight;
    }
  }

  private _forgetBeginning(): void {
    while (this._length > MOST_CHARACTERS && this._text.firstChild !== this._text.lastChild) {
      this._length -= this._text.firstChild?.textContent?.length ?? 0;
      this._text.firstChild?.remove();
    }
  }

  private readonly _text: HTMLPreElement;
  private readonly _status: HTMLDivElement;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _rank: number | null = null;
  private _cursor = '';
  private _length = 0;
  /** Grows when another rank is chosen: answers for the one before are dropped. */
  private _round = 0;
}
