// The rights that docs/access asks for are enough to rotate, and those to look only are enough to look.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { makeClientLeaf } from '../../src/pki/client-leaf.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { keyToPem, parseCertificates, parsePrivateKey } from '../../src/pki/pem.ts';
import { kubectl, labUp, reroot, root, type TestLab } from './harness.ts';
import { describeLab } from './require-lab.ts';

const NAME = 'test-rights';

describeLab('a user with the rights of docs/access and no others', () => {
  let lab: TestLab;
  let files: string;
  beforeAll(async () => {
    files = mkdtempSync(join(tmpdir(), 'reroot-rights-'));
    lab = await labUp(NAME, ['--control-planes', '1']);
    kubectl(lab, ['apply', '-f', join(root, 'docs/access/cluster-role.yaml')]);
    for (const role of ['reroot', 'reroot-look'])
      kubectl(lab, ['create', 'clusterrolebinding', role, `--clusterrole=${role}`, `--user=${role}-user`]);
  });
  afterAll(async () => {
    rmSync(files, { recursive: true, force: true });
    await lab?.down();
  });

  /** A kubeconfig of a user whom nothing but the role gives rights. */
  function kubeconfigOf(user: string): string {
    const read = (name: string): string => readFileSync(lab.file('cp1', `etc/kubernetes/pki/${name}`), 'utf8');
    const [certificate] = parseCertificates(read('ca.crt'), 'ca.crt');
    if (!certificate) throw new Error('the lab has no CA');
    const key = generateKey('EC-P-256');
    const ca = { certificate, key: parsePrivateKey(read('ca.key'), 'ca.key') };
    const leaf = makeClientLeaf(ca, { commonName: user, publicKey: key, now: Date.now() });
    const config = parse(readFileSync(join(lab.dir, 'kubeconfig'), 'utf8'));
    config.users[0].user = {
      'client-certificate-data': Buffer.from(leaf.pem).toString('base64'),
      'client-key-data': Buffer.from(keyToPem(key)).toString('base64'),
    };
    const file = join(files, user);
    writeFileSync(file, stringify(config), { mode: 0o600 });
    return file;
  }
  const as = (user: string) => ['--config', join(lab.dir, 'reroot.yaml'), '--kubeconfig', kubeconfigOf(user)];

  test('who may look can inspect, plan and verify, and is told that a rotation takes more', async () => {
    const flags = as('reroot-look-user');
    for (const verb of ['inspect', 'plan', 'verify']) {
      const done = await reroot([verb, ...flags, '-o', 'json']);
      expect(done.code, `${verb}: ${done.stderr}`).toBe(0);
    }
    const refused = await reroot(['rotate', ...flags, '-o', 'json']);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/may not|forbidden|not allowed/i);
    expect(refused.stderr).toMatch(/hint: /);
  });

  test('who may rotate can, to the end of issue', async () => {
    const flags = [...as('reroot-user'), '-o', 'json'];
    const forth = await reroot(['rotate', '--until', 'issue', ...flags]);
    expect(forth.code, forth.stderr).toBe(0);
    expect(forth.events.flatMap(({ type, message }) => (type === 'warning' ? [message] : []))).not.toContainEqual(
      expect.stringMatching(/forbidden|may not/),
    );
    const verified = await reroot(['verify', ...flags]);
    expect(verified.code, verified.stderr).toBe(0);
  });
});
