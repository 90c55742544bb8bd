/**
 * A notebook that a command is about: the one that has the focus, saved first, or one by its path.
 */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

export interface INotebookFile {
  readonly filename: string;
  readonly path: string;
  /** The notebook as JSON. */
  readonly content: unknown;
}

/** Save an open notebook and hand it out. */
export async function openNotebook({ context }: NotebookPanel): Promise<INotebookFile> {
  await context.save();
  const { path, model } = context;
  return { filename: PathExt.basename(path), path, content: model.toJSON() };
}

/** The notebook at a path: as it is open here, or as it was saved. */
export async function notebookAt(
  app: JupyterFrontEnd,
  tracker: INotebookTracker,
  path: string
): Promise<INotebookFile> {
  const open = tracker.find(panel => panel.context.path === path);
  if (open) {
    return openNotebook(open);
  }
  const saved = await app.serviceManager.contents.get(path, { content: true });
  return { filename: PathExt.basename(path), path, content: saved.content as unknown };
}

/** A notebook as it goes on its way: what it showed here is nobody's business there. */
export function withoutOutputs(content: unknown): unknown {
  const notebook = content as { cells: Record<string, unknown>[] };
  const emptied = { outputs: [], execution_count: null };
  const cells = notebook.cells.map(cell => ('outputs' in cell ? { ...cell, ...emptied } : cell));
  return { ...notebook, cells };
}

/** The path of the notebook that is chosen in the file browser. */
export function chosenNotebook(browser: IDefaultFileBrowser | null): string | null {
  const chosen = [...(browser?.selectedItems() ?? [])];
  return chosen.length === 1 && chosen[0].type === 'notebook' ? chosen[0].path : null;
}
