import { describe, expect, it } from 'vitest';
import { isDeadHere, type Looks, processMark } from '../../../src/cluster/process-mark.ts';

const mark = `anna@bastion ${processMark()}`;
/** A /proc that hides the processes of others, and what `kill -0` says of them. */
const hidden = (code?: string): Looks => ({
  startTicks: () => undefined,
  signal: () => {
    if (code) throw Object.assign(new Error(`kill ${code}`), { code });
  },
});

describe('a process of this machine', () => {
  it('lives while it is there with the start that its mark says', () => {
    expect(isDeadHere(mark)).toBe(false);
    expect(isDeadHere(mark.replace(/\d+\]$/, '1]'))).toBe(true);
  });

  it('is dead where /proc hides others only when the kernel says that there is none', () => {
    expect(isDeadHere(mark, hidden('ESRCH'))).toBe(true);
    expect(isDeadHere(mark, hidden('EPERM'))).toBe(false);
    expect(isDeadHere(mark, hidden())).toBe(false);
  });

  it('is not told dead by what another machine, or nobody, knows of it', () => {
    expect(isDeadHere(mark.replace(/\[\w{12}/, '[0123456789ab'), hidden('ESRCH'))).toBe(false);
    expect(isDeadHere('ben@laptop [42]', hidden('ESRCH'))).toBe(false);
  });
});
