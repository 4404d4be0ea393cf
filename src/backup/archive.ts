// A backup for elsewhere: lines of JSON, encrypted in the age format (age-encryption.org/v1), so that `age -d -i KEY FILE` opens it without reroot.
// First line a header, then a line for each file and object, last line a count: a file that was cut short is known as such.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { Decrypter, Encrypter } from 'age-encryption';
import { z } from 'zod';
import { EXIT, RerootError, reasonOf, wrongUse } from '../errors.ts';
import { writeNewFile } from './local-file.ts';

const headerSchema = z.object({
  reroot: z.literal('backup'),
  version: z.literal(1),
  takenAt: z.string(),
  server: z.string(),
  /** UID of the namespace kube-system. Absent where it could not be read, and in backups from before it was written. */
  clusterUid: z.string().optional(),
  kubernetes: z.string(),
  /** Where each node was, so that a restore does not need the API server. */
  nodes: z.array(z.object({ name: z.string(), address: z.string().optional() })),
  /** reroot's folder on each control plane: a rotation that is open says so there. */
  folders: z.array(z.object({ node: z.string(), home: z.string().startsWith('/') })),
});

const fileSchema = z.object({
  file: z.string().startsWith('/'),
  node: z.string(),
  /** What the link says, where `file` is a symbolic link. */
  link: z.string().optional(),
  /** Octal, as `644`. */
  mode: z.string().regex(/^[0-7]{3,4}$/),
  /** `0:0`. */
  owner: z.string().regex(/^\d+:\d+$/),
  sha256: z.string(),
  changedAt: z.number(),
  /** Base64. */
  content: z.string(),
});

const objectSchema = z.object({
  /** The object's path at the API server. */
  object: z.string().startsWith('/'),
  /** Stores of it that reroot may change: `object/ConfigMap/kube-public/cluster-info#kubeconfig`. */
  stores: z.array(z.string()),
  value: z.record(z.string(), z.unknown()),
});

const endSchema = z.object({ end: z.number() });

export type ArchiveHeader = z.infer<typeof headerSchema>;
export type ArchivedFile = z.infer<typeof fileSchema>;
export type ArchivedObject = z.infer<typeof objectSchema>;

export interface Archive {
  header: ArchiveHeader;
  files: ArchivedFile[];
  objects: ArchivedObject[];
}

/** Throws wrongUse, without writing anything, for a recipient that age does not take. */
export function encrypterFor(recipients: readonly string[]): Encrypter {
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    if (/^AGE-SECRET-KEY-/i.test(recipient)) {
      throw wrongUse('a secret key was given as a recipient', 'give its public half: age-keygen -y KEYFILE prints it');
    }
    try {
      encrypter.addRecipient(recipient);
    } catch (thrown) {
      throw wrongUse(
        `${JSON.stringify(recipient)} is no age recipient: ${reasonOf(thrown)}`,
        'age-keygen -o key.txt makes a key and prints its recipient (age1…); ssh keys are not taken',
      );
    }
  }
  return encrypter;
}

/**
 * Writes the entries, encrypted, to a new file (0600), which is there whole or not at all. Returns how many entries and bytes were written.
 * Nothing is on disk unencrypted at any time.
 */
export async function writeArchive(
  out: string,
  encrypter: Encrypter,
  header: ArchiveHeader,
  entries: AsyncIterable<ArchivedFile | ArchivedObject>,
): Promise<{ entries: number; bytes: number }> {
  let count = 0;
  async function* lines(): AsyncGenerator<Uint8Array> {
    yield line(header);
    for await (const entry of entries) {
      count += 1;
      yield line(entry);
    }
    yield line({ end: count });
  }
  const plain = Readable.toWeb(Readable.from(lines(), { objectMode: true })) as ReadableStream<Uint8Array>;
  const bytes = await writeNewFile(out, await encrypter.encrypt(plain));
  return { entries: count, bytes };
}

const line = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value)}\n`);

/** `identities` as age-keygen writes them: lines of `AGE-SECRET-KEY-1…`, comments with `#`. Throws wrongUse; never names the key. */
export function decrypterFor(identities: string, what: string): Decrypter {
  const decrypter = new Decrypter();
  const keys = identities
    .split('\n')
    .map((text) => text.trim())
    .filter((text) => text !== '' && !text.startsWith('#'));
  if (keys.length === 0)
    throw wrongUse(`${what} holds no age identity`, 'it must have a line AGE-SECRET-KEY-1…, as age-keygen writes it');
  keys.forEach((key, index) => {
    try {
      decrypter.addIdentity(key);
    } catch {
      throw wrongUse(
        `${what}: identity ${index + 1} is not an age identity`,
        'ssh keys and encrypted identity files are not taken',
      );
    }
  });
  return decrypter;
}

/** Reads a whole archive into memory. Throws for another key, a damaged file, or one that was cut short. */
export async function readArchive(file: string, decrypter: Decrypter): Promise<Archive> {
  const text = await decrypted(file, decrypter);
  const lines = text.split('\n').filter((entry) => entry !== '');
  const parsed = lines.map((entry, index) => parseLine(entry, index, file));
  const header = headerSchema.safeParse(parsed[0]);
  if (!header.success) throw notOurs(file, 'its first line is not the header of a reroot backup of version 1');
  const end = endSchema.safeParse(parsed.at(-1));
  if (!end.success || end.data.end !== parsed.length - 2)
    throw notOurs(file, 'it was cut short: its last line is missing');
  const archive: Archive = { header: header.data, files: [], objects: [] };
  parsed.slice(1, -1).forEach((value, index) => {
    const asFile = fileSchema.safeParse(value);
    const asObject = objectSchema.safeParse(value);
    if (asFile.success) archive.files.push(checked(asFile.data, file));
    else if (asObject.success) archive.objects.push(asObject.data);
    else throw notOurs(file, `line ${index + 2} is neither a file nor an object`);
  });
  return archive;
}

async function decrypted(file: string, decrypter: Decrypter): Promise<string> {
  try {
    const source = Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>;
    const chunks: Uint8Array[] = [];
    for await (const chunk of await decrypter.decrypt(source)) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  } catch (thrown) {
    const reason = reasonOf(thrown);
    if (/no identity matched/.test(reason)) {
      throw wrongUse(
        `${file} is not encrypted for this identity`,
        'give the key of one of the recipients it was made with',
      );
    }
    if (isSystemError(thrown)) throw wrongUse(`cannot read ${file}: ${reason}`);
    throw new RerootError(
      EXIT.wrongUse,
      `${file} cannot be decrypted: it is damaged, cut short, or no age file (${reason})`,
      {
        hints: ['copy it again from where it was kept; age -d -i IDENTITY FILE must open it as well'],
        cause: thrown,
      },
    );
  }
}

const isSystemError = (thrown: unknown): boolean => thrown instanceof Error && 'syscall' in thrown;

function parseLine(text: string, index: number, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notOurs(file, `line ${index + 1} is not JSON`);
  }
}

function checked(entry: ArchivedFile, file: string): ArchivedFile {
  const sum = createHash('sha256').update(Buffer.from(entry.content, 'base64')).digest('hex');
  if (sum !== entry.sha256)
    throw notOurs(file, `the content of ${entry.file} of ${entry.node} does not have its checksum`);
  return entry;
}

const notOurs = (file: string, why: string): RerootError =>
  wrongUse(`${file} is not a backup that reroot can restore: ${why}`);
