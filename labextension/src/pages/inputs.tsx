/**
 * What a job was made from: its dataset, its code and what travelled with it, the git commit, the
 * environment.
 */
import React from 'react';

import type { Api } from '../api';
import { formatBytes } from '../format';
import { trans } from '../i18n';
import { useAnswer } from '../panel/hooks';
import type { JobInputs } from '../schema';
import { Answered, Facts, Table } from './parts';

export function Inputs({ job, api }: { job: string; api: Api }): JSX.Element {
  const answer = useAnswer(() => api.call('jobs.inputs', { job }), [job]);
  return <Answered answer={answer}>{inputs => <InputsView inputs={inputs} />}</Answered>;
}

function InputsView({ inputs }: { inputs: JobInputs }): JSX.Element {
  const { code, items, repository, environment } = inputs;
  return (
    <>
      <Facts
        facts={[
          [trans.__('Dataset'), inputs.dataset],
          [trans.__('Its digest'), inputs.dataset_digest],
          [trans.__('Label'), inputs.label],
          [trans.__('Seed'), inputs.seed],
          [trans.__('Commit'), repository && `${repository.commit} ${repository.branch}`],
          [trans.__('Changed since'), repository?.changed.join(', ')],
          [trans.__('Python'), environment?.python],
          [
            trans.__('Packages'),
            environment &&
              trans.__('%1, %2', Object.keys(environment.packages).length, environment.digest)
          ]
        ]}
      />
      {code && <pre className="aimass-Code">{code}</pre>}
      {items.length > 0 && (
        <Table
          label={trans.__('What travelled')}
          columns={[trans.__('Name'), trans.__('Kind'), trans.__('Size'), trans.__('From')]}
          rows={items.map(({ name, kind, size_bytes, origin }) => [
            name,
            kind,
            formatBytes(size_bytes),
            origin
          ])}
        />
      )}
    </>
  );
}
