import { describe, expect, it } from 'vitest';

import { channelName, targetName } from '../src/components/delivery-rows';

describe('a delivery in the ledger', () => {
  it('names its channel in words', () => {
    expect(channelName('ui')).toBe('Alerts page');
    expect(channelName('syslog')).toBe('System log');
    expect(channelName('something_new')).toBe('something_new');
  });

  it('names its target in words, and the page itself not twice', () => {
    expect(targetName('stdout')).toBe('this machine’s log');
    expect(targetName('alerts page')).toBe('');
    expect(targetName('ann@example.org')).toBe('ann@example.org');
  });
});
