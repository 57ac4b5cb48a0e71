/** What the services say (titles of events and alerts, refusals), in the language of the page. */
import { table } from './language';

/** English is what they speak. */
export const asSaid = {
  title: (text: string): string => text,
  refusal: (_code: string, message: string): string => message,
};

const words = table('said', asSaid);

/** The title of an event or alert. */
export const said = (title: string): string => words.title(title);
/** Why something was refused, from the error's code and the server's own sentence. */
export const refusal = (code: string, message: string): string => words.refusal(code, message);
