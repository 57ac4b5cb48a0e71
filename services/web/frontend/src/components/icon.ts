import { css, html, LitElement, svg, type SVGTemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';

/** Our own drawings on a 24 × 24 grid, one stroke width, no fills but where a thing is "on". */
const drawings = {
  home: svg`<path d="M4 11.2 12 4.5l8 6.7V19a1 1 0 0 1-1 1h-4.5v-5.5h-5V20H5a1 1 0 0 1-1-1z"/>`,
  events: svg`<path d="M3 12h3.6l2.2-6 4.4 12 2.6-8 1.4 2H21"/>`,
  recordings: svg`<rect x="3.5" y="5" width="17" height="14" rx="3"/><path d="m10.4 9.2 4.4 2.8-4.4 2.8z"/>`,
  alerts: svg`<path d="M6.5 16.5v-5.7a5.5 5.5 0 0 1 11 0v5.7l1.5 1.3H5z"/><path d="M10.2 20.4a2.2 2.2 0 0 0 3.6 0"/>`,
  system: svg`<rect x="4" y="4.5" width="16" height="6.2" rx="2"/><rect x="4" y="13.3" width="16" height="6.2" rx="2"/><path d="M7.6 7.6h.01M7.6 16.4h.01M11 7.6h5.4M11 16.4h5.4"/>`,
  shield: svg`<path d="M12 3.4c2.3 1.6 4.8 2.3 7.4 2.4v5.4c0 4.4-2.8 7.6-7.4 9.4-4.6-1.8-7.4-5-7.4-9.4V5.800c2.6-.1 5.1-.8 7.4-2.400z"/>`,
  'shield-on': svg`<path d="M12 3.4c2.3 1.6 4.8 2.3 7.4 2.4v5.4c0 4.4-2.8 7.6-7.4 9.4-4.6-1.8-7.4-5-7.4-9.4V5.8c2.6-.1 5.1-.8 7.4-2.4z"/><path d="m8.7 11.9 2.4 2.4 4.4-4.6"/>`,
  alarm: svg`<path d="M12 4.2 21 19.500H3z"/><path d="M12 10v4.200M12 16.900h.01"/>`,
  hourglass: svg`<circle cx="12" cy="12" r="8.3"/><path d="M12 7.500V12l3 2"/>`,
  play: svg`<path class="solid" d="M8.5 5.800v12.400L18.5 12z"/>`,
  pause: svg`<path d="M9 6v12M15 6v12" stroke-width="2.6"/>`,
  back10: svg`<path d="M5 12.600a7 7 0 1 0 2.3-5.200L5 9.500M5 5.200v4.300h4.3"/>`,
  forward10: svg`<path d="M19 12.600a7 7 0 1 1-2.3-5.200L19 9.500M19 5.200v4.300h-4.3"/>`,
  download: svg`<path d="M12 4.500v10M7.8 10.7 12 14.900l4.2-4.200M5 19.300h14"/>`,
  star: svg`<path d="m12 4.2 2.4 4.9 5.4.8-3.9 3.8.9 5.4-4.8-2.5-4.8 2.5.9-5.4-3.9-3.8 5.4-.8z"/>`,
  'star-on': svg`<path class="solid" d="m12 4.2 2.4 4.9 5.4.8-3.9 3.8.9 5.4-4.8-2.5-4.8 2.5.9-5.4-3.9-3.8 5.4-.8z"/>`,
  sound: svg`<path d="M4.5 9.800v4.400h3L12 18V6L7.5 9.800zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.500a7.7 7.7 0 0 1 0 11"/>`,
  mute: svg`<path d="M4.5 9.800v4.400h3L12 18V6L7.5 9.800zM15.8 9.800l4.4 4.400M20.2 9.800l-4.4 4.4"/>`,
  object: svg`<path d="M8 4.500H4.500V8M16 4.500h3.500V8M19.500 16v3.500H16M8 19.500H4.500V16"/><circle cx="12" cy="9.500" r="1.800"/><path d="M8.800 16.500c.4-3 1.500-3.800 3.200-3.800s2.800.8 3.200 3.800"/>`,
  fullscreen: svg`<path d="M4.5 9.200V4.500h4.700M14.8 4.500h4.700v4.700M19.5 14.800v4.700h-4.700M9.2 19.500H4.500v-4.7"/>`,
  timeline: svg`<path d="M3.5 12h17"/><path d="M7 8.500v7M12 5.500v13M17 9.500v5"/>`,
  search: svg`<circle cx="10.800" cy="10.800" r="6.300"/><path d="m15.500 15.500 5 5"/>`,
  snapshot: svg`<path d="M4 8.500h3.500l1.500-2.500h6l1.500 2.500H20V19H4z"/><circle cx="12" cy="13.300" r="3.300"/>`,
  previous: svg`<path d="M6.500 6v12M18 6.500v11L9.500 12z"/>`,
  next: svg`<path d="M17.500 6v12M6 6.500v11l8.500-5.500z"/>`,
  plus: svg`<path d="M12 5.500v13M5.500 12h13"/>`,
  minus: svg`<path d="M5.500 12h13"/>`,
  undo: svg`<path d="M8.500 5 4.500 9l4 4M5 9h9a5.300 5.300 0 0 1 0 10.500H9"/>`,
  calendar: svg`<rect x="4" y="5.500" width="16" height="14.500" rx="2.500"/><path d="M4 10h16M8.500 3.500v4M15.500 3.500v4"/>`,
  keyboard: svg`<rect x="3" y="6.500" width="18" height="11" rx="2.500"/><path d="M7 10.200h.01M10.500 10.200h.01M14 10.200h.01M17.200 10.200h.01M8.500 14h7"/>`,
  filter: svg`<path d="M4 7h16M7 12h10M10 17h4"/>`,
  left: svg`<path d="m14.5 5.5-6.5 6.5 6.5 6.5"/>`,
  right: svg`<path d="m9.5 5.5 6.5 6.5-6.5 6.5"/>`,
  close: svg`<path d="m6 6 12 12M18 6 6 18"/>`,
  camera: svg`<rect x="3.5" y="7" width="12" height="10" rx="2.5"/><path d="m15.5 11 5-2.700v7.400l-5-2.7"/>`,
  'camera-off': svg`<path d="M8 7h5a2.5 2.5 0 0 1 2.5 2.500V11l5-2.700v7.400l-3-1.600M15.3 15.700A2.5 2.5 0 0 1 13 17H6a2.5 2.5 0 0 1-2.5-2.500v-5c0-.9.5-1.7 1.2-2.100M3.5 3.500l17 17"/>`,
  suitcase: svg`<path d="M4 8h16v11H4z"/><path d="M9 8V5h6v3M8 8v11M16 8v11"/>`,
  moon: svg`<path d="M19.5 14.300A8 8 0 0 1 9.7 4.500a8 8 0 1 0 9.8 9.800z"/>`,
  away: svg`<path d="M13.5 4.500h-8v15h8M10 12h10M16.5 8.5 20 12l-3.5 3.5"/>`,
  erase: svg`<path d="M8.5 6h11v12h-11L3.5 12zM11.5 9.700l4.6 4.600M16.1 9.700l-4.6 4.6"/>`,
  check: svg`<path d="m5 12.6 4.6 4.600L19 7.4"/>`,
  info: svg`<circle cx="12" cy="12" r="8.3"/><path d="M12 11v5M12 8h.01"/>`,
  bolt: svg`<path d="M13 3.5 5.5 13.500H11l-1 7 7.5-10H12z"/>`,
  signout: svg`<path d="M10.5 4.500h-5v15h5M9.5 12H20M16.5 8.5 20 12l-3.5 3.5"/>`,
  plug: svg`<path d="M9 3.500v5M15 3.500v5M6.5 8.500h11v3a5.5 5.5 0 0 1-11 0zM12 17v3.5"/>`,
} satisfies Record<string, SVGTemplateResult>;

export type IconName = keyof typeof drawings;

/** A decorative drawing; its meaning is always said in words beside it or in the label of its button. */
@customElement('vg-icon')
export class Icon extends LitElement {
  static override styles = css`
    :host {
      display: inline-flex;
      flex: none;
      width: 1.375rem;
      height: 1.375rem;
    }
    svg {
      width: 100%;
      height: 100%;
      fill: none;
      stroke: currentColor;
      stroke-width: 1.75;
      stroke-linecap: round;
      stroke-linejoin: round;
    }
    .solid {
      fill: currentColor;
    }
  `;

  @property() name: IconName = 'info';

  override render(): unknown {
    return html`<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${drawings[this.name]}</svg>`;
  }
}
