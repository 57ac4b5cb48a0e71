export type FieldKind = 'flag' | 'choice' | 'choices' | 'number' | 'integer' | 'text' | 'secret' | 'texts' | 'json';

/** One key of the configuration, as the server's models know it. */
export interface FormField {
  key: string;
  title: string;
  about: string;
  kind: FieldKind;
  required: boolean;
  default?: unknown;
  choices?: string[];
  minimum?: number;
  maximum?: number;
  max_length?: number;
}

export interface FormSection {
  /** Dotted: `web`, `alerts.email`, `cameras`. */
  path: string;
  /** Of an array of tables: the key that tells its entries apart. */
  entry_key: string | null;
  title: string;
  about: string;
  fields: FormField[];
}

export type Values = Record<string, unknown>;

export interface Settings {
  revision: string;
  /** Nested like the file; secrets are `***`. */
  values: Values;
  /** `web.port` to `settings.toml (…)`. */
  origins: Record<string, string>;
  warnings: string[];
  /** Entries of vigilar.toml that are left out: `{cameras: ["shed"]}`. */
  removed: Record<string, string[]>;
}

export interface SettingProblem {
  key: string;
  text: string;
}

export interface SettingDifference {
  key: string;
  before: unknown;
  after: unknown;
}

/** What a change would do. */
export interface SettingsTrial {
  problems: SettingProblem[];
  warnings: string[];
  differences: SettingDifference[];
  services: string[];
}

export interface SettingsVersion {
  version: string;
  ts_ms: number;
  revision: string;
  actor: string;
  changes: Values | null;
  current: boolean;
}
