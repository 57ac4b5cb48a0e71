import { css } from 'lit';

export const systemStyles = css`
  :host {
    max-width: 80rem;
    margin-inline: 0;
  }
  .stack {
    gap: var(--s6);
  }
  .tall {
    height: 16rem;
    border-radius: var(--radius-m);
  }
  .status {
    padding: var(--s1) var(--s3);
    font-size: var(--text-s);
  }
  .fine {
    display: flex;
    align-items: center;
    gap: var(--s3);
    padding: var(--s4) var(--s5);
    color: var(--ink-2);
  }
  .fine vg-icon {
    color: var(--ok);
  }
  .scroll {
    overflow-x: auto;
  }
  table {
    width: 100%;
    border-collapse: collapse;
    text-align: start;
  }
  th,
  td {
    padding: var(--s3) var(--s4);
    border-block-end: var(--border) solid var(--line);
    text-align: start;
    vertical-align: top;
  }
  tbody tr:last-child > * {
    border-block-end: 0;
  }
  thead th {
    color: var(--ink-2);
    font-size: var(--text-s);
    font-weight: var(--weight);
    white-space: nowrap;
  }
  tbody th {
    min-width: 11rem;
    font-weight: var(--weight-strong);
  }
  .right {
    text-align: end;
    white-space: nowrap;
  }
  .why {
    display: block;
    color: var(--danger);
    font-size: var(--text-s);
    font-weight: var(--weight);
    overflow-wrap: anywhere;
  }
  .disks {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr));
    gap: var(--s4);
  }
  .disk {
    padding: var(--s4) var(--s5);
  }
  h3 {
    font-size: var(--text-m);
  }
  meter {
    appearance: none;
    display: block;
    width: 100%;
    height: 0.5rem;
    margin-block: var(--s2);
    overflow: hidden;
    border: 0;
    border-radius: var(--radius-full);
    background: var(--surface-2);
  }
  meter::-webkit-meter-bar {
    height: 0.5rem;
    border: 0;
    border-radius: var(--radius-full);
    background: var(--surface-2);
  }
  meter::-webkit-meter-optimum-value {
    background: var(--accent);
    border-radius: var(--radius-full);
  }
  meter.warn::-webkit-meter-optimum-value {
    background: var(--warn);
  }
  meter.bad::-webkit-meter-optimum-value {
    background: var(--danger-solid);
  }
  meter::-moz-meter-bar {
    background: var(--accent);
  }
  meter.warn::-moz-meter-bar {
    background: var(--warn);
  }
  meter.bad::-moz-meter-bar {
    background: var(--danger-solid);
  }
  .path {
    font-size: var(--text-xs);
    overflow-wrap: anywhere;
  }
  .about {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: var(--s4);
    padding: var(--s4) var(--s5);
  }
  .about .facts {
    flex: 1;
  }
  @media (max-width: 640px) {
    th,
    td {
      padding-inline: var(--s3);
    }
  }
`;
