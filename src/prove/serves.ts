// serves: the chain an endpoint presents in a fresh handshake, to that endpoint itself and not through a load balancer.

import { isIP } from 'node:net';
import { servedChain } from '../cluster/wire.ts';
import type { Proof } from '../core/model/step.ts';
import { readCertificate } from '../pki/certificate.ts';
import { credentialIn, describeChain } from './chain.ts';
import type { Look, LookContext } from './context.ts';
import { atEach, type Endpoint } from './endpoint.ts';
import { atMembers, generationsOf, known, type Member } from './resolve.ts';

const PATIENCE = 5_000;

export const serves = (proof: Proof, of: string, ctx: LookContext): Promise<Look> =>
  atMembers(proof, of, ctx, (member) => atEach(proof, member, ctx, (endpoint) => look(proof, member, ctx, endpoint)));

async function look(proof: Proof, member: Member, ctx: LookContext, endpoint: Endpoint): Promise<Look> {
  const name = nameFor(member, ctx);
  const { host, port, ...at } = endpoint;
  const { chain } = await servedChain(host, port, {
    timeout: PATIENCE,
    at,
    ...(ctx.dial ? { dial: ctx.dial } : {}),
    ...(name === undefined ? {} : { servername: name }),
  });
  const certificates = chain.map((der) => readCertificate(der));
  const value = credentialIn(ctx, certificates, generationsOf(ctx, proof));
  const place = name === undefined ? `${host}:${port}` : `${host}:${port} as ${name}`;
  return { value, evidence: `a handshake with ${place} showed ${describeChain(certificates)}` };
}

/** SNI certificates are served under their own names only, callees behind the name of their Service. */
function nameFor({ party, name, use }: Member, ctx: LookContext): string | undefined {
  const { stores, callees } = known(ctx);
  if (callees.has(party)) {
    const serverName = callees.get(party)?.serverName;
    return serverName !== undefined && isIP(serverName) === 0 ? serverName : undefined;
  }
  if (!name.startsWith('sni')) return undefined;
  return stores.get(use.sources[0]?.store ?? '')?.certs[0]?.dnsNames[0];
}
