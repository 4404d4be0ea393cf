/**
 * Shell: `destroy FOLDER`. Every file in it, hidden ones too (a write that was killed leaves `.NAME.reroot.XXXXXX`, with the key in it), is overwritten first
 * where there is a `shred`, so that most disks do not keep it either; then the folder goes with all that is left in it.
 */
export const DESTROY = `
destroy() {
  find "$1" -type f -exec shred -u {} + 2>/dev/null
  rm -rf -- "$1"
}
`;

/** Milliseconds: shred waits for the disk several times for each file. */
export const DESTROY_LIMIT = 120_000;
