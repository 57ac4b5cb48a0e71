/** Words of notifications, apart from the page's: the service worker holds nothing it does not need. */
export const notification = {
  view: 'View',
  acknowledge: 'Acknowledge',
  snooze: 'Snooze 1 h',
  disarm: 'Arm or disarm',
  failed: 'That did not work',
  failedHelp: 'Open the alerts page to try again.',
};

export const german: typeof notification = {
  view: 'Ansehen',
  acknowledge: 'Bestätigen',
  snooze: '1 Std. stumm',
  disarm: 'Scharf/unscharf',
  failed: 'Das ging nicht',
  failedHelp: 'Öffnen Sie die Seite Meldungen, um es noch einmal zu versuchen.',
};
