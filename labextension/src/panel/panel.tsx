/**
 * The side panel: a header, a filter and the sections that the nouns' plugins give it. Which of
 * them are folded is remembered.
 */
import type { IStateDB } from '@jupyterlab/statedb';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { Signal } from '@lumino/signaling';
import React, { useState } from 'react';

import { trans } from '../i18n';
import { aimassIcon } from '../icons';
import type { IPanel, ISection, IViewProps } from '../tokens';
import { Header } from './header';
import { useSignal } from './hooks';

const STATE = 'aimass-jupyter:panel';

export class AimassPanel extends ReactWidget implements IPanel {
  constructor(
    private readonly _props: IViewProps,
    private readonly _state: IStateDB | null = null
  ) {
    super();
    this.id = 'aimass-panel';
    this.addClass('aimass-Panel');
    this.node.dataset.testid = 'aimass-panel';
    this.title.icon = aimassIcon;
    this.title.caption = trans.__('AI Mass: jobs, models, endpoints, services');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'AI Mass');
    void this._restore();
  }

  readonly sections = new Sections();

  add(section: ISection): void {
    this.sections.add(section);
  }

  override render(): JSX.Element {
    return <PanelView {...this._props} sections={this.sections} />;
  }

  /** Who comes by a key goes on by keys: from the filter, which is the first thing to use. */
  protected override onActivateRequest(_: Message): void {
    this.node.querySelector<HTMLInputElement>('.aimass-Filter')?.focus();
  }

  private async _restore(): Promise<void> {
    const kept = await this._state?.fetch(STATE);
    this.sections.unfoldAs((kept ?? {}) as Record<string, boolean>);
    this.sections.changed.connect(() => void this._state?.save(STATE, this.sections.folds));
  }
}

/** The sections in their order, and which of them are folded. */
export class Sections {
  readonly changed = new Signal<this, void>(this);

  get all(): readonly ISection[] {
    return this._all;
  }

  /** What a person chose, by noun: true is open. */
  get folds(): Readonly<Record<string, boolean>> {
    return this._folds;
  }

  add(section: ISection): void {
    this._all = [...this._all, section].sort((one, other) => one.rank - other.rank);
    this.changed.emit();
  }

  isOpen({ noun, isFolded }: ISection): boolean {
    return this._folds[noun] ?? !isFolded;
  }

  toggle(section: ISection): void {
    this._folds = { ...this._folds, [section.noun]: !this.isOpen(section) };
    this.changed.emit();
  }

  unfoldAs(folds: Readonly<Record<string, boolean>>): void {
    this._folds = { ...folds, ...this._folds };
    this.changed.emit();
  }

  private _all: readonly ISection[] = [];
  private _folds: Readonly<Record<string, boolean>> = {};
}

interface IPanelViewProps extends IViewProps {
  sections: Sections;
}

export function PanelView({ aimass, actions, sections }: IPanelViewProps): JSX.Element {
  const [filter, setFilter] = useState('');
  useSignal(aimass.changed);
  useSignal(sections.changed);
  const stale = aimass.connection.state === 'live' ? '' : 'aimass-stale';
  const shown = sections.all.filter(({ noun }) => isThere(aimass, noun));
  return (
    <>
      <Header aimass={aimass} actions={actions} />
      <input
        type="search"
        className="aimass-Filter"
        placeholder={trans.__('Filter by name, state…')}
        aria-label={trans.__('Filter')}
        data-testid="aimass-filter"
        value={filter}
        onChange={event => setFilter(event.target.value)}
      />
      <div className={`aimass-Sections ${stale}`}>
        {shown.map(section => (
          <section.view
            key={section.noun}
            aimass={aimass}
            actions={actions}
            filter={filter}
            isOpen={sections.isOpen(section)}
            onToggle={() => sections.toggle(section)}
          />
        ))}
      </div>
    </>
  );
}

/** Whether to show a noun: not what this server lacks, or what this person may not see. */
function isThere(aimass: IViewProps['aimass'], noun: string): boolean {
  return aimass.identity === null || aimass.may(`${noun}.list`);
}
