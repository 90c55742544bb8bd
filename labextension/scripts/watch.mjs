/** Compiles and bundles again on every change, until Ctrl-C ends both. */
import { spawn, spawnSync } from 'node:child_process';

const npx = (...words) => ['npx', ['--no-install', ...words]];
const inherit = { stdio: 'inherit' };

// The bundler wants a compiled entry to begin with.
spawnSync(...npx('tsc', '--sourceMap'), inherit);
const running = [
  spawn(...npx('tsc', '--sourceMap', '--watch', '--preserveWatchOutput'), inherit),
  spawn('npm', ['run', 'build:labextension', '--', '--development', '--watch'], inherit)
];
for (const child of running) {
  child.on('exit', () => running.forEach(other => other.kill()));
}
