// The catalogue's table of contents.

import { etcd } from './etcd.ts';
import type { ComponentFacts } from './facts.ts';
import { genericComponent } from './generic.ts';
import { kubeApiserver } from './kube-apiserver.ts';
import { kubeControllerManager } from './kube-controller-manager.ts';
import { kubeProxy } from './kube-proxy.ts';
import { kubeScheduler } from './kube-scheduler.ts';
import { kubelet } from './kubelet.ts';

const KNOWN: readonly ComponentFacts[] = [
  kubeApiserver,
  kubeControllerManager,
  kubeScheduler,
  kubelet,
  kubeProxy,
  etcd,
];
const BY_NAME = new Map(KNOWN.map((facts) => [facts.component, facts]));

/** The page of a component; of any other process the generic one. */
export const factsOf = (component: string): ComponentFacts => BY_NAME.get(component) ?? genericComponent;
