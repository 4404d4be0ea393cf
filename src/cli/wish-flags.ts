// Flags that plan, rotate and rollback share, and what they must look like.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { AUTHORITIES, type Authority } from '../core/model/ids.ts';
import type { Waiver } from '../core/model/rotation.ts';
import { wrongUse } from '../errors.ts';
import { KEY_TYPES, type KeyType } from '../pki/keys.ts';
import type { Wish } from '../rotate/open.ts';

export interface WishFlags {
  authority?: Authority[];
  newCa?: string[];
  keyType?: KeyType;
  newKeys?: boolean;
  restart: Wish['restart'];
  waive: Waiver[];
  maxUnavailable: string;
  compromised?: boolean;
}

export function addWishFlags(command: Command): Command {
  return addRunFlags(command)
    .option('--new-ca <authority=cert,key>', 'use this CA instead of making one (repeatable)', collect, [])
    .addOption(new Option('--key-type <type>', 'key of new CAs; default: as the old one').choices([...KEY_TYPES]))
    .option('--new-keys', 'leafs get new keys as well');
}

/** Those that do not say how a rotation begins: of rollback too. */
export function addRunFlags(command: Command): Command {
  return command
    .option(
      '--authority <list>',
      'authorities to turn: kubernetes, front-proxy (default: those of the open rotation, else both)',
      authorities,
    )
    .addOption(
      new Option('--restart <which>', 'pods that reroot may evict').choices(['none', 'stale', 'all']).default('none'),
    )
    .option('--waive <id=reason>', 'go on without this party, and say so in the report (repeatable)', waivers, [])
    .option('--max-unavailable <n>', 'nodes at once in a wave of kubelet restarts: N or N%', maxUnavailable, '1')
    .option('--compromised', 'the old key has leaked: no reverse bridge will ever be made');
}

export function wishOf(flags: WishFlags): Wish {
  return {
    newCA: flags.newCa ?? [],
    newKeys: flags.newKeys ?? false,
    restart: flags.restart,
    waivers: flags.waive,
    maxUnavailable: flags.maxUnavailable,
    compromised: flags.compromised ?? false,
    ...(flags.authority ? { authorities: flags.authority } : {}),
    ...(flags.keyType ? { keyType: flags.keyType } : {}),
  };
}

function authorities(text: string): Authority[] {
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) {
    if (!AUTHORITIES.includes(name as Authority)) {
      throw new InvalidArgumentError(`"${name}" is none of ${AUTHORITIES.join(', ')}.`);
    }
  }
  const later = names.filter((name) => name === 'etcd' || name === 'service-account');
  if (later.length > 0) {
    throw wrongUse(
      `this version cannot turn ${later.join(' and ')} yet`,
      'it turns kubernetes and front-proxy: --authority kubernetes,front-proxy',
    );
  }
  return names as Authority[];
}

const collect = (value: string, known: string[]): string[] => [...known, value];

const ID =
  /^(pod\/[^/]+\/[^/]+|(webhook|apiservice|crd|user|node)\/.+|file\/[^:]+:.+|object\/[^/]+\/[^/]*\/.+|[^/]+\/[^/]+)$/;

function waivers(value: string, known: Waiver[]): Waiver[] {
  const equals = value.indexOf('=');
  const party = equals < 0 ? value : value.slice(0, equals);
  const reason = equals < 0 ? '' : value.slice(equals + 1).trim();
  if (!ID.test(party))
    throw new InvalidArgumentError(`"${party}" is no id of a party (pod/NS/NAME, file/NODE:PATH, node/NAME, …).`);
  if (reason === '')
    throw new InvalidArgumentError('a waiver needs a reason: --waive ID=REASON. It goes into the report.');
  return [...known, { party, reason }];
}

function maxUnavailable(value: string): string {
  const match = /^(\d+)(%?)$/.exec(value);
  const number = Number(match?.[1]);
  if (!match || number < 1 || (match[2] === '%' && number > 100))
    throw new InvalidArgumentError('a number from 1, or 1% to 100%.');
  return value;
}
