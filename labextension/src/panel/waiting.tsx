/**
 * Why a job waits: its place in the queue, what keeps it, when it should start. Asked again when
 * something happens to any job.
 */
import React, { useEffect, useState } from 'react';

import { formatDuration } from '../format';
import { trans } from '../i18n';
import type { Event, Why } from '../schema';
import type { IAimass } from '../tokens';
import { useAnswer } from './hooks';

interface IWaitingProps {
  job: string;
  aimass: IAimass;
}

export function Waiting({ job, aimass }: IWaitingProps): JSX.Element {
  const sequence = useNewest(aimass, 'jobs');
  const { value, error } = useAnswer(() => aimass.api.call('jobs.why', { job }), [job, sequence]);
  return (
    <div className="aimass-Waiting" role="status" data-testid="aimass-waiting">
      {error && <p className="aimass-Error">{error.line}</p>}
      {value && <p>{placeOf(value)}</p>}
      {value && value.blockers.length > 0 && (
        <ul>
          {value.blockers.map(({ kind, message }) => (
            <li key={kind + message}>{message}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Its place and when it should start: "2nd of 5 in the queue" is told as "Place 2 of 5". */
function placeOf({ position, waiting, starts_in_seconds: starts }: Why): string {
  const place = position === null ? '' : trans.__('Place %1 of %2 in the queue', position, waiting);
  const when = starts === null ? '' : trans.__('should start in %1', formatDuration(starts));
  return [place, when].filter(Boolean).join(' · ') || trans.__('It waits no longer.');
}

/** The sequence number of the newest event of these nouns. */
export function useNewest(aimass: IAimass, ...nouns: string[]): number {
  const [newest, setNewest] = useState(0);
  const wanted = nouns.join(' ');
  useEffect(() => {
    const note = (_: IAimass, { topic, sequence }: Event) => {
      if (wanted.split(' ').includes(topic.split('.')[0])) {
        setNewest(sequence);
      }
    };
    aimass.happened.connect(note);
    return () => {
      aimass.happened.disconnect(note);
    };
  }, [aimass, wanted]);
  return newest;
}
