import { expect, test } from 'vitest';
import { tlsErrors } from '../../../src/prove/verify/logs.ts';

const NOW = Date.UTC(2026, 10, 24, 22, 0, 0);
const SINCE = NOW - 5 * 60_000;

test('what a component could not verify itself is told apart from whom it turned away, and old lines do not count', () => {
  const log = [
    'E1124 21:00:00.000000 1 reflector.go:1] failed to list: x509: certificate signed by unknown authority (an hour ago)',
    'E1124 21:58:01.000000 1 reflector.go:1] "Failed to watch" err="Get \\"https://10.0.0.1\\": tls: failed to verify certificate: x509: certificate signed by unknown authority"',
    '    a second line of the same entry: x509: certificate has expired',
    'I1124 21:58:02.000000 1 log.go:1] http: TLS handshake error from 10.0.0.9:1: remote error: tls: bad certificate',
    'E1124 21:58:03.000000 1 authentication.go:75] "Unable to authenticate the request" err="verifying certificate SN=1 failed: x509: certificate signed by unknown authority"',
    'kubelet: unable to authenticate the request: verifying certificate SN=1 failed: x509: certificate signed by unknown authority',
    'I1124 21:58:04.000000 1 x.go:1] all is well with x509 in general',
    '{"level":"warn","ts":"2026-11-24T21:59:00.123Z","msg":"rejected connection on client endpoint","error":"tls: bad certificate"}',
    '{"level":"warn","ts":"2026-11-24T20:59:00.123+0000","msg":"prober","error":"x509: certificate has expired"}',
  ].join('\n');
  const { own, turnedAway } = tlsErrors(log, SINCE, NOW);
  expect(own.map((line) => line.slice(0, 30))).toEqual([
    'E1124 21:58:01.000000 1 reflec',
    'a second line of the same entr',
  ]);
  expect(turnedAway).toHaveLength(4);
});

test('a log of the last night of the year is of last year', () => {
  const now = Date.UTC(2027, 0, 1, 0, 1, 0);
  const line = 'E1231 23:59:30.000000 1 x.go:1] x509: certificate has expired';
  expect(tlsErrors(line, now - 300_000, now).own).toHaveLength(1);
  expect(tlsErrors(line, now - 10_000, now).own).toHaveLength(0);
});

test('klog tells the time of its own zone: a node west of UTC is read as one', () => {
  const line = 'E1124 16:59:00.000000 1 x.go:1] x509: certificate has expired';
  expect(tlsErrors(line, SINCE, NOW).own).toHaveLength(0);
  expect(tlsErrors(line, SINCE, NOW, -5 * 3_600_000).own).toHaveLength(1);
});
