/**
 * The small parts that every row is made of: a button with an icon, a state, a line to copy.
 */
import { copyIcon, type LabIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useReducer } from 'react';

import { formatAgo, webUrl } from '../format';

const MINUTE_MS = 60_000;

export interface IIconButtonProps {
  icon: LabIcon;
  /** What it does, for the tooltip and for screen readers. */
  label: string;
  testId: string;
  onClick: () => void;
}

export function IconButton({ icon, label, testId, onClick }: IIconButtonProps): JSX.Element {
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
    </button>
  );
}

/** A state as a coloured dot and, since colour alone says nothing to some, as a word. */
export function StateBadge({ state }: { state: string }): JSX.Element {
  return (
    <span className="aimass-State" data-state={state}>
      {state}
    </span>
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
        label={`Copy: ${text}`}
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
