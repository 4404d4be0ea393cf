/**
 * Shell: `flush -- FILE` ends when a file or folder is on disk, `flush -f -- FILE` when its whole file system is, and fails with what the disk says. A sync
 * that takes no operand (coreutils before 8.24, a small busybox) names none in its help: that one brings everything to disk.
 */
export const FLUSH = `
operand=
flush() {
  [ -n "$operand" ] || case $(sync --help 2>&1) in *FILE*) operand=yes ;; *) operand=no ;; esac
  if [ $operand = yes ]; then sync "$@"; else sync; fi
}
`;
