// What the multi-call program knows by itself: the images that kubeadm wants, and its own names.

import { spawnSync } from 'node:child_process';
import { failedSafe } from '../../../src/errors.ts';
import { type Image, imagesFor } from './image-list.ts';

function ask(program: string, name: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { argv0: name, encoding: 'utf8', cwd: '/' });
  if (status === 0) return stdout;
  throw failedSafe(`${name} ${args.join(' ')} failed: ${error?.message ?? stderr.trim()}`);
}

/** Asks no network: the version is given. */
export const imagesOf = (program: string, version: string): Image[] =>
  imagesFor(ask(program, 'kubeadm', 'config', 'images', 'list', '--kubernetes-version', `v${version}`));

export const namesOf = (program: string): string[] =>
  ask(program, 'names')
    .trim()
    .split('\n')
    .filter((name) => name !== 'names')
    .sort();
