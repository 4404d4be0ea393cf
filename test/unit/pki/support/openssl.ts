// OpenSSL's verdicts, by its own command.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { toPem } from '../../../../src/pki/pem.ts';
import type { OpenSSLQuestion } from '../../../../src/pki/verify.ts';

/** For the length of a test file: the openssl command with a folder of its own. */
export function useOpenSSL() {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'reroot-openssl-'));
    const version = run(['version']);
    if (!/^OpenSSL 3\./.test(version)) throw new Error(`the tests need OpenSSL 3 in PATH, this is ${version}`);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };

  const run = (args: string[]): string => {
    const done = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (done.error) throw new Error('the tests need the openssl command in PATH (apt-get install openssl)');
    if (done.status !== 0) throw new Error(`openssl ${args[0]} failed: ${done.stderr}`);
    return done.stdout;
  };

  /** `openssl verify` with nothing but the given anchors; undefined when it accepts, else its words. */
  const refusal = (question: OpenSSLQuestion): string | undefined => {
    const [leaf, ...sent] = question.chain;
    if (!leaf) throw new Error('a chain is needed');
    const { anchors, name } = question;
    const args = ['verify', '-no-CApath', '-no-CAstore', '-attime', String(Math.floor(question.now / 1000))];
    args.push('-purpose', question.usage === 'serverAuth' ? 'sslserver' : 'sslclient');
    args.push(...(anchors.length > 0 ? ['-CAfile', file('anchors.pem', toPem(anchors))] : ['-no-CAfile']));
    if (sent.length > 0) args.push('-untrusted', file('sent.pem', toPem(sent)));
    if (question.strict) args.push('-x509_strict');
    if (question.partialChain) args.push('-partial_chain');
    if (name !== undefined) args.push(/^[\d.]+$|:/.test(name) ? '-verify_ip' : '-verify_hostname', name);
    args.push(file('leaf.pem', leaf.pem));
    const done = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (done.status === 0) return undefined;
    return /error \d+ at .*/.exec(done.stderr)?.[0] ?? `unexpected: ${done.stderr}`;
  };

  return { run, file, refusal, inFolder: (name: string): string => join(folder, name) };
}
