import type { CertFact, Inventory } from '../../../src/core/model/inventory.ts';
import type { Plan } from '../../../src/core/model/step.ts';
import type { RotationEvent } from '../../../src/rotate/events.ts';
import type { RotationRecord } from '../../../src/rotate/record-types.ts';

export const at = (clock: string): number => Date.parse(`2026-11-24T${clock}Z`);
export const iso = (clock: string): string => new Date(at(clock)).toISOString();

export const certFact = (subject: string, fingerprint: string, over: Partial<CertFact> = {}): CertFact => ({
  fingerprint: fingerprint.padEnd(64, '0'),
  subject,
  issuer: subject,
  subjectDer: '',
  issuerDer: '',
  serial: '01',
  notBefore: Date.parse('2017-01-02T03:04:00Z'),
  notAfter: Date.parse('2027-01-02T03:04:00Z'),
  isCA: true,
  spki: '',
  keyType: 'RSA-2048',
  extKeyUsages: [],
  dnsNames: [],
  ipAddresses: [],
  nameConstraints: false,
  selfSigned: true,
  signedBy: [],
  ...over,
});

export const oldCA = certFact('CN=kubernetes', 'aaaabbbbcccc1111');
export const newCA = certFact('CN=kubernetes-2026', 'ddddeeeeffff2222', {
  keyType: 'EC-P-256',
  notBefore: Date.parse('2026-11-23T22:00:00Z'),
  notAfter: Date.parse('2036-11-21T22:00:00Z'),
});

export const inventory = (over: Partial<Inventory> = {}): Inventory => ({
  takenAt: at('22:10:00'),
  cluster: { server: 'https://10.0.0.10:6443', version: 'v1.36.3' },
  nodes: [],
  authorities: [{ authority: 'kubernetes', anchors: [oldCA], keys: [] }],
  instances: [],
  stores: [],
  pods: [],
  namespaces: ['default'],
  callees: [],
  findings: [],
  ...over,
});

const ca = 'file/cp1:/etc/kubernetes/pki/ca.crt';

export const plan = (over: Partial<Plan> = {}): Plan => ({
  routes: [{ authority: 'kubernetes', route: 'bridge', because: 'old has a key id and new a subject of its own' }],
  restarts: { 'kube-controller-manager': 2, 'kube-scheduler': 1 },
  steps: [
    {
      id: 'trust.kubernetes.client-ca.cp1',
      move: 'trust',
      authority: 'kubernetes',
      title: 'accept clients of both',
      action: { do: 'write', stores: [ca], value: 'both' },
      effects: [],
      before: { [ca]: 'old' },
      after: { [ca]: 'both' },
      inverse: { do: 'write', stores: [ca], value: 'old' },
      gate: [{ kind: 'signs', authority: 'kubernetes', of: ['cp1/kube-controller-manager:signer'], keep: ['old'] }],
      proof: [{ kind: 'accepts', authority: 'kubernetes', of: ['cp1/kube-apiserver:client-ca'], keep: ['both'] }],
      blockers: [],
    },
    {
      id: 'retire.kubernetes.client-ca.cp1',
      move: 'retire',
      authority: 'kubernetes',
      title: 'accept clients of new only',
      action: { do: 'write', stores: [ca], value: 'new' },
      effects: [],
      before: { [ca]: 'both' },
      after: { [ca]: 'new' },
      gate: [],
      proof: [],
      blockers: [
        {
          party: 'pod/default/shop-7c',
          reason: 'pod-started-before-new-trust',
          message: 'mounts the cluster CA and started before new trust reached it',
          ways: [
            'reroot rotate --until retire --restart stale',
            'reroot rotate --until retire --waive pod/default/shop-7c=REASON',
          ],
        },
      ],
    },
  ],
  ...over,
});

export const event = (over: Partial<RotationEvent> & Pick<RotationEvent, 'type' | 'message'>): RotationEvent => ({
  time: iso('22:14:03'),
  rotation: 'r1',
  ...over,
});

export const record = (over: Partial<RotationRecord> = {}): RotationRecord => ({
  version: 1,
  id: 'r1',
  sequence: 7,
  server: 'https://10.0.0.10:6443',
  startedAt: iso('22:10:00'),
  state: 'open',
  reached: 'trust',
  authorities: [
    {
      authority: 'kubernetes',
      route: 'bridge',
      because: 'old has a key id',
      oldCA: 'PEM of old',
      newCA: 'PEM of new',
      bridges: { serving: 'PEM of the serving bridge' },
      external: false,
      replaced: { 'file/cp1:/etc/kubernetes/pki/apiserver.crt': 'PEM of the leaf before' },
    },
  ],
  waivers: [{ party: 'pod/default/shop-7c', reason: 'restarts on Monday' }],
  newKeys: false,
  compromised: false,
  restart: 'none',
  steps: [
    {
      id: 'trust.kubernetes.client-ca.cp1',
      move: 'trust',
      title: 'accept clients of both',
      begunAt: iso('22:10:05'),
      endedAt: iso('22:10:06'),
      state: 'done',
    },
    {
      id: 'issue.kubernetes.serving.cp1',
      move: 'issue',
      title: 'serve a leaf from new with the bridge',
      begunAt: iso('22:11:00'),
      state: 'begun',
    },
  ],
  restarts: [
    { party: 'cp1/kube-controller-manager', step: 's', at: iso('22:10:20'), seconds: 0.3, wave: 1 },
    { party: 'cp1/kube-controller-manager', step: 's', at: iso('22:10:50'), seconds: 0.4, wave: 2 },
    { party: 'cp2/kube-controller-manager', step: 's', at: iso('22:10:25'), seconds: 0.3, wave: 1 },
  ],
  evidence: [
    {
      at: iso('22:10:06'),
      step: 'trust.kubernetes.client-ca.cp1',
      proof: 'accepts',
      of: 'cp1/kube-apiserver:client-ca',
      value: 'both',
      evidence: 'client of new: HTTP 403',
    },
  ],
  left: [],
  ...over,
});
