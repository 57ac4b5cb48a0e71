import { css, html, LitElement, nothing, svg } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

import { animals, type Pet, type PetActivity, type PetConditionKind, type PetPhoto, type PetRule, type PetSighting, type Pets, type Species, type WildSighting } from '../api/animals';
import { failure } from '../components/states';
import '../components/thumb';
import { pageStyles, shared } from '../design/shared';
import { ago, fullMoment } from '../format';
import { asApiError } from '../state/app-state';
import { Now } from '../state/now';
import { Polled } from '../state/polled';
import { className, t } from '../strings';
import { photoOf } from './pet-photo';

const REFRESH_MS = 10_000;
const ABSENT_S = 12 * 3600;
const REST_S = 3600;
const KINDS: PetConditionKind[] = ['seen', 'out_after_dark', 'not_seen_for'];
const w = t.pets;

interface Everything {
  pets: Pets;
  sightings: PetSighting[];
  wild: WildSighting[];
  species: Species[];
  rules: PetRule[];
  activity: PetActivity[];
}

const NOTHING = { sightings: [], wild: [], species: [], rules: [], activity: [] };

async function everything(): Promise<Everything> {
  const pets = await animals.pets();
  if (pets.items === null) return { pets, ...NOTHING };
  const [sightings, wild, species, rules, activity] = await Promise.all([animals.sightings(), animals.wildlife(), animals.species(), animals.rules(), animals.activity()]);
  return { pets, sightings: sightings.items, wild: wild.items, species: species.items, rules: rules.items, activity: activity.items };
}

/** The household's animals: who they are, where they were seen, what is learnt from; and the wild ones. */
@customElement('vg-pets')
export class PetsPage extends LitElement {
  static override styles = [
    shared,
    pageStyles,
    css`
      .columns {
        display: grid;
        gap: var(--s5);
      }
      section {
        min-width: 0;
      }
      @media (min-width: 1000px) {
        .columns {
          grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
          align-items: start;
        }
      }
      ul {
        display: grid;
        gap: var(--s4);
      }
      .rows li {
        display: grid;
        grid-template-columns: 6rem minmax(0, 1fr);
        gap: var(--s2) var(--s3);
        align-items: start;
      }
      .words {
        display: grid;
        gap: var(--s1);
        min-width: 0;
        overflow-wrap: anywhere;
      }
      .name {
        font-weight: var(--weight-strong);
      }
      .actions,
      form {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s2) var(--s3);
        align-items: end;
        margin-block-start: var(--s3);
      }
      .wide {
        grid-column: 1 / -1;
        margin-block-start: 0;
      }
      form label {
        display: grid;
        gap: var(--s1);
        font-size: var(--text-s);
      }
      .album {
        grid-column: 1 / -1;
        grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr));
        gap: var(--s3);
      }
      .album li {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--s1);
      }
      .hours {
        grid-column: 1 / -1;
        width: 100%;
        height: 2.5rem;
        fill: var(--accent);
      }
      .problem {
        color: var(--danger);
      }
      section .card + h2,
      h2 {
        margin-block-end: var(--s3);
      }
      .card + .card {
        margin-block-start: var(--s5);
      }
    `,
  ];

  @state() private said = '';
  @state() private problem = '';
  @state() private busy = false;
  @state() private album: { petId: string; photos: PetPhoto[] } | null = null;
  private readonly now = new Now(this);
  private readonly polled = new Polled(this, everything, REFRESH_MS);

  override render(): unknown {
    return html`<div class="page-head"><div><h1>${w.title}</h1><p>${w.help}</p></div></div>${this.content()}`;
  }

  private content(): unknown {
    const known = this.polled.value;
    if (!known && this.polled.failed) return html`<div class="card">${failure(w.failed, asApiError(new Error('')), () => void this.polled.refresh())}</div>`;
    if (!known) return html`<div class="skeleton" aria-busy="true"></div>`;
    const { pets } = known;
    if (pets.items === null) return html`<div class="card"><vg-message heading=${w.off} text=${w.offHelp}></vg-message></div>`;
    return html`
      ${pets.problem ? html`<p class="problem" role="alert">${pets.problem}</p>` : nothing}
      ${this.problem ? html`<p class="problem" role="alert">${this.problem}</p>` : nothing}
      <p role="status">${this.said}</p>
      <div class="columns">
        <div>${this.household(pets.items, known)} ${this.rules(pets.items, known.rules)}</div>
        <div>${this.sightings(pets.items, known.sightings)} ${this.wild(known)}</div>
      </div>
    `;
  }

  // -- your pets --------------------------------------------------------------------------------------

  private household(pets: Pet[], known: Everything): unknown {
    const staged = pets.some((pet) => pet.staged > 0);
    return html`<section class="card padded" aria-labelledby="yours">
      <h2 id="yours">${w.yours}</h2>
      ${pets.length ? nothing : html`<p class="muted">${w.none}. ${w.noneHelp}</p>`}
      <ul class="rows">
        ${repeat(pets, (pet) => pet.pet_id, (pet) => this.pet(pet, known.activity))}
      </ul>
      ${staged ? html`<p class="actions"><button type="button" class="primary" data-testid="learn" ?disabled=${this.busy} @click=${() => void this.learn()}>${w.learn}</button></p>` : nothing}
      <form @submit=${(event: SubmitEvent) => void this.add(event)}>
        <label>${w.name}<input name="name" required maxlength="80" autocomplete="off" /></label>
        <label>${w.species}<input name="species" required maxlength="40" list="kinds" autocomplete="off" /></label>
        <label>${w.breed}<input name="breed" maxlength="80" autocomplete="off" /></label>
        <datalist id="kinds"><option value="cat"></option><option value="dog"></option></datalist>
        <button type="submit" ?disabled=${this.busy}>${w.add}</button>
      </form>
    </section>`;
  }

  private pet(pet: Pet, activity: PetActivity[]): unknown {
    const seen = pet.seen_ms ? w.seen(ago(pet.seen_ms, this.now.ms), pet.camera_name ?? '') : w.never;
    const hours = activity.find((one) => one.pet_id === pet.pet_id)?.hours;
    return html`<li data-testid="pet">
      <vg-thumb .src=${pet.photo_url}></vg-thumb>
      <div class="words">
        <span class="name">${pet.name}</span>
        <span class="muted small">${className(pet.species)}${pet.breed ? `, ${pet.breed}` : ''} · ${w.learnt(pet.photos, pet.staged)}</span>
        <span><span class="badge">${w.where[pet.where]}</span> <span class="muted small num">${seen}</span></span>
      </div>
      ${hours ? graph(hours, w.hours(pet.name)) : nothing}
      <div class="actions wide">
        <label class="small">${w.addPhotos(pet.name)}<input type="file" accept="image/*" multiple ?disabled=${this.busy} @change=${(event: Event) => void this.upload(pet, event)} /></label>
        <button type="button" aria-label=${w.photosOf(pet.name)} aria-expanded=${String(this.album?.petId === pet.pet_id)} @click=${() => void this.open(pet)}>${w.photos}</button>
        <button type="button" aria-label=${w.removeOf(pet.name)} ?disabled=${this.busy} @click=${() => void this.removePet(pet)}>${w.remove}</button>
      </div>
      ${this.album?.petId === pet.pet_id ? this.photos(pet, this.album.photos) : nothing}
    </li>`;
  }

  private photos(pet: Pet, photos: PetPhoto[]): unknown {
    return html`<ul class="album">
      ${repeat(photos, (one) => one.photo_id, (one) => html`<li>
        <vg-thumb .src=${one.photo_url} role="img" aria-label=${w.photo(pet.name)}></vg-thumb>
        ${one.used ? nothing : html`<span class="muted small">${w.waits}</span>`}
        <button type="button" aria-label=${w.reject(pet.name)} ?disabled=${this.busy} @click=${() => void this.reject(pet, one)}>${w.remove}</button>
      </li>`)}
    </ul>`;
  }

  // -- rules, sightings, wild ones ----------------------------------------------------------------------

  private rules(pets: Pet[], rules: PetRule[]): unknown {
    return html`<section class="card padded" aria-labelledby="rules">
      <h2 id="rules">${w.rules}</h2>
      ${rules.length ? nothing : html`<p class="muted">${w.noRules}</p>`}
      <ul>
        ${repeat(rules, (rule) => rule.rule_id, (rule) => html`<li class="actions">
          <span>${rule.name}${rule.fired_ms ? html` <span class="muted small num">${w.fired(ago(rule.fired_ms, this.now.ms))}</span>` : nothing}</span>
          <button type="button" aria-label=${w.removeOf(rule.name)} ?disabled=${this.busy} @click=${() => void this.act(() => animals.removeRule(rule.rule_id))}>${w.remove}</button>
        </li>`)}
      </ul>
      <form @submit=${(event: SubmitEvent) => void this.addRule(event, pets)}>
        <label>${w.ruleWho}<select name="pet"><option value="">${w.any}</option>${pets.map((pet) => html`<option value=${pet.pet_id}>${pet.name}</option>`)}</select></label>
        <label>${w.ruleWhat}<select name="kind">${KINDS.map((kind) => html`<option value=${kind}>${w.kinds[kind]}</option>`)}</select></label>
        <button type="submit" ?disabled=${this.busy}>${w.addRule}</button>
      </form>
    </section>`;
  }

  private sightings(pets: Pet[], rows: PetSighting[]): unknown {
    const names = new Map(pets.map((pet) => [pet.pet_id, pet.name]));
    return html`<section class="card padded" aria-labelledby="sightings">
      <h2 id="sightings">${w.sightings}</h2>
      ${rows.length ? nothing : html`<p class="muted">${w.noSightings}</p>`}
      <ul class="rows">
        ${repeat(rows, (row) => row.id, (row) => html`<li data-testid="sighting">
          <vg-thumb .src=${row.photo_url}></vg-thumb>
          <div class="words">
            <span class="name">${names.get(row.pet_id ?? '') ?? w.unknown(className(row.species))}</span>
            <span class="muted small num" title=${fullMoment(row.ts_ms)}>${ago(row.ts_ms, this.now.ms)}, ${row.camera_name}${row.zone ? ` · ${row.zone}` : ''}</span>
            ${pets.length && row.picture_id
              ? html`<select aria-label=${w.isWho} ?disabled=${this.busy} @change=${(event: Event) => void this.name(row, event)}>
                  <option value="">${w.isWho}</option>
                  ${pets.map((pet) => html`<option value=${pet.pet_id}>${w.is(pet.name)}</option>`)}
                </select>`
              : nothing}
          </div>
        </li>`)}
      </ul>
    </section>`;
  }

  private wild(known: Everything): unknown {
    return html`<section class="card padded" aria-labelledby="wild">
      <h2 id="wild">${w.wild}</h2>
      ${known.wild.length ? nothing : html`<p class="muted">${w.noWild}</p>`}
      ${known.species.length ? html`<p class="small num">${w.kindsOfMonth}: ${known.species.map((one) => `${className(one.species)} ${w.count(one.count)}`).join(', ')}</p>` : nothing}
      <ul class="rows">
        ${repeat(known.wild, (row) => row.id, (row) => html`<li data-testid="wild">
          <vg-thumb .src=${row.photo_url}></vg-thumb>
          <div class="words">
            <span class="name">${className(row.species)}</span>
            <span><span class="badge ${row.threat_level === 'high' ? 'warn' : ''}">${w.threat[row.threat_level]}</span>
              <span class="muted small num" title=${fullMoment(row.ts_ms)}>${ago(row.ts_ms, this.now.ms)}, ${row.camera_name}${row.light ? `, ${w.light[row.light]}` : ''}${row.temperature_c === null ? '' : `, ${Math.round(row.temperature_c)} °C`}</span></span>
          </div>
        </li>`)}
      </ul>
    </section>`;
  }

  // -- what is done -----------------------------------------------------------------------------------

  private async act(what: () => Promise<unknown>): Promise<boolean> {
    this.busy = true;
    this.problem = '';
    try {
      await what();
      return true;
    } catch (error) {
      this.problem = asApiError(error).message;
      return false;
    } finally {
      await this.polled.refresh();
      this.busy = false;
    }
  }

  private async add(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const field = (name: string): string => form.querySelector<HTMLInputElement>(`[name=${name}]`)?.value.trim() ?? '';
    if (await this.act(() => animals.add(field('name'), field('species'), field('breed')))) form.reset();
  }

  private async removePet(pet: Pet): Promise<void> {
    if (confirm(w.removeSure(pet.name))) await this.act(() => animals.remove(pet.pet_id));
  }

  private async upload(pet: Pet, event: Event): Promise<void> {
    const input = event.currentTarget as HTMLInputElement;
    const files = [...(input.files ?? [])];
    await this.act(async () => {
      for (const file of files) await animals.addPhoto(pet.pet_id, await photoOf(file, w.tooLarge));
    });
    input.value = '';
    if (this.album?.petId === pet.pet_id) await this.show(pet);
  }

  private async learn(): Promise<void> {
    await this.act(async () => {
      const { before, after } = await animals.learn();
      this.said = w.result(after.right, after.photos, before.right, before.photos);
    });
  }

  private async open(pet: Pet): Promise<void> {
    if (this.album?.petId === pet.pet_id) this.album = null;
    else await this.show(pet);
  }

  private async show(pet: Pet): Promise<void> {
    await this.act(async () => {
      this.album = { petId: pet.pet_id, photos: (await animals.photos(pet.pet_id)).items };
    });
  }

  private async reject(pet: Pet, photo: PetPhoto): Promise<void> {
    if (await this.act(() => animals.rejectPhoto(photo.photo_id))) await this.show(pet);
  }

  private async name(row: PetSighting, event: Event): Promise<void> {
    const select = event.currentTarget as HTMLSelectElement;
    const petId = select.value;
    if (petId && row.picture_id) {
      const picture = row.picture_id;
      await this.act(async () => {
        this.said = (await animals.nameSighting(petId, picture)).message;
      });
    }
    select.value = '';
  }

  private async addRule(event: SubmitEvent, pets: Pet[]): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const chosen = (name: string): string => form.querySelector<HTMLSelectElement>(`[name=${name}]`)?.value ?? '';
    const kind = KINDS.find((one) => one === chosen('kind')) ?? 'seen';
    const pet = pets.find((one) => one.pet_id === chosen('pet'));
    const name = w.sentence(pet?.name ?? w.any, w.kinds[kind]);
    const condition = { kind, duration_s: kind === 'not_seen_for' ? ABSENT_S : 0 };
    await this.act(() => animals.addRule({ pet_id: pet?.pet_id ?? null, name, conditions: [condition], actions: [{ kind: 'alert' }], cooldown_s: REST_S }));
  }
}

const bar = (hour: number, count: number, most: number): unknown => {
  const height = (38 * count) / most + 1;
  return svg`<rect x=${hour * 10 + 1} y=${40 - height} width="8" height=${height}><title>${w.hour(hour, count)}</title></rect>`;
};

function graph(hours: number[], label: string): unknown {
  const most = Math.max(1, ...hours);
  return html`<svg class="hours" viewBox="0 0 240 40" preserveAspectRatio="none" role="img" aria-label=${label}>
    ${hours.map((count, hour) => bar(hour, count, most))}
  </svg>`;
}
