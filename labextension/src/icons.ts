/**
 * The mark of AI Mass: a graph of ranks that meet in one.
 */
import { LabIcon } from '@jupyterlab/ui-components';

const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M5.6 6.9 11 10.6M18.4 6.9 13 10.6M5.6 17.1 11 13.4M18.4 17.1 13 13.4"
      class="jp-icon3 aimass-mark-edge" stroke="#616161" stroke-width="1.8"/>
    <circle cx="12" cy="12" r="4.2"/>
    <circle cx="4.5" cy="6" r="2.6"/><circle cx="19.5" cy="6" r="2.6"/>
    <circle cx="4.5" cy="18" r="2.6"/><circle cx="19.5" cy="18" r="2.6"/>
  </g>
</svg>`;

export const aimassIcon = new LabIcon({ name: 'aimass:mark', svgstr });
