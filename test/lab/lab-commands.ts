// The lab's own commands, as the tests of labs use them.

import { existsSync } from 'node:fs';
import { expect } from 'vitest';
import { processesOfLab } from '../../lab/proc.ts';
import type { LabStatus } from '../../lab/processes/status.ts';
import { labDir } from '../../lab/state.ts';
import { reroot } from './harness.ts';

export const small = (name: string): string[] => ['lab', 'up', '--name', name, '--control-planes', '1'];
export const down = (name: string) => reroot(['lab', 'down', '--name', name]);

export async function statusOf(name: string): Promise<{ code: number; status: LabStatus }> {
  const { code, stdout } = await reroot(['lab', 'status', '--name', name, '-o', 'json']);
  return { code, status: JSON.parse(stdout) as LabStatus };
}

export function expectNothingLeft(name: string): void {
  expect(processesOfLab(labDir(name))).toEqual([]);
  expect(existsSync(labDir(name))).toBe(false);
}
