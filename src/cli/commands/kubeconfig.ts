import { type Command, Option } from 'commander';
import { connect } from '../../cluster/client.ts';
import { wrongUse } from '../../errors.ts';
import {
  addAnchors,
  dropAnchors,
  inputErrors,
  materialIn,
  reissueClient,
  replaceClient,
  type Source,
} from '../../kubeconfig/edit.ts';
import { type LocalEdit, type LocalFile, readLocal, writeLocal } from '../../kubeconfig/local-files.ts';
import { requestClient } from '../../kubeconfig/request.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { parsePrivateKey, requireCertificates } from '../../pki/pem.ts';
import { type ContentView, changeLines } from '../../views/changes.ts';
import { coloursFor } from '../../views/colours.ts';
import { type KubeconfigView, kubeconfigText } from '../../views/kubeconfig.ts';
import { stoppable } from '../stoppable.ts';

interface WriteFlags {
  context?: string;
  dryRun?: boolean;
  backup?: boolean;
}

/** `reroot kubeconfig show|add|drop|reissue`: CA material in kubeconfig files on this machine. Talks to a cluster only to reissue without a CA key. */
export function registerKubeconfig(root: Command): void {
  const group = root
    .command('kubeconfig')
    .description('CA material in kubeconfig files on this machine, comments kept');

  group
    .command('show')
    .description('what each file trusts and presents, by subject, fingerprint and end')
    .argument('<file...>')
    .option('--context <name>', 'this context instead of the current one')
    .addOption(new Option('-o, --output <kind>', 'form of the answer').choices(['plain', 'json']).default('plain'))
    .action((files: string[], flags: { context?: string; output: string }) => show(files, flags));

  writing(group.command('add').description('trust these CAs as well'))
    .requiredOption('--ca <cert>', 'PEM file of the CAs')
    .action((files: string[], flags: WriteFlags & { ca: string }) => {
      const cas = certificatesIn(flags.ca);
      return change(files, flags, (source) => addAnchors(source, cas));
    });

  writing(group.command('drop').description('no longer trust these CAs; never leaves a file without any'))
    .option('--ca <cert>', 'PEM file of the CAs')
    .option('--fingerprint <sha256>', 'of a CA, with or without colons (repeatable)', fingerprints, [])
    .action((files: string[], flags: WriteFlags & { ca?: string; fingerprint: string[] }) => {
      const wanted = [...flags.fingerprint, ...(flags.ca ? certificatesIn(flags.ca).map((ca) => ca.fingerprint) : [])];
      if (wanted.length === 0)
        throw wrongUse(
          'nothing to drop was named',
          'name it: --ca OLD.crt, or --fingerprint SHA256 (reroot kubeconfig show prints them)',
        );
      return change(files, flags, (source) => dropAnchors(source, wanted));
    });

  writing(
    group
      .command('reissue')
      .description(
        "a new client certificate for the same name and key; without a CA's key by a request to the cluster",
      ),
  )
    .option('--ca-cert <cert>', 'the CA that signs')
    .option('--ca-key <key>', "file of that CA's private key")
    .option('--new-key', 'make a new private key as well (with --ca-key)')
    .action((files: string[], flags: WriteFlags & ReissueFlags) => reissue(files, flags));
}

interface ReissueFlags {
  caCert?: string;
  caKey?: string;
  newKey?: boolean;
}

const writing = (command: Command): Command =>
  command
    .argument('<file...>')
    .option('--context <name>', 'this context instead of the current one')
    .option('--dry-run', 'show what would change and change nothing')
    .option('--backup', 'keep each file as it was as FILE.reroot-bak');

const certificatesIn = (name: string): Certificate[] =>
  inputErrors(() => requireCertificates(readLocal(name).text, name));

function fingerprints(value: string, known: string[]): string[] {
  const plain = value.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(plain))
    throw wrongUse(
      `${value} is no SHA-256 fingerprint: it must have 64 hex digits`,
      'reroot kubeconfig show -o json prints them in full',
    );
  return [...known, plain];
}

const sourceOf = (file: LocalFile, flags: { context?: string }): Source => ({
  text: file.text,
  what: file.path,
  choice: flags.context === undefined ? {} : { context: flags.context },
});

/** All edits are made before the first file is written, so that a bad file among good ones changes nothing. */
async function change(
  files: string[],
  flags: WriteFlags,
  edit: (source: Source) => string | Promise<string>,
): Promise<void> {
  const edits: LocalEdit[] = [];
  for (const name of new Set(files)) {
    const file = readLocal(name);
    edits.push({ file, text: await edit(sourceOf(file, flags)) });
  }
  const real = edits.filter(({ file, text }) => text !== file.text);
  if (flags.dryRun) return tell(edits, flags);
  // One step, files of this machine: it is over in a moment and finished whoever wants it to stop.
  await stoppable(async () => {
    tell(edits, flags);
    await writeLocal(real, { backup: flags.backup === true });
  });
}

function tell(edits: readonly LocalEdit[], flags: WriteFlags): void {
  const colours = coloursFor(process.stdout);
  for (const { file, text } of edits) {
    const lines =
      text === file.text ? [`${file.path}: nothing to change`] : changeLines(changeOf(file, text, flags), colours);
    process.stdout.write(`${lines.join('\n')}\n`);
  }
}

function changeOf(file: LocalFile, text: string, flags: WriteFlags): Parameters<typeof changeLines>[0] {
  const view = (content: string): ContentView => {
    const { anchors, client } = materialIn(sourceOf({ ...file, text: content }, flags));
    const [leaf] = client;
    return { text: content, certificates: [...anchors, ...client], ...(leaf ? { keySpki: leaf.spki } : {}) };
  };
  return { target: file.path, before: view(file.text), after: view(text) };
}

async function reissue(files: string[], flags: WriteFlags & ReissueFlags): Promise<void> {
  const { caCert, caKey } = flags;
  if ((caCert === undefined) !== (caKey === undefined)) throw wrongUse('--ca-cert and --ca-key go together');
  if (caCert !== undefined && caKey !== undefined) {
    const [certificate] = certificatesIn(caCert);
    if (!certificate?.isCA) throw wrongUse(`${caCert} is not a CA certificate`);
    const key = inputErrors(() => parsePrivateKey(readLocal(caKey).text, caKey));
    const options = { now: Date.now(), newKey: flags.newKey === true };
    return change(files, flags, (source) => reissueClient(source, { certificate, key }, options).text);
  }
  if (flags.newKey)
    throw wrongUse('--new-key needs --ca-cert and --ca-key: a request is made for the key that is there');
  if (flags.dryRun) throw wrongUse('--dry-run needs --ca-cert and --ca-key: a request to the cluster would be real');
  return change(files, flags, (source) => byRequest(source, flags));
}

async function byRequest(source: Source, flags: WriteFlags): Promise<string> {
  const cluster = connect({
    kubeconfig: source.what,
    ...(flags.context === undefined ? {} : { context: flags.context }),
  });
  try {
    return replaceClient(source, await requestClient(source, cluster)).text;
  } finally {
    await cluster.close();
  }
}

function show(files: string[], flags: { context?: string; output: string }): void {
  const views = [...new Set(files)].map((name) => viewOf(readLocal(name), flags));
  const text =
    flags.output === 'json'
      ? `${JSON.stringify(views, undefined, 1)}\n`
      : kubeconfigText(views, Date.now(), coloursFor(process.stdout));
  process.stdout.write(text);
}

function viewOf(file: LocalFile, flags: { context?: string }): KubeconfigView {
  const { seen, anchors, client } = materialIn(sourceOf(file, flags));
  const plain = ({ subject, issuer, fingerprint, keyType, notBefore, notAfter, isCA }: Certificate) => ({
    subject,
    issuer,
    fingerprint,
    keyType,
    notBefore,
    notAfter,
    isCA,
  });
  return {
    file: file.path,
    ...(seen.context === undefined ? {} : { context: seen.context }),
    ...(seen.server === undefined ? {} : { server: seen.server }),
    ...(seen.user === undefined ? {} : { user: seen.user }),
    ca: anchors.map(plain),
    ...(seen.ca?.path === undefined ? {} : { caFile: seen.ca.path }),
    client: client.map(plain),
    ...(seen.client?.path === undefined ? {} : { clientFile: seen.client.path }),
    login: seen.plugin ?? (seen.token ? 'token' : client.length > 0 || seen.client ? 'certificate' : 'none'),
  };
}
