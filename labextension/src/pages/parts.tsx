/**
 * What the pages are made of: a head with a name and buttons, facts, tables, parts that unfold.
 */
import React, { createContext, useContext, useEffect, useId, useState } from 'react';

import { formatJson, formatNumber, metricName } from '../format';
import { trans } from '../i18n';
import type { IAnswer } from '../panel/hooks';

/** Takes the name of what a page shows, once that is known. */
export const Naming = createContext<(name: string) => void>(() => undefined);

interface IHeadProps {
  name: string;
  /** What stands before the name: a state, a version. */
  mark?: React.ReactNode;
  children?: React.ReactNode;
}

export function Head({ name, mark, children }: IHeadProps): JSX.Element {
  const tell = useContext(Naming);
  useEffect(() => tell(name), [tell, name]);
  return (
    <header className="aimass-Page-head">
      <h2>{name}</h2>
      {mark}
      <span className="aimass-Starts">{children}</span>
    </header>
  );
}

/** The numbers that count, large, each under its name. */
export function Figures(props: { metrics: Record<string, number | null> }): JSX.Element | null {
  const metrics = Object.entries(props.metrics);
  return metrics.length === 0 ? null : (
    <dl className="aimass-Figures">
      {metrics.map(([name, value]) => (
        <div key={name}>
          <dt>{metricName(name)}</dt>
          <dd>{formatNumber(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Names with their values; what has no value is left out. */
export function Facts({ facts }: { facts: readonly [string, React.ReactNode][] }): JSX.Element {
  return (
    <dl className="aimass-Facts">
      {facts
        .filter(([, value]) => value !== null && value !== undefined && value !== '')
        .map(([name, value]) => (
          <React.Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </React.Fragment>
        ))}
    </dl>
  );
}

interface ITableProps {
  /** What it is, for screen readers. */
  label: string;
  columns: readonly React.ReactNode[];
  rows: readonly (readonly React.ReactNode[])[];
}

/** A table whose first column names its rows; scrolled sideways, with the keyboard too. */
export function Table({ label, columns, rows }: ITableProps): JSX.Element {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="aimass-Table" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={index} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, place) =>
                place === 0 ? (
                  <th key={place} scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={place}>{cell}</td>
                )
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A value of any kind in a cell: plain ones as they are, others as JSON. */
export function formatValue(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  return value == null ? '' : formatJson(value);
}

/** What a job or a run was given. */
export function Parameters({ params }: { params: Readonly<Record<string, unknown>> }): JSX.Element {
  return (
    <Facts facts={Object.entries(params).map(([name, value]) => [name, formatValue(value)])} />
  );
}

interface IUnfoldProps {
  title: string;
  testId: string;
  isOpen?: boolean;
  /** Drawn once it is open: what it needs is asked for then. */
  children: () => React.ReactNode;
}

export function Unfold({ title, testId, isOpen = false, children }: IUnfoldProps): JSX.Element {
  const [open, setOpen] = useState(isOpen);
  const body = useId();
  return (
    <section className="aimass-Unfold">
      <h3>
        <button
          type="button"
          aria-expanded={open}
          aria-controls={body}
          data-testid={testId}
          onClick={() => setOpen(!open)}
        >
          <span aria-hidden>{open ? '▾' : '▸'}</span> {title}
        </button>
      </h3>
      <div id={body} hidden={!open}>
        {open && children()}
      </div>
    </section>
  );
}

/** An answer once it is there; before that, that it is on its way; or why it is not. */
export function Answered<T>(props: {
  answer: IAnswer<T>;
  children: (value: T) => React.ReactNode;
}): JSX.Element {
  const { value, error } = props.answer;
  // Of a lost connection the page tells by itself, and it asks again afterwards.
  const isTold = error?.code === 'offline';
  return (
    <>
      {error && !isTold && (
        <p className="aimass-Error" role="alert">
          {error.line}
        </p>
      )}
      {value === null && (!error || isTold) && (
        <p className="aimass-Empty">{trans.__('Reading…')}</p>
      )}
      {value !== null && props.children(value)}
    </>
  );
}
