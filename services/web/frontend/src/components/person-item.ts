import { html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';

import { peopleApi, type Person, type Role } from '../api/people';
import { formStyles } from '../design/forms';
import { shared } from '../design/shared';
import { field } from '../form';
import { moment } from '../format';
import { app, asApiError } from '../state/app-state';
import { people as words } from '../strings/people';
import { t } from '../strings';
import './camera-choice';

const w = words.users;
const ROLES: Role[] = ['viewer', 'resident', 'admin'];

/** The choice of a role with what each may do. */
export function roleField(chosen: Role): unknown {
  return html`<label class="field">${w.role}
    <select name="role">
      ${ROLES.map((role) => html`<option value=${role} ?selected=${role === chosen}>${words.roles[role]}: ${words.rolesHelp[role]}</option>`)}
    </select>
  </label>`;
}

/** Somebody who may sign in, with what an admin may do about it. Says `changed`, and `link` with a new invitation. */
@customElement('vg-person')
export class PersonItem extends LitElement {
  static override styles = [shared, formStyles];

  @property({ attribute: false }) person!: Person;
  @state() private open = false;
  @state() private cameras: string[] | null = null;
  @state() private removing = false;
  @state() private problem = '';

  override render(): unknown {
    const { person } = this;
    const own = app.session?.user === person.name;
    return html`<section class="card" data-testid="person" data-name=${person.name}>
      <div class="section-head">
        <h2>${person.name} <span class="badge">${words.roles[person.role]}</span>
          ${person.disabled ? html`<span class="badge bad">${w.disabled}</span>` : nothing}</h2>
        ${person.owner || own
          ? html`<span class="muted small">${person.owner ? w.owner : nothing}</span>`
          : html`<button type="button" aria-expanded=${this.open} aria-label=${w.editOf(person.name)} @click=${this.toggle}>${w.edit}</button>`}
      </div>
      <p class="small">${this.facts().join(' · ')}</p>
      ${this.open ? this.form(person) : nothing}
      <p class="problem result" role="alert" ?hidden=${!this.problem}>${this.problem}</p>
    </section>`;
  }

  private facts(): string[] {
    const { person } = this;
    const names = person.cameras?.map((id) => app.camera(id)?.name ?? id).join(', ');
    return [
      person.cameras === null ? w.all : w.some(names ?? ''),
      w.sessions(person.sessions),
      person.totp ? w.secondOn : '',
      person.passkeys ? w.passkeys(person.passkeys) : '',
      person.invited_until_ms ? w.waiting(moment(person.invited_until_ms, Date.now())) : '',
    ].filter(Boolean);
  }

  private form(person: Person): unknown {
    return html`<form @submit=${(event: SubmitEvent) => void this.save(event)}>
        <label class="field">${w.name}<input name="name" maxlength="80" required .value=${person.name} /></label>
        ${roleField(person.role)}
        <vg-camera-choice .value=${this.cameras} @change=${(event: Event) => (this.cameras = (event.target as HTMLElement & { value: string[] | null }).value)}></vg-camera-choice>
        <label class="check"><input type="checkbox" name="disabled" ?checked=${person.disabled} />${w.lock}</label>
        <p class="actions"><button type="submit" class="primary">${w.save}</button><button type="button" @click=${this.toggle}>${t.app.cancel}</button></p>
      </form>
      <p class="actions">
        <button type="button" @click=${() => void this.invite()}>${w.newLink}</button>
        <button type="button" @click=${() => void this.trying(() => peopleApi.signOut(person))}>${w.signOut}</button>
        ${person.totp || person.passkeys
          ? html`<button type="button" @click=${() => void this.trying(() => peopleApi.resetSecond(person))}>${w.resetSecond}</button>`
          : nothing}
        <button type="button" @click=${() => (this.removing = true)}>${w.remove}</button>
      </p>
      ${this.removing
        ? html`<p role="alert"><strong>${w.removeSure(person.name)}</strong> ${w.removeHelp}</p>
            <p class="actions">
              <button type="button" class="danger" data-testid="person-remove" @click=${() => void this.trying(() => peopleApi.remove(person))}>${w.remove}</button>
              <button type="button" @click=${() => (this.removing = false)}>${t.app.cancel}</button>
            </p>`
        : nothing}`;
  }

  private readonly toggle = (): void => {
    this.open = !this.open;
    this.removing = false;
    this.cameras = this.person.cameras;
    this.problem = '';
  };

  private async save(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    await this.trying(() =>
      peopleApi.change({
        ...this.person,
        name: field(data, 'name'),
        role: field(data, 'role') as Role,
        cameras: this.cameras,
        disabled: data.has('disabled'),
      }),
    );
  }

  private invite(): Promise<void> {
    return this.trying(async () => {
      const { name, invite } = await peopleApi.invite(this.person);
      this.dispatchEvent(new CustomEvent('link', { detail: { name, invite } }));
    });
  }

  private async trying(attempt: () => Promise<unknown>): Promise<void> {
    this.problem = '';
    try {
      await attempt();
      this.open = false;
      this.dispatchEvent(new Event('changed'));
    } catch (error) {
      this.problem = asApiError(error).message;
    }
  }
}
