import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { commandOf, listen, type Mark } from '../../../lab/load/control.ts';
import { clientKinds, kindsOf } from '../../../lab/load/kinds.ts';
import { accessOf } from '../../../lab/load/kubeconfig.ts';
import { startPace } from '../../../lab/load/pace.ts';

describe('commands to a running load', () => {
  it('reads stop and mark NAME, and nothing else', () => {
    expect(commandOf(' stop ')).toEqual({ stop: true });
    expect(commandOf('mark retire begins')).toEqual({ mark: 'retire begins' });
    for (const line of ['', 'mark', 'stop now', 'halt']) expect(commandOf(line)).toBeUndefined();
  });

  it('marks by line and by signal, stops by line, and not at the end of its input', async () => {
    const input = new PassThrough();
    const marks: Mark[] = [];
    const control = listen(input, (mark) => marks.push(mark));
    const before = Date.now();
    input.write('mark retire\n');
    process.kill(process.pid, 'SIGUSR2');
    while (marks.length < 2) await sleep(5);
    expect(marks.map((mark) => mark.name).sort()).toEqual(['SIGUSR2', 'retire']);
    for (const mark of marks) expect(mark.t).toBeGreaterThanOrEqual(before);
    expect(control.stopped.aborted).toBe(false);
    input.write('stop\n');
    while (!control.stopped.aborted) await sleep(5);
    control.close();

    const ended = new PassThrough();
    const other = listen(ended, () => {});
    ended.end();
    await sleep(20);
    expect(other.stopped.aborted).toBe(false);
    other.close();
  });
});

describe('--clients', () => {
  it('takes any of the kinds, in any order', () => {
    expect(clientKinds('processes', 'fresh, kept,fresh')).toEqual(['kept', 'fresh']);
    expect(clientKinds('full', kindsOf('full').join(','))).toEqual(kindsOf('full'));
    expect(clientKinds('processes')).toEqual(kindsOf('processes'));
  });
  it.each(['', 'kept,', 'nobody', 'watch'])('refuses "%s"', (list) => {
    expect(() => clientKinds('processes', list)).toThrow(/client kind/);
  });
});

describe('the pace', () => {
  it('goes on while some hang, up to the limit, and waits for them at the end', async () => {
    let started = 0;
    let ended = 0;
    let letGo = (): void => {};
    const hanging = new Promise<void>((resolve) => (letGo = resolve));
    const pace = startPace(200, 5, async () => {
      started += 1;
      await hanging;
      ended += 1;
    });
    await sleep(150);
    expect(started).toBe(5);
    const stopped = pace.stop();
    letGo();
    await stopped;
    expect(ended).toBe(5);
    await sleep(30);
    expect(started).toBe(5);
  });

  it('keeps to its rate', async () => {
    let started = 0;
    const pace = startPace(50, 1, async () => {
      started += 1;
    });
    await sleep(1_000);
    await pace.stop();
    expect(started).toBeGreaterThan(25);
    expect(started).toBeLessThanOrEqual(51);
  });

  it('makes up for the turns of a moment in which the program got no processor, and for no more than a second of them', async () => {
    let started = 0;
    const pace = startPace(50, 1_000, async () => {
      started += 1;
    });
    const block = (ms: number): void => {
      for (const until = performance.now() + ms; performance.now() < until; );
    };
    block(500);
    await sleep(10);
    expect(started).toBeGreaterThanOrEqual(24);
    const before = started;
    block(2_000);
    await sleep(10);
    expect(started - before).toBeGreaterThanOrEqual(50);
    expect(started - before).toBeLessThanOrEqual(60);
    await pace.stop();
  });
});

describe('kubeconfigs', () => {
  const text = `
current-context: b
contexts:
- {name: a, context: {cluster: x, user: x}}
- {name: b, context: {cluster: y, user: y}}
clusters:
- {name: x, cluster: {server: https://x, certificate-authority-data: eA==}}
- {name: y, cluster: {server: https://y, certificate-authority-data: eQ==}}
users:
- {name: x, user: {token: no}}
- {name: y, user: {client-certificate-data: Yw==, client-key-data: aw==}}
`;
  it('gives what the current context names', () => {
    expect(accessOf(text, 'f')).toEqual({ server: 'https://y', ca: 'y', cert: 'c', key: 'k' });
  });
  it('says what is missing', () => {
    expect(() => accessOf(text.replace('current-context: b', 'current-context: c'), 'f')).toThrow(
      'f: no context named "c"',
    );
  });
});
