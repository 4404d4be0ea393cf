import { describe, expect, it } from 'vitest';
import { html } from '../../../src/views/html.ts';
import { type ReportExtras, reportJson } from '../../../src/views/report.ts';
import { reportHtml } from '../../../src/views/report-html.ts';
import { iso, newCA, oldCA, record } from './fixtures.ts';

const extras = (over: Partial<ReportExtras> = {}): ReportExtras => ({
  writtenAt: iso('22:30:00'),
  generations: [
    { authority: 'kubernetes', old: oldCA, new: newCA, bridges: { serving: { ...newCA, issuer: 'CN=kubernetes' } } },
  ],
  ...over,
});
const done = record({
  state: 'done',
  reached: 'retire',
  endedAt: iso('22:20:00'),
  left: [{ store: 'file/w1:/home/ann/.kube/config#ca', why: 'waived: Ann is on leave' }],
});

describe('the report as JSON', () => {
  const report = JSON.parse(
    reportJson(
      done,
      extras({
        negativeTests: [
          { at: iso('22:19:00'), of: 'cp1/kube-apiserver', presented: 'old leaf', refused: true, evidence: 'HTTP 401' },
        ],
      }),
    ),
  );

  it('names the generations by fingerprint, subject and dates and carries no PEM', () => {
    expect(report.authorities[0].old).toMatchObject({
      subject: 'CN=kubernetes',
      fingerprint: oldCA.fingerprint,
      notAfter: '2027-01-02T03:04:00.000Z',
    });
    expect(report.authorities[0].bridges).toMatchObject([
      { purpose: 'serving', certificate: { issuer: 'CN=kubernetes' } },
    ]);
    expect(JSON.stringify(report)).not.toContain('PEM of');
  });

  it('counts restarts by instance and gives the most of any', () => {
    expect(report.restarts).toMatchObject([
      {
        component: 'kube-controller-manager',
        most: 2,
        instances: [
          { party: 'cp1/kube-controller-manager', count: 2 },
          { party: 'cp2/kube-controller-manager', count: 1 },
        ],
      },
    ]);
  });

  it('gives each step its time and proofs, each proof its raw evidence, and what is left', () => {
    expect(report.steps[0]).toMatchObject({ id: 'trust.kubernetes.client-ca.cp1', seconds: 1, proofs: 1 });
    expect(report.steps[1].seconds).toBeUndefined();
    expect(report.proofs[0].evidence).toBe('client of new: HTTP 403');
    expect(report.left).toEqual(done.left);
    expect(report.negativeTests[0]).toMatchObject({ refused: true, evidence: 'HTTP 401' });
    expect(report.seconds).toBe(600);
  });
});

describe('what the record shows of old being refused', () => {
  const accepts = (value: string, evidence: string) => ({
    at: iso('22:19:00'),
    step: 's',
    proof: 'accepts',
    of: 'cp1/kube-apiserver:client-ca',
    value,
    evidence,
  });
  const testsOf = (...evidence: ReturnType<typeof accepts>[]) =>
    JSON.parse(reportJson(record({ evidence }), extras())).negativeTests;

  it('is a test only where a client from old was really asked for', () => {
    expect(testsOf(accepts('new', 'h:1 answered a client from old with 401, one from new with 200'))).toMatchObject([
      { of: 'cp1/kube-apiserver:client-ca', refused: true },
    ]);
    expect(
      testsOf(accepts('new', 'h:1 answered a client from old by ending the handshake (X), one from new with 200')),
    ).toHaveLength(1);
    expect(
      testsOf(
        accepts(
          'new',
          'h:1 answered a client from old not at all (no key of that CA to make one), one from new with 200',
        ),
      ),
    ).toEqual([]);
    expect(testsOf(accepts('both', 'h:1 answered a client from old with 200, one from new with 200'))).toEqual([]);
  });
});

describe('the report as HTML', () => {
  it('fetches nothing and runs nothing', () => {
    const page = reportHtml(done, extras());

    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|https?:\/\/(?!10\.0\.0\.10)/i);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain('@media print');
  });

  it('shows fingerprints, evidence, waivers and what is left', () => {
    const page = reportHtml(done, extras());

    for (const text of [
      oldCA.fingerprint,
      newCA.fingerprint,
      'client of new: HTTP 403',
      'restarts on Monday',
      'waived: Ann is on leave',
    ]) {
      expect(page).toContain(text);
    }
  });

  it('says first that something from old is still accepted', () => {
    const hole = {
      at: iso('22:19:00'),
      of: 'cp1/kube-apiserver',
      presented: 'old leaf',
      refused: false,
      evidence: 'HTTP 200',
    };

    const page = reportHtml(done, extras({ negativeTests: [hole] }));

    expect(page).toMatch(/<p class="lead">1 test found that something from old is still accepted/);
    expect(page).toContain('ACCEPTED');
  });

  it('escapes whatever a cluster may be called', () => {
    const page = reportHtml(
      record({ server: '<img src=x onerror=alert(1)>', waivers: [{ party: '"><b>', reason: "'&" }] }),
      extras(),
    );

    expect(page).not.toContain('<img src=x');
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(page).toContain('&quot;&gt;&lt;b&gt;');
  });

  it('draws a bar for each move and a tick for each restart', () => {
    const page = reportHtml(done, extras());

    expect(page.match(/class="bar"/g)).toHaveLength(2);
    expect(page.match(/class="tick"/g)).toHaveLength(3);
  });
});

describe('html', () => {
  it('escapes values, keeps nested html and joins lists', () => {
    expect(html`<p>${'<&>'}${[html`<b>${1}</b>`, html`<i/>`]}${undefined}</p>`.html).toBe(
      '<p>&lt;&amp;&gt;<b>1</b><i/></p>',
    );
  });
});
