// What a thief of old credentials would try after retire: API servers, kubelets and the aggregated API server, with the old leaf bare and with every
// bridge that was ever made. The knocking is curl's, on a control plane, and no code of reroot's.

import type { FullLab } from './harness.ts';

const OLD = '/root/old';

export interface Door {
  what: string;
  /** 401 or 403 or 000 (the handshake was refused); 200 is an open door. */
  status: string;
}

/** Keeps copies on cp1 of what opens everything, before the rotation begins. */
export async function takeOldCredentials(lab: FullLab): Promise<void> {
  await lab.on(
    'cp1',
    `umask 077; mkdir -p ${OLD}; cd ${OLD}
     decode() { grep "$1" /etc/kubernetes/super-admin.conf | awk '{print $2}' | base64 -d; }
     decode client-certificate-data > admin.crt; decode client-key-data > admin.key
     cd /etc/kubernetes/pki
     for name in apiserver-kubelet-client front-proxy-client; do cp $name.crt $name.key ${OLD}/; done
     cp ca.crt ${OLD}/ca.crt; cp front-proxy-ca.crt ${OLD}/front-proxy-ca.crt`,
  );
}

/** Each door opens to old before the rotation: else the tries afterwards would show nothing. */
export async function doors(lab: FullLab, bridges: readonly { name: string; pem: string }[]): Promise<Door[]> {
  const nodes = lab.nodes.map((node) => ({ node, address: lab.address(node) }));
  const sample = lab.kubectl(['get', 'service', '-A', '-o', 'json']);
  const found = JSON.parse(sample).items.find(
    (one: { metadata: { namespace: string; name: string } }) => one.metadata.namespace === 'wardle',
  );
  const aggregated = `${found.spec.clusterIP}:${found.spec.ports[0].port}`;
  const tries: { what: string; client: string; url: string; headers?: string }[] = [];
  const masters = "-H 'X-Remote-User: kubernetes-admin' -H 'X-Remote-Group: system:masters'";
  for (const { node, address } of nodes) {
    tries.push({ what: `${node}/kubelet`, client: 'apiserver-kubelet-client', url: `https://${address}:10250/pods` });
    if (!node.startsWith('cp')) continue;
    tries.push({ what: `${node}/kube-apiserver`, client: 'admin', url: `https://${address}:6443/api/v1/secrets` });
    tries.push({
      what: `${node}/kube-apiserver by front proxy`,
      client: 'front-proxy-client',
      url: `https://${address}:6443/api/v1/secrets`,
      headers: masters,
    });
  }
  const flunders = `https://${aggregated}/apis/wardle.example.com/v1alpha1/flunders`;
  tries.push({ what: 'sample-apiserver', client: 'admin', url: flunders });
  tries.push({
    what: 'sample-apiserver by front proxy',
    client: 'front-proxy-client',
    url: flunders,
    headers: masters,
  });
  const seen: Door[] = [];
  for (const { name, pem } of [{ name: 'bare', pem: '' }, ...bridges]) {
    const script = [
      `umask 077; cd ${OLD}; cat > bridge.pem`,
      'for name in admin apiserver-kubelet-client front-proxy-client; do cat $name.crt bridge.pem > $name.chain; done',
      ...tries.map(
        ({ client, url, headers = '' }) =>
          `curl -sk --max-time 10 -o /dev/null -w '%{http_code}\\n' --cert ${client}.chain --key ${client}.key ${headers} '${url}' || true`,
      ),
    ].join('\n');
    const answers = (await lab.on('cp1', script, { stdin: pem, timeout: 300_000 })).trim().split('\n');
    tries.forEach(({ what }, at) => void seen.push({ what: `${what}, ${name}`, status: answers[at] ?? 'none' }));
  }
  return seen;
}
