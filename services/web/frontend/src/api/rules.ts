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

export interface RuleInfo {
  id: string;
  description: string;
  enabled: boolean;
  logic: 'AND' | 'OR';
  conditions: string[];
  actions: string[];
  cooldown_s: number;
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
  complete: boolean;
  reason: string;
}
