import { html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';

import { peopleApi, type NamedPin, type Pins } from '../api/people';
import { failure } from '../components/states';
import { formStyles } from '../design/forms';
import { pageStyles, shared } from '../design/shared';
import { field } from '../form';
import { asApiError, type Loaded } from '../state/app-state';
import { people as words } from '../strings/people';
import { t } from '../strings';

const w = words.security;
const MODES = ['home', 'away', 'night', 'vacation'] as const;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** The PINs of the alarm and the recovery passphrase. What is typed goes to the alarm alone. */
@customElement('vg-security')
export class SecurityPage extends LitElement {
  static override styles = [shared, pageStyles, formStyles];

  @state() private pins: Loaded<Pins> = { status: 'loading' };
  @state() private said = '';
  @state() private problem = '';

  override connectedCallback(): void {
    super.connectedCallback();
    void this.load();
  }

  private readonly load = async (): Promise<void> => {
    try {
      this.pins = { status: 'ready', value: await peopleApi.pins() };
    } catch (error) {
      this.pins = { status: 'failed', error: asApiError(error) };
    }
  };

  override render(): unknown {
    const { pins } = this;
    return html`<a class="back" href="/system"><vg-icon name="left"></vg-icon>${t.nav.system}</a>
      <header class="page-head"><div><h1>${w.title}</h1><p>${w.help}</p></div></header>
      <p class="result ${this.problem ? 'problem' : ''}" role="status" data-testid="pins-result">${this.problem || this.said}</p>
      ${pins.status === 'failed'
        ? html`<div class="card">${failure(w.failed, pins.error, () => void this.load())}</div>`
        : pins.status === 'loading'
          ? html`<div class="skeleton tall" aria-busy="true"></div>`
          : html`<div class="stack">${this.house(pins.value)} ${this.named(pins.value)} ${this.recovery(pins.value)}</div>`}`;
  }

  private house(pins: Pins): unknown {
    return html`<section class="card" aria-labelledby="house">
      <div class="section-head"><h2 id="house">${w.house}</h2>${badge(pins.configured)}</div>
      <p>${w.houseHelp}</p>
      <form autocomplete="off" @submit=${(event: SubmitEvent) => void this.submit(event, (form) => peopleApi.setPin({ pin: field(form, 'pin') }))}>
        ${pinFields()}
        <p class="actions"><button type="submit" class="primary" data-testid="house-pin-set">${w.set}</button></p>
      </form>
    </section>`;
  }

  private named(pins: Pins): unknown {
    return html`<section class="card" aria-labelledby="named">
      <h2 id="named">${w.named}</h2>
      <p>${w.namedHelp}</p>
      <ul class="rows">
        ${pins.named.map(
          (one) => html`<li data-testid="named-pin">
            <span><span class="name">${one.name}</span> ${one.duress ? html`<span class="badge warn">${w.duress}</span>` : nothing}<br />
              <span class="muted small">${limits(one)}</span></span>
            <button type="button" aria-label=${words.account.removeOf(one.name)} @click=${() => void this.trying(() => peopleApi.removePin(one.name))}>
              ${words.account.remove}
            </button>
          </li>`,
        )}
      </ul>
      <form autocomplete="off" @submit=${(event: SubmitEvent) => void this.submit(event, addNamed)}>
        <label class="field">${w.name}<input name="name" maxlength="80" required /></label>
        ${pinFields()}
        <label class="field">${w.from}<input name="from" type="time" /></label>
        <label class="field">${w.until}<input name="until" type="time" /></label>
        <fieldset>
          <legend>${w.modes}</legend>
          ${MODES.map((mode) => html`<label class="check"><input type="checkbox" name="modes" value=${mode} />${w.modeNames[mode]}</label>`)}
        </fieldset>
        <fieldset>
          <legend>${w.days}</legend>
          ${DAYS.map((day) => html`<label class="check"><input type="checkbox" name="days" value=${day} />${w.dayNames[day]}</label>`)}
        </fieldset>
        <label class="check"><input type="checkbox" name="duress" />${w.duressHelp}</label>
        <p class="actions"><button type="submit" data-testid="named-pin-set">${w.add}</button></p>
      </form>
    </section>`;
  }

  private recovery(pins: Pins): unknown {
    return html`<section class="card" aria-labelledby="recovery">
      <div class="section-head"><h2 id="recovery">${w.recovery}</h2>${badge(pins.recovery)}</div>
      <p>${w.recoveryHelp}</p>
      <form autocomplete="off" @submit=${(event: SubmitEvent) => void this.submit(event, (form) => peopleApi.setPassphrase(field(form, 'pin')))}>
        <label class="field">${w.passphrase}<input name="pin" type="password" minlength="8" maxlength="1024" autocomplete="off" required /></label>
        <label class="field">${words.account.repeat}<input name="repeat" type="password" minlength="8" maxlength="1024" autocomplete="off" required /></label>
        <p class="actions"><button type="submit">${w.setPassphrase}</button></p>
      </form>
    </section>`;
  }

  private async submit(event: SubmitEvent, send: (form: HTMLFormElement) => Promise<Pins & { message: string }>): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    if (field(form, 'pin') !== field(form, 'repeat')) {
      this.problem = w.differ;
      return;
    }
    if (await this.trying(() => send(form))) form.reset();
  }

  private async trying(attempt: () => Promise<Pins & { message: string }>): Promise<boolean> {
    this.said = this.problem = '';
    try {
      const { message, ...pins } = await attempt();
      this.said = message;
      this.pins = { status: 'ready', value: pins };
      return true;
    } catch (error) {
      this.problem = asApiError(error).message;
      return false;
    }
  }
}

const texts = (data: FormData, name: string): string[] => data.getAll(name).filter((one) => typeof one === 'string');

function addNamed(form: HTMLFormElement): Promise<Pins & { message: string }> {
  const data = new FormData(form);
  return peopleApi.setPin({
    name: field(data, 'name'),
    pin: field(data, 'pin'),
    duress: data.has('duress'),
    modes: texts(data, 'modes'),
    days: texts(data, 'days'),
    from_time: field(data, 'from'),
    until_time: field(data, 'until'),
  });
}

function pinFields(): unknown {
  return html`<label class="field">${w.pin}
      <input name="pin" type="password" inputmode="numeric" pattern="[0-9]*" minlength="4" maxlength="16" autocomplete="off" required />
    </label>
    <label class="field">${words.account.repeat}
      <input name="repeat" type="password" inputmode="numeric" pattern="[0-9]*" minlength="4" maxlength="16" autocomplete="off" required />
    </label>`;
}

function badge(on: boolean): unknown {
  return html`<span class="badge ${on ? 'ok' : 'warn'}">${on ? w.isSet : w.notSet}</span>`;
}

function limits(pin: NamedPin): string {
  const facts = [
    pin.modes.map((mode) => w.modeNames[mode] ?? mode).join(', '),
    pin.days.map((day) => w.dayNames[day] ?? day).join(', '),
    pin.from_time ? `${pin.from_time}–${pin.until_time}` : '',
  ].filter(Boolean);
  return facts.join(' · ') || w.always;
}
