import type { Strings } from '..';

/** German: the logs. */
export const logWords: Strings['logWords'] = {
  title: 'Protokolle',
  help: 'Was jeder Dienst sagt, während er es sagt. Passwörter und Schlüssel werden an der Quelle verdeckt; nichts wird aufbewahrt, wenn niemand zusieht.',
  open: 'Protokolle',
  failed: 'Die Protokolle können nicht gelesen werden',
  service: 'Dienst',
  all: 'Alle Dienste',
  level: 'Mindestens',
  levels: { DEBUG: 'alles', INFO: 'Hinweise', WARNING: 'Warnungen', ERROR: 'Fehler' },
  search: 'Suchen',
  follow: 'Mitlaufen',
  save: 'Als Datei sichern',
  waiting: 'Die Dienste werden gefragt …',
  none: 'Keine Zeile passt zu dieser Auswahl.',
  shown: (shown, of) => (shown === of ? `${shown} Zeilen` : `${shown} von ${of} Zeilen`),
  lost: (n) => (n === 1 ? 'Eine Zeile ging unterwegs verloren; sie steht im vollständigen Protokoll.' : `${n} Zeilen gingen unterwegs verloren; sie stehen im vollständigen Protokoll.`),
  bounded: 'Jeder Dienst hält für diese Seite seine neuesten 300 Zeilen bereit. Das vollständige Protokoll liegt dort, wo Vigilar läuft: im Journal, bei den Containern oder im Protokollordner.',
  list: 'Zeilen',
  roundTrip: (ms) => `hin und zurück in ${ms} ms`,
  onlyAdmins: 'Die Protokolle sind für Administratoren.',
};
