// The Kubernetes page "Manual Rotation of CA Certificates", step by step as it is written, by shell commands on a kubeadm cluster. This is what
// reroot is held against: it leaves out what the page leaves out (order among nodes but "rolling", proofs, bridges) and adds nothing. Kubelets are left to renew
// their client certificates by themselves; what that cuts off comes after the last step, where nothing is counted any more.

export interface Hands {
  controlPlanes: readonly string[];
  workers: readonly string[];
  /** Runs a shell script as root on a node; throws with its words when it fails. Returns standard output. */
  on(node: string, script: string): Promise<string>;
  say(line: string): void;
}

export interface PageStep {
  title: string;
  run(hands: Hands): Promise<void>;
}

const PKI = '/etc/kubernetes/pki';
const KUBECTL = 'kubectl --kubeconfig /etc/kubernetes/admin.conf';
/** An annotation changes, so the kubelet makes the static pod anew; then its own health endpoint is waited for. */
const restartStatic = (component: string, port: number): string => `
stamp=$(date +%s%N)
before=$(pgrep -xo ${component.slice(0, 15)} || true)
manifest=/etc/kubernetes/manifests/${component}.yaml
sed -i '/reroot-page\\/restarted:/d' $manifest
if grep -q '^  annotations:' $manifest; then sed -i "s|^  annotations:|&\\n    reroot-page/restarted: \\"$stamp\\"|" $manifest
else sed -i "s|^metadata:|&\\n  annotations:\\n    reroot-page/restarted: \\"$stamp\\"|" $manifest; fi
for i in $(seq 300); do
  now=$(pgrep -xo ${component.slice(0, 15)} || true)
  if [ -n "$now" ] && [ "$now" != "$before" ] && curl -sko /dev/null -w '%{http_code}' https://127.0.0.1:${port}/healthz | grep -q 200; then exit 0; fi
  sleep 1
done
echo "${component} did not come back" >&2; exit 1
`;
const PORTS = { 'kube-apiserver': 6443, 'kube-controller-manager': 10257, 'kube-scheduler': 10259 } as const;

async function restart(hands: Hands, component: keyof typeof PORTS): Promise<void> {
  for (const node of hands.controlPlanes) {
    hands.say(`    ${component} on ${node}`);
    await hands.on(node, restartStatic(component, PORTS[component]));
  }
}

async function each(hands: Hands, nodes: readonly string[], script: string): Promise<void> {
  for (const node of nodes) await hands.on(node, script);
}

const first = (hands: Hands): string => hands.controlPlanes[0] ?? '';
const everywhere = (hands: Hands): string[] => [...hands.controlPlanes, ...hands.workers];

/** Writes a file of the first control plane to the other nodes. */
async function distribute(hands: Hands, nodes: readonly string[], paths: readonly string[]): Promise<void> {
  const packed = (
    await hands.on(first(hands), `tar -C / -cz ${paths.map((path) => path.slice(1)).join(' ')} | base64 -w0`)
  ).trim();
  for (const node of nodes.filter((one) => one !== first(hands)))
    await hands.on(node, `base64 -d <<'PACKED' | tar -C / -xz\n${packed}\nPACKED`);
}

/** Issues a leaf for what is in the certificate now, with the same key, from the new CA. Extensions are taken over by openssl. */
const REISSUE = `
reissue() { # FILE KEY CA
  openssl x509 -x509toreq -in "$1" -signkey "$2" -copy_extensions copyall -out /tmp/page.csr 2>/dev/null
  openssl x509 -req -in /tmp/page.csr -CA ${PKI}/page/$3.crt -CAkey ${PKI}/page/$3.key -CAcreateserial -copy_extensions copyall -days 365 -out "$1" 2>/dev/null
}
`;
/** The client certificate of a kubeconfig from the new CA, and both CAs in it. */
const KUBECONFIG = `
kubeconfig() { # FILE BUNDLE
  grep client-certificate-data "$1" | awk '{print $2}' | base64 -d > /tmp/page.crt
  grep client-key-data "$1" | awk '{print $2}' | base64 -d > /tmp/page.key
  reissue /tmp/page.crt /tmp/page.key ca
  sed -i "s|\\(client-certificate-data:\\).*|\\1 $(base64 -w0 /tmp/page.crt)|; s|\\(certificate-authority-data:\\).*|\\1 $(base64 -w0 "$2")|" "$1"
  rm -f /tmp/page.crt /tmp/page.key
}
`;
const BOTH = `${PKI}/ca-both.crt`;
const FRONT_BOTH = `${PKI}/front-proxy-ca-both.crt`;
const flag = (component: string, name: string, value: string): string =>
  `sed -i 's|--${name}=.*|--${name}=${value}|' /etc/kubernetes/manifests/${component}.yaml`;

const tokens = (bundle: string): string => `
ca=$(base64 -w0 ${bundle})
for namespace in $(${KUBECTL} get namespaces --no-headers -o name | cut -d/ -f2); do
  for token in $(${KUBECTL} get secrets --namespace "$namespace" --field-selector type=kubernetes.io/service-account-token -o name); do
    ${KUBECTL} get $token --namespace "$namespace" -o yaml | sed "s|\\(ca.crt:\\).*|\\1 $ca|" | ${KUBECTL} apply -f - >/dev/null 2>&1 || echo "not applied: $namespace/$token"
  done
done
`;
const rollAll = (mark: string): string => `
for namespace in $(${KUBECTL} get namespaces -o jsonpath='{.items[*].metadata.name}'); do
  for kind in deployment daemonset; do
    for name in $(${KUBECTL} get $kind -n $namespace -o jsonpath='{.items[*].metadata.name}'); do
      ${KUBECTL} patch $kind -n $namespace $name -p '{"spec":{"template":{"metadata":{"annotations":{"ca-rotation":"${mark}"}}}}}'
    done
  done
done
for namespace in $(${KUBECTL} get namespaces -o jsonpath='{.items[*].metadata.name}'); do
  for kind in deployment daemonset; do
    for name in $(${KUBECTL} get $kind -n $namespace -o jsonpath='{.items[*].metadata.name}'); do
      ${KUBECTL} rollout status -n $namespace $kind/$name --timeout=60s || true
    done
  done
done
`;
const restartKubelet = `
systemctl restart kubelet
for i in $(seq 60); do curl -so /dev/null -w '%{http_code}' http://127.0.0.1:10248/healthz | grep -q 200 && exit 0; sleep 0.5; done
exit 1
`;

/** The page's steps up to where both CAs are trusted and everything presents new; then the one that takes old away. */
export const pageSteps: readonly PageStep[] = [
  {
    title: 'back up; new CA certificates and keys to all control planes',
    async run(hands) {
      await each(
        hands,
        everywhere(hands),
        'rm -rf /root/page-backup; cp -r /etc/kubernetes /root/page-backup; chmod 700 /root/page-backup',
      );
      await hands.on(
        first(hands),
        `mkdir -p -m 700 ${PKI}/page && cd ${PKI}/page && for name in ca front-proxy-ca; do
          openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=page-$name" -addext keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign -keyout $name.key -out $name.crt 2>/dev/null
          cat ${PKI}/$name.crt $name.crt > ${PKI}/$name-both.crt; done`,
      );
      await distribute(hands, hands.controlPlanes, [`${PKI}/page`, BOTH, FRONT_BOTH]);
    },
  },
  {
    title: '--root-ca-file: old and new; restart the controller managers',
    async run(hands) {
      await each(hands, hands.controlPlanes, flag('kube-controller-manager', 'root-ca-file', BOTH));
      await restart(hands, 'kube-controller-manager');
    },
  },
  {
    title: 'service account token Secrets: old and new',
    run: (hands) => hands.on(first(hands), tokens(BOTH)).then(() => undefined),
  },
  {
    title: 'restart all pods with in-cluster configuration',
    run: (hands) => hands.on(first(hands), rollAll('1')).then(() => undefined),
  },
  {
    title: '--client-ca-file of the API servers: old and new',
    async run(hands) {
      await each(hands, hands.controlPlanes, flag('kube-apiserver', 'client-ca-file', BOTH));
      await restart(hands, 'kube-apiserver');
    },
  },
  {
    title: 'user accounts: client certificates from new, both CAs in every kubeconfig',
    run: (hands) =>
      each(
        hands,
        hands.controlPlanes,
        `${REISSUE}${KUBECONFIG}for name in admin super-admin controller-manager scheduler; do f=/etc/kubernetes/$name.conf; [ -f $f ] && kubeconfig $f ${BOTH}; done; true`,
      ),
  },
  {
    title: 'kubelets: clientCAFile and kubelet.conf: old and new, one node after another',
    async run(hands) {
      await distribute(hands, hands.workers, [BOTH]);
      for (const node of everywhere(hands)) {
        hands.say(`    kubelet on ${node}`);
        await hands.on(
          node,
          `sed -i 's|clientCAFile:.*|clientCAFile: ${BOTH}|' /var/lib/kubelet/config.yaml
           sed -i "s|\\(certificate-authority-data:\\).*|\\1 $(base64 -w0 ${BOTH})|" /etc/kubernetes/kubelet.conf
           ${restartKubelet}`,
        );
      }
    },
  },
  {
    title: 'restart API servers with certificates from new',
    async run(hands) {
      await each(
        hands,
        hands.controlPlanes,
        `${REISSUE}cd ${PKI}; reissue apiserver.crt apiserver.key ca; reissue apiserver-kubelet-client.crt apiserver-kubelet-client.key ca; reissue front-proxy-client.crt front-proxy-client.key front-proxy-ca`,
      );
      await restart(hands, 'kube-apiserver');
    },
  },
  { title: 'restart the schedulers', run: (hands) => restart(hands, 'kube-scheduler') },
  {
    title: 'annotate DaemonSets and Deployments',
    run: (hands) => hands.on(first(hands), rollAll('2')).then(() => undefined),
  },
  {
    title: 'cluster-info',
    run: (hands) =>
      hands
        .on(
          first(hands),
          `ca=$(base64 -w0 ${BOTH}); ${KUBECTL} get cm/cluster-info --namespace kube-public -o yaml | sed "s|\\(certificate-authority-data:\\).*|\\1 $ca|" | ${KUBECTL} apply -f - 2>/dev/null`,
        )
        .then(() => undefined),
  },
];

/** The page's last step: old is taken away. What fails from here on is what it must cut off, so failures are counted up to it. */
export const lastSteps: readonly PageStep[] = [
  {
    title: 'token Secrets: new only',
    run: (hands) => hands.on(first(hands), tokens(`${PKI}/page/ca.crt`)).then(() => undefined),
  },
  {
    title: 'restart the control plane without old',
    async run(hands) {
      await each(
        hands,
        hands.controlPlanes,
        `cp ${PKI}/page/ca.crt ${PKI}/ca.crt; cp ${PKI}/page/ca.key ${PKI}/ca.key; cp ${PKI}/page/front-proxy-ca.crt ${PKI}/front-proxy-ca.crt; cp ${PKI}/page/front-proxy-ca.key ${PKI}/front-proxy-ca.key
         ${flag('kube-apiserver', 'client-ca-file', `${PKI}/ca.crt`)}
         ${flag('kube-controller-manager', 'root-ca-file', `${PKI}/ca.crt`)}
         for name in admin super-admin controller-manager scheduler; do f=/etc/kubernetes/$name.conf; [ -f $f ] && sed -i "s|\\(certificate-authority-data:\\).*|\\1 $(base64 -w0 ${PKI}/ca.crt)|" $f; done; true`,
      );
      for (const component of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const)
        await restart(hands, component);
    },
  },
  {
    title: 'kubelets: new only',
    async run(hands) {
      await distribute(hands, hands.workers, [`${PKI}/page/ca.crt`]);
      for (const node of everywhere(hands)) {
        hands.say(`    kubelet on ${node}`);
        await hands.on(
          node,
          `cp ${PKI}/page/ca.crt ${PKI}/ca.crt
           sed -i 's|clientCAFile:.*|clientCAFile: ${PKI}/ca.crt|' /var/lib/kubelet/config.yaml
           sed -i "s|\\(certificate-authority-data:\\).*|\\1 $(base64 -w0 ${PKI}/ca.crt)|" /etc/kubernetes/kubelet.conf
           ${restartKubelet}`,
        );
      }
    },
  },
];
