import { chosen, language, speak } from './language';

/** Settled once the page knows its words; nothing is shown before. */
export const spoken: Promise<void> = speak(chosen(document.cookie, navigator.languages)).then(() => {
  document.documentElement.lang = language();
});
