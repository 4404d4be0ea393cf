// The load on a lab that nobody rotates: it must see nothing where nothing is, and what is there where something is. Longer than a test may take.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kindsOf } from '../../lab/load/kinds.ts';
import { PORTS, WORKER } from '../../lab/processes/layout.ts';
import { readLab } from '../../lab/state.ts';
import { kubectl, labUp, type TestLab } from '../lab/harness.ts';
import { pidOf, readyAgain, shown, startLoad } from './loads.ts';

let lab: TestLab;
beforeAll(async () => {
  lab = await labUp('soak-load');
});
afterAll(async () => {
  await lab?.down();
});

/** What the webhook itself says it was asked. */
function webhookCounts(): Promise<{ validated: number; converted: number }> {
  const host = readLab(lab.dir)?.nodes.find(({ name }) => name === WORKER)?.address;
  return new Promise((resolve, reject) => {
    const asked = request({ host, port: PORTS.webhook, path: '/counts', rejectUnauthorized: false, agent: false });
    asked.on('response', (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += String(chunk);
      });
      response.on('end', () => resolve(JSON.parse(body)));
    });
    asked.on('error', reject).end();
  });
}

describe('on a lab that nobody touches', () => {
  it('gets answers for every client kind and no failure, at little cost, and cleans up', async () => {
    const file = join(lab.dir, 'summary.json');
    const before = await webhookCounts();
    const load = startLoad(lab, '--seconds', '30', '--summary', file);
    const { code, summary, stderr } = await load.ended;

    expect(shown(summary.failures), stderr).toEqual([]);
    expect(code).toBe(0);
    expect(summary).toMatchObject({
      result: 'done',
      failed: 0,
      failuresOmitted: 0,
      baseline: { clean: true, seconds: 20 },
    });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(summary);
    for (const kind of kindsOf('processes')) expect(summary.clients[kind]?.ok, kind).toBeGreaterThan(0);

    const targetsOf = (kind: string) => Object.keys(summary.clients[kind]?.targets ?? {});
    const planes = ['cp1', 'cp2', 'cp3'];
    const pairs = planes.flatMap((from) => [...planes, WORKER].map((to) => `${from}>${to}`));
    expect(targetsOf('kubelet').sort()).toEqual(pairs.sort());
    expect(targetsOf('aggregated').sort()).toEqual(['create', 'delete', 'list']);
    expect(targetsOf('webhook').sort()).toEqual(['convert', 'delete', 'validate']);
    const after = await webhookCounts();
    expect(after.validated - before.validated).toBeGreaterThanOrEqual(
      summary.clients.webhook?.targets?.validate?.ok ?? 1e9,
    );
    expect(after.converted - before.converted).toBeGreaterThanOrEqual(
      summary.clients.webhook?.targets?.convert?.ok ?? 1e9,
    );

    expect(summary.watch).toMatchObject({ missed: 0, repeated: 0 });
    expect(summary.watch?.events).toBe(summary.clients.write?.ok);

    const seconds = load.lines.filter((line) => line.startsWith('{"t":')).map((line) => JSON.parse(line));
    expect(seconds.length).toBeGreaterThan(20);
    for (const second of seconds) expect(Object.keys(second)).toEqual(['t', ...kindsOf('processes')]);
    // Wide bounds: how fast a machine is decides nothing here. Where requests wait for the processor the load makes fewer, and says what it made; one that
    // needed a whole core would measure itself.
    const rate = summary.requests / ((summary.to - summary.from) / 1_000);
    console.log(
      `${rate.toFixed(0)} requests/s at ${summary.cpu} of a core, slowest ${summary.baseline?.maxMs} ms in the baseline`,
    );
    expect(rate).toBeGreaterThan((summary.baseline?.maxMs ?? 0) < 1_000 ? 40 : 5);
    expect(summary.cpu).toBeLessThan(0.9);

    expect(kubectl(lab, ['get', 'namespaces', '-o', 'name'])).not.toContain('namespace/load');
    expect(existsSync(join(lab.dir, 'load.lock'))).toBe(false);
  });

  it('runs one at a time, and stops when told to', async () => {
    const load = startLoad(lab, '--baseline', '300', '--clients', 'reread');
    await load.line('"t":');
    const second = startLoad(lab, '--clients', 'reread');
    await expect(second.ended).rejects.toThrow(`another load runs on lab "${lab.name}", process ${load.child.pid}`);
    load.child.kill('SIGTERM');
    const { code, summary } = await load.ended;
    expect({ code, result: summary.result }).toEqual({ code: 1, result: 'stopped in the baseline' });
  });
});

describe('on a lab where something happens', () => {
  it('counts what a killed API server costs, by kind, class and time, and the watch misses nothing', async () => {
    const load = startLoad(lab, '--baseline', '5', '--seconds', '600');
    await load.line('baseline-clean');
    load.tell('mark kill');
    await load.line('"event":"mark"');
    process.kill(pidOf(lab, 'cp2', 'kube-apiserver'), 'SIGKILL');
    await readyAgain(lab, 'cp2');
    await sleep(5_000);
    load.child.kill('SIGUSR2');
    load.tell('stop');
    const { code, summary } = await load.ended;

    expect(code).toBe(0);
    expect(shown(summary.failures.filter(({ kind }) => kind === 'watch'))).toEqual([]);
    expect(summary).toMatchObject({ result: 'stopped', watch: { missed: 0 } });
    expect(summary.marks.map(({ name }) => name)).toEqual(['kill', 'SIGUSR2']);
    expect(summary.failures.filter((failure) => failure.class === 'connection').length).toBeGreaterThan(0);
    for (const failure of summary.failures) expect(failure.t).toBeGreaterThanOrEqual(summary.marks[0]?.t ?? 0);
    // Nothing is wrong with anybody's certificate, and through the two others everything goes on.
    expect(summary.failures.filter((failure) => ['certificate', 'authentication'].includes(failure.class))).toEqual([]);
    for (const kind of kindsOf('processes')) expect(summary.clients[kind]?.ok, kind).toBeGreaterThan(0);
    expect(Object.values(summary.clients).reduce((sum, kind) => sum + kind.failed, 0)).toBe(summary.failures.length);
  });

  it('counts what a restart by the lab costs', async () => {
    const load = startLoad(lab, '--baseline', '15', '--seconds', '600');
    await load.line('baseline-clean');
    const old = pidOf(lab, 'cp3', 'kube-apiserver');
    execFileSync(join(lab.dir, 'bin', 'restart'), ['cp3', 'kube-apiserver'], { stdio: 'pipe', timeout: 120_000 });
    await readyAgain(lab, 'cp3');
    expect(pidOf(lab, 'cp3', 'kube-apiserver')).not.toBe(old);
    await sleep(5_000);
    load.tell('stop');
    const { code, summary } = await load.ended;

    expect({ code, result: summary.result }).toEqual({ code: 0, result: 'stopped' });
    expect(summary.watch).toMatchObject({ missed: 0 });
    // The one who asks this API server itself, and nobody else, has to do without it.
    expect(
      summary.failures.filter(({ kind, target }) => kind === 'kubelet' && target?.startsWith('cp3>')).length,
    ).toBeGreaterThan(0);
    expect(
      shown(summary.failures).filter((line) => /certificate|authentication/.test(line.split(':')[0] ?? '')),
    ).toEqual([]);
    const failed = Object.entries(summary.clients).map(([kind, counts]) => `${kind} ${counts.failed}`);
    console.log(`restart of an API server: of ${summary.requests} requests failed: ${failed.join(', ')}`);
  });

  it('ends a client with its pod, and starts it again in the next', async () => {
    const load = startLoad(lab, '--baseline', '5', '--seconds', '600', '--clients', 'pod-frozen,pod-kept');
    await load.line('baseline-clean');
    kubectl(lab, ['-n', 'load', 'delete', 'pod', 'frozen']);
    const next = () => kubectl(lab, ['-n', 'load', 'get', 'pods', '-l', 'app=frozen', '-o', 'name']);
    while (!next().includes('pod/frozen-2')) await sleep(200);
    await sleep(5_000);
    load.tell('stop');
    const { summary } = await load.ended;

    expect(shown(summary.failures)).toEqual([]);
    expect(summary.clients['pod-frozen']).toMatchObject({ gone: 1, failed: 0 });
    expect(summary.clients['pod-kept']).toMatchObject({ gone: 0, failed: 0 });
    // In the order in which they were seen, and the first two are seen at once.
    expect(summary.pods.map(({ name, to }) => [name, to !== undefined]).sort()).toEqual([
      ['frozen', true],
      ['frozen-2', false],
      ['kept', false],
    ]);
  });
});

describe('a baseline that is not clean', () => {
  it('ends as "machine too busy" when requests are held up', async () => {
    const load = startLoad(lab, '--baseline', '15', '--seconds', '600');
    await load.line('"t":');
    const stuck = pidOf(lab, 'cp1', 'kube-apiserver');
    try {
      process.kill(stuck, 'SIGSTOP');
      await sleep(20_000);
    } finally {
      process.kill(stuck, 'SIGCONT');
    }
    const { code, summary } = await load.ended;
    expect({ code, result: summary.result }).toEqual({ code: 1, result: 'machine too busy' });
    expect(summary.baseline?.clean).toBe(false);
    expect(summary.baseline?.why.join('\n')).toMatch(/request without an answer for 1\d\.\d s|no request succeeded/);
    expect(load.lines.some((line) => line.includes('baseline-clean'))).toBe(false);
    await readyAgain(lab, 'cp1');
  });

  it('says so when a client is refused from the start, and by what', async () => {
    const file = lab.file(WORKER, 'home/fresh/.kube/config');
    const whole = readFileSync(file, 'utf8');
    const otherCA = readFileSync(lab.file('cp1', 'etc/kubernetes/pki/front-proxy-ca.crt')).toString('base64');
    writeFileSync(file, whole.replace(/(certificate-authority-data: )\S+/, `$1${otherCA}`));
    try {
      const { code, summary } = await startLoad(lab, '--baseline', '3', '--clients', 'kept,fresh').ended;
      expect({ code, result: summary.result }).toEqual({ code: 1, result: 'machine too busy' });
      expect(summary.clients.kept).toMatchObject({ failed: 0 });
      expect(summary.clients.fresh).toMatchObject({ ok: 0 });
      expect(new Set(summary.failures.map((failure) => failure.class))).toEqual(new Set(['certificate']));
    } finally {
      writeFileSync(file, whole);
    }
  });
});
