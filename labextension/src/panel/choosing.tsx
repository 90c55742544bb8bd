/**
 * Choosing some of a list to compare them: a box on each row, and above the list what is chosen.
 */
import React, { useCallback, useState } from 'react';

import { trans } from '../i18n';
import { TextButton } from './parts';

export type Choice = (id: string, isChosen: boolean) => void;

/** What is chosen, in the order in which it was. */
export function useChoice(): { chosen: readonly string[]; choose: Choice } {
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const choose = useCallback<Choice>(
    (id, isChosen) =>
      setChosen(old => [...old.filter(each => each !== id), ...(isChosen ? [id] : [])]),
    []
  );
  return { chosen, choose };
}

interface IChooseProps {
  id: string;
  name: string;
  isChosen: boolean;
  onChoose: Choice;
}

export function Choose({ id, name, isChosen, onChoose }: IChooseProps): JSX.Element {
  return (
    <input
      type="checkbox"
      aria-label={trans.__('Choose %1', name)}
      checked={isChosen}
      onChange={event => onChoose(id, event.target.checked)}
    />
  );
}

interface IChosenProps {
  count: number;
  /** How many are chosen, in words. */
  line: string;
  onCompare: () => void;
}

/** Nothing while nothing is chosen; a single one cannot be compared. */
export function Chosen({ count, line, onCompare }: IChosenProps): JSX.Element | null {
  return count === 0 ? null : (
    <div className="aimass-Chosen">
      <span role="status">{line}</span>
      {count > 1 && (
        <TextButton text={trans.__('Compare')} testId="aimass-compare" onClick={onCompare} />
      )}
    </div>
  );
}
