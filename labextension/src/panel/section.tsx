/**
 * One section of the panel: a noun's list with its count, its empty state and its error.
 */
import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import React, { useId } from 'react';

import type { IActions } from '../actions';
import type { Collection, INamed } from '../collection';
import { trans } from '../i18n';
import { useSignal } from './hooks';
import { CopyLine } from './parts';

export interface ISectionProps<T extends INamed> {
  title: string;
  noun: string;
  list: Collection<T>;
  /** Only what contains this text in one of its words is shown. */
  filter: string;
  words: (item: T) => string[];
  row: (item: T) => JSX.Element;
  /** What to do next when there is none yet, and lines that do it. */
  empty: string;
  examples?: string[];
  /** What stands above the list: buttons, a place to drop files. */
  above?: React.ReactNode;
  actions: IActions;
  isOpen: boolean;
  onToggle: () => void;
}

export function Section<T extends INamed>(props: ISectionProps<T>): JSX.Element {
  const { title, noun, list, isOpen, onToggle } = props;
  const body = useId();
  useSignal(list.changed);
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  return (
    <section className="aimass-Section" data-testid={`aimass-section-${noun}`} aria-label={title}>
      <h3>
        <button
          type="button"
          className="aimass-Section-header"
          aria-expanded={isOpen}
          aria-controls={body}
          onClick={onToggle}
        >
          <Caret.react tag="span" width="16px" aria-hidden />
          <span className="aimass-Section-title">{title}</span>
          <span className="aimass-Section-count">{countOf(list)}</span>
        </button>
      </h3>
      <div id={body} hidden={!isOpen}>
        {isOpen && <SectionBody {...props} />}
      </div>
    </section>
  );
}

function countOf<T extends INamed>(list: Collection<T>): string {
  return list.isLoaded ? `${list.items.length}${list.hasMore ? '+' : ''}` : '';
}

function SectionBody<T extends INamed>(props: ISectionProps<T>): JSX.Element {
  const { noun, list, filter, words, row } = props;
  const wanted = filter.trim().toLowerCase();
  const shown = list.items.filter(item =>
    words(item).some(word => word.toLowerCase().includes(wanted))
  );
  // That nothing answers is said above all sections.
  return (
    <>
      {list.error && list.error.code !== 'offline' && (
        <p className="aimass-Error">{list.error.line}</p>
      )}
      {props.above}
      {list.isLoaded && list.items.length === 0 && <Empty {...props} />}
      {list.items.length > 0 && shown.length === 0 && (
        <p className="aimass-Empty">{trans.__('None has “%1” in it.', filter)}</p>
      )}
      {shown.length > 0 && <ul className="aimass-List">{shown.map(row)}</ul>}
      {list.hasMore && (
        <button
          type="button"
          className="aimass-More"
          data-testid={`aimass-more-${noun}`}
          aria-disabled={list.isLoadingMore}
          onClick={() => void list.loadMore()}
        >
          {list.isLoadingMore ? trans.__('Reading…') : trans.__('Show more')}
        </button>
      )}
    </>
  );
}

function Empty<T extends INamed>(props: ISectionProps<T>): JSX.Element {
  const { noun, empty, examples = [], actions } = props;
  return (
    <div className="aimass-Empty" data-testid={`aimass-empty-${noun}`}>
      <p>{empty}</p>
      {examples.map(example => (
        <CopyLine key={example} text={`%aimass ${example}`} onCopy={text => actions.copy(text)} />
      ))}
    </div>
  );
}
