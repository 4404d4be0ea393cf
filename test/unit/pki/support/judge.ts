// Go's verdicts: builds test/judge once for a test file, keeps it running, and asks it over a pipe.

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import type { ChainQuestion } from '../../../../src/pki/verify.ts';

export interface Description {
  subject: string;
  issuer: string;
  serial: string;
  notBefore: number;
  notAfter: number;
  isCA: boolean;
  pathLen: number | null;
  keyId: string;
  authorityKeyId: string;
  keyUsage: number;
  serverAuth: boolean;
  clientAuth: boolean;
  dnsNames: string[] | null;
  ipAddresses: string[] | null;
  commonName: string;
  organizations: string[] | null;
}

export interface Answer {
  ok: boolean;
  error?: string;
  description?: Description;
}

type Question =
  | { op: 'verify'; chain: string[]; anchors: string[]; usage: string; now: number; name?: string }
  | { op: 'describe'; chain: string[] }
  | { op: 'pair'; cert: string; key: string }
  | { op: 'csr'; cert: string };

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** For the length of a test file: Go behind a pipe. */
export function useJudge() {
  let folder = '';
  let child: ChildProcessWithoutNullStreams | undefined;
  const waiting: ((answer: Answer) => void)[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'reroot-judge-'));
    child = spawn(buildJudge(folder));
    createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(JSON.parse(line) as Answer));
    child.on('exit', () => {
      for (const answer of waiting.splice(0)) answer({ ok: false, error: 'the Go judge has ended' });
    });
  }, 180_000);

  afterAll(() => {
    child?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = (question: Question): Promise<Answer> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      child?.stdin.write(`${JSON.stringify(question)}\n`);
    });

  return {
    verify: (question: ChainQuestion): Promise<Answer> =>
      ask({
        op: 'verify',
        chain: question.chain.map(({ der }) => base64(der)),
        anchors: question.anchors.map(({ der }) => base64(der)),
        usage: question.usage,
        now: question.now,
        ...(question.name === undefined ? {} : { name: question.name }),
      }),
    async describe(der: Uint8Array): Promise<Description> {
      const { description, error } = await ask({ op: 'describe', chain: [base64(der)] });
      if (!description) throw new Error(`Go cannot read the certificate: ${error}`);
      return description;
    },
    parses: async (der: Uint8Array): Promise<boolean> => (await ask({ op: 'describe', chain: [base64(der)] })).ok,
    pair: (cert: string, key: string): Promise<Answer> => ask({ op: 'pair', cert, key }),
    csr: (cert: string): Promise<Answer> => ask({ op: 'csr', cert }),
  };
}

function buildJudge(folder: string): string {
  const program = join(folder, 'judge');
  const source = fileURLToPath(new URL('../../../judge/', import.meta.url));
  const built = spawnSync('go', ['build', '-o', program, '.'], {
    cwd: source,
    encoding: 'utf8',
    env: { ...process.env, GOWORK: 'off', GOFLAGS: '' },
  });
  if (built.error)
    throw new Error(
      'the tests need Go (https://go.dev/dl, 1.24 or newer) in PATH: it judges every certificate they make',
    );
  if (built.status !== 0) throw new Error(`the Go judge in test/judge does not build:\n${built.stderr}`);
  return program;
}
