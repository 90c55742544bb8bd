/**
 * The small parts that rows and pages are made of: a button with an icon, a state, a line to copy.
 */
import { copyIcon, type LabIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useReducer } from 'react';

import type { IActions } from '../actions';
import { CommandIDs } from '../commands';
import { formatAgo, formatState, webUrl } from '../format';
import { trans } from '../i18n';

const MINUTE_MS = 60_000;

export interface IIconButtonProps {
  icon: LabIcon;
  /** What it does, for the tooltip and for screen readers. */
  label: string;
  /** A word beside the icon, where there is room for it: on pages. */
  word?: string;
  testId: string;
  onClick: () => void;
}

export function IconButton({ icon, label, word, testId, onClick }: IIconButtonProps): JSX.Element {
  return (
    <button
      type="button"
      className="aimass-IconButton"
      title={label}
      aria-label={label}
      data-testid={testId}
      onClick={onClick}
    >
      <icon.react tag="span" width="16px" height="16px" aria-hidden />
      {word && <span className="aimass-IconButton-word">{word}</span>}
    </button>
  );
}

export interface ITextButtonProps {
  text: string;
  testId: string;
  onClick: () => void;
}

export function TextButton({ text, testId, onClick }: ITextButtonProps): JSX.Element {
  return (
    <button type="button" className="aimass-Button" data-testid={testId} onClick={onClick}>
      {text}
    </button>
  );
}

interface INameProps {
  noun: string;
  id: string;
  name: string;
  actions: IActions;
}

/** The name of a thing, which opens its page where there are pages. */
export function Name({ noun, id, name, actions }: INameProps): JSX.Element {
  if (!actions.has(CommandIDs.openPage)) {
    return (
      <span className="aimass-Row-name" title={id}>
        {name}
      </span>
    );
  }
  return (
    <button
      type="button"
      className="aimass-Row-name"
      title={id}
      data-testid={`aimass-open-${id}`}
      onClick={() => actions.open(noun, id, name)}
    >
      {name}
    </button>
  );
}

/** A state as a coloured dot and, since colour alone says nothing to some, as a word. */
export function StateBadge({ state }: { state: string }): JSX.Element {
  return (
    <span className="aimass-State" data-state={state}>
      {formatState(state)}
    </span>
  );
}

interface IProgressProps {
  label: string;
  /** From 0 to 1. */
  fraction: number;
}

export function ProgressBar({ label, fraction }: IProgressProps): JSX.Element {
  const percent = Math.round(fraction * 100);
  return (
    <div
      className="aimass-Progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <div style={{ width: `${percent}%` }} />
    </div>
  );
}

/** A line of code with a button that copies it. */
export function CopyLine(props: { text: string; onCopy: (text: string) => void }): JSX.Element {
  const { text, onCopy } = props;
  return (
    <div className="aimass-CopyLine">
      <code title={text}>{text}</code>
      <IconButton
        icon={copyIcon}
        label={trans.__('Copy: %1', text)}
        testId="aimass-copy"
        onClick={() => onCopy(text)}
      />
    </div>
  );
}

/** A link to another page; plain text when the URL is not one of the web. */
export function WebLink(props: { url: string; text: string; testId: string }): JSX.Element {
  const href = webUrl(props.url);
  if (!href) {
    return <span>{props.text}</span>;
  }
  return (
    <a
      className="aimass-Link"
      href={href}
      target="_blank"
      rel="noopener noreferrer"
      data-testid={props.testId}
    >
      {props.text}
    </a>
  );
}

/** How long ago a moment is, which goes on being true. */
export function Ago({ moment }: { moment: string }): JSX.Element {
  const [, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(render, MINUTE_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={moment} title={new Date(moment).toLocaleString()}>
      {formatAgo(moment)}
    </time>
  );
}
