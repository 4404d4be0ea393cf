import { describe, expect, it } from 'vitest';
import { coloursFor } from '../../../src/views/colours.ts';
import { emitterFor } from '../../../src/views/emitter.ts';
import { jsonLine } from '../../../src/views/json.ts';
import { plainLine } from '../../../src/views/plain.ts';
import { event, iso } from './fixtures.ts';

const KEY = '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIsecret\n-----END EC PRIVATE KEY-----\n';

function collect(isTTY = false): { isTTY: boolean; write(text: string): void; text: () => string } {
  let written = '';
  return {
    isTTY,
    write: (text) => {
      written += text;
    },
    text: () => written,
  };
}

describe('plain lines', () => {
  it('tell when, which move, which authority and how long a step took', () => {
    const line = plainLine(
      event({
        type: 'step',
        move: 'issue',
        authority: 'kubernetes',
        party: 'cp1/kube-apiserver',
        message: 'serve a leaf from new with the bridge',
        data: { state: 'done', seconds: 1.24 },
      }),
    );

    expect(line).toBe(
      '22:14:03Z issue    kubernetes      done      serve a leaf from new with the bridge (cp1/kube-apiserver) - 1.2 s',
    );
  });

  it('name each way on below what blocks', () => {
    const line = plainLine(
      event({
        type: 'blocked',
        move: 'retire',
        authority: 'kubernetes',
        party: 'pod/default/shop-7c',
        message: 'pod/default/shop-7c started before new trust reached it',
        data: { reason: 'pod-started-before-new-trust', ways: ['reroot rotate --restart stale'] },
      }),
    );

    expect(line.split('\n')).toEqual([
      '22:14:03Z retire   kubernetes      BLOCKED   pod/default/shop-7c started before new trust reached it',
      '          reason: pod-started-before-new-trust',
      '          hint: reroot rotate --restart stale',
    ]);
  });

  it('give the reason and the hints of a failed step', () => {
    const line = plainLine(
      event({
        type: 'step',
        move: 'trust',
        message: 'accept clients of both',
        data: { state: 'failed', error: 'cp2: disk full', hints: ['make room on cp2, then run reroot rotate again'] },
      }),
    );

    expect(line).toContain('FAILED    accept clients of both');
    expect(line).toContain(
      '\n          reason: cp2: disk full\n          hint: make room on cp2, then run reroot rotate again',
    );
  });

  it('say on whom a wait is and for how long, and only the first few of many', () => {
    const missing = Array.from({ length: 40 }, (_, index) => `n${index}/kubelet:client-ca`);

    const line = plainLine(event({ type: 'wait', message: 'waits for new trust', data: { seconds: 95, missing } }));

    expect(line).toBe(
      '22:14:03Z                          wait      waits for new trust - on n0/kubelet:client-ca, n1/kubelet:client-ca, n2/kubelet:client-ca and 37 more - for 1 min 35 s',
    );
  });

  it('list routes and restarts below a plan', () => {
    const line = plainLine(
      event({
        type: 'plan',
        message: '24 steps',
        data: {
          steps: 24,
          routes: [{ authority: 'kubernetes', route: 'bridge', because: 'old has a key id' }],
          restarts: { 'kube-scheduler': 1, 'kube-controller-manager': 2 },
        },
      }),
    );

    expect(line.split('\n').slice(1)).toEqual([
      '          kubernetes: bridge route, old has a key id',
      '          restarts of each instance, at most:',
      '            kube-scheduler           1',
      '            kube-controller-manager  2',
    ]);
  });

  it('never print a private key, as PEM or in base64', () => {
    const encoded = Buffer.from(KEY).toString('base64');

    const line = plainLine(event({ type: 'error', message: `bad: ${KEY}`, data: { reason: encoded } }));
    const json = jsonLine(event({ type: 'error', message: `bad: ${KEY}`, data: { reason: encoded, also: KEY } }));

    for (const text of [line, json]) {
      expect(text).not.toContain('secret');
      expect(text).not.toContain(encoded.slice(10, 60));
      expect(text).toContain('[private key hidden]');
    }
    expect(JSON.parse(json).data.also).toBe('[private key hidden]\n');
  });

  it('let no text of a server move the cursor, and indent its further lines', () => {
    const line = plainLine(event({ type: 'error', message: 'answered \u001b[2Jgone\u0007\nsecond line' }));

    expect(line).toBe('22:14:03Z                          ERROR     answered  [2Jgone\n          second line');
  });

  it('have colours on a terminal only, and not with NO_COLOR', () => {
    const done = event({ type: 'step', message: 'x', data: { state: 'done' } });
    const sequence = '\u001b[';

    expect(plainLine(done, coloursFor({ isTTY: true, write: () => {} }, {}))).toContain(sequence);
    expect(plainLine(done, coloursFor({ isTTY: true, write: () => {} }, { NO_COLOR: '1' }))).not.toContain(sequence);
    expect(plainLine(done, coloursFor({ write: () => {} }, {}))).not.toContain(sequence);
  });
});

describe('the JSON of an event', () => {
  it('is one line with the contract names in the contract order', () => {
    const line = jsonLine(
      event({
        data: { state: 'begin' },
        message: 'a\nb',
        move: 'trust',
        authority: 'front-proxy',
        channel: 'c',
        party: 'p',
        step: 's',
        type: 'step',
      }),
    );

    expect(line).not.toContain('\n');
    expect(Object.keys(JSON.parse(line))).toEqual([
      'time',
      'rotation',
      'type',
      'step',
      'party',
      'channel',
      'authority',
      'move',
      'message',
      'data',
    ]);
  });
});

describe('emitters', () => {
  it('print a wait again only after ten seconds or when it is on somebody else', () => {
    const output = collect();
    const emitter = emitterFor('plain', output);
    const wait = (clock: string, missing: string[]) =>
      emitter.emit({ ...event({ type: 'wait', message: 'waits', data: { missing } }), time: iso(clock) });

    wait('22:00:01', ['a']);
    wait('22:00:02', ['a']);
    wait('22:00:03', ['b']);
    wait('22:00:04', ['b']);
    wait('22:00:13', ['b']);

    expect(
      output
        .text()
        .split('\n')
        .filter(Boolean)
        .map((line) => line.slice(0, 9)),
    ).toEqual(['22:00:01Z', '22:00:03Z', '22:00:13Z']);
  });

  it('print every event as JSON', () => {
    const output = collect();
    const emitter = emitterFor('json', output);

    for (let index = 0; index < 3; index += 1) emitter.emit(event({ type: 'wait', message: 'waits' }));
    emitter.close();

    expect(
      output
        .text()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).type),
    ).toEqual(['wait', 'wait', 'wait']);
  });

  it('give plain lines for the board where there is no terminal', () => {
    const output = collect(false);
    const emitter = emitterFor('board', output);

    emitter.emit(event({ type: 'move', move: 'trust', message: 'trust begins', data: { state: 'begin' } }));
    emitter.close();

    expect(output.text()).toBe('22:14:03Z trust                    begin     trust begins\n');
  });
});
