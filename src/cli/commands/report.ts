import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { discover } from '../../discover/discover.ts';
import { wrongUse } from '../../errors.ts';
import { writeFile } from '../../nodes/files.ts';
import { localAccess } from '../../nodes/local.ts';
import { type Certificate, facts } from '../../pki/certificate.ts';
import { requireCertificates } from '../../pki/pem.ts';
import { foldersOf } from '../../rotate/folder.ts';
import { readRecord } from '../../rotate/record.ts';
import type { AuthorityRecord, RotationRecord } from '../../rotate/record-types.ts';
import { type GenerationFacts, type ReportExtras, reportJson } from '../../views/report.ts';
import { reportHtml } from '../../views/report-html.ts';
import { type AccessFlags, addAccessFlags, openSession } from '../session.ts';

interface Flags extends AccessFlags {
  output: 'json' | 'html';
  out?: string;
  rotation?: string;
}

/** `reroot report`: the evidence of the last rotation, open or ended, as the record on the control planes has it. */
export function registerReport(root: Command): void {
  const command = root
    .command('report')
    .description('the evidence of the last rotation, as one self-contained HTML file or JSON')
    .addOption(new Option('-o, --output <kind>', 'form of the report').choices(['json', 'html']).default('json'))
    .option('--out <file>', 'write it here instead of standard output')
    .option('--rotation <id>', 'make sure that it is this rotation');
  addAccessFlags(command).action((flags: Flags) => report(flags));
}

async function report(flags: Flags): Promise<void> {
  const session = await openSession(flags);
  try {
    const inventory = await discover(session, { now: Date.now(), fronts: false });
    const found = await readRecord(foldersOf(inventory), session.accessOf);
    if (!found)
      throw wrongUse(
        'no rotation was ever begun on this cluster, so there is nothing to report',
        'reroot plan shows what one would do',
      );
    const { record } = found;
    if (flags.rotation !== undefined && flags.rotation !== record.id) {
      throw wrongUse(
        `the control planes keep the record of rotation ${record.id}, not of ${flags.rotation}`,
        'only the last rotation is kept: save each report with --out',
      );
    }
    await put(textOf(record, flags.output), flags.out);
  } finally {
    await session.close();
  }
}

function textOf(record: RotationRecord, kind: Flags['output']): string {
  const extras: ReportExtras = {
    writtenAt: new Date().toISOString(),
    generations: record.authorities.map(generationsOf),
  };
  return kind === 'html' ? reportHtml(record, extras) : reportJson(record, extras);
}

/** The record's PEM as facts: views know no certificates. */
function generationsOf(recorded: AuthorityRecord): GenerationFacts {
  const certificate = (pem: string, name: string): Certificate =>
    requireCertificates(pem, `${name} of ${recorded.authority} in the record`)[0];
  const [old, fresh] = [certificate(recorded.oldCA, 'the old CA'), certificate(recorded.newCA, 'the new CA')];
  const cas = [old, fresh];
  const bridges: GenerationFacts['bridges'] = {};
  for (const purpose of ['serving', 'client', 'reverse'] as const) {
    const pem = recorded.bridges[purpose];
    if (pem !== undefined) bridges[purpose] = facts(certificate(pem, `the ${purpose} bridge`), cas);
  }
  return { authority: recorded.authority, old: facts(old, cas), new: facts(fresh, cas), bridges };
}

async function put(text: string, out: string | undefined): Promise<void> {
  if (out === undefined) {
    process.stdout.write(text);
    return;
  }
  const path = resolve(out);
  await writeFile(localAccess('this machine'), path, Buffer.from(text), { mode: 0o644 });
  process.stderr.write(`the report is in ${path}\n`);
}
