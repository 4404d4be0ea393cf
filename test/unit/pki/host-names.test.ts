import { describe, expect, it } from 'vitest';
import { verifyLikeGo, verifyLikeOpenSSL } from '../../../src/pki/verify.ts';
import { keyFor, leafLike, NOW, nameOf, oldCA } from './support/fixtures.ts';
import { useJudge } from './support/judge.ts';

const go = useJudge();
const ca = oldCA('today', 'EC-P-256');
const spec = { subjectDer: nameOf('only.in.subject'), key: keyFor('EC-P-256', 'leaf') };
const leaf = leafLike(spec, ca, { dns: ['kubernetes.default.svc', '*.nodes.example'], ip: ['10.96.0.1', 'fd00::1'] });

describe('a leaf is for a name', () => {
  it.each([
    ['kubernetes.default.svc', true],
    ['KUBERNETES.default.svc', true],
    ['kubernetes.default.svc.', true],
    ['kubernetes.default', false],
    ['n1.nodes.example', true],
    ['a.n1.nodes.example', false],
    ['nodes.example', false],
    ['10.96.0.1', true],
    ['10.96.0.2', false],
    ['fd00::1', true],
    ['[fd00:0::0001]', true],
    ['fd00::2', false],
    ['only.in.subject', false],
    ['', true],
  ])('%j: %s, as Go says', async (name, covered) => {
    const question = {
      chain: [leaf],
      anchors: [ca.certificate],
      usage: 'serverAuth' as const,
      now: NOW,
      ...(name === '' ? {} : { name }),
    };

    expect((await go.verify(question)).ok).toBe(covered);
    expect([verifyLikeGo(question).ok, verifyLikeOpenSSL(question).ok]).toEqual([covered, covered]);
  });

  it('never by its common name', async () => {
    const bare = leafLike(spec, ca, { dns: [], ip: [] });
    const question = {
      chain: [bare],
      anchors: [ca.certificate],
      usage: 'serverAuth' as const,
      now: NOW,
      name: 'only.in.subject',
    };

    expect((await go.verify(question)).ok).toBe(false);
    expect(verifyLikeGo(question)).toMatchObject({ reason: 'wrong-name' });
    expect(verifyLikeOpenSSL(question)).toMatchObject({ reason: 'wrong-name' });
  });
});
