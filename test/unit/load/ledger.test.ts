import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLedger, nameOfOp, opOf, STAGES } from '../../../lab/load/ledger.ts';

describe('the ledger of writes', () => {
  it('misses nothing when every event comes, before or after its confirmation', () => {
    const ledger = createLedger();
    ledger.confirmed(0, 100);
    expect(ledger.saw(0, 130)).toEqual({ lagMs: 30, missed: [] });
    expect(ledger.saw(1, 140)).toEqual({ lagMs: 0, missed: [] });
    ledger.confirmed(1, 150);
    expect(ledger.oldestWaitMs(1_000)).toBe(0);
    expect(ledger.overdue(100_000, 0)).toEqual([]);
  });

  it('takes a later event as proof that an earlier one was missed, once', () => {
    const ledger = createLedger();
    for (const op of [0, 1, 2, 3]) ledger.confirmed(op, op);
    expect(ledger.saw(0, 10).missed).toEqual([]);
    expect(ledger.saw(3, 11).missed).toEqual([1, 2]);
    expect(ledger.overdue(100_000, 0)).toEqual([]);
  });

  it('expects nothing of a write that failed, whether or not it was done', () => {
    const ledger = createLedger();
    ledger.confirmed(0, 0);
    ledger.confirmed(2, 0);
    ledger.saw(0, 1);
    expect(ledger.saw(2, 2).missed).toEqual([]);
    expect(ledger.saw(1, 3)).toEqual({ lagMs: 0, missed: [] });
  });

  it('gives up on an event after a while, and does not count it when it comes after all', () => {
    const ledger = createLedger();
    ledger.confirmed(7, 1_000);
    expect(ledger.oldestWaitMs(21_000)).toBe(20_000);
    expect(ledger.waiting()).toBe(1);
    expect(ledger.overdue(30_999, 30_000)).toEqual([]);
    expect(ledger.overdue(31_000, 30_000)).toEqual([7]);
    expect(ledger.waiting()).toBe(0);
    expect(ledger.overdue(99_000, 30_000)).toEqual([]);
    expect(ledger.saw(7, 99_000)).toEqual({ missed: [] });
  });

  it('tells an event that comes twice', () => {
    const ledger = createLedger();
    ledger.confirmed(0, 0);
    expect(ledger.saw(0, 1).lagMs).toBe(1);
    expect(ledger.saw(0, 2).lagMs).toBeUndefined();
  });

  it('finds exactly the confirmed operations whose events were dropped', () => {
    const op = fc.record({ done: fc.boolean(), delivered: fc.boolean(), early: fc.boolean() });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
        const ledger = createLedger();
        const found: number[] = [];
        const see = (n: number) => found.push(...ledger.saw(n, n).missed);
        ops.forEach(({ done, delivered, early }, n) => {
          if (delivered && early) see(n);
          if (done) ledger.confirmed(n, n);
          if (delivered && !early) see(n);
        });
        found.push(...ledger.overdue(ops.length + 1, 0));
        const dropped = ops.flatMap(({ done, delivered }, n) => (done && !delivered ? [n] : []));
        expect(found.sort((a, b) => a - b)).toEqual(dropped);
      }),
    );
  });

  it('numbers operations in the order in which they are made', () => {
    const ops = [0, 1, 2].flatMap((object) => STAGES.map((stage) => opOf(object, stage)));
    expect(ops).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(nameOfOp(opOf(17, 'MODIFIED'))).toBe('n-17/MODIFIED');
  });
});
