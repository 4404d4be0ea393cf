// What must be so before a rotation begins. A chain of small checks, each with one documented reason (docs/findings.md); nothing of a
// cluster that does not meet them is touched.

import { surveyOf } from '../catalog/survey.ts';
import type { Inventory, Millis } from '../model/inventory.ts';
import type { Rotation } from '../model/rotation.ts';
import type { Refusal } from '../model/step.ts';
import { clusterChecks } from './preconditions-cluster.ts';
import { fileChecks } from './preconditions-files.ts';
import { frontChecks } from './preconditions-fronts.ts';
import { kubeconfigChecks } from './preconditions-kubeconfigs.ts';
import { materialChecks } from './preconditions-material.ts';
import { roleChecks } from './preconditions-roles.ts';

/** Everything that is not met, the most basic first. Empty: a rotation may begin. Pure; `now` in milliseconds. */
export function preconditions(inventory: Inventory, rotation: Rotation, now: Millis): Refusal[] {
  const survey = surveyOf(inventory, rotation, now);
  const checks = [
    ...clusterChecks,
    ...kubeconfigChecks,
    ...materialChecks,
    ...fileChecks,
    ...roleChecks,
    ...frontChecks,
  ];
  return checks.flatMap((check) => check(survey));
}
