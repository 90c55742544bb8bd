/**
 * Files on their way into datasets: asked about, sent, imported, told; and what to do next.
 */
import type { CommandRegistry } from '@lumino/commands';

import { CommandIDs } from '../commands';
import { trans } from '../i18n';
import { type IDone, noticeFault, withNotice } from '../notices';
import type { Dataset } from '../schema';
import type { IAimass } from '../tokens';
import { askImport, type IImport } from './dialog';

/** Ask about each file and import it; one that fails keeps none of the others back. */
export async function importFiles(
  aimass: IAimass,
  commands: CommandRegistry,
  files: readonly File[]
): Promise<void> {
  for (const file of files) {
    const asked = await askImport(file);
    if (!asked) {
      continue;
    }
    const pending = trans.__('Importing %1…', file.name);
    try {
      await withNotice(pending, send(aimass, file, asked), dataset => done(commands, dataset));
    } catch (reason) {
      noticeFault(trans.__('%1 was not imported', file.name), reason);
    }
  }
}

async function send(aimass: IAimass, file: File, { name, label }: IImport): Promise<Dataset> {
  const { id: source } = await aimass.api.upload(file.name, file);
  const request = { source, name: name || null, label: label || null };
  return aimass.api.call('datasets.import', request);
}

function done(commands: CommandRegistry, { name, latest }: Dataset): IDone {
  const train = () => void commands.execute(CommandIDs.trainOn, { dataset: name });
  const size = trans._n('%1 row', '%1 rows', latest.rows, latest.rows.toLocaleString());
  return {
    message: trans.__('%1@%2 is imported: %3', name, latest.version, size),
    actions: [{ label: trans.__('Train…'), callback: train }],
    stays: true
  };
}
