/** Removes what a build leaves, so that nothing stale ends up in the next one. */
import { rmSync } from 'node:fs';

for (const path of ['lib', 'tsconfig.tsbuildinfo', '../aimass_jupyter/labextension']) {
  rmSync(new URL(`../${path}`, import.meta.url), { recursive: true, force: true });
}
