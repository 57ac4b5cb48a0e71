import { css, html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';

import { peopleApi } from '../api/people';
import { failure } from '../components/states';
import { formStyles } from '../design/forms';
import { pageStyles, shared } from '../design/shared';
import { asApiError, type Loaded } from '../state/app-state';
import { people as words } from '../strings/people';
import { t } from '../strings';

const w = words.reference;

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
}
interface Operation {
  summary: string;
  description?: string;
  tags: string[];
  parameters?: Parameter[];
  requestBody?: { content: { 'application/json': { example?: unknown } } };
  'x-scope': string;
  'x-role': string;
}
interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
}

/** What programs may ask, from the server's own description of it. */
@customElement('vg-reference')
export class ReferencePage extends LitElement {
  static override styles = [
    shared,
    pageStyles,
    formStyles,
    css`
      code,
      pre {
        font-family: ui-monospace, monospace;
        font-size: var(--text-s);
        overflow-wrap: anywhere;
      }
      pre {
        margin: var(--s2) 0 0;
        padding: var(--s3);
        border-radius: var(--radius-s);
        background: var(--surface-2);
        white-space: pre-wrap;
      }
      details {
        padding-block: var(--s2);
        border-block-start: var(--border) solid var(--line);
      }
      summary {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s1) var(--s3);
        align-items: center;
        min-height: var(--tap);
        cursor: pointer;
      }
      .method {
        min-width: 3.5rem;
        text-align: center;
      }
      .inside {
        display: grid;
        gap: var(--s2);
        padding-block: var(--s2);
      }
    `,
  ];

  @state() private description: Loaded<OpenApi> = { status: 'loading' };

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private async load(): Promise<void> {
    try {
      this.description = { status: 'ready', value: (await peopleApi.openapi()) as OpenApi };
    } catch (error) {
      this.description = { status: 'failed', error: asApiError(error) };
    }
  }

  override render(): unknown {
    const { description } = this;
    return html`<a class="back" href="/system"><vg-icon name="left"></vg-icon>${t.nav.system}</a>
      <header class="page-head">
        <div><h1>${w.title}</h1><p>${w.help}</p></div>
        <p class="row wrap"><a class="button" href="/account">${w.makeToken}</a><a class="button" href="/api/v1/openapi.json" download>${w.file}</a></p>
      </header>
      ${description.status === 'failed'
        ? html`<div class="card">${failure(w.failed, description.error, () => void this.load())}</div>`
        : description.status === 'loading'
          ? html`<div class="skeleton tall" aria-busy="true"></div>`
          : html`<div class="stack">${this.groups(description.value)}</div>`}`;
  }

  private groups(description: OpenApi): unknown {
    const groups = new Map<string, unknown[]>();
    for (const [path, methods] of Object.entries(description.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const tag = operation.tags[0] ?? '';
        groups.set(tag, [...(groups.get(tag) ?? []), this.operation(method, path, operation)]);
      }
    }
    return [...groups].map(([tag, operations]) => html`<section class="card"><h2>${tag}</h2>${operations}</section>`);
  }

  private operation(method: string, path: string, operation: Operation): unknown {
    const example = operation.requestBody?.content['application/json'].example;
    return html`<details data-testid="operation">
      <summary><span class="badge method">${method.toUpperCase()}</span><code>${path}</code><span class="muted small">${operation.summary}</span></summary>
      <div class="inside">
        ${operation.description ? html`<p>${operation.description}</p>` : nothing}
        <p class="small">${w.scope}: <code>${operation['x-scope']}</code> · ${w.role}: ${words.roles[operation['x-role']] ?? operation['x-role']}</p>
        ${operation.parameters?.length
          ? html`<p class="small">${w.parameters}:
              ${operation.parameters.map((one, at) => html`${at ? ', ' : ''}<code>${one.name}</code>${one.required ? ` (${w.required})` : ''}`)}</p>`
          : nothing}
        ${example === undefined ? nothing : html`<div><p class="small">${w.body}</p><pre>${JSON.stringify(example, null, 2)}</pre></div>`}
      </div>
    </details>`;
  }
}
