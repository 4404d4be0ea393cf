import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readManifest, setAnnotation, setFlags } from '../../../src/stores/manifest.ts';

/** As kubeadm writes it, with what people add. */
const text = `apiVersion: v1
kind: Pod
metadata:
  annotations:
    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: 10.0.0.1:6443
  labels:
    component: kube-controller-manager
  name: kube-controller-manager
spec:
  containers:
  - command:
    - kube-controller-manager
    - --authentication-kubeconfig=/etc/kubernetes/controller-manager.conf
    - --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt   # shared with the API server
    - "--cluster-signing-key-file=/etc/kubernetes/pki/ca.key"
    - '--controllers=*,bootstrapsigner,tokencleaner'
    - --root-ca-file
    - /etc/kubernetes/pki/ca.crt
    - --use-service-account-credentials=true
    # the image is pinned
    image: registry.k8s.io/kube-controller-manager:v1.36.3
    name: kube-controller-manager
    volumeMounts: [ {mountPath: /etc/kubernetes/pki,   name: k8s-certs, readOnly: true} ]
    newerThanUs: {deep: [1]}
  hostNetwork: true
status: {}
`;
const command = (manifest: string) => parse(manifest).spec.containers[0].command as string[];

describe('readManifest', () => {
  it('gives the argument list of each container', () => {
    expect(readManifest(text)).toEqual([{ name: 'kube-controller-manager', argv: command(text) }]);
    expect(() => readManifest('a: b', '/x.yaml on cp1')).toThrow(
      /cannot edit \/x\.yaml on cp1: it is not the manifest of a pod/,
    );
  });
});

describe('setFlags', () => {
  it('splits the signer with three changed lines', () => {
    const after = setFlags(text, {
      'cluster-signing-cert-file': '/etc/kubernetes/pki/reroot/signer.pem',
      'cluster-signing-key-file': '/etc/kubernetes/pki/reroot/signer.pem',
      'root-ca-file': '/etc/kubernetes/pki/reroot/root-ca.crt',
    });

    const before = text.split('\n');
    expect(after.split('\n').filter((line, at) => line !== before[at])).toEqual([
      '    - --cluster-signing-cert-file=/etc/kubernetes/pki/reroot/signer.pem   # shared with the API server',
      '    - "--cluster-signing-key-file=/etc/kubernetes/pki/reroot/signer.pem"',
      '    - /etc/kubernetes/pki/reroot/root-ca.crt',
    ]);
    expect(
      setFlags(after, {
        'cluster-signing-cert-file': '/etc/kubernetes/pki/ca.crt',
        'cluster-signing-key-file': '/etc/kubernetes/pki/ca.key',
        'root-ca-file': '/etc/kubernetes/pki/ca.crt',
      }),
    ).toBe(text);
  });

  it('adds at the end of the list, takes away what is asked, and undoes itself', () => {
    const after = setFlags(text, { 'shutdown-delay-duration': '2s', note: 'a: b #c' });

    expect(after).toBe(
      text.replace(
        '    - --use-service-account-credentials=true\n',
        '    - --use-service-account-credentials=true\n    - --shutdown-delay-duration=2s\n    - "--note=a: b #c"\n',
      ),
    );
    expect(setFlags(after, { 'shutdown-delay-duration': undefined, note: undefined })).toBe(text);
    expect(command(setFlags(text, { 'root-ca-file': undefined }))).toEqual(
      command(text).filter((_, at) => at !== 5 && at !== 6),
    );
    expect(setFlags(text, { none: undefined })).toBe(text);
  });

  it('edits lists in brackets, JSON, files without a newline at the end, and CRLF', () => {
    const flow = "spec: {containers: [{name: a, command: ['x', '--a=1'] }]}";
    const json = JSON.stringify({ spec: { containers: [{ name: 'a', command: ['x', '--a=1'] }] } });
    const bare = 'spec:\n  containers:\n  - command:\n    - x\n    - --a=1';
    const crlf = `${bare.replaceAll('\n', '\r\n')}\r\n`;

    expect(setFlags(flow, { a: '2', b: '3' })).toBe(
      "spec: {containers: [{name: a, command: ['x', '--a=2', '--b=3'] }]}",
    );
    expect(setFlags(json, { a: '2', b: '3' })).toBe(json.replace('"--a=1"', '"--a=2", "--b=3"'));
    expect(setFlags(bare, { b: '3' })).toBe(`${bare}\n    - --b=3`);
    expect(setFlags(crlf, { b: '3' })).toBe(`${crlf}    - --b=3\r\n`);
    expect(() => setFlags(flow, { a: undefined })).toThrow(/brackets/);
  });

  it('finds flags in args, and the container by its name', () => {
    const two =
      'spec:\n  containers:\n  - name: side\n    command: [side, --a=0]\n  - name: main\n    command: [main]\n    args:\n    - --a=1\n';

    expect(setFlags(two, { a: '2', b: '3' }, { component: 'main' })).toBe(
      two.replace('    - --a=1\n', '    - --a=2\n    - --b=3\n'),
    );
    expect(() => setFlags(two, { a: '2' }, { component: 'other' })).toThrow(/2 containers and none is other/);
  });

  it('refuses a flag that is given twice, and what it cannot change alone', () => {
    const twice = text.replace('    - --root-ca-file\n', '    - --root-ca-file=/x\n    - --root-ca-file\n');
    const anchored = 'x: &a --a=1\nspec:\n  containers:\n  - command: [x, *a]\n    args: [*a]\n';

    expect(() => setFlags(twice, { 'root-ca-file': '/y' })).toThrow(/--root-ca-file is given 2 times/);
    expect(() => setFlags(anchored, { a: '2' })).toThrow(/cannot edit/);
  });

  it('says exactly what was asked, for any value and any list', () => {
    const flags = fc.dictionary(fc.stringMatching(/^[a-z][a-z-]{0,10}[a-z]$/), fc.string(), { maxKeys: 5 });
    fc.assert(
      fc.property(flags, flags, (first, second) => {
        const list = Object.entries(first).map(([name, value]) => `    - ${JSON.stringify(`--${name}=${value}`)}`);
        const manifest = [
          'spec:',
          '  containers:',
          '  - command:',
          '    - program',
          ...list,
          '    image: x # note',
          '',
        ].join('\n');
        const after = setFlags(manifest, second);
        const want = Object.entries({ ...first, ...second }).map(([name, value]) => `--${name}=${value}`);
        return (
          JSON.stringify(command(after)) === JSON.stringify(['program', ...want]) &&
          after.endsWith('    image: x # note\n')
        );
      }),
    );
  });
});

describe('setAnnotation', () => {
  it('adds one line where there are annotations, two where there are none, and changes its own', () => {
    const none = text.replace(/ {2}annotations:\n.*\n/, '');
    const added = setAnnotation(text, 'reroot.dev/generation', '1');

    expect(added).toBe(text.replace('  annotations:\n', '  annotations:\n    reroot.dev/generation: "1"\n'));
    expect(setAnnotation(added, 'reroot.dev/generation', '2')).toBe(added.replace('"1"', '"2"'));
    expect(setAnnotation(none, 'reroot.dev/generation', '1')).toBe(
      none.replace('metadata:\n', 'metadata:\n  annotations:\n    reroot.dev/generation: "1"\n'),
    );
    const json = JSON.stringify(parse(none));
    expect(parse(setAnnotation(json, 'a/b', 'c')).metadata.annotations).toEqual({ 'a/b': 'c' });
    expect(() => setAnnotation('spec: {containers: []}', 'a', 'b')).toThrow(/no metadata/);
  });
});
