/** One condition, and how it stood when its rule fired. */
export interface RuleCondition {
  text: string;
  holds: boolean;
  caused: boolean;
}

export interface RuleFiring {
  at_ms: number;
  because: string;
  conditions: RuleCondition[];
}

/** Something met a condition, and the rule did nothing. */
export interface RuleMiss {
  at_ms: number;
  what: string;
  why: string;
  conditions: RuleCondition[];
}

export interface RuleInfo {
  id: string;
  description: string;
  enabled: boolean;
  logic: 'AND' | 'OR';
  conditions: string[];
  actions: string[];
  cooldown_s: number;
  position: number;
  resting_s: number;
  count: number;
  last: RuleFiring | null;
}

/** What a rule would have done. */
export interface RuleDryRun {
  rule_id: string;
  from_ms: number;
  to_ms: number;
  facts: number;
  unreadable: number;
  count: number;
  firings: RuleFiring[];
  missed: number;
  misses: RuleMiss[];
  complete: boolean;
  reason: string;
}

/** A condition as `[[rules]]` holds it; which keys stand beside `type` the form says. */
export interface WrittenCondition {
  type: string;
  conditions?: WrittenCondition[];
  [key: string]: unknown;
}

export interface WrittenAction {
  type: string;
  [key: string]: unknown;
}

/** A rule as the configuration holds it. */
export interface WrittenRule {
  id: string;
  description: string;
  enabled: boolean;
  logic: 'AND' | 'OR';
  conditions: WrittenCondition[];
  actions: (string | WrittenAction)[];
  cooldown_s: number;
  position: number;
  allow_disarm: boolean;
}

export type Asked = 'one' | 'some' | 'house' | 'house_some' | 'seconds' | 'window' | 'text';

/** One key of a condition or an action: how it is entered. */
export interface RuleKey {
  key: string;
  about: string;
  asked: Asked;
  choices?: string[];
  of?: string;
  open?: boolean;
  /** It belongs to these words of `event` alone. */
  only_with?: string[];
  not_with?: string[];
  needed?: boolean;
  minimum?: number;
  maximum?: number;
  default?: unknown;
}

export interface RulePart {
  type: string;
  group: boolean;
  happens: boolean;
  keys: RuleKey[];
}

/** What a rule can be made of. */
export interface RuleForm {
  conditions: RulePart[];
  actions: RulePart[];
  named: string[];
  logic: string[];
  of_member: string[];
  limits: { depth: number; conditions: number; cooldown_s: number; description: number };
}
