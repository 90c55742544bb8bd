/**
 * How an answer or a fault is shown when there is no view of its own for it: as text, always.
 */
import { Clipboard, Dialog, showDialog } from '@jupyterlab/apputils';
import React from 'react';

import type { AimassError, IDetail } from './errors';
import { formatField, formatJson } from './format';
import { trans } from './i18n';
import { CopyLine } from './panel/parts';
import type { OperationCard } from './schema';

type Answer = Readonly<Record<string, unknown>>;

/** Show what an operation answered. */
export async function showAnswer(card: OperationCard, answer: unknown): Promise<void> {
  await showDialog({
    title: titleOf(card),
    body: <AnswerView card={card} answer={answer as Answer} />,
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}

/** Show all that is known of a fault. */
export async function showFault(title: string, error: AimassError): Promise<void> {
  await showDialog({
    title,
    body: <FaultView error={error} />,
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}

/** Hand a download to the browser. */
export function saveFile(file: File): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  // The browser reads it after this returns.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** What an operation is called above a form or an answer. */
export function titleOf(card: OperationCard): string {
  return `AI Mass: ${card.short || card.name.replace('.', ' ')}`;
}

/** Fields of an answer that are shown this once and never again, by what the schema says. */
export function secretsOf(card: OperationCard, answer: unknown): string[] {
  const properties = (card.response.properties ?? {}) as Record<string, { description?: string }>;
  return Object.keys(properties).filter(
    name =>
      /shown this once/.test(properties[name].description ?? '') && (answer as Answer)[name] != null
  );
}

export function AnswerView(props: { card: OperationCard; answer: Answer }): JSX.Element {
  const { card, answer } = props;
  const secrets = secretsOf(card, answer);
  return (
    <div className="aimass-Answer" data-testid="aimass-answer">
      {secrets.map(name => (
        <div key={name}>
          <p>{trans.__('%1: shown this once, copy it now.', formatField(name))}</p>
          <CopyLine text={String(answer[name])} onCopy={text => Clipboard.copyToSystem(text)} />
        </div>
      ))}
      {Array.isArray(answer.items) ? (
        <Table rows={answer.items as Answer[]} />
      ) : (
        <Fields answer={answer} hidden={secrets} />
      )}
    </div>
  );
}

/** A listing: a column for every field that fits in a cell. */
function Table({ rows }: { rows: Answer[] }): JSX.Element {
  if (rows.length === 0) {
    return <p>{trans.__('There are none.')}</p>;
  }
  const columns = Object.keys(rows[0]).filter(name => rows.some(row => isScalar(row[name])));
  return (
    <table>
      <thead>
        <tr>
          {columns.map(name => (
            <th key={name} scope="col">
              {formatField(name)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {columns.map(name => (
              <td key={name}>{isScalar(row[name]) ? String(row[name]) : ''}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Fields({ answer, hidden }: { answer: Answer; hidden: string[] }): JSX.Element {
  const shown = Object.entries(answer).filter(
    ([name, value]) => value != null && value !== '' && !hidden.includes(name)
  );
  return (
    <dl>
      {shown.map(([name, value]) => (
        <React.Fragment key={name}>
          <dt>{formatField(name)}</dt>
          <dd>
            <Value value={value} />
          </dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

/** A value as it reads best: plain ones in a line, flat things as a table, the rest as JSON. */
function Value({ value }: { value: unknown }): JSX.Element {
  if (isScalar(value)) {
    return <Scalar value={value} />;
  }
  if (Array.isArray(value) && value.every(isScalar)) {
    return <>{value.join(', ')}</>;
  }
  if (Array.isArray(value) && value.every(isFlat)) {
    return <Table rows={value as Answer[]} />;
  }
  return <pre>{formatJson(value)}</pre>;
}

function isFlat(value: unknown): boolean {
  const isThing = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isThing && Object.values(value).every(each => each == null || isScalar(each));
}

function Scalar({ value }: { value: unknown }): JSX.Element {
  const text = String(value);
  return text.includes('\n') ? <pre>{text}</pre> : <>{text}</>;
}

export function FaultView({ error }: { error: AimassError }): JSX.Element {
  return (
    <div className="aimass-Answer" data-testid="aimass-fault">
      <p>{error.message}</p>
      {error.hint && <p>{error.hint}</p>}
      {error.details.map((detail, index) => (
        <pre key={index}>{detailText(detail)}</pre>
      ))}
    </div>
  );
}

function detailText(detail: IDetail): string {
  return Object.entries(detail)
    .filter(([, value]) => value != null)
    .map(([name, value]) => `${name}: ${isScalar(value) ? String(value) : formatJson(value)}`)
    .join('\n');
}

function isScalar(value: unknown): boolean {
  return value !== null && typeof value !== 'object' && value !== undefined;
}
