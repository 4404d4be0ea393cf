// What a full lab is made of, wherever it comes from.

export interface FullParts {
  /** The multi-call program: real kubelet and kube-proxy; acts by the name it is started under. */
  program: string;
  /** Folder: the nodes' read-only lower layer. */
  rootfs: string;
  /** Docker archive of all images. */
  images: string;
  /** `/var/lib/containerd` with all images in it, unpacked. */
  containerdBase: string;
}
