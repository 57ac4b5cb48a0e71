/** German. A key that English has and German lacks does not compile; ../../../tests/strings.test.ts compares the rest. */
import type { Strings } from '..';
import type { classNames } from '../en';
import type { People } from '../people';
import type { asSaid } from '../said';
import type { VisitorWords } from '../visitors';
import { alerts } from './alerts';
import { cameras } from './cameras';
import { footage } from './footage';
import { house } from './house';
import { pets } from './pets';
import { logWords } from './logs';
import { people } from './people';
import { rules } from './rules';
import { refusalInGerman, saidInGerman } from './said';
import { settings } from './settings';
import { timeline } from './timeline';
import { visitors } from './visitors';
import { welcome } from './welcome';

export interface Tables {
  page: Strings;
  classes: typeof classNames;
  people: People;
  visitors: VisitorWords;
  said: typeof asSaid;
}

export const tables: Tables = {
  page: { ...house, ...cameras, ...alerts, ...timeline, ...rules, footage, logWords, pets, settings, welcome },
  classes: {
    person: ['Person', 'Personen'],
    vehicle: ['Fahrzeug', 'Fahrzeuge'],
    animal: ['Tier', 'Tiere'],
    car: ['Auto', 'Autos'],
    truck: ['Lastwagen', 'Lastwagen'],
    bus: ['Bus', 'Busse'],
    motorcycle: ['Motorrad', 'Motorräder'],
    bicycle: ['Fahrrad', 'Fahrräder'],
    dog: ['Hund', 'Hunde'],
    cat: ['Katze', 'Katzen'],
    bird: ['Vogel', 'Vögel'],
  },
  people,
  visitors,
  said: { title: saidInGerman, refusal: refusalInGerman },
};
