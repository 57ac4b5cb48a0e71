/** German for what the services say: titles of events and alerts, and refusals. What has no line here stays English. */

type Line = [said: RegExp, german: string | ((...found: string[]) => string)];

const THINGS: Record<string, string> = {
  person: 'Person', vehicle: 'Fahrzeug', animal: 'Tier', car: 'Auto', truck: 'Lastwagen', bus: 'Bus', motorcycle: 'Motorrad',
  bicycle: 'Fahrrad', dog: 'Hund', cat: 'Katze', bird: 'Vogel',
  motion: 'Bewegung', vibration: 'Erschütterung', smoke: 'Rauch', heat: 'Hitze', gas: 'Gas', 'carbon monoxide': 'Kohlenmonoxid', water: 'Wasser',
  seen: 'Gesehen', parcel: 'Paket', collected: 'Abgeholt', taken: 'Entwendet', opened: 'Geöffnet', alarm: 'Alarm', rule: 'Regel',
  offline: 'Offline', online: 'Wieder da', 'not armed': 'Nicht scharf', power: 'Strom',
  'somebody of the household': 'Jemand aus dem Haushalt', 'a visitor': 'Besuch',
};
const COLOURS: Record<string, string> = {
  black: 'schwarz', grey: 'grau', silver: 'silbern', white: 'weiß', red: 'rot', orange: 'orange', brown: 'braun', yellow: 'gelb', green: 'grün', blue: 'blau', purple: 'violett',
};
const UNITS: Record<string, string> = { second: 'Sekunde', seconds: 'Sekunden', minute: 'Minute', minutes: 'Minuten', hour: 'Stunde', hours: 'Stunden' };

const thing = (word: string): string => THINGS[word.toLowerCase()] ?? word;
const left = (text: string): string => text.replace(/about (\d+) min left/, 'noch etwa $1 min');

/** `Unknown red car`, `A car like the van`, `The van`. */
function vehicle(text: string): string {
  const like = /^An? (.+) like (.+)$/.exec(text);
  if (like) return `${thing(like[1] ?? '')} ähnlich wie ${like[2] ?? ''}`;
  const words = text.split(' ');
  const strange = words[0]?.toLowerCase() === 'unknown' ? words.shift() : undefined;
  const colour = COLOURS[words[0]?.toLowerCase() ?? ''];
  if (colour) words.shift();
  const what = THINGS[words.join(' ').toLowerCase()];
  if (!what) return text;
  const notes = [...(colour ? [colour] : []), ...(strange ? ['unbekannt'] : [])];
  return notes.length ? `${what} (${notes.join(', ')})` : what;
}

const LINES: Line[] = [
  [/^Alarm: (.+)$/, (what) => `Alarm: ${saidInGerman(what)}`],
  [/^Not acknowledged: (.+)$/, (what) => `Nicht bestätigt: ${saidInGerman(what)}`],
  [/^(.+), and (\d+) more$/, (what, more) => `${saidInGerman(what)}, und ${more} weitere`],
  [/^Alarm not disarmed: (.+)$/, 'Alarm nicht unscharf geschaltet: $1'],
  [/^Not armed: (.+) open$/, 'Nicht scharf geschaltet: $1 offen'],
  [/^Disarmed under duress$/, 'Unter Nötigung unscharf geschaltet'],
  [/^Glass broke at (.+)$/, 'Glasbruch: $1'],
  [/^(.+) opened$/, '$1 geöffnet'],
  [/^(.+) is being tampered with$/, 'Sabotage an $1'],
  [/^(.+) is gone$/, '$1 ist nicht mehr da'],
  [/^(.+) is offline$/, '$1 ist offline'],
  [/^rule (\S+)$/i, 'Regel $1'],
  [/^The power is out(.*)$/, (rest) => `Der Strom ist ausgefallen${left(rest)}`],
  [/^The battery of the UPS is low(.*)$/, (rest) => `Die Batterie der USV ist schwach${left(rest)}`],
  [/^The power is back$/, 'Der Strom ist wieder da'],
  [/^The machine is about to go down: (.+)$/, 'Der Rechner fährt bald herunter: $1'],
  [/^The machine stays up: (.+)$/, 'Der Rechner bleibt an: $1'],
  [/^The machine goes down now: (.+)$/, 'Der Rechner fährt jetzt herunter: $1'],
  [/^Parcel put down(?: by a (\w+))?: (.+)$/, (by, place) => `Paket abgestellt${by ? ` (${thing(by)})` : ''}: ${place}`],
  [/^Parcel still lies there, and it gets dark: (.+)$/, 'Paket liegt noch da, und es wird dunkel: $1'],
  [/^Parcel still lies there: (.+)$/, 'Paket liegt noch da: $1'],
  [/^Parcel lies in the rain: (.+)$/, 'Paket liegt im Regen: $1'],
  [/^Parcel collected by the household: (.+)$/, 'Paket vom Haushalt abgeholt: $1'],
  [/^Parcel collected: (.+)$/, 'Paket abgeholt: $1'],
  [/^Parcel taken, (.+)$/, 'Paket entwendet, $1'],
  [/^(.+) arrived: (.+)$/, (what, place) => `${vehicle(what)} angekommen: ${place}`],
  [/^(.+) left: (.+)$/, (what, place) => `${vehicle(what)} weggefahren: ${place}`],
  [/^Test notification$/, 'Probebenachrichtigung'],
  [/^Asked for by (.+)\. Alerts reach you this way\.$/, 'Verlangt von $1. Auf diesem Weg erreichen Sie Meldungen.'],
  [/^(\d+) alerts? in the quiet hours$/, '$1 Meldungen in der Ruhezeit'],
  [/^(\d+) more events?$/, '$1 weitere Ereignisse'],
  [/^They came too many at once.*$/, 'Sie kamen zu viele auf einmal, oder als keine Meldungen möglich waren. In der Liste stehen alle.'],
  [/^(\d+) alerts of the last (\d+) minutes(?:, (\d+) of them critical)?$/, (n, minutes, urgent) => `${n} Meldungen der letzten ${minutes} Minuten${urgent ? `, ${urgent} davon kritisch` : ''}`],
  [/^The day until (.+): (\d+) alerts$/, 'Der Tag bis $1: $2 Meldungen'],
  [/^(.+) at (.+)$/, (what, place) => (THINGS[what.toLowerCase()] ? `${thing(what)}: ${place}` : `${what} at ${place}`)],
];

/** The body of an alert of several events: `Person: Hall. Opened: Back door. 6 in 2 minutes.` */
const PARTS: Line[] = [
  [/^(\d+) in (\d+) (\w+)$/, (n, time, unit) => `${n} in ${time} ${UNITS[unit] ?? unit}`],
  [/^(Person|Motion|Opened|Seen|Parcel|Collected|Taken|Alarm|Rule|Offline|Online|Not armed|Power|[A-Z][a-z]+): (.+)$/, (word, names) => `${thing(word)}: ${names}`],
];

function byLine(lines: Line[], text: string): string | null {
  for (const [pattern, german] of lines) {
    const found = pattern.exec(text);
    if (!found) continue;
    return typeof german === 'string' ? text.replace(pattern, german) : german(...found.slice(1));
  }
  return null;
}

export function saidInGerman(text: string): string {
  return byLine(LINES, text) ?? text;
}

export function bodyInGerman(text: string): string {
  return byLine(LINES, text) ?? text.split('. ').map((part) => byLine(PARTS, part) ?? part).join('. ');
}

/** By the code of the error; where the server's own words say which thing is meant they follow, in English. */
const REFUSALS: Record<string, string> = {
  alarm_unavailable: 'Der Alarm antwortet nicht; nichts wurde geändert.',
  alerts_unavailable: 'Der Meldedienst antwortet nicht; versuchen Sie es gleich noch einmal.',
  all_cameras_needed: 'Das betrifft alle Kameras, und dieses Konto sieht nur einige.',
  bad_json: 'Diese Anfrage ist nicht zu verstehen.',
  bad_passkey: 'Dieser Passkey ist hier nicht bekannt oder kann nicht verwendet werden.',
  bad_password: 'Dieses Passwort kann nicht verwendet werden: Nehmen Sie mindestens 8 Zeichen, die nicht leicht zu erraten sind.',
  bad_request: 'Diese Anfrage ist nicht zu verstehen.',
  bad_token: 'Dieses Token ist nicht bekannt, abgelaufen oder widerrufen.',
  busy: 'Der Dienst ist beschäftigt. Bitte versuchen Sie es noch einmal.',
  camera_silent: 'Die Kamera antwortet nicht; nichts wurde geändert.',
  certificate: 'Das Zertifikat kann nicht gelesen werden.',
  csrf: 'Diese Seite ist veraltet; laden Sie sie neu und versuchen Sie es noch einmal.',
  detector_silent: 'Der Erkenner antwortet nicht; nichts wurde gelernt.',
  events_unavailable: 'Der Ereignisdienst antwortet nicht; nichts wurde geändert.',
  export_running: 'Ein Export wird schon gemacht; warten Sie, bis er fertig ist.',
  forbidden: 'Das ist hier nicht erlaubt.',
  health_unavailable: 'Der Gesundheitsdienst hat sich noch nicht gemeldet.',
  internal: 'Hier ging etwas schief; das Protokoll des Webdienstes sagt, was.',
  method_not_allowed: 'Das geht mit dieser Adresse nicht.',
  missing_scope: 'Dazu fehlt diesem Token die Berechtigung.',
  name_taken: 'Ein anderes Konto hat diesen Namen.',
  no_totp: 'Rettungscodes gehören zu einer Authenticator-App, und es gibt keine.',
  not_found: 'Das gibt es nicht oder nicht mehr.',
  not_logged_in: 'Bitte melden Sie sich an.',
  not_ready: 'Das ist noch nicht fertig.',
  own_account: 'Am eigenen Konto muss das ein anderer Admin tun.',
  owner_account: 'Dieses Konto kommt aus der Konfiguration: [web] username.',
  role_needed: 'Dazu reicht die Rolle dieses Kontos nicht.',
  rules_unavailable: 'Die Regeln antworten nicht rechtzeitig.',
  scope_needed: 'Dazu fehlt diesem Token die Berechtigung.',
  setup_needed: 'Es ist noch kein Passwort gesetzt.',
  sign_in_again: 'Bestätigen Sie, dass Sie es sind: Geben Sie Ihr Passwort noch einmal ein.',
  span_too_large: 'Dieser Zeitraum ist zu lang.',
  stale_challenge: 'Das dauerte zu lange. Bitte versuchen Sie es noch einmal.',
  too_large: 'Die Anfrage ist zu groß.',
  too_many: 'Davon gibt es schon zu viele; entfernen Sie zuerst eines.',
  too_many_streams: 'Zu viele Seiten sind schon offen; schließen Sie eine.',
  too_many_tries: 'Zu viele Versuche.',
  wrong_account: 'Dieser Passkey gehört zu einem anderen Konto.',
  wrong_code: 'Dieser Code stimmt nicht.',
  wrong_login: 'Benutzername oder Passwort ist falsch.',
  wrong_password: 'Das Passwort ist falsch.',
};
const WITH_DETAIL: Record<string, string> = {
  invalid: 'Das passt so nicht',
  bad_pin: 'Diese PIN geht nicht',
  bad_passphrase: 'Dieser Satz geht nicht',
};

export function refusalInGerman(code: string, message: string): string {
  const opening = WITH_DETAIL[code];
  if (opening) return `${opening}: ${message}`;
  return REFUSALS[code] ?? message;
}
