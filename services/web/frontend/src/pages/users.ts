import { html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { peopleApi, type Person, type Role } from '../api/people';
import '../components/camera-choice';
import { roleField } from '../components/person-item';
import { failure } from '../components/states';
import { formStyles } from '../design/forms';
import { pageStyles, shared } from '../design/shared';
import { field } from '../form';
import { asApiError, type Loaded } from '../state/app-state';
import { people as words } from '../strings/people';
import { t } from '../strings';

const w = words.users;

/** Everybody who may sign in: added by a link, with role and cameras. */
@customElement('vg-users')
export class UsersPage extends LitElement {
  static override styles = [shared, pageStyles, formStyles];

  @state() private people: Loaded<Person[]> = { status: 'loading' };
  @state() private link: { name: string; url: string } | null = null;
  @state() private cameras: string[] | null = null;
  @state() private problem = '';

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private readonly load = async (): Promise<void> => {
    try {
      this.people = { status: 'ready', value: (await peopleApi.people()).items };
    } catch (error) {
      this.people = { status: 'failed', error: asApiError(error) };
    }
  };

  override render(): unknown {
    const { people } = this;
    return html`<a class="back" href="/system"><vg-icon name="left"></vg-icon>${t.nav.system}</a>
      <header class="page-head"><div><h1>${w.title}</h1><p>${w.help}</p></div></header>
      <div class="stack">
        ${this.link
          ? html`<section class="card" role="status">
              <p>${w.link(this.link.name)}</p>
              <code class="secret" data-testid="invite-link">${this.link.url}</code>
            </section>`
          : nothing}
        ${people.status === 'failed'
          ? html`<div class="card">${failure(w.failed, people.error, () => void this.load())}</div>`
          : people.status === 'loading'
            ? html`<div class="skeleton tall" aria-busy="true"></div>`
            : html`${repeat(
                  people.value,
                  (person) => person.id,
                  (person) => html`<vg-person .person=${person} @changed=${this.load} @link=${this.showLink}></vg-person>`,
                )}
                ${this.adding()}`}
      </div>`;
  }

  private adding(): unknown {
    return html`<section class="card" aria-labelledby="add">
      <h2 id="add">${w.add}</h2>
      <form @submit=${(event: SubmitEvent) => void this.add(event)}>
        <label class="field">${w.name}<input name="name" maxlength="80" autocomplete="off" required /></label>
        ${roleField('viewer')}
        <vg-camera-choice .value=${this.cameras} @change=${(event: Event) => (this.cameras = (event.target as HTMLElement & { value: string[] | null }).value)}></vg-camera-choice>
        <p class="actions"><button type="submit" class="primary" data-testid="person-add">${w.create}</button></p>
      </form>
      <p class="problem result" role="alert">${this.problem}</p>
    </section>`;
  }

  private readonly showLink = (event: CustomEvent<{ name: string; invite: string }>): void => this.put(event.detail);

  private put({ name, invite }: { name: string; invite: string }): void {
    this.link = { name, url: location.origin + invite };
    scrollTo({ top: 0 });
  }

  private async add(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const data = new FormData(form);
    this.problem = '';
    try {
      this.put(
        await peopleApi.add({
          name: field(data, 'name'),
          role: field(data, 'role') as Role,
          cameras: this.cameras,
        }),
      );
      form.reset();
      this.cameras = null;
      await this.load();
    } catch (error) {
      this.problem = asApiError(error).message;
    }
  }
}
