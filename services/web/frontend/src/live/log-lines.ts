/** One line of a service's log, masked where it was said. */
export interface LogLine {
  n: number;
  service: string;
  ts_ms: number;
  level: string;
  logger: string;
  text: string;
}

export const LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR'];
const RANK: Record<string, number> = { DEBUG: 0, INFO: 1, WARNING: 2, ERROR: 3, CRITICAL: 4 };

/** The lines of a service (empty: of all), from a level on, with all words of a search. */
export function chosenLines(lines: LogLine[], service: string, level: string, search: string): LogLine[] {
  const least = RANK[level] ?? 0;
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return lines.filter((line) => {
    if (service && line.service !== service) return false;
    if ((RANK[line.level] ?? 4) < least) return false;
    const whole = `${line.service} ${line.logger} ${line.text}`.toLowerCase();
    return words.every((word) => whole.includes(word));
  });
}
