// Steps that write: one for each control-plane node where its API server reads the file or the write restarts something, one for all other files
// together, one for objects. What already holds the value, or is further along, is left out.

import { type Authority, parseFileId, type StoreId } from '../model/ids.ts';
import type { Proof } from '../model/step.ts';
import type { Holds, Value } from '../model/value.ts';
import { type Course, isControlPlane, membersOf, nodeOfStore } from './course.ts';
import { isAtLeast } from './order.ts';
import { type Draft, isPossible, place } from './place.ts';
import { storesOf, usesWhere } from './roles.ts';

export interface WriteWish {
  /** Step id without the place: `trust.kubernetes.client-ca`. */
  id: string;
  authority: Authority;
  /** `let cp1 …`: the place is put behind it. */
  title: string;
  stores: readonly StoreId[];
  value: Value;
  /** One step whatever the places: stores that must be switched close together. */
  together?: boolean;
  /** Proofs beside the read back of the stores. */
  proof?: readonly Proof[];
  /** False where old is dropped: then nothing turns the step back. */
  undoable?: boolean;
}

/** Adds the write steps; returns the stores that were written. */
export function write(c: Course, wish: WriteWish): StoreId[] {
  const drafts = draftsOf(c, wish);
  for (const { stores, draft } of drafts) {
    place(c, draft);
    for (const id of stores) {
      c.content.set(id, wish.value);
      c.written.add(id);
    }
  }
  return drafts.flatMap(({ stores }) => stores);
}

/** Whether every step of the wish is possible now. */
export const canWrite = (c: Course, wish: WriteWish): boolean =>
  draftsOf(c, wish).every(({ draft }) => isPossible(c, draft));

/** Stores of these that do not hold the value yet and are not further along. */
export function lacking(c: Course, stores: readonly StoreId[], value: Value): StoreId[] {
  return [...new Set(stores)].filter((id) => {
    const store = c.stores.get(id);
    const content = c.content.get(id);
    return store && (content === undefined || !isAtLeast(c.direction, store.holds, content, value));
  });
}

interface Placed {
  stores: StoreId[];
  draft: Draft;
}

function draftsOf(c: Course, wish: WriteWish): Placed[] {
  const stores = lacking(c, wish.stores, wish.value);
  if (stores.length === 0) return [];
  const groups = wish.together ? new Map([['', stores]]) : byPlace(c, stores);
  return [...groups].map(([at, some]) => ({ stores: some, draft: draftOf(c, wish, at, some) }));
}

const TOGETHER = 'nodes';
const OBJECTS = 'objects';

function byPlace(c: Course, stores: readonly StoreId[]): Map<string, StoreId[]> {
  const groups = new Map<string, StoreId[]>();
  for (const id of stores) {
    const at = placeOf(c, id);
    groups.set(at, [...(groups.get(at) ?? []), id]);
  }
  return groups;
}

function placeOf(c: Course, id: StoreId): string {
  const node = nodeOfStore(c, id);
  if (node !== undefined && isControlPlane(c, node) && isAlone(c, id)) return node;
  const [member] = membersOf(c, [id]);
  return member !== undefined && parseFileId(member) ? TOGETHER : OBJECTS;
}

/** What goes wrong with it must meet one API server, never all: each is proved before the next. A manifest restarts its component when it is written. */
const isAlone = (c: Course, id: StoreId): boolean =>
  c.stores.get(id)?.holds === 'flags' || storesOf(usesWhere(c, { component: 'kube-apiserver' })).includes(id);

function draftOf(c: Course, wish: WriteWish, at: string, stores: readonly StoreId[]): Draft {
  const { value, authority } = wish;
  const members = membersOf(c, stores);
  const before = Object.fromEntries(stores.flatMap((id) => beforeOf(c, id)));
  const back = previous(c, stores);
  const holds: Proof = { kind: 'holds', authority, of: members, keep: [value] };
  return {
    id: at === '' ? wish.id : `${wish.id}.${at}`,
    authority,
    title: titleOf(wish.title, at, members),
    action: { do: 'write', stores: members, value },
    effects: [{ kind: 'write', stores: members, value }],
    proof: [holds, ...(wish.proof ?? [])],
    before,
    after: Object.fromEntries(members.map((member) => [member, value])),
    ...(wish.undoable === false ? {} : { inverse: { do: 'write', stores: members, value: back } as const }),
  };
}

function titleOf(title: string, at: string, members: readonly StoreId[]): string {
  if (at === '' || at === OBJECTS) return title;
  if (at !== TOGETHER) return `${title} (${at})`;
  const nodes = new Set(members.map((member) => parseFileId(member)?.node));
  return nodes.size === 1 ? `${title} (${[...nodes][0]})` : `${title} (${nodes.size} nodes)`;
}

function beforeOf(c: Course, id: StoreId): [StoreId, Value | 'various'][] {
  const value = c.content.get(id) ?? 'various';
  return membersOf(c, [id]).map((member) => [member, value]);
}

/** What these stores hold, to go back to. A file that reroot makes first is not used before its flags name it, and may stay. */
const UNMADE: Readonly<Partial<Record<Holds, Value>>> = { trust: 'old', signer: 'old' };
function previous(c: Course, stores: readonly StoreId[]): Value {
  const [first] = stores;
  const holds = first === undefined ? undefined : c.stores.get(first)?.holds;
  const value = first === undefined ? undefined : c.content.get(first);
  if (value === undefined || value === 'none' || value === 'absent') return (holds && UNMADE[holds]) ?? 'old';
  return value;
}
