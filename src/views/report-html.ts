// The evidence report as one HTML file: no script, nothing fetched, readable on a screen and on paper.

import type { RotationRecord } from '../rotate/record-types.ts';
import { type Html, html } from './html.ts';
import { withoutKeys } from './redact.ts';
import { type Report, type ReportCertificate, type ReportExtras, reportOf } from './report.ts';
import { REPORT_STYLE } from './report-style.ts';
import { timeline } from './report-timeline.ts';
import { duration, plural } from './text.ts';

export const reportHtml = (record: RotationRecord, extras: ReportExtras): string => page(reportOf(record, extras));

function page(report: Report): string {
  const title = `Rotation ${report.rotation}`;
  const body = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>${{ html: REPORT_STYLE }}</style></head>
<body><main>
<h1>${title}</h1>
<p class="lead">${verdict(report)}</p>
${summary(report)}
<section><h2>Over time</h2>${timeline(report)}</section>
${availability(report)}
<section><h2>Generations</h2>${report.authorities.map(authority)}</section>
${negative(report)}
${table(
  'Still holds old',
  ['Store', 'Why that is known and accepted'],
  report.left.map((item) => [item.store, item.why]),
  'Nothing that reroot saw holds old.',
  report.state === 'done',
)}
${table(
  'Waived',
  ['Party', 'Reason given'],
  report.waivers.map((waiver) => [waiver.party, waiver.reason]),
  'Nobody was waived.',
)}
${restarts(report)}
${steps(report)}
${table(
  'Proofs',
  ['At', 'Step', 'Proof', 'Of', 'Shown', 'Evidence'],
  report.proofs.map((proof) => [clock(proof.at), proof.step, proof.proof, proof.of, proof.value, proof.evidence]),
  'No proof was taken yet.',
)}
<footer>Written ${report.writtenAt} by reroot. Times are UTC. Certificates are named by the SHA-256 of their DER.</footer>
</main></body></html>
`;
  return withoutKeys(body.html);
}

const clock = (time: string): string => `${time.slice(11, 19)}Z`;

function verdict(report: Report): string {
  const holes = report.negativeTests.filter((test) => !test.refused).length;
  if (holes > 0) return `${plural(holes, 'test')} found that something from old is still accepted.`;
  switch (report.state) {
    case 'done':
      return report.left.length === 0
        ? 'Done: old is retired and nothing that reroot saw holds it.'
        : `Done: old is retired; ${plural(report.left.length, 'store')} still hold it, named below with the reason.`;
    case 'rolled-back':
      return 'Rolled back: old is in use as before.';
    case 'rolling-back':
      return 'Being rolled back to old; not ended yet.';
    case 'open':
      return report.reached ? `Open: ${report.reached} is reached.` : 'Open: no move is reached yet.';
  }
}

function summary(report: Report): Html {
  const rows: [string, string][] = [
    ['Cluster', report.server],
    ['Started', report.startedAt],
    ['Ended', report.endedAt ?? 'not yet'],
    ['Took', duration(report.seconds)],
    ['Steps', String(report.steps.length)],
    ['Proofs', String(report.proofs.length)],
    ['Restart of stale pods', report.options.restart],
    ['New keys for leafs', report.options.newKeys ? 'yes' : 'no'],
    ['Old key taken as leaked', report.options.compromised ? 'yes' : 'no'],
  ];
  return html`<dl>${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function availability(report: Report): Html {
  if (!report.availability) return html``;
  const rows = report.availability.map((row) => [
    row.client,
    row.requests.toLocaleString('en'),
    String(row.failedBeforeRetire),
    String(row.failedAfterRetire),
  ]);
  return table(
    'Requests while it ran',
    ['Client', 'Requests', 'Failed before retire', 'Failed after'],
    rows,
    'None were counted.',
  );
}

function authority(entry: Report['authorities'][number]): Html {
  const rows: Html[] = [
    ...(entry.old ? [certificateRow('old', entry.old)] : []),
    ...(entry.new ? [certificateRow('new', entry.new)] : []),
    ...entry.bridges.map((bridge) => certificateRow(`${bridge.purpose} bridge`, bridge.certificate)),
  ];
  return html`<h3>${entry.authority}: ${entry.route} route</h3><p>${entry.because}</p>
<table><thead><tr><th>Generation</th><th>Subject, issuer</th><th>Fingerprint</th><th>Key</th><th>Valid</th></tr></thead><tbody>${rows}</tbody></table>
${entry.replaced.length > 0 ? html`<p>Leafs replaced: ${entry.replaced.join(', ')}</p>` : undefined}`;
}

const certificateRow = (name: string, certificate: ReportCertificate): Html =>
  html`<tr><td>${name}</td><td>${certificate.subject}<br><span class="small">by ${certificate.issuer}</span></td><td class="mono">${certificate.fingerprint}</td><td>${certificate.keyType}</td><td>${certificate.notBefore.slice(0, 10)} to ${certificate.notAfter.slice(0, 10)}</td></tr>`;

function negative(report: Report): Html {
  if (report.negativeTests.length === 0 && report.state !== 'done') return html``;
  const rows = report.negativeTests.map((test) => [
    clock(test.at),
    test.of,
    test.presented,
    test.refused ? 'refused' : 'ACCEPTED',
    test.evidence,
  ]);
  return table('Old opens nothing', ['At', 'Asked', 'Presented', 'Answer', 'Evidence'], rows, 'This was not tested.');
}

function restarts(report: Report): Html {
  const rows = report.restarts.flatMap((entry) =>
    entry.instances.map((instance) => [
      entry.component,
      instance.party,
      String(instance.count),
      instance.at.map((restart) => `${clock(restart.at)} (${duration(restart.seconds)})`).join(', '),
    ]),
  );
  return table('Restarts', ['Component', 'Instance', 'Restarts', 'When, and how long until ready'], rows, 'None.');
}

function steps(report: Report): Html {
  const rows = report.steps.map((step) => [
    step.move,
    step.id,
    step.error ? `${step.title} - ${step.error}` : step.title,
    clock(step.begunAt),
    step.seconds === undefined
      ? step.state
      : step.state === 'done'
        ? duration(step.seconds)
        : `failed after ${duration(step.seconds)}`,
    String(step.proofs),
  ]);
  return table('Steps', ['Move', 'Step', 'What', 'Begun', 'Took', 'Proofs'], rows, 'No step was begun yet.');
}

function table(title: string, heads: string[], rows: string[][], none: string, show = true): Html {
  if (rows.length === 0) return show ? html`<section><h2>${title}</h2><p>${none}</p></section>` : html``;
  return html`<section><h2>${title}</h2><table><thead><tr>${heads.map((head) => html`<th>${head}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody></table></section>`;
}
