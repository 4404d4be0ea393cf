// The processes of instances now. Many proofs of one look ask about one node: its table is read once.

import { parseArgv } from '../discover/argv.ts';
import { componentProcesses } from '../discover/processes.ts';
import { listProcesses, type ProcessSeen } from '../nodes/processes.ts';
import type { ProbeContext, ProcessTables } from './context.ts';

/** For one look only: the next one reads the tables anew. */
export function processTables(ctx: ProbeContext): ProcessTables {
  const tables = new Map<string, Promise<ProcessSeen[]>>();
  return {
    async of({ node, component }) {
      const table = tables.get(node) ?? listProcesses(ctx.accessOf(node));
      tables.set(node, table);
      const found = componentProcesses(await table, node, ctx.config).find(({ line }) => line.name === component);
      return found && { process: found.process, flags: parseArgv(found.process.argv).flags };
    },
  };
}
