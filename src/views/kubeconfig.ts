// What kubeconfig files trust and present, for people.

import type { CertFact } from '../core/model/inventory.ts';
import { type Colours, plainColours } from './colours.ts';
import { columns, dateTime, distance } from './text.ts';

type Shown = Pick<CertFact, 'subject' | 'issuer' | 'fingerprint' | 'keyType' | 'notBefore' | 'notAfter' | 'isCA'>;

/** Public material only: also the form of `-o json`. */
export interface KubeconfigView {
  file: string;
  context?: string;
  server?: string;
  user?: string;
  /** Embedded anchors; or the file they are in. */
  ca: readonly Shown[];
  caFile?: string;
  /** The client certificate and what follows it; or the file they are in. */
  client: readonly Shown[];
  clientFile?: string;
  /** `certificate`, `token`, `exec`, `auth-provider` or `none`. */
  login: string;
}

/** Text that ends in a newline. `now` in milliseconds since the epoch. */
export function kubeconfigText(views: readonly KubeconfigView[], now: number, colours: Colours = plainColours): string {
  return `${views.map((view) => fileLines(view, now, colours).join('\n')).join('\n\n')}\n`;
}

function fileLines(view: KubeconfigView, now: number, colours: Colours): string[] {
  const rows = [
    ['  context', view.context ?? 'none'],
    ['  server', view.server ?? 'none'],
    ['  user', `${view.user ?? 'none'}, logs in by ${view.login}`],
    ...certRows('trusts', view.ca, view.caFile, now),
    ...certRows('presents', view.client, view.clientFile, now),
  ];
  return [colours.bold(view.file), ...columns(rows)];
}

function certRows(word: string, certs: readonly Shown[], file: string | undefined, now: number): string[][] {
  if (file !== undefined) return [[`  ${word}`, `what is in the file ${file}`]];
  return certs.flatMap((cert, index) => [
    [
      index === 0 ? `  ${word}` : '',
      `${cert.subject}  ${cert.keyType}, ${cert.notAfter < now ? 'ENDED' : 'until'} ${dateTime(cert.notAfter)} (${distance(cert.notAfter, now)})`,
    ],
    ['', `sha256 ${cert.fingerprint}${cert.issuer === cert.subject ? '' : `, issued by ${cert.issuer}`}`],
  ]);
}
