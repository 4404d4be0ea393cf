// CAs of every kind in files, for `lab up --with-ca` and for --new-ca.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKey } from '../../src/pki/keys.ts';
import { keyToPem } from '../../src/pki/pem.ts';
import { caLike, nameOf } from '../unit/pki/support/fixtures.ts';

export interface CAShape {
  commonName: string;
  /** Without a subject key id, as kubeadm made them before 1.18. */
  withoutKeyId?: boolean;
  pathLen?: number;
}

/** A CA of ten years in `folder/name.crt` and `folder/name.key`. */
export function caIn(folder: string, name: string, shape: CAShape): { cert: string; key: string } {
  mkdirSync(folder, { recursive: true });
  const key = generateKey('RSA-2048');
  const certificate = caLike({
    subjectDer: nameOf(shape.commonName),
    key,
    notBefore: Date.now() - 86_400_000,
    notAfter: Date.now() + 3_650 * 86_400_000,
    ...(shape.withoutKeyId ? { keyId: null } : {}),
    ...(shape.pathLen === undefined ? {} : { pathLen: shape.pathLen }),
  });
  const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  writeFileSync(files.cert, certificate.pem);
  writeFileSync(files.key, keyToPem(key), { mode: 0o600 });
  return files;
}
