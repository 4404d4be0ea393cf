import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type ArchivedFile,
  type ArchivedObject,
  type ArchiveHeader,
  decrypterFor,
  encrypterFor,
  readArchive,
  writeArchive,
} from '../../../src/backup/archive.ts';
import { EXIT, RerootError } from '../../../src/errors.ts';
import { put, tempDir } from './local-node.ts';

let identity: string;
let recipient: string;
let stranger: string;
beforeAll(async () => {
  identity = await generateX25519Identity();
  stranger = await generateX25519Identity();
  recipient = await identityToRecipient(identity);
});

const header: ArchiveHeader = {
  reroot: 'backup',
  version: 1,
  takenAt: '2026-11-24T22:00:00.000Z',
  server: 'https://10.0.0.10:6443',
  clusterUid: '8b3f',
  kubernetes: 'v1.36.3',
  nodes: [{ name: 'cp1', address: '10.0.0.1' }],
  folders: [{ node: 'cp1', home: '/etc/kubernetes/pki/reroot' }],
};

const archived = (path: string, content: string): ArchivedFile => ({
  file: path,
  node: 'cp1',
  mode: '600',
  owner: '0:0',
  sha256: createHash('sha256').update(content).digest('hex'),
  changedAt: 1,
  content: Buffer.from(content).toString('base64'),
});

async function* each<T>(...values: T[]): AsyncGenerator<T> {
  yield* values;
}

const SECRET = 'SECRET-KEY-MATERIAL-'.repeat(20);
const some = () =>
  each<ArchivedFile | ArchivedObject>(archived('/etc/kubernetes/pki/ca.key', SECRET), {
    object: '/api/v1/namespaces/x/configmaps/y',
    stores: [],
    value: { data: { a: 'é' } },
  });
const written = async () => {
  const out = join(tempDir(), 'backup.age');
  const result = await writeArchive(out, encrypterFor([recipient]), header, some());
  return { out, result };
};
const opener = (key = identity) => decrypterFor(`# a comment\n\n${key}\n`, 'key.txt');

describe('an archive', () => {
  it('comes back whole for the key it was made for', async () => {
    const { out, result } = await written();

    const archive = await readArchive(out, opener());

    expect(result.entries).toBe(2);
    expect(statSync(out).size).toBe(result.bytes);
    expect(archive.header).toEqual(header);
    expect(Buffer.from(archive.files[0]?.content ?? '', 'base64').toString()).toBe(SECRET);
    expect(archive.objects[0]?.value).toEqual({ data: { a: 'é' } });
  });

  it('is an age file, for its owner only, and holds nothing readable', async () => {
    const { out } = await written();

    const bytes = readFileSync(out);
    expect(bytes.subarray(0, 22).toString()).toBe('age-encryption.org/v1\n');
    expect(bytes.includes(Buffer.from(SECRET).toString('base64').slice(0, 40))).toBe(false);
    expect(bytes.includes('ca.key')).toBe(false);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(out, '..'))).toEqual(['backup.age']);
  });

  it('does not open for another key, and never names the key', async () => {
    const { out } = await written();

    await expect(readArchive(out, opener(stranger))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/not encrypted for this identity/),
    });
    expect(() => decrypterFor('AGE-SECRET-KEY-1BROKEN\n', 'key.txt')).toThrow(/identity 1 is not an age identity/);
    expect(() => decrypterFor('AGE-SECRET-KEY-1BROKEN\n', 'key.txt')).not.toThrow(/BROKEN/);
    expect(() => decrypterFor('# nothing\n', 'key.txt')).toThrow(/holds no age identity/);
  });

  it('that was cut short or changed at any place is refused', async () => {
    const { out } = await written();
    const bytes = readFileSync(out);

    for (const damaged of [
      bytes.subarray(0, bytes.length - 1),
      bytes.subarray(0, 60),
      flipped(bytes, bytes.length - 40),
      flipped(bytes, 30),
    ]) {
      const file = join(tempDir(), 'damaged.age');
      writeFileSync(file, damaged);
      await expect(readArchive(file, opener())).rejects.toMatchObject({
        exitCode: 2,
        message: expect.stringContaining('damaged.age'),
      });
    }
  });

  it('that is another file is refused', async () => {
    await expect(readArchive(put(join(tempDir(), 'x'), 'hello'), opener())).rejects.toMatchObject({ exitCode: 2 });
    await expect(readArchive(join(tempDir(), 'none'), opener())).rejects.toThrow(/cannot read .*none/);
    const foreign = join(tempDir(), 'foreign.age');
    writeFileSync(foreign, await encrypterFor([recipient]).encrypt('{"some":"thing"}\n'));
    await expect(readArchive(foreign, opener())).rejects.toThrow(/not a backup that reroot can restore/);
  });

  it('whose content does not have its checksum is refused', async () => {
    const out = join(tempDir(), 'b.age');
    await writeArchive(out, encrypterFor([recipient]), header, each({ ...archived('/a', 'one'), content: 'dHdv' }));

    await expect(readArchive(out, opener())).rejects.toThrow(/does not have its checksum/);
  });

  it('without its last line is known to be cut short', async () => {
    const out = join(tempDir(), 'b.age');
    writeFileSync(
      out,
      await encrypterFor([recipient]).encrypt(`${JSON.stringify(header)}\n${JSON.stringify(archived('/a', 'one'))}\n`),
    );

    await expect(readArchive(out, opener())).rejects.toThrow(/cut short/);
  });
});

describe('writing one', () => {
  it('never replaces a file', async () => {
    const out = put(join(tempDir(), 'backup.age'), 'precious');

    await expect(writeArchive(out, encrypterFor([recipient]), header, some())).rejects.toMatchObject({ exitCode: 2 });

    expect(readFileSync(out, 'utf8')).toBe('precious');
  });

  it('leaves nothing when an entry fails, and tells why', async () => {
    const out = join(tempDir(), 'backup.age');
    async function* failing(): AsyncGenerator<ArchivedFile> {
      yield archived('/a', 'one');
      throw new RerootError(EXIT.interrupted, 'the cluster went away');
    }

    await expect(writeArchive(out, encrypterFor([recipient]), header, failing())).rejects.toMatchObject({
      exitCode: 130,
      message: 'the cluster went away',
    });

    expect(readdirSync(join(out, '..'))).toEqual([]);
  });

  it('says that the folder is missing', async () => {
    await expect(writeArchive(join(tempDir(), 'no/b.age'), encrypterFor([recipient]), header, some())).rejects.toThrow(
      /does not exist/,
    );
  });

  it('on a full disk says so', async () => {
    if (!existsSync('/dev/full')) return;
    const { writeFailed } = await import('../../../src/backup/local-file.ts');
    let thrown: unknown;
    try {
      writeFileSync('/dev/full', 'x');
    } catch (error) {
      thrown = error;
    }

    expect(writeFailed('/x', thrown)).toMatchObject({
      exitCode: 4,
      message: 'cannot write /x: no space is left on the device',
    });
  });

  it.each(['age1qqqq', 'ssh-ed25519 AAAA', 'hello', ''])('%j is no recipient', (text) => {
    expect(() => encrypterFor([text])).toThrow(/is no age recipient/);
  });

  it('refuses a secret key as recipient without repeating it', () => {
    expect(() => encrypterFor([identity])).toThrow(/secret key was given/);
    expect(() => encrypterFor([identity])).not.toThrow(identity.slice(20));
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
